"""Whole runs of the program at toy size: chains, resuming, interruption, sweeps, folders that cannot be written."""

import functools
import json
import logging
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from textzoo.common.escaping import visible
from textzoo.common.locks import hold
from textzoo.common.paths import CONFIGURATION
from textzoo.config.resuming import keep_command_line, kept_override
from textzoo.config.sweeps import SWEEP_LOCK
from textzoo.records.tracking import open_store
from textzoo.records.workspace import WRITTEN, Workspace
from textzoo.runs import app

PROJECT = Path(__file__).resolve().parents[2]
TOY = [
    "model.n_layers=1",
    "model.d_model=16",
    "model.n_heads=2",
    "model.context_length=16",
    "training.steps=20",
    "training.eval_interval=10",
    "training.warmup_steps=2",
    "training.batch_size=8",
    "training.eval_tokens=200",
    "quantization.calibration_windows=4",
    "quantization.report_tokens=32",
    "evaluation.max_tokens=200",
    "prediction.max_tokens=20",
    "mlflow.system_metrics=false",
]


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """A small text with structure to learn: sentences from a few words."""
    words = ["the", "model", "reads", "a", "token", "and", "writes", "one", "more", "token"]
    chooser = random.Random(1)
    lines = [" ".join(chooser.choices(words, k=8)).capitalize() + "." for _ in range(200)]
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def toy(text, store):
    """A function that adds the toy configuration to arguments, but for the keys that they name."""

    def arguments_of(*arguments):
        options = [*TOY, "dataset=text", f"dataset.training_path={text}", f"mlflow.uri={store}"]
        given = {argument.partition("=")[0] for argument in map(str, arguments)}
        return [*arguments, *[option for option in options if option.partition("=")[0] not in given]]

    return arguments_of


@pytest.fixture
def run(warm_program, toy):
    """Run the program on the toy configuration."""
    return lambda *arguments: warm_program(*toy(*arguments))


@pytest.fixture
def run_afresh(program, toy):
    """The same in a fresh interpreter."""
    return lambda *arguments, **options: program(*toy(*arguments), **options)


def report_of(folder):
    return json.loads((folder / "report.json").read_text())


def statuses(store, project):
    opened = open_store(store, project)
    return {run.info.run_name: run.info.status for run in opened.client.search_runs([opened.experiment_id])}


@pytest.mark.slow
def test_a_chain_from_text_to_evaluated_models_and_its_resumption(run, run_afresh, store, tmp_path):
    folder = tmp_path / "run"
    answer = run_afresh("operation_mode=chain_tqe", f"hydra.run.dir={folder}", "general.project_name=chain")
    assert (answer.returncode, answer.stderr) == (0, "")
    report = report_of(folder)
    assert report["status"] == "FINISHED"
    assert [row["model"] for row in report["evaluation"]] == ["float", "int8"]
    assert [row["engine"] for row in report["evaluation"]] == ["keras", "litert_ref"]
    assert len({row["tokens"] for row in report["evaluation"]}) == 1
    assert report["evaluation"][1]["delta_loss_nats"] == pytest.approx(
        report["evaluation"][1]["loss_nats"] - report["evaluation"][0]["loss_nats"]
    )
    assert report["training"]["tokens"] == 20 * 8 * 16
    assert report["quantization"]["file_bytes"] == (folder / "models/decode_static_wi8_ai8.tflite").stat().st_size
    for name in (
        "report.md",
        "report.html",
        "models/float.keras",
        "models/tokenizer.json",
        "checkpoints/best",
        "checkpoints/latest",
    ):
        assert (folder / name).exists(), name
    assert {path.name for path in folder.iterdir()} <= {*WRITTEN}  # where links are not followed
    assert statuses(store, "chain") == {
        "pico_gpt int8 chain_tqe run": "FINISHED",
        "1_training": "FINISHED",
        "2_quantization": "FINISHED",
        "3_evaluation": "FINISHED",
    }
    assert "1_training      run" in answer.stdout
    assert [
        line.partition(":")[0] for line in answer.stdout.splitlines() if " of " in line and ", done in " in line
    ] == [
        "training",
        "calibration of the decode step",
        "calibration of the window graph",
        "loss of float",
        "loss of quantized",
        "evaluate float on keras",
        "evaluate int8 on litert_ref",
    ]
    assert re.search(
        r"^training: 10 of 20 steps, loss [\d.]+, validation loss [\d.]+, .*tokens/s, .* left$",
        answer.stdout,
        re.MULTILINE,
    )
    assert max(map(len, answer.stdout.partition("model and training")[2].splitlines()[:-1])) <= 80

    again = run(f"general.resume={folder}")
    assert again.returncode == 0, again.stderr
    assert re.findall(r"^  (\w+) +(reuse|run) ", again.stdout, re.MULTILINE) == [
        ("1_training", "reuse"),
        ("2_quantization", "reuse"),
        ("3_evaluation", "reuse"),
    ]
    assert report_of(folder)["evaluation"] == report["evaluation"]

    other = run(f"general.resume={folder}", "quantization.recipe=static_wi8_ai16")
    assert other.returncode == 0, other.stderr
    assert "1_training      reuse" in other.stdout
    assert "2_quantization  run" in other.stdout
    assert [row["model"] for row in report_of(folder)["evaluation"]] == ["float", "int16x8", "int8"]


