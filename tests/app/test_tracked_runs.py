"""Whole runs and their tracking store: a server that goes away, files with unusual names, secrets in the address."""

import json
import shutil
import threading
import time

import pytest
from tracking_stores import door_to

from textzoo.records.tracking import open_store

pytestmark = pytest.mark.slow


def runs_of(uri, project):
    opened = open_store(uri, project)
    return opened.client, {run.info.run_name: run for run in opened.client.search_runs([opened.experiment_id])}


def away_for(door, seconds):
    """The server goes away after its first answers, and comes back."""

    def work():
        while door.requests < 12:
            time.sleep(0.05)
        door.state = "cut"
        time.sleep(seconds)
        door.state = "open"

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_server_that_goes_away_while_a_model_is_trained(server, sweep_of, tmp_path):
    folder = tmp_path / "run"
    with door_to(server) as (door, uri):
        thread = away_for(door, 12.0)
        answer = sweep_of(
            tmp_path,
            "operation_mode=training",
            "training.steps=2000",
            "training.eval_interval=100",
            "general.project_name=away",
            "mlflow.system_metrics=true",
            f"mlflow.uri={uri}",
            f"hydra.run.dir={folder}",
        )
        thread.join()
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("Warning: the tracking store fails") == 1, answer.stdout
    assert "Traceback" not in answer.stdout + answer.stderr
    client, runs = runs_of(server, "away")
    assert {name: run.info.status for name, run in runs.items()} == {
        "pico_gpt float training run": "FINISHED",
        "1_training": "FINISHED",
    }
    curve = client.get_metric_history(runs["1_training"].info.run_id, "validation_loss")
    assert [point.step for point in curve] == list(range(100, 2001, 100))
    report = json.loads((folder / "report.json").read_text())
    assert report["mlflow_run_id"] == runs["pico_gpt float training run"].info.run_id
    assert not (folder / "tracking").exists()


@pytest.fixture(scope="module")
def trained(sweep_of, tmp_path_factory):
    """The models folder of a toy chain."""
    folder = tmp_path_factory.mktemp("trained")
    answer = sweep_of(folder, "operation_mode=chain_tqe", "general.project_name=first", f"hydra.run.dir={folder}/run")
    assert answer.returncode == 0, answer.stderr
    return folder / "run/models"


def test_a_model_file_of_any_name_is_evaluated_and_logged(store, trained, sweep_of, tmp_path):
    name = "decode (1)+,%~[x] é.tflite"
    shutil.copy(trained / "decode_static_wi8_ai8.tflite", tmp_path / name)
    shutil.copy(trained / "tokenizer.json", tmp_path)
    answer = sweep_of(
        tmp_path,
        "operation_mode=evaluation",
        f'model.quantized_model_path="{tmp_path / name}"',
        "general.project_name=names of files",
    )
    assert answer.returncode == 0, answer.stderr
    assert "Warning" not in answer.stdout
    _, runs = runs_of(store, "names of files")
    [child] = [run for name, run in runs.items() if name == "1_evaluation"]
    assert "decode :28:1:29::2b::2c::25::7e::5b:x:5d: é.litert_ref.loss_nats" in child.data.metrics


def test_the_password_of_a_store_is_written_nowhere(server, sweep_of, tmp_path):
    folder = tmp_path / "run"
    uri = server.replace("http://", "http://user:secret-word@")
    answer = sweep_of(
        tmp_path,
        "operation_mode=statistics",
        "general.project_name=secret",
        f"mlflow.uri={uri}",
        f"hydra.run.dir={folder}",
    )
    assert answer.returncode == 0, answer.stderr
    assert "secret-word" not in answer.stdout + answer.stderr
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if b"secret-word" in path.read_bytes()] == []
    client, runs = runs_of(server, "secret")
    assert runs
    kept = []
    for run in runs.values():
        assert "secret-word" not in str(run.to_dictionary())
        local = client.download_artifacts(run.info.run_id, "", str(tmp_path))
        kept += [path for path in tmp_path.joinpath(local).rglob("*") if path.is_file()]
    assert kept
    assert [path for path in kept if b"secret-word" in path.read_bytes()] == []
    assert not any("mlflow.uri" in run.data.params for run in runs.values())
    again = sweep_of(tmp_path, f"general.resume={folder}", f"mlflow.uri={uri}")
    assert again.returncode == 0, again.stderr


def test_text_appears_although_the_store_is_slow(server, trained, sweep_of, tmp_path):
    """Prediction opens the store after its text; a server that fails by then costs a warning, not the run."""
    with door_to(server) as (door, uri):
        answer = sweep_of(
            tmp_path,
            "operation_mode=prediction",
            f"model.quantized_model_path={trained / 'decode_static_wi8_ai8.tflite'}",
            "prediction.prompt=The model",
            "general.project_name=text first",
            f"mlflow.uri={uri}",
            f"hydra.run.dir={tmp_path / 'run'}",
        )
        assert answer.returncode == 0, answer.stderr
        assert "The model" in answer.stdout
        assert door.requests > 3
    _, runs = runs_of(server, "text first")
    [parent] = [run for name, run in runs.items() if name.startswith("pico_gpt int8 prediction")]
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["prediction_tokens_per_second"] > 0
    assert json.loads((tmp_path / "run/report.json").read_text())["mlflow_run_id"] == parent.info.run_id
