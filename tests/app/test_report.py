"""One report, four forms: report.json, report.md, report.html, the console."""

import dataclasses
import io
import json
import math
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from textzoo.common.escaping import visible, visible_line
from textzoo.common.terminal import TextConsole
from textzoo.engines.settings import PredictionConfig
from textzoo.pipeline import samples as samples_module
from textzoo.pipeline.samples import samples_text
from textzoo.records.report import (
    SECTIONS,
    BaselineReport,
    BenchmarkReport,
    DeploymentReport,
    EvaluationReport,
    FlashBytes,
    ModelReport,
    PassReport,
    Projection,
    QuantizationReport,
    RamBytes,
    Range,
    Report,
    RunSummary,
    RuntimeReport,
    SampleReport,
    Skipped,
    TrainingReport,
    key_value_rows,
    print_report,
    write_report,
)
from textzoo.text.tokenizers.byte import ByteTokenizer

# A picture of one pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c63606060f80f0001040100b59b0bd90000000049454e44ae426082"
)
REPORT = Report(
    model=ModelReport("pico_gpt", 418_432, 65, 128),
    training=TrainingReport(2500, 10_240_000, 400.0, 25_600.0, 1.6, 2400, False, "ab"),
    quantization=QuantizationReport("static_wi8_ai8", 450_000, 1_700_000, 12.5, 460_000),
    evaluation=[
        EvaluationReport("float", "keras", 20_000, 1.6, 2.308, 4.953, 0.52, 0.83, 1.0),
        EvaluationReport("int8", "litert_ref", 20_000, 1.64, 2.366, 5.155, 0.51, 0.82, 20.0, 0.04),
    ],
    samples=[SampleReport("int8", "litert_ref", "The ", "king", 4, 0.8, 0, 1, 0.01)],
)
BENCHMARK = BenchmarkReport(
    board="STM32H7",
    measured_by="emulator",
    machine="QEMU",
    tokens_checked=256,
    mismatching_logits=0,
    macs_per_token=500,
    instructions_per_token=1000,
    instructions_smallest=900,
    instructions_largest=1100,
    instructions_per_mac=2.0,
    same_text=True,
    flash_bytes=FlashBytes(100, 20, 3, 123, 2048),
    ram_bytes=RamBytes(1, 2, 3, 4, 10, 640),
    projected=Projection(
        clock_hz=10,
        core_cycles=1411,
        core_error_percent=3.0,
        cycles=1729,
        stall_cycles=318,
        error_percent=6.5,
        tokens_per_second=Range(1640.0, 18.6),
        basis="a model",
        by_kind={"FULLY_CONNECTED": 1509, "ADD": 220},
        stalls_by_kind={"FULLY_CONNECTED": 301, "ADD": 17},
        by_position=[1722, 1736],
    ),
    by_kind={"FULLY_CONNECTED": 912, "ADD": 88},
    by_position=[901, 1099],
)
DEPLOYMENT = DeploymentReport(
    "c_project/STM32H7", "STM32H7", "cd", 1, 2, 100, [PassReport("views", 9, 8, 70, 60, 5, 4)]
)
RUNTIMES = [
    RuntimeReport("ST Edge AI Core 4.0.1", "a board of the cloud", 4003, 5007, 6011, 7013, 8017, 1.251),
    RuntimeReport("TextZoo", "a model of a board", 3001, 2003, 6011),
]
BASELINES = [
    BaselineReport("n-gram", 2.4013, "pruned", "int8", 450_123, 2.3802),
    BaselineReport("zstd --ultra -22", None, "not measured: install zstd"),
]
WHOLE = dataclasses.replace(
    REPORT,
    benchmark=BENCHMARK,
    baselines=BASELINES,
    runtimes=RUNTIMES,
    deployment=DEPLOYMENT,
    skipped=[Skipped("building", "no compiler")],
)
SUMMARY = RunSummary("chain_tqe", "FINISHED", "somewhere", "id")
# What has a meaning somewhere on the way: markup of Rich, emoji codes, Markdown, HTML, fences, terminals, wide letters.
TROUBLE = [
    "[/v2]",
    "[bold red]x[/]",
    ":smile: \ttab",
    "a|b\nc",
    "```\n````\n```",
    "<script>alert('&amp;')</script>",
    "\x1b[2J\x1b]0;title\x07\x9b31m",
    "lone\rreturn\x08\x08",
    "crlf\r\nnext",
    "\u202eright\u2066",
    "漢字 e\u0301 👩\u200d👩\u200d👧 \ufe0f",
    "\ud83d half",
    "\x00\x85\u2028",
    "  two  spaces  ",
    "x" * 300,
    "*a* _b_ `c` [d](e) $f$ \\|",
]