@pytest.mark.slow
def test_a_mixture_from_its_sources_to_losses_per_source(run, store, text, tmp_path):
    folder = tmp_path / "run"
    sources = f"[{{name: text, training_path: {text}, weight: 3}}, {{name: conversations}}]"
    arguments = [f"dataset.sources={sources}", "dataset.training_path=null", "dataset.conversations_bytes=20000"]
    answer = run("operation_mode=chain_tqe", "dataset=mixture", *arguments, f"hydra.run.dir={folder}")
    assert answer.returncode == 0, answer.stderr
    rows = report_of(folder)["evaluation"]
    assert [(row["model"], row["corpus"]) for row in rows] == [
        (model, corpus) for model in ("float", "int8") for corpus in ("all", "text", "conversations")
    ]
    for whole, *parts in (rows[:3], rows[3:]):
        assert whole["tokens"] == sum(part["tokens"] for part in parts)
        mean = sum(part["loss_nats"] * part["tokens"] for part in parts) / whole["tokens"]
        assert whole["loss_nats"] == pytest.approx(mean)
    assert {"delta_loss_nats"} <= rows[4].keys()
    history = (folder / "logs/metrics.csv").read_text().splitlines()[0]
    assert history.endswith("validation_loss.conversations,validation_loss.text")
    statistics = json.loads((folder / "statistics.json").read_text())
    assert [row["probability"] for row in statistics["sources"]] == [0.75, 0.25]
    assert "conversations" in (folder / "statistics.md").read_text()
    assert "Warning:" in answer.stdout  # the toy text repeats itself


@pytest.mark.slow
def test_statistics_alone(run, tmp_path):
    folder = tmp_path / "run"
    answer = run("operation_mode=statistics", f"hydra.run.dir={folder}", "dataset.overlap_warning=1.0")
    assert answer.returncode == 0, answer.stderr
    assert "Warning:" not in answer.stdout
    assert report_of(folder)["status"] == "FINISHED"
    assert (folder / "statistics.md").is_file()
    again = run(f"general.resume={folder}")
    assert "1_statistics    reuse" in again.stdout


@pytest.mark.slow
def test_the_trained_model_serves_the_other_modes(run, tmp_path):
    first = tmp_path / "first"
    answer = run("operation_mode=training", f"hydra.run.dir={first}")
    assert answer.returncode == 0, answer.stderr
    assert "evaluation" not in report_of(first)
    model = f"model.float_model_path={first / 'models/float.keras'}"

    folder = tmp_path / "eqe"
    answer = run("operation_mode=chain_eqe", model, f"hydra.run.dir={folder}")
    assert answer.returncode == 0, answer.stderr
    assert [row["model"] for row in report_of(folder)["evaluation"]] == ["float", "int8"]

    again = run(f"general.resume={folder}")
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("  reuse  ") == 3

    quantized = folder / "models/decode_static_wi8_ai8.tflite"
    texts = []
    for number in range(2):
        talk = tmp_path / f"talk{number}"
        answer = run(
            "operation_mode=prediction",
            f"model.quantized_model_path={quantized}",
            "prediction.prompt=The ",
            "prediction.max_tokens=50",
            f"hydra.run.dir={talk}",
        )
        assert answer.returncode == 0, answer.stderr
        sample = report_of(talk)["samples"][0]
        texts.append(sample["text"])
        assert sample["prompt"] == "The "
        assert answer.stdout.count("The " + texts[-1]) == 1
        assert (talk / "samples.txt").read_text() == f"The {texts[-1]}\n"
    assert texts[0] == texts[1]
    assert len(texts[0]) == 50

    answer = run("operation_mode=prediction", model, "prediction.prompt=The §", f"hydra.run.dir={tmp_path / 'unknown'}")
    assert answer.returncode == 2
    assert "§" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.slow
