"""operation_mode=publish: the folder of a model, its card, and whole runs that upload it to a stand-in hub."""

import asyncio
import dataclasses
import hashlib
import io
import itertools
import json
import os
import random
import re
import runpy
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import zipfile
from html import unescape
from pathlib import Path

import httpx2
import pytest
import yaml
from gradio_client import Client
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt
from stand_in_hub import TOKEN, Repository, answering, stand_in_hub

from changed_config import with_facts
from recorder import Recorder
from textzoo.common.errors import UserError
from textzoo.common.files import file_digest
from textzoo.config import pretrained
from textzoo.config.check import check
from textzoo.config.override_checks import check_overrides
from textzoo.config.overrides import parse
from textzoo.config.primary import PrimaryConfig
from textzoo.config.section_view import view_of
from textzoo.publication.corpus import provenances
from textzoo.publication.facts import Facts, Loss
from textzoo.publication.model_card import CardInputs, card_text
from textzoo.records.report import SampleReport
from textzoo.records.tracking import open_store
from textzoo.records.workspace import Workspace
from textzoo.services import publish
from textzoo.text.settings import DatasetConfig

PROJECT = Path(__file__).resolve().parents[2]
MODEL, RECIPE, NAME = "tiny_lm", "static_wi8_ai8", "owner/model"
FOLDER = pretrained.FOLDER / MODEL


def pretrained_config(**publish_settings):
    """The configuration that `model=tiny_lm pretrained=true` composes, as far as publishing reads it."""
    trained = yaml.safe_load((FOLDER / "config.yaml").read_text())
    files = {"float_model_path": f"{FOLDER}/float.keras", "quantized_model_path": f"{FOLDER}/decode_{RECIPE}.tflite"}
    values = {
        **trained,
        "operation_mode": "publish",
        "pretrained": True,
        "model": {**trained["model"], **files},
        "tokenizer": {**trained["tokenizer"], "path": f"{FOLDER}/tokenizer.json"},
        "prediction": {"max_tokens": 60},
        "publish": publish_settings,
    }
    config, errors = check(with_facts(values))
    assert errors == []
    return view_of(config, "publish")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("publish") / "run"
    publish.run(pretrained_config(), Workspace(folder), Recorder())
    return folder


@pytest.fixture(scope="module")
def folder(run_folder):
    return run_folder / "publish"


@pytest.fixture(scope="module")
def card(folder):
    return (folder / "README.md").read_text(encoding="utf-8")


def test_the_folder_holds_what_users_of_the_hub_expect(folder):
    assert {path.name for path in folder.iterdir()} == {
        *("README.md", "float.keras", f"decode_{RECIPE}.tflite", "tokenizer.json", "config.yaml", "card.json"),
        *("app.py", "requirements.txt", "c_project_STM32H7.zip", "LICENSE-textzoo.txt"),
    }
    for name in ("float.keras", f"decode_{RECIPE}.tflite", "tokenizer.json", "card.json"):
        assert (folder / name).read_bytes() == (FOLDER / name).read_bytes()
    published, trained = (yaml.safe_load((path / "config.yaml").read_text()) for path in (folder, FOLDER))
    assert published.keys() == trained.keys()
    for section, values in published.items():  # keys that are younger than the model have their defaults
        assert {key: values[key] for key in trained[section]} == trained[section]


def test_nothing_of_this_machine_is_published(folder):
    for path in folder.iterdir():
        content = path.read_bytes()
        if path.suffix == ".zip":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                content = b"".join(archive.read(name) for name in archive.namelist())
        assert str(PROJECT).encode() not in content, path.name
        assert str(folder.parents[1]).encode() not in content, path.name


def test_the_hashes_are_those_of_the_files(folder, card):
    named = dict(reversed(line.split()) for line in re.findall(r"^[0-9a-f]{64}  \S+$", card, re.MULTILINE))
    assert named == {path.name: file_digest(path) for path in folder.iterdir() if path.name != "README.md"}


def test_the_metadata_is_what_the_hubs_library_reads(card):
    data = ModelCard(card).data
    measured = pretrained.card(MODEL)["losses"]
    assert {result.metric_args["model"]: result.metric_value for result in data.eval_results} == {
        recipe: loss["bits_per_character"] for recipe, loss in measured.items()
    }
    assert data.license == "apache-2.0"
    assert data.model_name == MODEL
    assert data.to_yaml() == card.split("---\n")[1].strip()