def printed(report, width=80, encoding="utf-8", summary=SUMMARY, **options):
    """What the console writes to a file of an encoding that refuses what it lacks."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", newline="")
    print_report(TextConsole(file=stream, width=width, **options), summary, report)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


class Page(HTMLParser):
    """The exact values of a page's figures, the texts of its elements, and what it would load."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.values, self.texts, self.addresses, self.tags = [], [], [], set()
        self.open, self.samples = [], []
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        attributes = dict(attributes)
        self.addresses += [value for name, value in attributes.items() if name in ("src", "href", "srcset", "data")]
        if tag == "data":
            self.values.append(attributes["value"])
        if tag not in ("meta", "br", "img"):
            self.open.append([tag, attributes.get("class"), ""])

    def handle_endtag(self, tag):
        opened, kind, text = self.open.pop()
        assert opened == tag
        self.texts.append(text)
        if kind in ("prompt", "text"):
            self.samples.append(text)

    def handle_data(self, data):
        if self.open:
            self.open[-1][-1] += data


def leaves(value):
    """All numbers, truth values and texts of nested JSON."""
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


def written(folder, report, summary=SUMMARY):
    """report.json as values, report.md and report.html as texts, newlines as they are in the files."""
    write_report(folder, summary, report)
    json_text, page, html = (
        (folder / name).read_bytes().decode("utf-8") for name in ("report.json", "report.md", "report.html")
    )
    return json.loads(json_text), page, html


def test_json_holds_what_the_design_names(tmp_path):
    values, _, _ = written(tmp_path, REPORT)
    assert values["schema_version"] == 2
    assert values["operation_mode"] == "chain_tqe"
    assert values["model"]["parameters"] == 418_432
    assert values["training"]["tokens"] == 10_240_000
    assert [row["model"] for row in values["evaluation"]] == ["float", "int8"]
    assert values["quantization"]["file_bytes"] == 450_000
    assert "skipped" not in values
    assert "null" not in (tmp_path / "report.json").read_text()


@pytest.mark.parametrize("report", [REPORT, WHOLE], ids=["without device", "whole"])
def test_a_report_survives_the_ledger(report):
    assert Report.from_dict(json.loads(json.dumps(report.to_dict()))) == report