def test_interruption_keeps_a_checkpoint_closes_the_run_and_can_be_resumed(start_warm, toy, store, tmp_path):
    folder = tmp_path / "run"
    endless = ["training.steps=1000000", "general.project_name=interrupted", f"hydra.run.dir={folder}"]
    started = start_warm(*toy("operation_mode=training", *endless))
    deadline = time.monotonic() + 120
    while not (folder / "checkpoints/latest").exists() and started.process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.kill(started.process.pid, signal.SIGINT)
    answer = started.wait(120)
    assert answer.returncode == 130, answer.stderr
    assert f"general.resume={folder.name}" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert report_of(folder)["status"] == "KILLED"
    assert set(statuses(store, "interrupted").values()) == {"KILLED"}
    assert (folder / "checkpoints/latest").exists()


@pytest.mark.slow
def test_two_runs_started_in_the_same_second_do_not_meet(start_warm, toy, tmp_path):
    processes = [start_warm(*toy("operation_mode=training", "training.steps=10")) for _ in range(2)]
    for process in processes:
        answer = process.wait(300)
        assert answer.returncode == 0, answer.stderr
    folders = list((tmp_path / "experiments_outputs").iterdir())
    assert len(folders) == 2
    assert {report_of(folder)["status"] for folder in folders} == {"FINISHED"}


@pytest.mark.slow
def test_a_sweep_runs_every_value(run, store, tmp_path):
    answer = run("-m", "operation_mode=training", "model.d_model=16,32", "general.project_name=sweep")
    assert answer.returncode == 0, answer.stderr
    reports = [
        json.loads(path.read_text()) for path in sorted(tmp_path.glob("experiments_outputs/*_sweep/*/report.json"))
    ]
    assert len({report["model"]["parameters"] for report in reports}) == 2
    assert len(reports) == 2


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["/proc/textzoo", "file/run"])
def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(run, tmp_path, folder):
    (tmp_path / "file").write_text("")
    answer = run("operation_mode=training", f"hydra.run.dir={folder}")
    assert answer.returncode == 2
    assert "cannot be written" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.slow
def test_a_full_disk_gives_one_message_and_leaves_no_half_written_file(warm_program, toy, store, tmp_path):
    """A limit on the size of files stands for the full disk: writing fails in the middle of a file."""
    database = Path(store.removeprefix("sqlite:///")).stat().st_size
    limit = database + 4_000_000
    folder = tmp_path / "run"
    size = ["model.n_layers=2", "model.d_model=512", "training.steps=1", "training.eval_interval=1"]
    lower_limit = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit))
    answer = warm_program(*toy("operation_mode=training", *size, f"hydra.run.dir={folder}"), before=lower_limit)
    assert answer.returncode == 2, answer.stderr
    assert "space" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert report_of(folder)["status"] == "FAILED"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert all(path.stat().st_size < limit for path in files)
    assert not [path for path in files if path.suffix == ".keras"]


def test_a_users_mistake_is_one_message_and_its_traceback_is_in_the_log(run, tmp_path):
    """A text shorter than a window, found before training."""
    short = tmp_path / "short.txt"
    short.write_text("too short")
    answer = run("operation_mode=training", f"dataset.training_path={short}", f"hydra.run.dir={tmp_path / 'run'}")
    assert answer.returncode == 2
    assert "shorter than a window" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert "Traceback" in (tmp_path / "run/textzoo.log").read_text()


