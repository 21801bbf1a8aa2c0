"""A project onto a board on the desk: written, verified by the device's own hash, and heard."""

import contextlib
import logging
import time
from typing import Any

from textzoo.common.errors import UserError
from textzoo.config.schema import Config
from textzoo.pipeline.firmware import BuiltModel, Firmware
from textzoo.records.report import FlashReport
from textzoo.targets.answers import check_model, generated
from textzoo.targets.boards import Board
from textzoo.targets.console import Console, SerialLink, generate_command
from textzoo.targets.flash_tools import FLASH_TOOLS, UNKNOWN_TOOL, flash_tool
from textzoo.targets.flashing import flash_image
from textzoo.targets.serial_ports import SerialPort, find_board, harmless, open_port, present_path

logger = logging.getLogger("textzoo")
# From the end of the tool until the device answers; one with its own USB is gone while it restarts.
RESTART_SECONDS = 30.0
# Of these, for its greeting: a port that is opened after the start hears none.
GREETING_SECONDS = 5.0
WAIT_SECONDS = 1.0


def flashed(config: Config, made: BuiltModel) -> FlashReport:
    """Write the image to the board on `deployment.serial_port`, or to the only one connected, and let it speak.

    Raises:
        UserError: No tool, no board, or several; the tool failed; the board is silent, holds another model, or its
            self-check fails.
    """
    board, settings = made.board, config.deployment
    tool = flash_tool(board, settings.flash_tool)
    port = find_board(settings.serial_port, board, "deployment.serial_port")
    with contextlib.ExitStack() as stack:
        line = opened_before(stack, port, board, tool)
        command = flash_image(made.project, board, tool, port)
        logger.info("written: %s", command)
        device, greeting = restarted(stack, port, board, line)
        info = device.ask({"command": "info"})
        remedy = f"{tool} may have written another board: connect only one."
        check_model(info, device.name, made.compiled.facts.sha256, remedy)
        check_itself(device)
        text = first_text(config, device) if isinstance(made, Firmware) else ""
    sha256 = made.compiled.facts.sha256
    return FlashReport(tool=tool, command=command, port=port.path, model_sha256=sha256, greeting=greeting, text=text)


def opened_before(stack: contextlib.ExitStack, port: SerialPort, board: Board, tool: str) -> Any:
    """Return the open port of a board that is going to be written, which then hears its start.

    None if the tool needs the port itself, or if it is not there yet.
    """
    if FLASH_TOOLS.get(tool, UNKNOWN_TOOL).takes_port:
        return None
    with contextlib.suppress(UserError):
        return stack.enter_context(open_port(port.path, board.uart.baud))
    return None


def restarted(
    stack: contextlib.ExitStack, port: SerialPort, board: Board, line: Any = None
) -> tuple[Console, str | None]:
    """Return the console of a board that has just been written, and the first line of its greeting, if it was heard.

    Args:
        stack: Closes the port in the end.
        port: The board's serial port before it was written.
        board: The board.
        line: The open port, if it stayed open.

    Raises:
        UserError: The board did not answer within RESTART_SECONDS.
    """
    deadline = time.monotonic() + RESTART_SECONDS
    while True:
        try:
            line = line or stack.enter_context(open_port(present_path(port), board.uart.baud))
            return answering(stack, line, board, deadline)
        except UserError as error:
            if line is not None:  # it is another file when the device is back
                with contextlib.suppress(OSError):
                    line.close()
            line = None
            if time.monotonic() >= deadline:
                raise silent(port, board, error) from error
        time.sleep(min(WAIT_SECONDS, max(deadline - time.monotonic(), 0.0)))


def answering(stack: contextlib.ExitStack, line: Any, board: Board, deadline: float) -> tuple[Console, str | None]:
    """Return the console of the board on an open port, and its greeting; UserError if it is silent until `deadline`."""
    console = Console(SerialLink(line), board.name)
    greeting = console.first_line(min(GREETING_SECONDS, max(deadline - time.monotonic(), 0.0)))
    console.connect(max(round(deadline - time.monotonic(), 1), 0.0))
    stack.callback(console.release)
    return console, harmless(greeting) if greeting else None


def silent(port: SerialPort, board: Board, error: UserError) -> UserError:
    """Return the error for a board that does not answer."""
    return UserError(
        f"{board.name} was written, and does not answer on {port.path}",
        received=str(error),
        remedy=f"Press its reset button, and check the serial line. {board.boot}",
    )


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