def test_the_card_has_the_figures_that_were_measured(card):
    known = pretrained.card(MODEL)
    for loss in known["losses"].values():
        assert f"{loss['bits_per_character']:.4f} | {loss['loss_nats']:.4f} | {loss['tokens']:,} |" in card
    for board, figures in known["boards"][RECIPE].items():
        if "refused" in figures:
            assert f"{board} does not take {RECIPE}" in card
        else:
            costs = [figures[key] for key in ("instructions_per_token", "flash_bytes", "ram_bytes")]
            cells = f"{costs[0]:,} instructions | {costs[1]:,} | {costs[2]:,} | 0 over 256 tokens |"
            assert f"| {RECIPE} | {board} | {cells}" in card
    sample = known["samples"][RECIPE]
    assert (sample["prompt"] + sample["text"])[:60] in card
    assert "Python Software Foundation License 2" in card


def commands_of(card):
    (block,) = re.findall(r"^```bash\n(.*?)^```", card, re.MULTILINE | re.DOTALL)
    return [shlex.split(line)[2:] for line in block.splitlines()]


def with_baselines(monkeypatch, bits):
    """The pretrained card, with an n-gram model of these bits per character beside the model."""
    known = pretrained.card(MODEL)
    row = {"baseline": "n-gram", "against": RECIPE, "bits_per_character": bits, "file_bytes": 64700, "how": "pruned"}
    others = [{"baseline": "xz -9", "bits_per_character": 2.5, "how": "a | difference"}]
    others += [{"baseline": "zstd --ultra -22", "how": "not measured: install zstd"}]
    baselines = {"data_sha256": "0" * 64, "rows": [{**row, "without_windows": bits - 0.04}, *others]}
    monkeypatch.setattr(pretrained, "card", lambda name: {**known, "baselines": baselines})


def test_the_card_says_what_else_could_be_taken(tmp_path, monkeypatch):
    with_baselines(monkeypatch, 2.2222)
    publish.run(pretrained_config(), Workspace(tmp_path / "run"), Recorder())
    card = unescape((tmp_path / "run/publish/README.md").read_text())
    section = card.partition("## Against what you would use instead")[2].partition("## Boards")[0]
    assert f"| n-gram, as large as {RECIPE} | 2.2222 (2.1822) | 64,700 | pruned |" in section
    assert "| xz -9 | 2.5000 |  | a " in section
    assert "| zstd --ultra -22 | - |  | not measured: install zstd |" in section
    assert "would do better is not known" not in card


def test_what_else_could_be_taken_may_be_unknown(monkeypatch, tmp_path):
    known = {name: value for name, value in pretrained.card(MODEL).items() if name != "baselines"}
    monkeypatch.setattr(pretrained, "card", lambda name: known)
    publish.run(pretrained_config(), Workspace(tmp_path / "run"), Recorder())
    card = (tmp_path / "run/publish/README.md").read_text()
    assert "would do better is not known: it was not measured for this pretrained model." in card


@pytest.mark.parametrize("lead", [0.0, 0.2])
def test_a_model_that_is_no_better_than_its_ngram_model_is_not_published(tmp_path, monkeypatch, lead):
    bits = pretrained.card(MODEL)["losses"][RECIPE]["bits_per_character"]
    with_baselines(monkeypatch, bits - lead)
    with pytest.raises(UserError, match=f"{RECIPE} is not published: an n-gram model of the same size does as well"):
        publish.run(pretrained_config(), Workspace(tmp_path / "run"), Recorder())
    assert not (tmp_path / "run/publish").exists()


def test_the_commands_of_the_card_can_be_given(card):
    commands = commands_of(card)
    assert len(commands) >= 3
    for words in commands:
        overrides, errors = parse(words)
        assert errors + check_overrides(overrides, PrimaryConfig(), sweeping=False)[1] == []


