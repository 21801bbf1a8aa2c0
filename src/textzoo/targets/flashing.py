"""Write a project's image to a board with a tool, as `make flash` does."""

import subprocess
from pathlib import Path

from textzoo.common import processes
from textzoo.common.errors import UserError
from textzoo.common.progress import working
from textzoo.targets.boards import Board
from textzoo.targets.flash_tools import variables
from textzoo.targets.serial_ports import SerialPort
from textzoo.targets.toolchains import require_tool

FLASH_SECONDS = 600.0  # ESP-IDF builds its framework first
CHECK = "Check the cable, and that no other program uses the board."


def flash_image(project: Path, board: Board, tool: str, port: SerialPort) -> str:
    """Write the image to the board on a port with a tool (`make flash`); return the command line that make has run.

    Raises:
        UserError: The tool failed, or did not end.
    """
    command = [str(require_tool("make")), "--no-print-directory", "flash", *variables(tool, port)]
    with working(f"{tool} writes {project.name} to the board"):
        try:
            answer = processes.run_text(command, project, timeout=FLASH_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise UserError(f"{tool} did not end within {FLASH_SECONDS:g} s", remedy=f"{CHECK} {board.boot}") from error
    if answer.returncode:
        raise UserError(
            f"{tool} did not write the image",
            received=processes.last_lines(answer.stdout + answer.stderr),
            remedy=f"{CHECK} {board.boot}",
        )
    return next((line for line in answer.stdout.splitlines() if line.startswith(f"{tool} ")), tool)