@pytest.mark.parametrize(("value", "name"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf")])
def test_figures_that_are_no_numbers_are_reported_as_such(tmp_path, value, name):
    """A model of NaNs, or one whose perplexity is beyond all numbers, is a finding."""
    row = dataclasses.replace(REPORT.evaluation[1], loss_nats=value, perplexity=value, delta_loss_nats=value)
    report = dataclasses.replace(WHOLE, evaluation=[row], training=dataclasses.replace(REPORT.training, seconds=value))
    values, page, html = written(tmp_path, report)
    assert values["evaluation"][0]["loss_nats"] == values["training"]["seconds"] == name
    again = Report.from_dict(json.loads(json.dumps(report.to_dict(), allow_nan=False)))
    assert again.benchmark == report.benchmark
    assert (again.to_dict(), type(again.evaluation[0].delta_loss_nats)) == (report.to_dict(), float)
    assert f"| {name} |" in page
    assert f'<data value="{name}">{name}</data>' in html
    assert re.search(rf"\s{name}\s", printed(report))


def test_sections_of_services_that_did_not_run_are_absent():
    assert set(Report(quantization=REPORT.quantization).to_dict()) == {"quantization"}


def test_merging_keeps_earlier_sections_and_takes_later_rows():
    report = Report(model=REPORT.model, evaluation=REPORT.evaluation[:1])
    report.merge(Report(quantization=REPORT.quantization))
    report.merge(Report(evaluation=REPORT.evaluation))
    assert report.model == REPORT.model
    assert report.evaluation == REPORT.evaluation


def test_merging_replaces_rows_of_the_same_model_only():
    before, other = REPORT.evaluation
    after = dataclasses.replace(before, loss_nats=1.5)
    report = Report(evaluation=[before])
    report.merge(Report(evaluation=[other]))
    assert report.evaluation == [before, other]
    report.merge(Report(evaluation=[after]))
    assert report.evaluation == [after, other]
    part = dataclasses.replace(before, corpus="news")
    report.merge(Report(evaluation=[part]))
    assert report.evaluation == [after, other, part]


def test_merging_keeps_samples_of_others_and_what_was_skipped_once():
    first, second = Skipped("a", "why"), Skipped("b", "why")
    sample = REPORT.samples[0]
    again, device = dataclasses.replace(sample, text="queen"), dataclasses.replace(sample, engine="STM32H7")
    report = Report(skipped=[first], samples=[sample])
    report.merge(Report(model=REPORT.model))
    report.merge(Report(skipped=[second, first], samples=[device]))
    report.merge(Report(skipped=[second], samples=[again]))
    assert report.skipped == [first, second]
    assert report.samples == [again, device]


def test_every_quantity_has_a_unit():
    for section in (*SECTIONS.values(), FlashBytes, RamBytes, Projection, PassReport):
        for entry in dataclasses.fields(section):
            assert "unit" in entry.metadata


def test_rows_of_a_benchmark_show_units():
    rows = dict(key_value_rows(BENCHMARK))
    assert rows["flash weights (bytes)"] == "100"
    assert rows["projected tokens per second"] == "1,640 to 18.6"
    assert rows["instructions: ADD"] == "88"


def test_markdown_and_console_show_what_an_operator_costs(tmp_path):
    _, page, _ = written(tmp_path, WHOLE)
    assert "| FULLY_CONNECTED | 912 | 1,509 | 301 | 19.9% |" in page
    assert re.search(r"FULLY_CONNECTED +912 +1,509 +19.9%", printed(WHOLE))
    narrow = printed(WHOLE, width=40)
    assert re.search(r"FULLY_CONNECTED +912 +91.2%(?s:.*)FULLY_CONNECTED +1,509 +19.9%", narrow)


def test_measured_cycles_stand_beside_the_predicted_ones():
    benchmark = dataclasses.replace(
        BENCHMARK, cycles_per_token=1800, instructions_per_token=None, tokens_per_second=9.0
    )
    assert "1,800 per token, measured; 1,729 predicted (-3.9%)" in printed(Report(benchmark=benchmark))


def test_markdown_and_console_show_the_same_figures(tmp_path):
    _, page, _ = written(tmp_path, REPORT)
    output = printed(REPORT)
    for figure in ("418,432", "1.6400", "2.3660", "0.0400", "450,000", "litert_ref", "The king"):
        assert figure in page
        assert figure in output


@pytest.mark.parametrize(
    ("section", "title"),
    [("training", "model and training"), ("quantization", "quantization"), ("deployment", "device")],
)
def test_the_console_shows_a_section_that_is_alone(section, title):
    lines = printed(Report(**{section: getattr(WHOLE, section)})).splitlines()
    assert title in [line.strip() for line in lines]


@pytest.mark.parametrize("width", [40, 80, 400])
def test_tables_fit_the_terminal_and_cut_nothing_off(width):
    long = dataclasses.replace(WHOLE, model=ModelReport("a_model_with_quite_a_long_name" * 3, 418_432, 65, 128))
    output = printed(long, width=width)
    assert max(map(len, output.splitlines()[:-1])) <= max(width, len("skipped building: no compiler"))
    for figure in (
        "418,432",
        "1.6400",
        "0.0400",
        "450,000",
        "litert_ref",
        "FULLY_CONNECTED",
        "19.9%",
        "2,048",
        "1,509",
    ):
        assert figure in re.sub(r"\s+", "", output) or figure in output
    assert "…" not in output


def test_memory_is_a_bar_against_what_the_board_has():
    lines = printed(WHOLE).splitlines()
    bar = next(line for line in lines if line.startswith("flash"))
    assert bar.count("█") == round(30 * 123 / 2048)
    assert bar.count("█") + bar.count("░") == 30
    assert any("123 of 2,048 bytes, 6.0%" in line for line in lines)


def test_a_text_is_printed_once_with_all_who_wrote_it():
    sample = REPORT.samples[0]
    samples = [
        sample,
        dataclasses.replace(sample, model="pico_gpt", engine="STM32H7"),
        dataclasses.replace(sample, text="!"),
    ]
    output = printed(Report(samples=samples))
    assert output.count("The king") == 1
    assert "int8 on litert_ref and pico_gpt on STM32H7" in output
    assert "The !" in output
    stream = io.StringIO()
    print_report(TextConsole(file=stream), SUMMARY, Report(samples=samples), with_samples=False)
    assert "The king" not in stream.getvalue()


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {}])
def test_colours_only_on_terminals_that_want_them(variables):
    def output(terminal):
        return printed(WHOLE, force_terminal=terminal, _environ={"TERM": "xterm-256color", **variables})

    assert "\x1b" not in output(False)
    assert bool(re.search(r"\x1b\[[\d;]*3[0-7]m", output(True))) == (not variables)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