def test_the_same_model_gives_the_same_bytes(folder, tmp_path):
    publish.run(pretrained_config(), Workspace(tmp_path / "run"), Recorder())
    for path in folder.iterdir():
        assert (tmp_path / "run/publish" / path.name).read_bytes() == path.read_bytes(), path.name


def test_an_earlier_folder_is_replaced_whole(run_folder, tmp_path):
    (tmp_path / "run/publish").mkdir(parents=True)
    (tmp_path / "run/publish/stale.tflite").write_text("old")
    publish.run(pretrained_config(license="mit"), Workspace(tmp_path / "run"), Recorder())
    assert not (tmp_path / "run/publish/stale.tflite").exists()
    assert "license: mit\n" in (tmp_path / "run/publish/README.md").read_text()
    assert [path.name for path in (tmp_path / "run").iterdir() if path.name.startswith(".publish")] == []


def test_a_decode_step_is_needed(tmp_path):
    config, _ = check(with_facts({"model": {"float_model_path": f"{FOLDER}/float.keras"}}))
    with pytest.raises(UserError, match="there is no quantized decode step to publish"):
        publish.run(view_of(config, "publish"), Workspace(tmp_path / "run"), Recorder())


def test_names_of_files_mean_nothing_in_a_card(tmp_path):
    path = tmp_path / "decode_`a`|b.tflite"
    path.write_bytes((FOLDER / f"decode_{RECIPE}.tflite").read_bytes())
    model, tokenizer = {"quantized_model_path": str(path)}, {"path": f"{FOLDER}/tokenizer.json"}
    config, errors = check(with_facts({"model": model, "tokenizer": tokenizer}))
    assert errors == []
    with pytest.raises(UserError, match="is no name for a file on the hub"):
        publish.run(view_of(config, "publish"), Workspace(tmp_path / "run"), Recorder())


def test_of_files_that_are_only_named_nothing_is_claimed(tmp_path):
    """Neither corpus nor losses nor a licence; what is missing is told."""
    model = {"quantized_model_path": f"{FOLDER}/decode_{RECIPE}.tflite"}
    config, errors = check(with_facts({"model": model, "prediction": {"max_tokens": 3}}))
    assert errors == []
    publish.run(view_of(config, "publish"), Workspace(tmp_path / "run"), Recorder())
    card = (tmp_path / "run/publish/README.md").read_text()
    data = ModelCard(card).data
    assert (data.license, data.eval_results, data.language) == (None, None, None)
    assert "The licence of the weights is not stated" in card
    assert "Which text the model was trained on is not recorded." in card
    assert f"The loss of {RECIPE} is not given" in card
    assert "The float model is not published" in card
    assert "Costs on boards are not given" in card
    assert "Shakespeare" not in card