@pytest.fixture
def own_handlers():
    """What a run does to signals and to the project's log is undone."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    logger = logging.getLogger("textzoo")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    for handler in logger.handlers:
        handler.close()
    logger.handlers, logger.level, logger.propagate = before


@pytest.mark.parametrize("traceback", [False, True])
def test_a_program_error_names_the_log_with_the_traceback(own_handlers, capsys, tmp_path, traceback):
    app.log_to(tmp_path / app.LOG_FILE)
    with app.errors_to_exit_code(tmp_path) as outcome:
        outcome.show_traceback = traceback
        raise RuntimeError("[/v2] :smile: \x1b[2J \ud800")
    errors = capsys.readouterr().err
    assert outcome.code == 1
    assert "RuntimeError: [/v2] :smile: \\x1b[2J \\ud800. The traceback is in" in errors
    assert ("Traceback" in errors) == traceback
    log = (tmp_path / app.LOG_FILE).read_text(encoding="utf-8")
    assert "Traceback" in log
    assert "RuntimeError: [/v2] :smile: \\x1b[2J \\ud800" in log
    assert "\x1b" not in log + errors


@pytest.mark.slow
def test_whatever_is_written_the_console_shows_it_in_its_own_encoding_and_files_in_utf8(
    program, store, tmp_path, monkeypatch
):
    """As a user whose terminal is ASCII, with a folder and a prompt that look like markup."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    prompt = "The :key: of [bold]\tis é 😀 | `a` <b>"
    folder = tmp_path / "run [" / "v2] :smile:"
    answer = program(
        "operation_mode=prediction",
        "model=tiny_lm",
        "pretrained=true",
        f"prediction.prompt={prompt}",
        "prediction.num_samples=2",
        "prediction.max_tokens=60",
        f'hydra.run.dir="{folder}"',
        f"mlflow.uri={store}",
        "mlflow.system_metrics=false",
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.isascii()
    samples = (folder / "samples.txt").read_bytes().decode("utf-8")
    assert samples == "\n\n".join(sample["prompt"] + sample["text"] for sample in report_of(folder)["samples"]) + "\n"
    assert samples.startswith(prompt)
    assert answer.stdout.count(visible(samples, "ascii")) == 1
    assert answer.stdout.splitlines()[-1].endswith("lie in run [/v2] :smile:")
    assert f"```\n{samples.partition(chr(10) * 2)[0]}" in (folder / "report.md").read_text(encoding="utf-8")


def contents(folder):
    """Every file below a folder -> its bytes and its time; links as what they name."""
    paths = [path for path in sorted(folder.rglob("*")) if not path.is_dir() or path.is_symlink()]
    return {
        path.relative_to(folder).as_posix(): (path.lstat().st_mtime_ns, path.readlink())
        if path.is_symlink()
        else (path.lstat().st_mtime_ns, path.read_bytes())
        for path in paths
    }


# what a resume may not change, how the message names it
OTHER_MODELS = [
    ("model.d_model=32", "model.d_model: 16 -> 32"),
    ("model.context_length=8", "model.context_length: 16 -> 8"),
    ("model.activation=gelu", "model.activation: relu -> gelu"),
    ("tokenizer=byte", "tokenizer.name: char -> byte"),
    ("dataset.validation_split=0.2", "the texts: dataset.validation_split: 0.1 -> 0.2"),
    ("general.seed=5", "general.seed: 1234 -> 5"),
    ("training.batch_size=4", "training.batch_size: 8 -> 4"),
    ("training.optimizer=adamw", "training.optimizer: muon -> adamw"),
    ("training.qat=int8", "training.qat: none -> int8"),
    ("training.steps=15", "this run has done 20 steps already; expected training.steps of at least 20; received 15"),
]


@pytest.mark.slow
def test_a_resume_with_other_settings_goes_on_or_says_why_not(warm_program, run, text, store, tmp_path):
    folder = tmp_path / "run"
    copy = tmp_path / "own.txt"
    copy.write_bytes(text.read_bytes())
    answer = run("operation_mode=training", f"hydra.run.dir={folder}", f"dataset.training_path={copy}")
    assert answer.returncode == 0, answer.stderr
    before = contents(folder)
    assert str(tmp_path) not in (folder / ".hydra/hydra.yaml").read_text()

    for change, message in OTHER_MODELS:
        answer = warm_program(f"general.resume={folder}", *change.split())
        assert (answer.returncode, message in answer.stderr) == (2, True), (change, answer.stderr)
        assert {name for name, value in contents(folder).items() if before.get(name) != value} <= {"textzoo.log"}
    copy.write_text(text.read_text() + "More.")
    answer = warm_program(f"general.resume={folder}")
    assert "the texts: their content has changed" in answer.stderr
    copy.write_bytes(text.read_bytes())
    answer = warm_program(f"general.resume={folder}", "operation_mode=evaluation", "tokenizer=byte")
    assert (answer.returncode, "tokenizer.name: char -> byte" in answer.stderr) == (2, True), answer.stderr

    longer = warm_program(f"general.resume={folder}", "training.steps=40", "training.learning_rate=0.001")
    assert longer.returncode == 0, longer.stderr
    assert "goes on with other settings: training.steps: 20 -> 40; training.learning_rate: 0.003 -> 0.001" in " ".join(
        longer.stdout.split()
    )
    rows = (folder / "logs/metrics.csv").read_text().splitlines()[1:]
    assert [int(row.partition(",")[0]) for row in rows] == [10, 20, 30, 40]
    assert report_of(folder)["training"]["steps"] == 40
    assert "general.resume=" not in (folder / ".hydra/overrides.yaml").read_text()
    assert not (folder / "checkpoints/latest.1").exists()
    assert "training.steps=40" in (folder / ".hydra/overrides.yaml").read_text()
    again = warm_program(f"general.resume={folder}")
    assert "1_training      reuse" in again.stdout
    assert f"Tracked in mlflow.uri={store}, which the resumed folder names" in again.stdout
    assert store not in (folder / ".hydra/config.yaml").read_text()


def damaged_tokenizer(folder):
    (folder / "tokenizer.json").write_text("{}")
    return folder / "tokenizer.json"


@pytest.mark.slow
def test_a_second_run_into_a_finished_folder_says_what_it_replaces(warm_program, store, tmp_path):
    folder = tmp_path / "run"
    arguments = ["operation_mode=prediction", "model=tiny_lm", "pretrained=true", f"hydra.run.dir={folder}"]
    arguments += [f"mlflow.uri={store}", "mlflow.system_metrics=false"]
    options, run = ["prediction.max_tokens=5"], warm_program
    first = run(*arguments, *options, "prediction.prompt=The ")
    assert first.returncode == 0, first.stderr
    assert "replaced" not in first.stdout
    second = run(*arguments, *options, "prediction.prompt=A ")
    assert second.returncode == 0, second.stderr
    plan = second.stdout
    assert 'again, because prediction.prompt changed ("The " -> "A "); the earlier samples.txt is replaced' in plan
    assert "The earlier report.html, report.json, report.md are replaced." in plan
    assert str(tmp_path) not in (folder / "steps.json").read_text()
    (folder / "steps.json").write_text("{")
    third = run(*arguments, *options, "prediction.prompt=A ")
    assert third.returncode == 0, third.stderr
    assert "again, because steps.json is damaged; the earlier samples.txt is replaced" in third.stdout
    assert "1_prediction    reuse" in run(*arguments, *options, "prediction.prompt=A ").stdout
    found = (folder / "report.json").read_bytes()
    mistaken = run(*arguments, *options, f"tokenizer.path={damaged_tokenizer(tmp_path)}")
    assert mistaken.returncode == 2, mistaken.stderr
    assert (folder / "report.json").read_bytes() == found  # nothing was found that could take its place


@pytest.mark.parametrize("options", [[], ["hydra.run.dir=runs/of/mine"]])
def test_a_run_that_its_plan_refuses_leaves_nothing(warm_program, tmp_path, options):
    (tmp_path / "texts").mkdir()
    answer = warm_program("operation_mode=statistics", "dataset=text", "dataset.training_path=texts", *options)
    assert (answer.returncode, "there is no .txt file" in answer.stderr) == (2, True), answer.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["texts"]


@pytest.mark.slow
def test_a_run_that_holds_the_lock_is_left_alone(warm_program, run, tmp_path):
    """By a second run, a resume, and a sweep into the same folder."""
    folder = tmp_path / "run"
    assert run("operation_mode=statistics", f"hydra.run.dir={folder}").returncode == 0
    with Workspace(folder).lock(), hold(folder / SWEEP_LOCK):
        before = contents(folder)
        for arguments in (
            ["operation_mode=statistics", f"hydra.run.dir={folder}", "dataset=python_docs"],
            [f"general.resume={folder}", "dataset.separator=a"],
            ["-m", "operation_mode=statistics", f"hydra.sweep.dir={folder}", "dataset.split_seed=1,2"],
            ["-m", "operation_mode=statistics", f"hydra.sweep.dir={tmp_path}", "hydra.sweep.subdir=run"],
        ):
            answer = warm_program(*arguments)
            assert (answer.returncode, "another run is working in" in answer.stderr) == (2, True), answer.stderr
            assert contents(folder) == before


@pytest.mark.slow
def test_a_run_on_a_users_file_is_resumed_without_that_file(run, warm_program, store, tmp_path):
    """From the values that it had; and what the command line says anew wins over them."""
    file, folder = tmp_path / "mine.yaml", tmp_path / "run"
    file.write_text("defaults: [config, _self_]\ndataset: {separator: ab}\nprediction: {prompt: mine}\n")
    on_file = ["--config-path", ".", "--config-name", "mine"]
    answer = run(*on_file, "operation_mode=statistics", f"hydra.run.dir={folder}", "tokenizer=byte")
    assert answer.returncode == 0, answer.stderr
    file.unlink()
    again = warm_program("general.resume=run")
    assert again.returncode == 0, again.stderr
    assert "1_statistics    reuse" in again.stdout
    assert f"Tracked in mlflow.uri={store}, which the resumed folder names" in again.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    other = warm_program("general.resume=run", "tokenizer=char", "--cfg", "job")
    values = yaml.safe_load(other.stdout)
    assert (values["dataset"]["separator"], values["tokenizer"]["name"]) == ("ab", "char")
    assert values["prediction"]["prompt"] == "mine"


@pytest.mark.slow
def test_a_sweep_over_a_group_wins_over_a_users_file(warm_program, store, tmp_path):
    """In processes of their own, too; and nothing of the sweep names this machine."""
    file = "defaults: [config, _self_]\ntokenizer: {name: char}\n"
    file += "dataset: {name: conversations, conversations_bytes: 20000}\n"
    (tmp_path / "mine.yaml").write_text(file)
    answer = warm_program(
        "-m",
        "--config-path=.",
        "--config-name=mine",
        "operation_mode=statistics",
        "tokenizer=byte,word",
        "hydra.sweep.dir=sweep",
        "hydra/launcher=joblib",
        "hydra.launcher.n_jobs=1",
        f"mlflow.uri={store}",
        "mlflow.system_metrics=false",
    )
    assert answer.returncode == 0, answer.stderr
    folders = [tmp_path / "sweep" / number for number in ("0", "1")]
    configurations = [yaml.safe_load((folder / ".hydra/config.yaml").read_text()) for folder in folders]
    assert [values["tokenizer"]["name"] for values in configurations] == ["byte", "word"]
    assert {path.name for path in (tmp_path / "sweep").iterdir()} == {"0", "1", ".sweep_lock"}


def test_a_link_in_a_run_folder_is_not_followed(warm_program, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "tokenizer.json").write_text("theirs")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "models").symlink_to(elsewhere)
    answer = warm_program("operation_mode=training", f"hydra.run.dir={folder}")
    assert (answer.returncode, "holds links: models" in answer.stderr) == (2, True), answer.stderr
    assert (elsewhere / "tokenizer.json").read_text() == "theirs"
    assert [path.name for path in folder.iterdir()] == ["models"]


