"""MLflow runs: nested, ended with the right status, killed ones cleaned up."""

import subprocess
import sys

import pytest

from textzoo.errors import UserError
from textzoo.tracking import PROCESS_TAG, Tracker, flatten, is_alive, this_process


def runs_of(tracker):
    return {run.info.run_name: run for run in tracker.client.search_runs([tracker.experiment_id])}


def test_parent_and_child_with_params_metrics_and_artifacts(store, tmp_path):
    tracker = Tracker(store, "nested")
    (tmp_path / "model.bin").write_bytes(b"weights")
    with tracker.run("parent", tags={"operation_mode": "chain_tqe"}) as parent:
        parent.params(flatten({"model": {"n_layers": 3}, "operation_mode": "chain_tqe"}))
        with tracker.run("child", parent) as child:
            child.metrics(10, {"validation_loss": 2.5})
            child.metrics(20, {"validation_loss": 2.0})
            child.artifact(tmp_path / "model.bin", "models")
    runs = runs_of(tracker)
    assert {name: run.info.status for name, run in runs.items()} == {"parent": "FINISHED", "child": "FINISHED"}
    assert runs["child"].data.tags["mlflow.parentRunId"] == runs["parent"].info.run_id
    assert runs["parent"].data.params["model.n_layers"] == "3"
    history = tracker.client.get_metric_history(runs["child"].info.run_id, "validation_loss")
    assert [(point.step, point.value) for point in history] == [(10, 2.5), (20, 2.0)]
    assert [file.path for file in tracker.client.list_artifacts(runs["child"].info.run_id, "models")] == [
        "models/model.bin"
    ]


@pytest.mark.parametrize(
    ("exception", "status"), [(ValueError, "FAILED"), (UserError, "FAILED"), (KeyboardInterrupt, "KILLED")]
)
def test_a_run_that_dies_is_closed_with_its_status(store, exception, status):
    tracker = Tracker(store, f"dies_{status}_{exception.__name__}")
    with pytest.raises(exception), tracker.run("parent") as parent, tracker.run("child", parent):
        raise exception("on purpose")
    assert {run.info.status for run in runs_of(tracker).values()} == {status}


def test_a_run_whose_process_vanished_is_closed_at_the_next_start(store):
    code = (
        "import os\nfrom textzoo.tracking import Tracker\n"
        f"with Tracker({store!r}, 'killed').run('victim'):\n    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    tracker = Tracker(store, "killed")
    assert runs_of(tracker)["victim"].info.status == "KILLED"


def test_a_run_whose_process_lives_is_left_alone(store):
    tracker = Tracker(store, "alive")
    with tracker.run("long"):
        assert runs_of(Tracker(store, "alive"))["long"].info.status == "RUNNING"


@pytest.mark.parametrize("tag", ["", "nonsense", "host 1"])
def test_an_unreadable_process_tag_counts_as_gone(tag):
    assert not is_alive(tag)
    assert is_alive(this_process())
    assert PROCESS_TAG


@pytest.mark.parametrize("name", ["file/mlflow.db", "file"])
def test_a_store_that_cannot_be_opened_gives_one_clear_message(tmp_path, name):
    """No folder, no database."""
    (tmp_path / "file").write_text("This is text, not a database. " * 200)
    with pytest.raises(UserError, match=r"tracking store cannot be opened: .*; received mlflow.uri="):
        Tracker(f"sqlite:///{tmp_path / name}", "project")


def test_a_server_that_does_not_answer_is_told(tmp_path):
    with pytest.raises(UserError, match="tracking store cannot be opened"):
        Tracker("http://localhost:1", "project")
