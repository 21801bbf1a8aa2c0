"""The installed program: where it is, which version it has, and whether that serves a board."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from textzoo.common import processes
from textzoo.common.errors import UserError
from textzoo.common.files import user_path
from textzoo.targets.stedgeai.fields import printable

NAME = "ST Edge AI Core"
PROGRAM, VARIABLE = "stedgeai", "STM32_AI_EXE"
INSTALLING = f"Install {NAME} (st.com), or measure in ST's cloud: tools.stm32ai.on_cloud=true."
LATEST = "latest"
VERSION_SECONDS = 120.0  # it unpacks itself at its first start
VERSION = re.compile(r"(?<![\w.])v?(\d{1,4}\.\d{1,4}(?:\.\d{1,6})?)(?=[-+\s]|$)")
MAX_VERSION_TEXT = 4096


class Served(NamedTuple):
    """Versions that serve the families of chips whose names begin in one way.

    Attributes:
        family: Beginning of the family's name.
        lowest: The first version that serves it.
        below: The first one that no longer does; None if all later ones do.
        reason: Why others do not.
    """

    family: str
    lowest: tuple[int, ...]
    below: tuple[int, ...] | None
    reason: str


# The first row that fits counts. Sources: ST's release notes of 2.0, 3.0 and 4.0.
SERVED = (
    Served("stm32mp", (2, 0), (3, 0), f"{NAME} has no target for MPUs since 3.0; install one of 2.x beside it"),
    Served("stm32v8", (4, 0), None, f"{NAME} has a target for the STM32V8 since 4.0"),
    Served("stm32", (2, 0), None, "earlier versions write other reports"),
)


@dataclass(frozen=True)
class Program:
    """An installed ST Edge AI Core.

    Attributes:
        path: Of the program.
        version: As it tells itself, e.g. 4.0.1.
    """

    path: Path
    version: str

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(map(int, self.version.split(".")))


def find_program(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the program's path: that of the environment, else the one on the PATH.

    No key of the configuration names it: a YAML or a run's folder from somebody else must not choose what is started.

    Args:
        environment: With STM32_AI_EXE, as ST's own services have it, and PATH.

    Raises:
        UserError: It is not there, or is no program. What was named is not looked for elsewhere.
    """
    if named := environment.get(VARIABLE):
        return executable(user_path(named), VARIABLE)
    found = shutil.which(PROGRAM, path=environment.get("PATH"))
    if found is None:
        expected = f"{PROGRAM} on the PATH, or its path in the environment variable {VARIABLE}"
        raise UserError(f"{NAME} is not found on this machine", expected=expected, remedy=INSTALLING)
    return Path(found).absolute()


def executable(path: Path, name: str) -> Path:
    """Return the absolute path of a program; `name` says who named it."""
    if not path.is_file():
        received = f"a folder, '{path}'" if path.is_dir() else f"'{path}', which does not exist"
        raise UserError(f"{name} names no program", expected=f"the path of {PROGRAM}", received=received)
    if not os.access(path, os.X_OK):
        raise UserError(f"{name} names a file that may not be executed: '{path}'", remedy=f"chmod +x {path}")
    return path.absolute()


def installed(path: Path) -> Program:
    """Return the program with the version that it tells; it is asked once as long as the file does not change.

    Raises:
        UserError: It fails, does not answer, or tells no version.
    """
    return asked(path, path.stat().st_mtime_ns)


@cache
def asked(path: Path, changed: int) -> Program:
    """Ask a program for its version; `changed` is the time of the file's last change."""
    what = f"'{path} --version'"
    try:
        answer = processes.run_text([str(path), "--version"], timeout=VERSION_SECONDS)
    except subprocess.TimeoutExpired:
        raise UserError(f"{what} did not end within {VERSION_SECONDS:g} s") from None
    said = f"{answer.stdout}\n{answer.stderr}".strip()[:MAX_VERSION_TEXT]
    if answer.returncode:
        lines = said.splitlines() or ["nothing"]
        raise UserError(f"{what} failed with code {answer.returncode}", received=printable(lines[-1]))
    found = VERSION.search(said)
    if found is None:
        expected = f"the version of {NAME}, e.g. v4.0.1-20500"
        raise UserError(f"{what} tells no version", expected=expected, received=printable(said) or "nothing")
    return Program(path, found[1])


def check_serves(program: Program, family: str, board: str, wanted: str = LATEST) -> list[UserError]:
    """Return why a program does not serve a board, or is not the version that the user wants.

    Args:
        program: Installed.
        family: Of the board's chip, e.g. stm32h7.
        board: Its name, for messages.
        wanted: Value of tools.stm32ai.version.
    """
    errors = []
    if wanted not in (LATEST, program.version):
        remedy = f"{VARIABLE} names another installation; tools.stm32ai.version={LATEST} takes what is installed."
        what = f"'{program.path}' is not the version that tools.stm32ai.version names"
        errors.append(UserError(what, expected=wanted, received=program.version, remedy=remedy))
    row = next((row for row in SERVED if family.startswith(row.family)), None)
    if row is None:
        errors.append(UserError(f"{board} is no board of ST", expected="a board of ST, e.g. board=STM32H7"))
    elif program.numbers < row.lowest or (row.below and program.numbers >= row.below):
        what = f"version {program.version} of {NAME} does not serve {board}: {row.reason}"
        errors.append(UserError(what, expected=span(row), received=f"{program.version}, '{program.path}'"))
    return errors


def span(row: Served) -> str:
    """Return e.g. `a version from 2.0 to below 3.0`."""
    lowest, below = (".".join(map(str, numbers or ())) for numbers in (row.lowest, row.below))
    return f"a version from {lowest}" + (f" to below {below}" if below else "")
