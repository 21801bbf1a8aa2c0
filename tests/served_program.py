"""`operation_mode=serve` and `operation_mode=web` as processes of their own."""

import contextlib
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[1] / "stm32ai_main.py"
MODEL = ("model=gpt", "pretrained=true")
GPT = ("operation_mode=serve", *MODEL)
ADDRESSES = {"serve": r"http://\S+/v1", "web": r"http://\S+/"}


@dataclass(frozen=True)
class Served:
    """The program while it runs, its address, and what it printed up to there."""

    process: subprocess.Popen
    url: str
    printed: str


@contextlib.contextmanager
def served(folder, *arguments, python_options=(), mode="serve"):
    keys = (f"operation_mode={mode}", *MODEL)
    with started(folder, [*python_options, str(PROGRAM), *keys, *arguments], mode) as program:
        yield program


@contextlib.contextmanager
def started(folder, arguments, mode):
    """The program from the arguments of Python, at any free port."""
    command = [sys.executable, *arguments, f"{mode}.port=0"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            lines = [""]
            while not (found := re.search(ADDRESSES[mode], lines[-1])):
                lines.append(process.stderr.readline())
                assert lines[-1], f"it ended before it told its address: {''.join(lines)}"
            yield Served(process, found[0], "".join(lines))
        finally:
            process.terminate()
            process.communicate(timeout=100)
