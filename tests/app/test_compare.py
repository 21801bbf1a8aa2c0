"""Runs side by side: headline figures under stable keys, one table of a sweep, operation_mode=compare."""

import contextlib
import dataclasses
import io
import math
import re
import sqlite3
import sys
from html import escape
from types import SimpleNamespace

import pytest
from rich.cells import cell_len

from textzoo.common.escaping import visible_line
from textzoo.common.terminal import TextConsole
from textzoo.config.schema import Config
from textzoo.pipeline.comparison import Comparison, Row, best_of, letter
from textzoo.pipeline.comparison_page import page
from textzoo.records.headlines import BY_KEY, HEADLINES, headline_figures
from textzoo.records.report import (
    BenchmarkReport,
    EvaluationReport,
    FlashBytes,
    ModelReport,
    Projection,
    QuantizationReport,
    RamBytes,
    Range,
    Report,
    TrainingReport,
)
from textzoo.records.tracking import open_to_read
from textzoo.runs.run_labels import run_name, run_tags
from textzoo.services import compare


def evaluated(model, loss, corpus=None, delta=None):
    return EvaluationReport(model, "keras", 100, loss, 2.0, 5.0, 0.5, 0.8, 1.0, delta, corpus)


REPORT = Report(
    model=ModelReport("pico_gpt", 1000, 65, 128),
    training=TrainingReport(20, 2560, 2.0, 1280.0, 2.5, 20, False, "ab"),
    quantization=QuantizationReport("static_wi8_ai8", 5000, 9000, 3.0),
    evaluation=[
        evaluated("float", 2.0),
        evaluated("int8", 2.5, delta=0.5),
        evaluated("int4", 2.75, delta=0.75),
        evaluated("float", 1.0, "part"),
    ],
    benchmark=BenchmarkReport(
        "STM32H7", "emulator", "x", 10, 0, 900, instructions_per_token=3000, instructions_per_mac=3.3, same_text=True,
        flash_bytes=FlashBytes(1, 2, 3, 6), ram_bytes=RamBytes(1, 2, 3, 4, 10),
        projected=Projection(
            clock_hz=5000, core_cycles=4000, cycles=5000, error_percent=20.0, basis="x",
            tokens_per_second=Range(0.8, 1.2),
        ),
    ),
)  # fmt: skip


def test_every_headline_figure_has_one_stable_key():
    figures = headline_figures(REPORT)
    assert figures["loss_nats/float"] == 2.0
    assert figures["loss_nats/quantized"] == 2.75  # of several, the last one
    assert figures["loss_nats/float/part"] == 1.0
    assert figures["delta_loss_nats"] == 0.75
    wanted = {
        "parameters": 1000, "training_tokens_per_second": 1280, "quantization_seconds": 3, "file_bytes": 5000,
        "flash_bytes": 6, "ram_bytes": 10, "instructions_per_token": 3000, "instructions_per_mac": 3.3,
        "projected_core_cycles": 4000, "projected_cycles": 5000, "projected_tokens_per_second/low": 0.8,
        "projected_tokens_per_second/high": 1.2, "mismatching_logits": 0, "same_text": 1,
        "bits_per_character/float": 2.0, "top1_accuracy/quantized": 0.5,
    }  # fmt: skip
    assert {key: figures[key] for key in wanted} == wanted
    assert headline_figures(Report()) == {}


def test_every_row_of_the_table_leads_to_a_field_of_the_report():
    sections = {entry.name: entry for entry in dataclasses.fields(Report)}
    for row in HEADLINES:
        kind = sections[row.path.split(".")[0]]
        assert kind
        value = REPORT if row.path.split(".")[0] in ("model", "training", "quantization", "benchmark") else None
        for name in row.path.split(".") if value else ():
            assert value is None or hasattr(value, name), row
            value = getattr(value, name, None)
    assert len(BY_KEY) == len({row.key for row in BY_KEY.values()})


NAMES = {
    "training": "pico_gpt float training",
    "chain_tqe": "pico_gpt int8 chain_tqe",
    "chain_tqeb": "pico_gpt int8 STM32H7 chain_tqeb",
    "statistics": "pico_gpt float statistics",
}


@pytest.mark.parametrize("mode", NAMES)
def test_a_run_is_named_by_what_it_is(mode, tmp_path):
    config = Config(operation_mode=mode)
    assert run_name(config, tmp_path / "folder") == f"{NAMES[mode]} folder"
    tags = run_tags(config)
    assert {"model", "tokenizer", "corpus", "mode", "host"} <= set(tags)
    assert ("board" in tags) == (mode == "chain_tqeb")


