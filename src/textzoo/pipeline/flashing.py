"""A project onto a board on the desk: written, verified by the device's own hash, and heard."""

import contextlib
import logging
import time
from collections.abc import Iterator

from textzoo.common.errors import UserError
from textzoo.config.schema import Config
from textzoo.pipeline.firmware import BuiltModel, Firmware
from textzoo.records.report import FlashReport
from textzoo.targets.answers import check_model, generated
from textzoo.targets.boards import Board
from textzoo.targets.console import Console, generate_command
from textzoo.targets.emulators import open_serial
from textzoo.targets.flash_tools import flash_tool
from textzoo.targets.flashing import flash_image
from textzoo.targets.serial_ports import find_board

logger = logging.getLogger("textzoo")
RESTART_SECONDS = 30.0  # a board with its own USB is gone while it restarts
WAIT_SECONDS = 1.0


def flashed(config: Config, made: BuiltModel) -> FlashReport:
    """Write the image to the board on `deployment.serial_port`, or to the only one connected, and let it speak.

    Raises:
        UserError: No tool, no board, or several; the tool failed; the board is silent, holds another model, or its
            self-check fails.
    """
    board = made.board
    tool, port = flash_tool(board), find_board(config.deployment.serial_port, board.uart.baud)
    command = flash_image(made.project, board, tool)
    logger.info("written: %s", command)
    with restarted(port, board) as device:
        info = device.ask({"command": "info"})
        remedy = f"{tool} may have written another board: connect only one."
        check_model(info, device.name, made.compiled.facts.sha256, remedy)
        check_itself(device)
        text = first_text(config, device) if isinstance(made, Firmware) else ""
    return FlashReport(tool=tool, command=command, port=port, model_sha256=made.compiled.facts.sha256, text=text)


@contextlib.contextmanager
def restarted(port: str, board: Board) -> Iterator[Console]:
    """Yield the console of a board that has just been written, as soon as it answers."""
    deadline = time.monotonic() + RESTART_SECONDS
    with contextlib.ExitStack() as stack:
        while (console := answering(stack, port, board, deadline)) is None:
            time.sleep(WAIT_SECONDS)
        yield console


def answering(stack: contextlib.ExitStack, port: str, board: Board, deadline: float) -> Console | None:
    """Return the console of a board, or None while it may still be starting."""
    try:
        return stack.enter_context(open_serial(port, board.uart.baud, board.name))
    except UserError as error:
        if time.monotonic() < deadline:
            return None
        raise UserError(
            f"{board.name} was written, and does not answer on {port}",
            received=str(error),
            remedy=f"Press its reset button, and check the serial line. {board.boot}",
        ) from error


def check_itself(device: Console) -> None:
    """Raise UserError if the device finds its weights damaged, or its kernels wrong."""
    reply = device.ask({"command": "self_check"})
    wrong = [name for name in ("weights", "kernels") if reply.get(name) is not True]
    if wrong:
        what = f"the self-check of {device.name} fails: {' and '.join(wrong)}"
        raise UserError(what, remedy="Write the image again; if it fails again, the chip may be damaged.")


def first_text(config: Config, device: Console) -> str:
    """Return what the device writes behind `prediction.prompt`."""
    prompt = config.prediction.prompt
    text, _ = generated(list(device.command(generate_command(config.prediction, prompt))), device.name)
    return prompt + text
