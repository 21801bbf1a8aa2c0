"""Runs the program as a user does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def program(tmp_path):
    """A function that runs `python stm32ai_main.py ...` in an empty folder and returns the finished process."""

    def run(*arguments, timeout=600, python_options=(), path=os.environ["PATH"], **options):
        command = [sys.executable, *python_options, str(PROJECT / "stm32ai_main.py"), *map(str, arguments)]
        environment = {**os.environ, "COLUMNS": "200", "PATH": path}
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            **options,
        )

    return run