@pytest.mark.parametrize("trouble", TROUBLE)
def test_every_encoding_can_show_every_report(trouble, encoding):
    output = printed(with_texts(trouble), encoding=encoding, summary=summary_with(trouble))
    assert visible(f"{trouble}\n", encoding) in output
    assert f"lie in {visible_line(trouble, encoding)}\n" in output


@pytest.mark.parametrize("trouble", TROUBLE)
def test_any_console_of_rich_shows_texts_as_texts(trouble):
    stream = io.StringIO(newline="")
    print_report(Console(file=stream, width=80), summary_with(trouble), with_texts(trouble))
    assert visible(f"{trouble * 2}\n") in stream.getvalue()
    assert f"lie in {visible_line(trouble)}\n" in stream.getvalue()
    assert not HARMFUL.search(stream.getvalue())


def with_texts(text):
    """A report whose every text, names and prompts included, is this one."""
    return Report(
        model=dataclasses.replace(REPORT.model, name=text),
        evaluation=[dataclasses.replace(row, model=text, engine=text, corpus=text) for row in REPORT.evaluation],
        benchmark=dataclasses.replace(BENCHMARK, board=text, machine=text, by_kind={text: 7}),
        deployment=dataclasses.replace(DEPLOYMENT, c_project=text, passes=[PassReport(text, 9, 8, 70, 60, 5, 4)]),
        runtimes=[dataclasses.replace(row, runtime=text, machine=text) for row in RUNTIMES],
        samples=[dataclasses.replace(REPORT.samples[0], model=text, engine=text, prompt=text, text=text)],
        skipped=[Skipped(text, text)],
    )


def summary_with(text):
    return dataclasses.replace(SUMMARY, run_dir=text)


HARMFUL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|\r(?!\n)")
ANY_TEXT = st.text(st.one_of(st.sampled_from("`|[]:<>&\x1b\r\n\t\x9b\u202e\ud800"), st.characters()), max_size=40)


@given(ANY_TEXT, st.sampled_from(["utf-8", "ascii", "latin-1"]))
def test_visible_text_is_harmless_and_otherwise_the_text(text, encoding):
    shown = visible(text, encoding)
    assert not HARMFUL.search(shown)
    assert shown.encode(encoding).decode(encoding) == shown
    assert visible(shown, encoding) == shown
    harmless = [character for character in text if visible(character) == character]
    if len(harmless) == len(text):
        assert visible(text) == text
    if encoding == "ascii" and text.isascii() and text.isprintable():
        assert shown == text


@given(st.lists(ANY_TEXT, max_size=6))
def test_a_stream_shows_what_the_whole_text_would(pieces):
    stream = io.StringIO(newline="")
    with TextConsole(file=stream, width=20).stream() as show:
        for piece in pieces:
            show(piece)
    assert stream.getvalue() == visible("".join(pieces))


@given(st.binary(max_size=40))
def test_bytes_of_a_model_are_streamed_as_the_text_that_they_are(data):
    """Characters come in parts, or never become whole."""
    tokenizer = ByteTokenizer()
    stream = io.StringIO(newline="")
    with TextConsole(file=stream).stream() as show:
        for piece in tokenizer.decode_stream(list(data)):
            show(piece)
    assert stream.getvalue() == visible(data.decode("utf-8", "replace"))


class Pieces(list):
    """Pieces of a continuation, as `generate_samples` yields them."""

    tokens = 3


@pytest.mark.parametrize("texts", [[["ki", "ng\r"]], [[], ["", "a"]], [["\x1b["], ["\n"], ["b"]]])
def test_prediction_shows_what_samples_txt_holds_each_text_once(monkeypatch, texts):
    monkeypatch.setattr(samples_module, "generate_samples", lambda *_, **__: map(Pieces, texts))
    wanted = PredictionConfig(prompt="The\r\n", num_samples=len(texts), seed=5)
    shown = []
    samples = list(samples_module.samples_of(wanted, "int8", SimpleNamespace(name="litert_ref"), None, shown.append))
    assert "".join(shown) == samples_text(samples)
    assert [(sample.text, sample.seed) for sample in samples] == [
        ("".join(pieces), 5 + index) for index, pieces in enumerate(texts)
    ]


@settings(max_examples=50)  # each writes files
@given(ANY_TEXT, ANY_TEXT)
def test_all_forms_agree_on_any_text(tmp_path_factory, prompt, text):
    folder = tmp_path_factory.mktemp("run")
    sample = dataclasses.replace(REPORT.samples[0], prompt=prompt, text=text)
    values, page, html = written(folder, Report(samples=[sample]))
    exact = prompt + text
    assert values["samples"][0]["prompt"] + values["samples"][0]["text"] == exact
    assert samples_text([sample]) == exact + "\n"
    assert visible(exact + "\n") in printed(Report(samples=[sample]))
    assert f"\n{visible(exact)}\n" in page
    assert "".join(Page(html).samples) == visible(exact)


