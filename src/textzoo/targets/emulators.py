"""Run the firmware: on an emulated board, on a PC, or on a real board over a serial line.

with emulate(project, board) as console:
    info = console.ask({"command": "info"})
"""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from textzoo.common import processes
from textzoo.common.errors import UserError
from textzoo.common.progress import working
from textzoo.targets.boards import Board, Emulator
from textzoo.targets.console import Console, FileLink, SerialLink
from textzoo.targets.platforms import platform_of
from textzoo.targets.serial_ports import open_port
from textzoo.targets.toolchains import require_tool, run_make

# Paths without characters that CMake interprets.
PLAIN_PATH = re.compile(r"[A-Za-z0-9/_. (),@~+-]+")
# Alternatives if TMPDIR has other characters.
TEMPORARY_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")


@contextlib.contextmanager
def run_program(command: list[str], name: str, project: Path) -> Iterator[Console]:
    """Start a program with the console on its standard input and output; it ends with the block."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with processes.started(command, project, **pipes) as process:
        console = Console(FileLink(process.stdout.fileno(), process.stdin.fileno()), name, is_lossy=False)
        console.wait_for_greeting()
        yield console


def build_image(
    project: Path, board: Board | None = None, emulator: Emulator | None = None, profile: bool = False
) -> Path:
    """Build the platform's default image, or the one that an emulator runs; return the program.

    Args:
        project: Folder of a rendered project.
        board: The project's board; None for this machine.
        emulator: One of the board's emulators.
        profile: Whether the program measures the cost of every kernel.
    """
    platform = platform_of(board)
    image = emulator.image if emulator else platform.image
    for tool in (platform.compiler(board, image), *(platform.image_tools if image == platform.image else ())):
        require_tool(tool)
    program = platform.image_path(project, image, profile)
    arguments = ["image", f"IMAGE={image}", *(["PROFILE=1"] if profile else [])]
    with working(f"building {project.name}"):
        if platform.is_built_by_cmake and not PLAIN_PATH.fullmatch(str(Path(project).resolve())):
            build_elsewhere(Path(project), program, arguments)
        else:
            run_make(project, *arguments)
    return program


def build_elsewhere(project: Path, program: Path, arguments: list[str]) -> None:
    """Build a copy of a project in a folder whose name CMake accepts; copy only the program back."""
    with tempfile.TemporaryDirectory(prefix="textzoo-", dir=plain_folder()) as folder:
        copy = Path(folder) / "project"
        shutil.copytree(project, copy, ignore=shutil.ignore_patterns("build"))
        run_make(copy, *arguments)
        program.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(copy / program.relative_to(project), program)


def plain_folder() -> str:
    """Return a folder for temporary files whose name CMake accepts.

    Raises:
        UserError: There is none.
    """
    folders = (tempfile.gettempdir(), *TEMPORARY_FOLDERS)
    for folder in folders:
        if PLAIN_PATH.fullmatch(folder) and os.access(folder, os.W_OK | os.X_OK):
            return folder
    raise UserError(
        "there is no folder in which CMake can build",
        expected="a temporary folder, or a run's folder, of letters, digits and / _ . ( ) , @ ~ + - and spaces",
        received=", ".join(map(ascii, folders)),
        remedy="Set TMPDIR to another folder.",
    )


@contextlib.contextmanager
def emulate(
    project: Path,
    board: Board,
    emulator_name: str | None = None,
    profile: bool = False,
    options: Sequence[str] = (),
) -> Iterator[Console]:
    """Build a project and run it on an emulated machine (None: the default one), with further options of its own."""
    emulator = board.emulator(emulator_name)
    platform = platform_of(board)
    require_tool(platform.emulator_tool(emulator))
    image = build_image(project, board, emulator, profile)
    command = [*platform.emulator_command(emulator), local_name(image, project), *options]
    with run_program(command, f"{board.name} on {emulator.name}", project) as console:
        yield console


@contextlib.contextmanager
def run_host(project: Path, profile: bool = False) -> Iterator[Console]:
    """Build a host project and run it."""
    program = build_image(project, profile=profile)
    with run_program([local_name(program, project)], program.name, project) as console:
        yield console


def local_name(program: Path, project: Path) -> str:
    """Return a program's path relative to its project, so that command lines do not contain the project's path."""
    return f"./{program.relative_to(project).as_posix()}"


@contextlib.contextmanager
def open_serial(path: str, baud: int, name: str = "") -> Iterator[Console]:
    """Connect to a real board, or to an emulated one with a pseudo-terminal."""
    with open_port(path, baud) as port:
        console = Console(SerialLink(port), name or path)
        console.connect()
        try:
            yield console
        finally:
            console.release()
