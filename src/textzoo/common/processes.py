"""Programs that TextZoo starts: in a clean environment, and never longer than TextZoo itself.

Compilers, make, emulators and programs that were built. Variables like PROFILE, CFLAGS or MAKEFLAGS, which a user's
shell may hold for other purposes, do not reach them; those that begin with TZ_ do, but for those that choose an image,
and so do those of ccache.
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

from textzoo.common.signals import raise_if_interrupted

LIFELINE = Path(__file__).with_name("lifeline.py")
# What a program may know of its surroundings; DEVELOPER_DIR is where macOS has its compilers.
PASSED = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "DEVELOPER_DIR")
OWN_PREFIX = "TZ_"
PASSED_PREFIXES = (OWN_PREFIX, "CCACHE_")
# What a user chooses who types make in a project; here, TextZoo chooses what is built, and looks for it there.
CHOSEN_HERE = frozenset(f"TZ_{name}" for name in ("IMAGE", "PROFILE", "WEIGHTS", "SANITIZE", "HAL", "EMULATOR"))
# Messages in one language, and text in one encoding.
FIXED = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
# An interruption is heard at the latest after so many seconds.
HEARING_SECONDS = 0.5
PATIENCE_SECONDS = 5.0


def clean_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that a started program sees."""
    names = {name for name in environment if name in PASSED or name.startswith(PASSED_PREFIXES)} - CHOSEN_HERE
    return {name: environment[name] for name in names} | FIXED


def own_setting(name: str) -> str:
    """A variable of our own, e.g. "CC" for TZ_CC; "" where it is not set."""
    return os.environ.get(OWN_PREFIX + name, "")


@contextlib.contextmanager
def started(command: list[str], folder: Path | None = None, **pipes: Any) -> Iterator[subprocess.Popen]:
    """A running program, which has ended behind the block, or when this process is killed; so has all it started.

    Args:
        command: Its program and arguments.
        folder: Where it runs.
        pipes: `stdin`, `stdout`, `stderr`, `text` ... of subprocess.Popen; `env`, for what is to see other variables.
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
    """End a program and what it has started, politely first."""
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
    """Run a program to its end; return its code and what it said.

    Args:
        command: Its program and arguments.
        folder: Where it runs.
        timeout: Seconds, after which it is ended and subprocess.TimeoutExpired is raised.
        given: What it reads from its standard input.
        pipes: Further arguments of subprocess.Popen.
    """
    with tempfile.TemporaryFile() as file:
        file.write(given)
        file.seek(0)
        streams = {"stdin": file, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return finished(command, folder, timeout, streams | pipes)


def run_text(command: list[str], folder: Path | None = None, *, timeout: float) -> subprocess.CompletedProcess[str]:
    """As `run`, with what the program said as text: UTF-8, as FIXED asks for, whatever this process's own locale is.

    Bytes that are not, of a path or of a compiler that speaks otherwise, become U+FFFD.
    """
    return run(command, folder, timeout=timeout, encoding="utf-8", errors="replace")


def finished(
    command: list[str], folder: Path | None, timeout: float, pipes: dict[str, Any]
) -> subprocess.CompletedProcess:
    """The end of `run`: wait, and hear interruptions meanwhile."""
    deadline = time.monotonic() + timeout
    with started(command, folder, **pipes) as process:
        while True:
            try:
                said, complained = process.communicate(timeout=HEARING_SECONDS)
            except subprocess.TimeoutExpired:
                raise_if_interrupted()
                if time.monotonic() >= deadline:
                    raise subprocess.TimeoutExpired(command, timeout) from None
            else:
                return subprocess.CompletedProcess(command, process.returncode, said, complained)
