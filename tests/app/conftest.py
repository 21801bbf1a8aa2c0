"""Runs the program as a user does."""

import os
import subprocess
import sys

import pytest
from checkout import PROGRAM, environment
from tracking_stores import mlflow_server, postgresql

from textzoo.records.tracking import open_store
from warm_process import WarmProcess


@pytest.fixture(autouse=True)
def state_folder(tmp_path_factory, monkeypatch):
    """Notes on journals that are not sent stay out of the user's own folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture
def program(tmp_path):
    """A function that runs `python stm32ai_main.py ...` in an empty folder and returns the finished process."""

    def run(*arguments, timeout=600, python_options=(), path=os.environ["PATH"], **options):
        return subprocess.run(
            [sys.executable, *python_options, str(PROGRAM), *map(str, arguments)],
            cwd=tmp_path,
            env=environment(path),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            **options,
        )

    return run


@pytest.fixture
def start_warm(tmp_path, tmp_path_factory):
    """A function that starts the same program without waiting for it; the large libraries are imported already."""

    def start(*arguments, path=os.environ["PATH"], before=None):
        output = tmp_path_factory.mktemp("output")
        return WarmProcess(PROGRAM, list(map(str, arguments)), tmp_path, environment(path), output, before)

    return start


@pytest.fixture
def warm_program(start_warm):
    """As `program`, by `start_warm`: for runs that use the large libraries."""
    return lambda *arguments, timeout=600, **options: start_warm(*arguments, **options).wait(timeout)


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """A migrated tracking store for all tests: making one takes seconds."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"
    open_store(uri, "warm_up")
    return uri


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The address of an MLflow server on a database of its own."""
    folder = tmp_path_factory.mktemp("server")
    with mlflow_server(folder, f"sqlite:///{folder / 'server.db'}") as uri:
        yield uri


@pytest.fixture(scope="session")
def database_server():
    """The address of a PostgreSQL server, to which `make_database` adds databases."""
    with postgresql() as address:
        yield address


TOY = (
    "model.n_layers=1", "model.d_model=16", "model.n_heads=2", "model.context_length=16", "training.steps=20",
    "training.eval_interval=10", "training.warmup_steps=2", "training.batch_size=8", "training.eval_tokens=200",
    "quantization.calibration_windows=4", "quantization.report_tokens=32", "evaluation.max_tokens=200",
    "prediction.max_tokens=20", "mlflow.system_metrics=false", "dataset=text",
)  # fmt: skip
TOY_TEXT = "The model reads a token and writes one more token. A token and one more, reads the model.\n" * 60


@pytest.fixture(scope="session")
def toy_options(store, tmp_path_factory):
    """Overrides for a run at toy size on a text of its own, in the store of the tests."""
    text = tmp_path_factory.mktemp("toy") / "text.txt"
    text.write_text(TOY_TEXT)
    return [*TOY, f"dataset.training_path={text}", "dataset.overlap_warning=1.0", f"mlflow.uri={store}"]


@pytest.fixture(scope="session")
def sweep_of(toy_options, tmp_path_factory):
    """A function that runs the program at toy size in a folder; the large libraries are imported already."""

    def run(folder, *arguments):
        given = {str(argument).partition("=")[0] for argument in arguments}
        rest = [option for option in toy_options if option.partition("=")[0] not in given]
        output = tmp_path_factory.mktemp("output")
        command = [*map(str, arguments), *rest]
        return WarmProcess(PROGRAM, command, folder, environment(os.environ["PATH"]), output).wait(900)

    return run


@pytest.fixture(scope="session")
def store_of_runs(store):
    """The store of the tests, with two finished runs of the experiment "made" that have params and figures only."""
    opened = open_store(store, "made")
    for number in (1, 2):
        run = opened.client.create_run(opened.experiment_id, run_name=f"made {number}").info.run_id
        opened.client.log_param(run, "training.steps", str(number))
        opened.client.log_metric(run, "loss_nats/float", 2.0 + number)
        opened.client.set_terminated(run)
    return store