def test_what_is_not_read_of_a_folder_is_told(run, text, tmp_path):
    """One line on the console; the list in the statistics and the log."""
    texts, folder = tmp_path / "texts", tmp_path / "run"
    texts.mkdir()
    (texts / "A.TXT").write_bytes(text.read_bytes())
    (texts / "b.md").write_text("not this")
    (texts / "empty.txt").write_text("")
    answer = run("operation_mode=statistics", f"dataset.training_path={texts}", f"hydra.run.dir={folder}")
    assert answer.returncode == 0, answer.stderr
    left_out = "dataset: not read of the folders given: 1 not a .txt file, 1 empty; textzoo.log lists them."
    assert left_out in answer.stdout
    expected = [{"path": "b.md", "reason": "not a .txt file"}, {"path": "empty.txt", "reason": "empty"}]
    assert json.loads((folder / "statistics.json").read_text())["left_out"] == expected
    assert "| `b.md` | not a .txt file |" in (folder / "statistics.md").read_text()
    assert "not read: 'b.md': not a .txt file" in (folder / "textzoo.log").read_text()


def files_that_name(place, folder):
    """Files below a folder that hold the path of a place, but for the command line itself."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "overrides.yaml"]
    return [path for path in files if str(place).encode() in path.read_bytes()]


@pytest.mark.slow
def test_what_may_be_published_names_no_folder_of_this_machine(warm_program, store, text, tmp_path):
    """Reports, logs and the tracked configuration: the run's folder and the texts may lie elsewhere."""
    folder, elsewhere = tmp_path / "run", tmp_path.parent / f"{tmp_path.name}-elsewhere"
    for place in (folder, elsewhere):
        arguments = [
            "operation_mode=statistics",
            "dataset=text",
            f"dataset.training_path={text}",
            f"mlflow.uri={store}",
        ]
        project = f"general.project_name={place.name}"
        answer = warm_program(*arguments, f"hydra.run.dir={place}", project, "mlflow.system_metrics=false")
        assert answer.returncode == 0, answer.stderr
        named = [path for folder in (tmp_path, text.parent) for path in files_that_name(folder, place)]
        assert [path for path in named if path.name not in UNPUBLISHED] == []
        assert f".../{text.name}" in (place / ".hydra/config.yaml").read_text()
        assert report_of(place)["run_dir"] == place.name
        opened = open_store(store, place.name)
        runs = opened.client.search_runs([opened.experiment_id])
        params = {name: value for found in runs for name, value in found.data.params.items()}
        assert params["dataset.training_path"] == f".../{text.name}"
        assert "mlflow.uri" not in params
        assert not [value for value in params.values() if str(tmp_path.parent) in value]


