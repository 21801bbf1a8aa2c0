"""A console that goes away: runs go on without it and write everything, tables and help end as Unix programs do."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).resolve().parents[2] / "stm32ai_main.py"
PREDICTION = "operation_mode=prediction model=tiny_lm pretrained=true prediction.max_tokens=12"
LOST = "The console is gone (standard output: {}); the run goes on without it."
FULL, BROKEN, CLOSED = "No space left on device", "Broken pipe", "Bad file descriptor"
QUIET = 128 + signal.SIGPIPE


@pytest.fixture
def in_shell(tmp_path):
    """A function that runs the program's arguments in bash, redirections included: its exit code and what it said."""

    def run(arguments, ways, before="PYTHONUNBUFFERED="):
        command = f"{before} {sys.executable} {PROGRAM} {arguments} {ways}; exit ${{PIPESTATUS[0]}}"
        return subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )

    return run


# Variables before the program, what the shell does with the console -> why it is lost.
WAYS_OF_RUNS = {
    ("PYTHONUNBUFFERED=", "2>&1 | head -1"): BROKEN,
    ("PYTHONUNBUFFERED=", "> /dev/full"): FULL,
    ("PYTHONUNBUFFERED=1", "> /dev/full 2> /dev/full"): FULL,
    ("PYTHONUNBUFFERED=", "<&- >&- 2>&-"): CLOSED,
}


@pytest.mark.parametrize("case", WAYS_OF_RUNS, ids=" ".join)
def test_a_run_outlives_its_console(in_shell, store, tmp_path, case):
    folder = tmp_path / "run"
    before, way = case
    answer = in_shell(f"{PREDICTION} mlflow.uri={store} hydra.run.dir={folder}", way, before)
    assert (answer.returncode, answer.stderr) == (0, "")
    written = {path.name for path in folder.iterdir()}
    assert written >= {".hydra", "samples.txt", "report.json", "report.md", "report.html", "steps.json"}
    lines = [line for line in (folder / "textzoo.log").read_text().splitlines() if "console" in line]
    assert [line.partition("textzoo ")[2] for line in lines] == [LOST.format(WAYS_OF_RUNS[case])]


def test_a_training_outlives_a_terminal_that_vanishes_under_its_bars(toy_options, tmp_path):
    ours, theirs = pty.openpty()
    command = [sys.executable, str(PROGRAM), "operation_mode=training", f"hydra.run.dir={tmp_path}/run", *toy_options]
    variables = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(command, cwd=tmp_path, env=variables, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        while b"of 20 steps" not in seen:
            seen += os.read(ours, 1 << 16)
        os.close(ours)
        assert process.wait(300) == 0
    assert LOST.format("Input/output error") in (tmp_path / "run/textzoo.log").read_text()
    assert "# training: FINISHED" in (tmp_path / "run/report.md").read_text()
    assert (tmp_path / "run/models/float.keras").is_file()


# Arguments, what the shell does with the console -> exit code, what is said on what is left of it.
CANNOT = "The standard output cannot be written: {}.\n"
WAYS_OF_TABLES = {
    ("operation_mode=describe", "| true"): (QUIET, ""),
    ("--help", "| true"): (QUIET, ""),
    ("--cfg job", "| true"): (QUIET, ""),
    ("operation_mode=describe", "> /dev/full"): (2, CANNOT.format(FULL)),
    ("--help", "> /dev/full"): (2, CANNOT.format(FULL)),
    ("--help", "> /dev/full 2> /dev/full"): (2, ""),
    ("--help", ">&-"): (2, CANNOT.format(CLOSED)),
    ("--cfg job", "> /dev/full"): (2, CANNOT.format(FULL)),
    ("--hydra-help", "> /dev/full"): (2, CANNOT.format(FULL)),
    ("operation_mode=nothing", "2> /dev/full"): (2, ""),
    ("operation_mode=nothing", "2>&1 | true"): (2, ""),
    ("operation_mode=nothing", "2>&-"): (2, ""),
    ("--nothing", "2> /dev/full"): (2, ""),
}


@pytest.mark.parametrize("case", WAYS_OF_TABLES, ids=" ".join)
def test_where_the_text_is_all_a_lost_console_ends_the_program(in_shell, tmp_path, case):
    answer = in_shell(*case)
    assert (answer.returncode, answer.stderr) == WAYS_OF_TABLES[case]
    assert not list(tmp_path.iterdir())


def test_a_console_that_takes_nothing_at_the_moment_is_waited_for(tmp_path):
    """Whoever shares a terminal may have set it so that it says "not now" instead of letting others wait."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, False)
    command = [sys.executable, str(PROGRAM), "operation_mode=describe"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        text = b""
        while piece := os.read(reading, 100):
            text += piece
        assert (process.wait(60), process.stderr.read()) == (0, b"")
    os.close(reading)
    assert len(text) > 4096
    assert text.endswith(subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout[-1000:])


@pytest.mark.parametrize(("way", "expected"), [("| true", (QUIET, "")), ("> /dev/full", (2, CANNOT.format(FULL)))])
def test_a_comparison_is_text(in_shell, store_of_runs, way, expected):
    answer = in_shell(f"operation_mode=compare general.project_name=made mlflow.uri={store_of_runs}", way)
    assert (answer.returncode, answer.stderr) == expected
