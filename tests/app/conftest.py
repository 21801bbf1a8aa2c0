"""Runs the program as a user does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tracking_stores import mlflow_server, postgresql
from warm_process import WarmProcess

from textzoo.tracking import open_store

PROJECT = Path(__file__).resolve().parents[2]
PROGRAM = PROJECT / "stm32ai_main.py"


def environment(path):
    return {**os.environ, "COLUMNS": "200", "PATH": path}


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

    def start(*arguments, path=os.environ["PATH"]):
        output = tmp_path_factory.mktemp("output")
        return WarmProcess(PROGRAM, list(map(str, arguments)), tmp_path, environment(path), output)

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