# What only this machine reads.
UNPUBLISHED = ("dataset.json",)


def test_a_password_is_not_kept_in_a_run_folder(tmp_path):
    values = {"mlflow": {"uri": "postgresql://me:hush@host/db"}, "prediction": {"prompt": "a:b@c"}}
    hydra = {
        "overrides": {"task": ['mlflow.uri="postgresql://me:hush@host/db"', 'prediction.prompt="a:b@c"']},
        "runtime": {"choices": {"model": "gpt"}},
        "job": {"config_name": "config"},
    }
    for on_own_file in (False, True):
        folder = tmp_path if on_own_file else CONFIGURATION
        hydra["runtime"]["config_sources"] = [{"provider": "main", "path": str(folder)}]
        keep_command_line(tmp_path, OmegaConf.create(values), OmegaConf.create(hydra))
        kept = "".join(path.read_text() for path in (tmp_path / ".hydra").iterdir())
        assert "hush" not in kept
        assert kept.count("postgresql://me:***@host/db") == kept.count("a:b@c") == 2 + on_own_file
    assert kept_override('mlflow.uri="http://host/a?token=hush"') == 'mlflow.uri="http://host/a?token=***"'
    assert kept_override('prediction.prompt="/a?token=hush"') == 'prediction.prompt="/a?token=hush"'


