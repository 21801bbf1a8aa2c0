"""Whole runs of the program at toy size: chains, resuming, interruption, sweeps, folders that cannot be written."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from textzoo.tracking import open_store

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


def test_a_chain_from_text_to_evaluated_models_and_its_resumption(run, run_afresh, store, tmp_path):
    folder = tmp_path / "run"
    answer = run_afresh("operation_mode=chain_tqe", f"hydra.run.dir={folder}", "general.project_name=chain")
    assert answer.returncode == 0, answer.stderr
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
    for name in ("report.md", "models/float.keras", "models/tokenizer.json", "checkpoints/best", "checkpoints/latest"):
        assert (folder / name).exists(), name
    assert statuses(store, "chain") == {
        "pico_gpt int8 chain_tqe run": "FINISHED",
        "1_training": "FINISHED",
        "2_quantization": "FINISHED",
        "3_evaluation": "FINISHED",
    }
    assert "1_training      run" in answer.stdout

    again = run(f"general.resume={folder}")
    assert again.returncode == 0, again.stderr
    assert [line.split()[1] for line in again.stdout.splitlines() if line.startswith("  1_training")] == ["reuse"]
    assert "run   quantize" not in again.stdout
    assert report_of(folder)["evaluation"] == report["evaluation"]

    other = run(f"general.resume={folder}", "quantization.recipe=static_wi8_ai16")
    assert other.returncode == 0, other.stderr
    assert "1_training      reuse" in other.stdout
    assert "2_quantization  run" in other.stdout
    assert [row["model"] for row in report_of(folder)["evaluation"]] == ["float", "int16x8", "int8"]


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


def test_statistics_alone(run, tmp_path):
    folder = tmp_path / "run"
    answer = run("operation_mode=statistics", f"hydra.run.dir={folder}", "dataset.overlap_warning=1.0")
    assert answer.returncode == 0, answer.stderr
    assert "Warning:" not in answer.stdout
    assert report_of(folder)["status"] == "FINISHED"
    assert (folder / "statistics.md").is_file()
    again = run(f"general.resume={folder}")
    assert "1_statistics    reuse" in again.stdout


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
        assert "The " + texts[-1] in answer.stdout
    assert texts[0] == texts[1]
    assert len(texts[0]) == 50

    answer = run("operation_mode=prediction", model, "prediction.prompt=The §", f"hydra.run.dir={tmp_path / 'unknown'}")
    assert answer.returncode == 2
    assert "§" in answer.stderr
    assert "Traceback" not in answer.stderr


def heed_interrupts():
    """A job in a shell's background inherits that Ctrl-C is ignored; a user's program in the foreground does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_interruption_keeps_a_checkpoint_closes_the_run_and_can_be_resumed(text, store, tmp_path):
    folder = tmp_path / "run"
    options = [option for option in TOY if not option.startswith("training.steps")]
    options += ["dataset=text", f"dataset.training_path={text}", f"mlflow.uri={store}", f"hydra.run.dir={folder}"]
    command = [sys.executable, str(PROJECT / "stm32ai_main.py"), "operation_mode=training"]
    endless = [*command, *options, "training.steps=1000000", "general.project_name=interrupted"]
    process = subprocess.Popen(
        endless, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts
    )
    deadline = time.monotonic() + 120
    while not (folder / "checkpoints/latest").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, errors
    assert f"general.resume={folder.name}" in errors
    assert "Traceback" not in errors
    assert report_of(folder)["status"] == "KILLED"
    assert set(statuses(store, "interrupted").values()) == {"KILLED"}
    assert (folder / "checkpoints/latest").exists()


def test_two_runs_started_in_the_same_second_do_not_meet(start_warm, toy, tmp_path):
    processes = [start_warm(*toy("operation_mode=training", "training.steps=10")) for _ in range(2)]
    for process in processes:
        answer = process.wait(300)
        assert answer.returncode == 0, answer.stderr
    folders = list((tmp_path / "experiments_outputs").iterdir())
    assert len(folders) == 2
    assert {report_of(folder)["status"] for folder in folders} == {"FINISHED"}


def test_a_sweep_runs_every_value(run, store, tmp_path):
    answer = run("-m", "operation_mode=training", "model.d_model=16,32", "general.project_name=sweep")
    assert answer.returncode == 0, answer.stderr
    reports = [
        json.loads(path.read_text()) for path in sorted(tmp_path.glob("experiments_outputs/*_sweep/*/report.json"))
    ]
    assert len({report["model"]["parameters"] for report in reports}) == 2
    assert len(reports) == 2


@pytest.mark.parametrize("folder", ["/proc/textzoo", "file/run"])
def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(run, tmp_path, folder):
    (tmp_path / "file").write_text("")
    answer = run("operation_mode=training", f"hydra.run.dir={folder}")
    assert answer.returncode == 2
    assert "cannot be written" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_full_disk_gives_one_message_and_leaves_no_half_written_file(run_afresh, store, tmp_path):
    """A limit on the size of files stands for the full disk: writing fails in the middle of a file."""
    database = Path(store.removeprefix("sqlite:///")).stat().st_size
    limit = database + 4_000_000
    folder = tmp_path / "run"
    answer = run_afresh(
        "operation_mode=training",
        "model.n_layers=2",
        "model.d_model=512",
        "training.steps=1",
        "training.eval_interval=1",
        f"hydra.run.dir={folder}",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert answer.returncode == 2, answer.stderr
    assert "space" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert report_of(folder)["status"] == "FAILED"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert all(path.stat().st_size < limit for path in files)
    assert not [path for path in files if path.suffix == ".keras"]


def test_a_program_error_names_the_log_with_the_traceback(run, tmp_path):
    """A text shorter than a window is the user's mistake, found before training."""
    short = tmp_path / "short.txt"
    short.write_text("too short")
    answer = run("operation_mode=training", f"dataset.training_path={short}", f"hydra.run.dir={tmp_path / 'run'}")
    assert answer.returncode == 2
    assert "shorter than a window" in answer.stderr
    assert "Traceback" in (tmp_path / "run/textzoo.log").read_text()
    assert os.environ.get("PYTEST_CURRENT_TEST")
