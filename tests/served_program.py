"""`operation_mode=serve` as a process of its own."""

import contextlib
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[1] / "stm32ai_main.py"
GPT = ("operation_mode=serve", "model=gpt", "pretrained=true")


@dataclass(frozen=True)
class Served:
    """The program while it runs, its address, and what it printed up to there."""

    process: subprocess.Popen
    url: str
    printed: str


@contextlib.contextmanager
def served(folder, *arguments, python_options=()):
    command = [sys.executable, *python_options, str(PROGRAM), *GPT, "serve.port=0", *arguments]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            lines = [""]
            while not (found := re.search(r"http://\S+/v1", lines[-1])):
                lines.append(process.stderr.readline())
                assert lines[-1], f"it ended before it told its address: {''.join(lines)}"
            yield Served(process, found[0], "".join(lines))
        finally:
            process.terminate()
            process.communicate(timeout=100)