def test_a_resume_asks_for_the_password_that_was_not_kept(warm_program, tmp_path):
    (tmp_path / "run/.hydra").mkdir(parents=True)
    notes = {"hydra": {"runtime": {"config_sources": []}, "job": {"config_name": "config"}}}
    (tmp_path / "run/.hydra/hydra.yaml").write_text(yaml.safe_dump(notes))
    for address in ("postgresql://me:***@host/db", "sqlite:///${oc.env:HOME}/x.db"):
        (tmp_path / "run/.hydra/overrides.yaml").write_text(yaml.safe_dump([f"mlflow.uri={address}"]))
        answer = warm_program("general.resume=run", "operation_mode=statistics")
        assert (answer.returncode, "mlflow.uri" in answer.stderr) == (2, True), answer.stderr
        given = warm_program(
            "general.resume=run", "operation_mode=statistics", "mlflow.uri=sqlite:///x.db", "--cfg", "job"
        )
        assert given.returncode == 0, given.stderr


NOT_UTF_8 = [b"dataset.training_path=caf\xe9.txt", b"prediction.prompt=caf\xe9", b"hydra.run.dir=caf\xe9"]


@pytest.mark.parametrize("argument", [*NOT_UTF_8, b"--config-path=caf\xe9", b"general.resume=caf\xe9"])
def test_bytes_that_are_not_utf_8_are_named_before_anything_runs(tmp_path, argument):
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("The text. " * 99)
    command = [os.fsencode(sys.executable), os.fsencode(PROJECT / "stm32ai_main.py"), b"dataset=text", argument]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert answer.returncode == 2
    assert b"holds bytes that are not UTF-8" in answer.stderr
    assert b"caf\\xe9" in answer.stderr
    assert len(list(tmp_path.iterdir())) == 1