def test_a_model_that_the_board_does_not_hold_is_published_without_its_project(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise UserError("the model does not fit the board")

    monkeypatch.setattr(publish, "make_firmware", refuse)
    report = publish.run(pretrained_config(), Workspace(tmp_path / "run"), Recorder())
    assert [row.what for row in report.skipped] == ["the C project for STM32H7"]
    card = (tmp_path / "run/publish/README.md").read_text()
    assert "the C project for STM32H7 is left out: the model does not fit the board." in unescape(card)
    assert "c_project" not in card


@pytest.mark.filterwarnings("ignore")  # Gradio's packages warn of themselves
def test_the_page_of_the_space_writes_the_same_text(folder):
    sample = pretrained.card(MODEL)["samples"][RECIPE]
    session = asyncio.run(asked(runpy.run_path(str(folder / "app.py"))["page"], sample))
    assert "".join(turn.text for turn in session.turns)[:60] == (sample["prompt"] + sample["text"])[:60]


@pytest.mark.slow
def test_the_page_of_the_space_runs_as_a_space_starts_it(folder, tmp_path):
    """Alone with the files that the documentation names; by the Space's name, and taking no files of others."""
    for name in ("app.py", "requirements.txt", "tokenizer.json", f"decode_{RECIPE}.tflite"):
        shutil.copy(folder / name, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environment = {**os.environ, "SPACE_ID": "owner/tiny", "GRADIO_SERVER_PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        printed = list(itertools.takewhile(lambda line: "Running on" not in line, process.stdout))
        try:
            client = Client(f"http://127.0.0.1:{port}/", verbose=False, analytics_enabled=False)
            begin = next(one for one in client.endpoints.values() if one.dependency["api_name"] == "begin")
            begin.is_valid = True
            shown = client.submit(None, None, fn_index=begin.fn_index).result(timeout=60)
            page = httpx2.post(f"http://127.0.0.1:{port}/gradio_api/upload", files={"files": b"12"}, timeout=60)
        finally:
            process.terminate()
    assert "tiny, static_wi8_ai8 on litert_ref" in str(shown)
    assert page.status_code == 413
    assert printed == []


async def asked(make_page, sample):
    """The session of a page after the prompt of a sample."""
    page = make_page()
    session, *_ = await page.begin(None, None)
    settings = dataclasses.replace(page.start, temperature=sample["temperature"], max_tokens=60, seed=1)
    async for _ in page.ask(session, sample["prompt"], *dataclasses.astuple(settings)):
        pass
    page.engines.close()
    return session


HOSTILE = "a`b``c```\n# Heading <script>|</script> \x1b[31m \u202e [x](y) **b**"


def test_texts_of_others_do_not_become_markup():
    sample = SampleReport("int8", "litert_ref", HOSTILE, f"~~~\n````\n{HOSTILE}", 5, 0.8, 0, 1, 0.1)
    facts = Facts(model={"vocabulary_size": 2, "context_length": 8}, losses=[Loss("float", "keras", 1.0, 2.0, 3)])
    facts.unknown = [HOSTILE]
    inputs = CardInputs(HOSTILE, "gpt", "char", facts, "text", [None], sample, "decode.tflite", "mit", [], ["true"])
    text = card_text(inputs)
    assert "\x1b" not in text
    assert "\u202e" not in text.split("---\n", 2)[2]
    tokens = MarkdownIt().enable("table").parse(text.split("---\n", 2)[2])
    assert [token.tag for token in tokens if token.type == "heading_open"].count("h1") == 1
    inner = {child.type for token in tokens for child in token.children or []}
    assert {"html_block"} & {token.type for token in tokens} == set()
    assert inner <= {"text", "code_inline", "softbreak", "strong_open"}
    assert ModelCard(text).data.model_name == HOSTILE


def test_provenance_of_a_combined_text(tmp_path):
    text = tmp_path / "mine.txt"
    text.write_text("some text")
    dataset = DatasetConfig(name="text", training_path=str(text))
    assert provenances(dataset, tmp_path) == [None]
    report = {"format": "textzoo-corpus-report", "licence": "written by me", "sources": [{}, {}]}
    text.with_suffix(".json").write_text(json.dumps(report))
    assert [(row.licence, row.origin) for row in provenances(dataset, tmp_path)] == [
        ("written by me", "2 texts, merged by combine_corpus.py")
    ]
    for damaged in ("[]", "{", json.dumps({**report, "licence": 5}), json.dumps({**report, "format": "other"})):
        text.with_suffix(".json").write_text(damaged)
        assert provenances(dataset, tmp_path) == [None]
    mixture = DatasetConfig(name="mixture", sources=[{"name": "conversations"}, {"name": "text", "training_path": "x"}])
    assert [row and row.licence for row in provenances(mixture, tmp_path)] == ["Apache-2.0", None]


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with stand_in_hub() as made:
        monkeypatch.setenv("HF_ENDPOINT", made.address)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        yield made


def files_with(secret, *folders):
    """The files in which a text stands."""
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in paths if secret.encode() in path.read_bytes()]


@pytest.fixture
def publish_tiny(warm_program, store, tmp_path):
    def run(*arguments):
        options = [f"model={MODEL}", "pretrained=true", f"mlflow.uri={store}", "mlflow.system_metrics=false"]
        return warm_program(
            "operation_mode=publish", *options, "prediction.max_tokens=20", f"hydra.run.dir={tmp_path}/run", *arguments
        )

    return run


UPLOAD = (f"publish.repository={NAME}", "publish.dry_run=false")


@pytest.mark.slow
def test_a_run_that_uploads(publish_tiny, hub, tmp_path, store):
    answer = publish_tiny(*UPLOAD)
    assert (answer.returncode, answer.stderr) == (0, "")
    repository = hub.repositories[NAME]
    assert repository.private
    assert len(repository.commits) == 2
    files = {path.name: path.read_bytes() for path in (tmp_path / "run/publish").iterdir()}
    assert {name: content for name, content in repository.files().items() if name in files} == files
    assert f"Published: {hub.address}/{NAME}, commit {repository.head}" in answer.stdout
    report = json.loads((tmp_path / "run/report.json").read_text())["publication"]
    assert (report["uploaded"], report["commit"], report["files"]) == (True, repository.head, len(files))
    assert f"hf://{NAME}@main/decode_{RECIPE}.tflite" in files["README.md"].decode()
    assert files_with(TOKEN, tmp_path, Path(store.removeprefix("sqlite:///")).parent) == []
    assert TOKEN not in answer.stdout


@pytest.mark.slow
def test_the_sample_is_written_again_by_its_command(warm_program, store, tmp_path):
    """Also where it has newlines, and ends at a text."""
    options = ["mlflow.system_metrics=false", f"mlflow.uri={store}"]
    answer = warm_program("operation_mode=publish", "model=gpt", "pretrained=true", "hydra.run.dir=run", *options)
    assert (answer.returncode, answer.stderr) == (0, "")
    card = (tmp_path / "run/publish/README.md").read_text()
    command = re.search(
        r"^python stm32ai_main.py (operation_mode=prediction .*?)\npython", card, re.MULTILINE | re.DOTALL
    )
    words = [word.replace("=decode_", "=run/publish/decode_") for word in shlex.split(command[1])]
    words = [word.replace("=tokenizer.json", "=run/publish/tokenizer.json") for word in words]
    again = warm_program(*words, "hydra.run.dir=again", *options)
    assert (again.returncode, again.stderr) == (0, "")
    sample = pretrained.card("gpt")["samples"][RECIPE]
    assert (tmp_path / "again/samples.txt").read_text() == sample["prompt"] + sample["text"] + "\n"


@pytest.mark.slow
def test_a_dry_run_sends_nothing(publish_tiny, hub, tmp_path, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    answer = publish_tiny(f"publish.repository={NAME}")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "A dry run: nothing was uploaded." in answer.stdout
    assert hub.requests == []


# What fails, the exit code, what is said.
WHOLE = {
    "refused": ({("POST", "/commit/"): answering(403, f"no right for {TOKEN}")}, "does not allow it"),
    "moved": ({("POST", "/commit/"): answering(412)}, "has got another commit since the upload began"),
    "token": ({("GET", "whoami"): answering(401)}, "does not know the token"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("failures", "message"), WHOLE.values(), ids=WHOLE)
def test_a_run_whose_upload_fails(publish_tiny, hub, tmp_path, store, failures, message):
    hub.failures = failures
    answer = publish_tiny(*UPLOAD)
    assert answer.returncode == 2
    assert len(answer.stderr.splitlines()) == 1
    assert message in answer.stderr
    assert hub.repositories == {}
    assert files_with(TOKEN, tmp_path, Path(store.removeprefix("sqlite:///")).parent) == []
    assert TOKEN not in answer.stdout + answer.stderr


@pytest.mark.slow
def test_an_interrupted_upload(start_warm, hub, tmp_path, store):
    """Exit code 130 while the hub hangs, and the new repository is gone."""
    begun, go_on = threading.Event(), threading.Event()

    def hang(handler, path):
        begun.set()
        go_on.wait(60)
        return False

    hub.failures = {("PUT", "/lfs/"): hang}
    options = [f"model={MODEL}", "pretrained=true", f"mlflow.uri={store}", "mlflow.system_metrics=false", *UPLOAD]
    started = start_warm("operation_mode=publish", *options, f"hydra.run.dir={tmp_path}/run")
    assert begun.wait(120)
    os.kill(started.process.pid, signal.SIGINT)
    answer = started.wait(60)
    go_on.set()
    assert answer.returncode == 130
    assert "Interrupted. Continue with:" in answer.stderr
    assert hub.repositories == {}
    assert files_with(TOKEN, tmp_path) == []


@pytest.mark.slow
def test_a_run_is_published_with_its_own_figures(sweep_of, hub, tmp_path):
    """Trained, evaluated, measured on this machine, then published: twice, with the report's figures both times."""
    folder, target = tmp_path / "run", "benchmarking.measured_by=host"
    # After 20 steps no model beats an n-gram model, unless that has learned what does not hold elsewhere.
    (tmp_path / "held_out.txt").write_text("".join(random.Random(0).choices("The model reads.\n", k=400)))
    small = (
        f"dataset.validation_path={tmp_path}/held_out.txt",
        "benchmarking.tokens_checked=8",
        "prediction.prompt=The ",
        f"hydra.run.dir={folder}",
    )
    answer = sweep_of(tmp_path, "operation_mode=chain_tqeb", target, *small)
    assert (answer.returncode, answer.stderr) == (0, "")
    before = json.loads((folder / "report.json").read_text())
    for options in ([], UPLOAD):
        answer = sweep_of(tmp_path, "operation_mode=publish", f"general.resume={folder}", *options)
        assert (answer.returncode, answer.stderr) == (0, "")
        report = json.loads((folder / "report.json").read_text())
        for section in ("model", "training", "quantization", "evaluation", "benchmark"):
            assert report[section] == before[section]
    card = (folder / "publish/README.md").read_text()
    for row in before["evaluation"]:
        assert f"{row['bits_per_character']:.4f} | {row['loss_nats']:.4f} | {row['tokens']:,} |" in card
    assert before["training"]["data_sha256"] in card
    (measured,) = [row for row in report["baselines"] if row["baseline"] == "n-gram"]
    assert f"{measured['bits_per_character']:.4f} ({measured['without_windows']:.4f})" in card
    assert measured["bits_per_character"] > before["evaluation"][-1]["bits_per_character"]
    assert measured["file_bytes"] < (folder / "models/decode_static_wi8_ai8.tflite").stat().st_size
    assert "The licence of the weights is not stated" in card
    (training, *_) = commands_of(card)
    assert training[0] == "operation_mode=chain_tqeb"
    assert "training.steps=20" in training
    assert not files_with(str(tmp_path), folder / "publish")
    assert hub.repositories[NAME].files()["README.md"].decode() == card
    assert {"report.html", "float.keras"} <= {path.name for path in (folder / "publish").iterdir()}
    told = json.loads((folder / "publish/report.json").read_text())
    assert [told[name] for name in ("training", "evaluation")] == [before["training"], before["evaluation"]]


@pytest.mark.slow
def test_a_run_that_is_no_better_than_an_ngram_model_is_not_published(sweep_of, tmp_path):
    """Its evaluation shows it, if asked; the corpus is made again where it is gone."""
    folder = tmp_path / "run"
    answer = sweep_of(tmp_path, "operation_mode=chain_tqe", "evaluation.baselines=true", f"hydra.run.dir={folder}")
    assert (answer.returncode, answer.stderr) == (0, "")
    report = json.loads((folder / "report.json").read_text())
    (row,) = [row for row in report["baselines"] if row["baseline"] == "n-gram"]
    assert row["bits_per_character"] < report["evaluation"][-1]["bits_per_character"]
    assert f"n-gram as large as {row['against']}" in answer.stdout
    shutil.rmtree(folder / "dataset")
    answer = sweep_of(tmp_path, "operation_mode=publish", f"general.resume={folder}")
    assert answer.returncode == 2
    assert f"expected less than its {row['bits_per_character']:.4f} bits per character" in answer.stderr
    assert not (folder / "publish").exists()


@pytest.mark.slow
def test_figures_of_another_model_are_not_published(sweep_of, tmp_path):
    """Quantized anew after the evaluation: its losses are those of other files."""
    folder = tmp_path / "run"
    assert sweep_of(tmp_path, "operation_mode=chain_tqe", f"hydra.run.dir={folder}").returncode == 0
    model = folder / "models/decode_static_wi8_ai8.tflite"
    model.write_bytes(model.read_bytes() + bytes(16))
    answer = sweep_of(tmp_path, "operation_mode=publish", f"general.resume={folder}")
    assert (answer.returncode, answer.stderr) == (0, "")
    card = unescape((folder / "publish/README.md").read_text())
    assert "The loss of float, static_wi8_ai8 is not given" in card


@pytest.mark.slow
def test_a_model_of_the_hub_writes_its_text(warm_program, hub, store, tmp_path):
    """By a branch; the run notes the commit, and finds the same model when the branch has moved."""
    hub.repositories[NAME] = Repository()
    names = (f"decode_{RECIPE}.tflite", "tokenizer.json")
    commit = hub.repositories[NAME].commit({name: (FOLDER / name).read_bytes() for name in names})
    reference = f"hf://{NAME}@main/{names[0]}"
    options = [f"mlflow.uri={store}", "mlflow.system_metrics=false", "general.project_name=of_the_hub"]
    options += ["prediction.max_tokens=40", "prediction.prompt=The "]
    answer = warm_program(
        "operation_mode=prediction", f"model.quantized_model_path={reference}", *options, "hydra.run.dir=run"
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    sample = pretrained.card(MODEL)["samples"][RECIPE]
    assert (sample["prompt"] + sample["text"])[:40] in answer.stdout
    assert f"commit {commit}, which main is now" in answer.stdout
    pinned = f"hf://{NAME}@{commit}/{names[0]}#sha256={hashlib.sha256((FOLDER / names[0]).read_bytes()).hexdigest()}"
    for name in ("overrides.yaml", "config.yaml"):
        assert pinned in (tmp_path / "run/.hydra" / name).read_text()
    opened = open_store(store, "of_the_hub")
    parents = [run.data.tags for run in opened.client.search_runs([opened.experiment_id]) if "mode" in run.data.tags]
    assert [tags["hub.model.quantized_model_path"] for tags in parents] == [pinned]
    hub.repositories[NAME].commit({names[0]: b"another model"})
    hub.requests.clear()
    again = warm_program("general.resume=run", "prediction.seed=2", *options)
    assert (again.returncode, again.stderr) == (0, "")
    assert hub.requests == []
    assert files_with(TOKEN, tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "key"),
    [
        ("evaluation", "model.float_model_path"),
        ("quantization", "model.float_model_path"),
        ("training", "training.init_from"),
    ],
)
def test_other_modes_take_models_of_the_hub_too(sweep_of, hub, tmp_path, mode, key):
    trained = tmp_path / "trained"
    assert sweep_of(tmp_path, "operation_mode=training", f"hydra.run.dir={trained}").returncode == 0
    hub.repositories[NAME] = Repository()
    names = ("float.keras", "tokenizer.json")
    commit = hub.repositories[NAME].commit({name: (trained / "models" / name).read_bytes() for name in names})
    answer = sweep_of(tmp_path, f"operation_mode={mode}", f"{key}=hf://{NAME}@{commit}/float.keras")
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.slow
def test_an_interrupted_download(hub, tmp_path):
    begun, go_on = threading.Event(), threading.Event()

    def hang(handler, path):
        handler.send_response(200)
        handler.send_header("Content-Length", "73776")
        handler.end_headers()
        handler.wfile.write(bytes(1000))
        begun.set()
        return go_on.wait(60)

    hub.repositories[NAME] = Repository()
    hub.repositories[NAME].commit({"decode.tflite": (FOLDER / f"decode_{RECIPE}.tflite").read_bytes()})
    hub.failures = {("GET", "/resolve/"): hang}
    model = f"model.quantized_model_path=hf://{NAME}@main/decode.tflite"
    command = [sys.executable, str(PROJECT / "stm32ai_main.py"), "operation_mode=prediction", model]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert begun.wait(60)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    go_on.set()
    assert (process.returncode, errors) == (130, "Interrupted.\n")
    assert list(tmp_path.rglob("decode.tflite")) == []


@pytest.mark.slow
def test_a_hostile_file_of_the_hub_is_only_data(warm_program, hub, tmp_path):
    hub.repositories[NAME] = Repository()
    hub.repositories[NAME].commit({"decode.tflite": os.urandom(1000), "tokenizer.json": b'{"__reduce__": 1}'})
    answer = warm_program("operation_mode=prediction", f"model.quantized_model_path=hf://{NAME}@main/decode.tflite")
    assert answer.returncode == 2
    assert "decode.tflite" in answer.stderr
    assert "Traceback" not in answer.stderr
