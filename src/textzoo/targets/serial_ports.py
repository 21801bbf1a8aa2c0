"""Serial ports of this machine: those of connected boards, which their USB ids tell, and opening one."""

import errno
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.targets.answers import Answer
from textzoo.targets.boards import Board
from textzoo.targets.console import Console, SerialLink
from textzoo.targets.usb_adapters import UNKNOWN, Adapter, adapter_of, names_of

PERMISSION = "Let your user open serial ports: sudo usermod -aG dialout $USER, then log in again."
IN_USE = (errno.EBUSY, errno.EAGAIN)
WRITE_SECONDS = 5.0
# For what is on one of several ports to answer.
LISTEN_SECONDS = 2.0
INFO_SECONDS = 5.0
HASH_DIGITS = 12


@dataclass(frozen=True)
class SerialPort:
    """A serial port of this machine.

    Attributes:
        path: E.g. /dev/ttyACM0.
        adapter: What connects the board; UNKNOWN if the USB ids are.
        product: What it says of itself.
        number: Its serial number, which tells two boards of one kind apart; some makers give the same to all.
        location: Where it is plugged in, e.g. 1-2.3:1.2, the bus, the sockets and the interface.
    """

    path: str
    adapter: Adapter = UNKNOWN
    product: str = ""
    number: str = ""
    location: str = ""

    def __str__(self) -> str:
        """Return a line of a list."""
        parts = (self.adapter.name or "unknown adapter", self.product, self.number)
        return f"{self.path}: " + ", ".join(harmless(part) for part in parts if part)


def harmless(text: str) -> str:
    """Return what a device says as short printable ASCII."""
    return ascii(text)[1:-1][:80]


def serial() -> Any:
    """Return the module serial of pyserial.

    Raises:
        UserError: It is not installed.
    """
    try:
        import serial
        import serial.tools.list_ports
    except ImportError as error:
        raise UserError(
            "pyserial is needed for boards on a serial line and is not installed", remedy="pip install pyserial"
        ) from error
    return serial


def connected_ports() -> list[SerialPort]:
    """Return the ports of USB devices, those of known adapters first."""
    found = [port_of(info) for info in serial().tools.list_ports.comports() if info.vid is not None]
    return sorted(found, key=lambda port: (not port.adapter.kind, port.path))


def port_of(info: Any) -> SerialPort:
    """Return a port as pyserial describes it."""
    adapter = adapter_of(info.vid, info.pid)
    return SerialPort(info.device, adapter, info.product or "", info.serial_number or "", info.location or "")


def find_board(path: str | None, board: Board, key: str) -> SerialPort:
    """Return a board's serial port.

    Args:
        path: A path, which is taken as it is; None for the only connected adapter of those that the board can have.
        board: The board.
        key: Of the configuration, which names a port.

    Raises:
        UserError: There is no such adapter, or there are several, which are listed with what they hold.
    """
    if path is not None:
        return given_port(path)
    ports = connected_ports()
    found = [port for port in ports if may_be(port, board)]
    if len(found) == 1:
        return found[0]
    raise several_boards(found, board, key) if found else no_board(ports, board, key)


def may_be(port: SerialPort, board: Board) -> bool:
    """Return whether a port's adapter is one of those that a board can have; any known one if it names none."""
    return port.adapter.kind in board.serial_adapters if board.serial_adapters else bool(port.adapter.kind)


def given_port(path: str) -> SerialPort:
    """Return the port of a path, with what USB tells of it if it is one of the connected ones, or a link to one."""
    real = os.path.realpath(path)
    return next((replace(port, path=path) for port in connected_ports() if port.path == real), SerialPort(path))


def present_path(port: SerialPort) -> str:
    """Return the path of a port now: what came back after a restart may have got another one.

    It is known by the socket that it is plugged into, and by its serial number where it is the only one with that.
    """
    ports = connected_ports() if port.location or port.number else []
    there = [found for found in ports if port.location and found.location == port.location]
    alike = [found for found in ports if port.number and found.number == port.number]
    if there or len(alike) == 1:
        (found, *_) = there or alike
        return found.path
    return port.path


def no_board(ports: Sequence[SerialPort], board: Board, key: str) -> UserError:
    """Return the error for a board whose adapter is not connected; what is connected is listed."""
    example = ports[0].path if ports else "/dev/ttyACM0"
    return UserError(
        f"no board was found for {board.name}" + (f"; other serial ports:\n{listed(ports)}" if ports else ""),
        expected="a USB cable to a board, with one of the adapters " + names_of(board.serial_adapters),
        remedy=f"Connect one, or name its port, e.g. {key}={example}.",
    )


def listed(lines: Iterable[object]) -> str:
    return "".join(f"  {line}\n" for line in lines)


def several_boards(ports: Sequence[SerialPort], board: Board, key: str) -> UserError:
    """Return the error that lists boards, each with its model, board and hash, or why it does not tell them."""
    baud = board.uart.baud
    lines, remedies = [], {f"Choose one, e.g. {key}={ports[0].path}.": None}
    for port in ports:
        try:
            lines.append(f"{port}: {contents(port.path, baud)}")
        except UserError as error:
            what, *_ = error.what.splitlines()
            lines.append(f"{port}: {what.partition('. ')[0]}")
            remedies[error.remedy] = None
    return UserError(f"several boards are connected\n{listed(lines)}", remedy=" ".join(filter(None, remedies)))


def contents(path: str, baud: int) -> str:
    """Ask what is on a port for its model, board and hash.

    Raises:
        UserError: The port cannot be opened, the firmware is another one, or the device is gone.
    """
    with open_port(path, baud) as port:
        console = Console(SerialLink(port), path)
        if not console.is_there(LISTEN_SECONDS):
            return f"no answer at {baud:,} baud"
        answer = Answer(console.connect(INFO_SECONDS), path)
        console.release()
    model, board, digest = (harmless(answer.text(key)) for key in ("model", "board", "hash"))
    answer.check()
    return f"{model} for {board}, sha256 {digest[:HASH_DIGITS]}"


def open_port(path: str, baud: int) -> Any:
    """Return an open `serial.Serial`, which no other program that asks for that can open, too.

    DTR and RTS keep the state that opening gives them: a change of one of them resets an ESP32.

    Raises:
        UserError: The port does not exist, is in use, or may not be opened.
    """
    module = serial()
    port = module.Serial(baudrate=baud, write_timeout=WRITE_SECONDS, exclusive=True)
    port.dtr = port.rts = True
    try:
        port.port = path
        port.open()
    except (OSError, ValueError) as error:
        raise port_error(path, error) from error
    return port


def port_error(path: str, error: Exception) -> UserError:
    """Return what keeps a port from being opened."""
    number = getattr(error, "errno", None)
    if number == errno.ENOENT or not Path(path).exists():
        there = listed(connected_ports())
        what = f"there is no serial port '{path}'" + (f"; these are connected:\n{there}" if there else "")
        return UserError(what, remedy="Check the name, and that the board is connected.")
    if number == errno.EACCES:
        return UserError(f"you may not open the serial port '{path}'", remedy=PERMISSION)
    if number in IN_USE or "exclusively lock" in str(error):
        return UserError(
            f"the serial port '{path}' is in use",
            received=str(error),
            remedy="Close the other program (a terminal, another run): a serial line has one reader.",
        )
    return UserError(
        f"the serial line '{path}' cannot be opened",
        received=str(error),
        remedy=f"Check that the board is connected. {PERMISSION}",
    )