def test_language_settings_without_utf_8_are_named(tmp_path):
    """Python takes UTF-8 for itself in the C locale, unless it is told not to."""
    settings = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, PROJECT / "stm32ai_main.py", "prediction.prompt=café"]
    answer = subprocess.run(command, cwd=tmp_path, env={**os.environ, **settings}, capture_output=True, check=False)
    assert answer.returncode == 2
    assert b"not UTF-8" not in answer.stderr
    assert b"LC_ALL=C, PYTHONUTF8=0. Set PYTHONUTF8=1, or LC_ALL=C.UTF-8." in answer.stderr
    assert list(tmp_path.iterdir()) == []


REFERENCE_LIKE = r'a ${x} \${y} \\${z} "q" ${oc.env:TOKEN}'


@pytest.mark.slow
def test_a_text_that_looks_like_a_reference_survives_a_resume(warm_program, tmp_path):
    mode = ["operation_mode=statistics", "dataset=conversations", "dataset.conversations_bytes=20000"]
    answer = warm_program(*mode, f"prediction.prompt={REFERENCE_LIKE}", "hydra.run.dir=first")
    assert answer.returncode == 0, answer.stderr
    for _ in range(2):
        answer = warm_program("general.resume=first")
        assert answer.returncode == 0, answer.stderr
        kept = OmegaConf.load(tmp_path / "first/.hydra/config.yaml")
        assert kept.prediction.prompt == REFERENCE_LIKE


@pytest.mark.slow
def test_what_the_environment_gives_an_address_is_written_nowhere(warm_program, tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", "hush-hush")
    mode = ["operation_mode=statistics", "dataset=conversations", "dataset.conversations_bytes=20000"]
    address = 'mlflow.uri="sqlite:///${oc.env:TOKEN}.db"'
    answer = warm_program(*mode, address, "hydra.run.dir=first")
    assert answer.returncode == 0, answer.stderr
    assert address in (tmp_path / "first/.hydra/overrides.yaml").read_text()
    files = [path for path in (tmp_path / "first").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if b"hush-hush" in path.read_bytes()]


def test_a_refused_address_does_not_show_what_the_environment_gave(warm_program, tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", "hush-hush")
    address = 'mlflow.uri="http://127.0.0.1:9/${oc.env:TOKEN}/x"'
    answer = warm_program("operation_mode=statistics", address, "hydra.run.dir=first")
    assert answer.returncode == 2
    assert "mlflow.uri=http://127.0.0.1:9/***/x" in answer.stderr
    assert "hush-hush" not in answer.stderr
    assert not (tmp_path / "first").exists()


def test_half_a_character_in_a_file_is_named(warm_program, tmp_path):
    (tmp_path / "mine.yaml").write_text('defaults: [config, _self_]\nprediction: {prompt: "a\\ud800"}\n')
    answer = warm_program("--config-path", ".", "--config-name", "mine", "operation_mode=statistics")
    assert answer.returncode == 2
    assert len(list(tmp_path.iterdir())) == 1


def test_nothing_is_written_outside_of_the_run_folder_and_the_store(run, tmp_path):
    """Where the current folder cannot be written, a run elsewhere goes on."""
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    answer = run(
        "operation_mode=statistics",
        "dataset=conversations",
        "dataset.training_path=null",
        "dataset.conversations_bytes=20000",
        "dataset.cache_dir=/proc/nothing",
        f"hydra.run.dir={elsewhere}",
    )
    assert answer.returncode == 0, answer.stderr
    assert list(tmp_path.iterdir()) == []
    assert json.loads((elsewhere / "statistics.json").read_text())["name"] == "conversations"
