"""Child processes: started in a clean environment, and ended with TextZoo at the latest.

These are compilers, make, emulators and programs that were built. Variables like PROFILE, CFLAGS or MAKEFLAGS, which
the user's shell may hold for other purposes, are not passed on; those that begin with TZ_ are, except CHOSEN_HERE, and
those of ccache and of ESP-IDF.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from textzoo.common.escaping import visible_line
from textzoo.common.signals import raise_if_interrupted

LIFELINE = Path(__file__).with_name("lifeline.py")
# Variables that are passed on; DEVELOPER_DIR is the folder of macOS's compilers.
PASSED = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "DEVELOPER_DIR")
OWN_PREFIX = "TZ_"
# What ESP-IDF's export.sh sets, e.g. IDF_PATH and ESP_IDF_VERSION.
ESP_IDF_PREFIXES = ("IDF_", "ESP_")
PASSED_PREFIXES = (OWN_PREFIX, "CCACHE_", *ESP_IDF_PREFIXES)
# Variables for users who run make in a project; here TextZoo chooses what is built, and expects its files accordingly.
CHOSEN_HERE = frozenset(f"TZ_{name}" for name in ("IMAGE", "PROFILE", "WEIGHTS", "SANITIZE", "HAL", "EMULATOR"))
# English messages, in UTF-8.
FIXED = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
# Interruptions are checked for at this interval.
POLL_SECONDS = 0.5
PATIENCE_SECONDS = 5.0
# Of what a program has printed, for messages.
SHOWN_LINES, SHOWN_CHARACTERS = 15, 300


def clean_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment variables for a child process."""
    names = {name for name in environment if name in PASSED or name.startswith(PASSED_PREFIXES)} - CHOSEN_HERE
    return {name: environment[name] for name in names} | FIXED


def own_setting(name: str) -> str:
    """Return the value of one of TextZoo's variables, e.g. "CC" for TZ_CC; "" if it is not set."""
    return os.environ.get(OWN_PREFIX + name, "")


@contextlib.contextmanager
def started(command: list[str], folder: Path | None = None, **pipes: Any) -> Iterator[subprocess.Popen]:
    """Start a program; end it and all its children after the block, or when this process is killed.

    Args:
        command: The program and its arguments.
        folder: Its working directory.
        pipes: `stdin`, `stdout`, `stderr`, `text` ... of subprocess.Popen; `env` replaces the clean environment.
    """
    reading, writing = os.pipe()
    wrapped = [sys.executable, "-I", "-S", str(LIFELINE), str(reading), *command]
    try:
        options = {"env": clean_environment(), **pipes}
        process = subprocess.Popen(wrapped, cwd=folder, pass_fds=(reading,), process_group=0, **options)
    except BaseException:
        os.close(writing)
        raise
    finally:
        os.close(reading)
    try:
        yield process
    finally:
        stop(process)
        os.close(writing)


def stop(process: subprocess.Popen) -> None:
    """End a program and its children: SIGTERM, and SIGKILL after PATIENCE_SECONDS."""
    with contextlib.suppress(ProcessLookupError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        with contextlib.suppress(OSError):
            if stream:
                stream.close()


def run(
    command: list[str], folder: Path | None = None, *, timeout: float, given: bytes = b"", **pipes: Any
) -> subprocess.CompletedProcess:
    """Run a program to its end; return its exit code and output.

    Args:
        command: The program and its arguments.
        folder: Its working directory.
        timeout: Seconds after which it is ended and subprocess.TimeoutExpired is raised.
        given: Its standard input.
        pipes: Further arguments of subprocess.Popen.
    """
    with tempfile.TemporaryFile() as file:
        file.write(given)
        file.seek(0)
        streams = {"stdin": file, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return finished(command, folder, timeout, streams | pipes)


def run_text(command: list[str], folder: Path | None = None, *, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run a program as `run` does, with its output decoded as UTF-8, whatever this process's locale is.

    Invalid UTF-8, e.g. from a path or from a compiler that ignores LC_ALL, becomes U+FFFD.
    """
    return run(command, folder, timeout=timeout, encoding="utf-8", errors="replace")


def last_lines(output: str) -> str:
    """Return the last lines of what a program has printed, as a list for a message: each short, without controls."""
    lines = [visible_line(line.rstrip()[:SHOWN_CHARACTERS]) for line in output.splitlines() if line.strip()]
    return "\n" + "".join(f"  {line}\n" for line in lines[-SHOWN_LINES:]) if lines else "no output"


def finished(
    command: list[str], folder: Path | None, timeout: float, pipes: dict[str, Any]
) -> subprocess.CompletedProcess:
    """Start a program and wait until it ends, checking for interruptions meanwhile."""
    deadline = time.monotonic() + timeout
    with started(command, folder, **pipes) as process:
        while True:
            try:
                output, errors = process.communicate(timeout=POLL_SECONDS)
            except subprocess.TimeoutExpired:
                raise_if_interrupted()
                if time.monotonic() >= deadline:
                    raise subprocess.TimeoutExpired(command, timeout) from None
            else:
                return subprocess.CompletedProcess(command, process.returncode, output, errors)