@pytest.mark.parametrize(
    ("values", "better", "best"),
    [
        ([1.0, 2.0], "less", {0}),
        ([1.0, 2.0], "more", {1}),
        ([2.0, float("nan"), 2.0, 3.0], "less", {0, 2}),
        ([1.0, 2.0], "", set()),
        ([1.0, 1.0], "less", set()),
        ([1.0, float("nan")], "less", set()),
    ],
)
def test_the_best_of_a_line(values, better, best):
    assert best_of(values, better) == best


def test_letters():
    assert [letter(index) for index in (0, 25, 26, 51, 52)] == ["A", "Z", "AA", "AZ", "BA"]


HOSTILE = "a \x1b[2J\u202eb\x00 <script>&amp; \N{GRINNING FACE}\n"


def test_the_page_shows_names_and_values_as_the_console_does():
    comparison = Comparison(("A",), (HOSTILE,), ("FINISHED",), (Row(HOSTILE, (HOSTILE,)),), (Row(HOSTILE, ("1",)),))
    html = page(comparison)
    assert html.count(escape(visible_line(HOSTILE))) == 4  # the name, the value, and both keys
    assert not re.search("[\x00\x1b\u202e]|<script", html)


def made_up(index, name="run", **figures):
    """A run as MLflow hands it over; its learning rate and its loss differ from those of all others."""
    figures = {"loss_nats/float": 2.0 + index, "parameters": 1000.0, **figures}
    params = {
        "training.learning_rate": f"0.{index + 1}",
        "dataset.name": "x",
        "dataset.training_path": f"{name}{index}",
    }
    info = SimpleNamespace(run_name=f"{name} {index}", status="FINISHED", start_time=1.7e12, run_id=f"{index:032x}")
    return SimpleNamespace(info=info, data=SimpleNamespace(metrics=figures, params=params, tags={}))


@pytest.fixture
def shown(monkeypatch):
    """A function that shows runs on a console of its own: the lines."""

    def run(runs):
        stream = io.StringIO()
        monkeypatch.setattr(compare, "console", TextConsole(file=stream, width=200))
        compare.show(compare.compared(runs))
        return stream.getvalue().splitlines()

    return run


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 30])
@pytest.mark.parametrize("name", ["run", "long_name_" * 20, "漢字 " * 70, "a\x1b[2J\nb"])
def test_any_number_of_runs_with_any_names_fits_80_columns(shown, count, name):
    lines = shown([made_up(index, name) for index in range(count)])
    assert max(map(cell_len, lines)) <= 80
    assert not re.search("[\x1b]", "".join(lines))
    losses = [line.split()[1:] for line in lines if line.startswith("loss_nats/float")]
    best = "2.0000*" if count > 1 else "2.0000"
    assert [cell for line in losses for cell in line] == [best, *(f"{2 + index:.4f}" for index in range(1, count))]
    assert len(losses) == math.ceil(count / 4)
    assert ("* the best of a line" in lines) == (count > 1)
    assert not any("dataset.name" in line for line in lines)  # the same in all


# figures of three runs -> how the line shows them
LINES = {
    "flash_bytes": ([1234567.0, None, 999.0], ["1,234,567", "-", "999*"]),
    "loss_nats/quantized": ([math.nan, 2.5, 3.0], ["nan", "2.5000*", "3.0000"]),
    "top1_accuracy/float": ([0.5, 0.50001, 0.25], ["0.5000*", "0.5000*", "0.2500"]),
    "perplexity/float": ([sys.float_info.max, 8.0, 8.0], ["inf", "8.000*", "8.000*"]),
    "delta_loss_nats": ([-0.25, -sys.float_info.max, None], ["-0.2500", "-inf*", "-"]),
    "mismatching_logits": ([0.0, 0.0, 0.0], ["0", "0", "0"]),
    "file_bytes": ([None, 5.0, None], ["-", "5", "-"]),
    "training_steps": ([1.0, 2.0, 3.0], ["1", "2", "3"]),
}


@pytest.mark.parametrize("key", LINES)
def test_missing_figures_ties_and_what_is_no_number(shown, key):
    values, cells = LINES[key]
    runs = [made_up(index, **({} if value is None else {key: value})) for index, value in enumerate(values)]
    (line,) = [line for line in shown(runs) if line.startswith(key)]
    assert line.split()[1:] == cells