@pytest.mark.parametrize("trouble", TROUBLE)
def test_pages_hold_nothing_that_harms_who_reads_them(tmp_path, trouble):
    values, page, html = written(tmp_path, with_texts(trouble), summary_with(trouble))
    assert not HARMFUL.search(page)
    assert not HARMFUL.search(html)
    assert visible(trouble * 2) in page
    assert visible(trouble * 2) in "".join(Page(html).samples)
    assert values["model"]["name"] == trouble  # data stays exact


@pytest.mark.parametrize("text", ["漢字 العربية e\u0301", "👩\u200d👩\u200d👧 👍🏽 🇩🇪 ❤\ufe0f", "a\tb\n\nc\r\nd"])
def test_pages_show_ordinary_text_as_it_is(tmp_path, text):
    _, page, html = written(tmp_path, with_texts(text))
    assert f"\n{text * 2}\n" in page
    assert "".join(Page(html).samples) == text * 2


@pytest.mark.parametrize("trouble", TROUBLE)
def test_markdown_takes_texts_for_texts(tmp_path, trouble):
    _, page, _ = written(tmp_path, with_texts(trouble), summary_with(trouble))
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    blocks = [token.content for token in tokens if token.type == "fence"]
    assert blocks == [re.sub("\r\n?", "\n", MarkdownIt().parse(f"~~~~~\n{visible(trouble * 2)}\n~~~~~")[0].content)]
    inline = [token for token in tokens if token.type == "inline"]
    assert {child.type for token in inline for child in token.children} <= {"text", "text_special"}
    texts = ["".join(child.content for child in token.children) for token in inline]
    assert texts.count(visible_line(trouble).strip()) >= 6
    assert not [token for token in tokens if token.type == "html_block"]
    rows = [sum(token.type.startswith(("td_open", "th_open")) for token in row) for row in rows_of(tokens)]
    assert set(rows) == {2, 3, 5, 7, 11}


def rows_of(tokens):
    """The tokens of each row of the tables."""
    starts = [index for index, token in enumerate(tokens) if token.type == "tr_open"]
    ends = [index for index, token in enumerate(tokens) if token.type == "tr_close"]
    return [tokens[start:end] for start, end in zip(starts, ends, strict=True)]


@pytest.mark.parametrize("report", [REPORT, WHOLE], ids=["without device", "whole"])
def test_the_page_holds_every_figure_of_the_json(tmp_path, report):
    values, _, html = written(tmp_path, report)
    page = Page(html)
    found = [json.loads(value) for value in page.values]
    everything = leaves(values)
    numbers = [value for value in everything if not isinstance(value, str)]
    assert sorted(found) == sorted(numbers)
    text = "\n".join(page.texts)
    assert all(value in text for value in everything if isinstance(value, str))
    assert all(math.isfinite(value) for value in found)


@pytest.mark.parametrize("trouble", TROUBLE)
def test_the_page_escapes_texts(tmp_path, trouble):
    quiet, _, plain = written(tmp_path, with_texts("x"))
    _, _, html = written(tmp_path, with_texts(trouble), summary_with(trouble))
    page = Page(html)
    assert page.open == []
    assert page.tags == Page(plain).tags
    assert "script" not in page.tags
    assert page.texts.count(visible(trouble)) >= 6
    assert quiet["samples"]


def test_the_page_needs_nothing_from_elsewhere_and_shows_the_pictures_of_the_run(tmp_path):
    (tmp_path / "plots").mkdir()
    assert "<img" not in written(tmp_path, WHOLE)[2]
    for name in ("memory_map.png", "<own> & 'picture'.png"):
        (tmp_path / "plots" / name).write_bytes(PNG)
    (tmp_path / "plots/link.png").symlink_to(tmp_path / "plots/memory_map.png")
    html = written(tmp_path, WHOLE)[2]
    page = Page(html)
    assert len(page.addresses) == 2
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert page.tags.isdisjoint({"script", "link", "iframe", "object", "embed"})
    assert not re.search(r"url\(|@import|https?://", html)
    assert "&lt;own&gt; &amp; &#x27;picture&#x27;" in html
    for feature in ('name="viewport"', "@media print", "prefers-color-scheme: dark", "max-width: 40rem"):
        assert feature in html
