"""Runs the program as a user does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from warm_process import WarmProcess

from textzoo.tracking import Tracker

PROJECT = Path(__file__).resolve().parents[2]
PROGRAM = PROJECT / "stm32ai_main.py"


def environment(path):
    return {**os.environ, "COLUMNS": "200", "PATH": path}


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
    Tracker(uri, "warm_up")
    return uri
