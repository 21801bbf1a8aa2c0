"""The program of this checkout, and the variables with which tests start it."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PROGRAM = PROJECT / "stm32ai_main.py"


def environment(path: str) -> dict[str, str]:
    """The variables of this process, with a console of 200 columns and another search path for programs."""
    return {**os.environ, "COLUMNS": "200", "PATH": path}