def test_runs_without_a_figure_come_last():
    values = {"a": 2.0, "b": math.nan, "c": None, "d": 1.0}
    runs = [
        made_up(index, name, **{"loss_nats/quantized": value}) for index, (name, value) in enumerate(values.items())
    ]
    del runs[2].data.metrics["loss_nats/quantized"]
    found = [run.info.run_name[0] for run in compare.ordered(runs, "loss_nats/quantized")]
    assert (found[:2], set(found[2:])) == (["d", "a"], {"b", "c"})
    for run in runs[:2]:
        run.data.metrics["top1_accuracy/float"] = run.data.metrics["loss_nats/quantized"]
    assert compare.ordered(runs, "top1_accuracy/float")[0] is runs[0]


def test_runs_without_differences_or_figures_say_so(shown):
    runs = [made_up(0), made_up(0)]
    for run in runs:
        run.data.metrics.clear()
    lines = shown(runs)
    assert "The configurations are the same." in lines
    assert "None of the runs has figures." in lines


MISTAKES = {
    "an unknown run": (["compare.runs=[made one]"], "no run in the store is called 'made one'"),
    "a run like others": (["compare.runs=[made_1]"], "Did you mean 'made 1'"),
    "no run": (["compare.runs=[]"], "names no run"),
    "the last none": (["compare.runs=last 0"], "no run in the store is called"),
    "several unknown runs": (["compare.runs=[nothing,neither]"], "neither"),
    "texts that Hydra cannot read": (['compare.runs=[日本,"a,b"]'], "'a,b'"),
    "an unknown figure": (["compare.order_by=loss_nats/flaot"], "Did you mean 'loss_nats/float'"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_are_told_with_the_nearest_names(store_of_runs, sweep_of, tmp_path, case):
    arguments, message = MISTAKES[case]
    answer = sweep_of(tmp_path, "operation_mode=compare", "general.project_name=made", *arguments)
    assert answer.returncode == 2, answer.stdout
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not list(tmp_path.iterdir())


# Address of a store, in a folder with an empty database, a database of another program and a folder -> what is said.
NO_STORES = {
    "a file that is not there": ("sqlite:///{}/mistyped.db", "there is no mistyped.db"),
    "a folder that is not there": ("sqlite:///{}/mistyped/mlflow.db", "there is no mlflow.db"),
    "a driver that is named": ("sqlite+pysqlite:///{}/mistyped.db", "there is no mistyped.db"),
    "an empty database": ("sqlite:///{}/empty.db", "holds no runs of MLflow"),
    "another program's database": ("sqlite:///{}/other.db", "holds no runs of MLflow"),
    "no database": ("sqlite:///{}/text.db", "file is not a database"),
    "a store of files that is not there": ("file://{}/mistyped", "there is no mistyped"),
    "a path that is not there": ("{}/mistyped", "there is no mistyped"),
    "a folder of other things": ("{}/folder", "holds no experiments of MLflow"),
    "the default store that is not there": ("null", "there is no mlflow.db"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", NO_STORES)
def test_a_store_that_is_not_there_is_told_and_not_made(sweep_of, tmp_path, case):
    address, message = NO_STORES[case]
    (tmp_path / "empty.db").touch()
    (tmp_path / "text.db").write_text("This is no database. " * 100)
    (tmp_path / "folder").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as database:
        database.execute("CREATE TABLE notes (text TEXT)")
    before = contents(tmp_path)
    answer = sweep_of(tmp_path, "operation_mode=compare", f"mlflow.uri={address.format(tmp_path)}")
    assert answer.returncode == 2, answer.stdout
    assert message in answer.stderr
    assert "mlflow.uri" in answer.stderr
    assert contents(tmp_path) == before


def contents(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.mark.slow
def test_an_experiment_that_is_not_there_is_told_and_not_made(store_of_runs, sweep_of, tmp_path):
    arguments = ("operation_mode=compare", "general.project_name=mistyped", f"mlflow.uri={store_of_runs}")
    answer = sweep_of(tmp_path, *arguments)
    assert (answer.returncode, "has no runs in this store" in answer.stderr) == (2, True)
    assert open_to_read(store_of_runs, "mistyped").experiment_id == ""
    answer = sweep_of(tmp_path, *arguments, "compare.runs=[made 1,made 2]", "hydra.run.dir=run")
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "run/report.md").read_text() == "# compare: FINISHED\n"
    assert "MLflow run" not in (tmp_path / "run/report.html").read_text()


@pytest.mark.slow
def test_folders_that_were_there_stay(store_of_runs, sweep_of, tmp_path):
    (tmp_path / "own").mkdir()
    arguments = ("operation_mode=compare", "compare.runs=nothing", f"mlflow.uri={store_of_runs}")
    answers = [sweep_of(tmp_path, *arguments, f"hydra.run.dir={path}") for path in ("own/new/run", "own")]
    assert [answer.returncode for answer in answers] == [2, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["own"]
    assert "new" not in {path.name for path in (tmp_path / "own").iterdir()}
