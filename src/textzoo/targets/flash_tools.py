"""The tools that write an image to a board: which of those in its YAML is taken."""

import shutil

from textzoo.common.errors import UserError
from textzoo.targets.boards import Board

# A value that only the user knows, as in "{elf} root@$(TARGET):/usr/local/bin/".
FROM_USER = "$("


def flash_tool(board: Board) -> str:
    """Return the first tool of the board's YAML that is installed.

    Raises:
        UserError: There is none, or the board is not written by a tool alone.
    """
    tools = {name: arguments for name, arguments in board.flash.items() if FROM_USER not in arguments}
    if not tools:
        raise UserError(
            f"deployment.flash=true: no tool writes an image to {board.name} by itself",
            received=", ".join(board.flash) or "no `flash` in the board's YAML",
            remedy=board.boot,
        )
    found = next((name for name in tools if shutil.which(name)), None)
    if found is None:
        raise UserError(
            f"deployment.flash=true: nothing is installed that writes an image to {board.name}",
            expected=f"one of {', '.join(tools)} on the PATH",
        )
    return found
