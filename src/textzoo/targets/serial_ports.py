"""Serial ports of this machine: those of connected boards, which their USB ids tell, and opening one."""

import errno
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.targets.answers import Answer
from textzoo.targets.console import Console, SerialLink

# Vendor and product of USB -> the adapter; None for every product of the vendor.
USB_IDS: dict[tuple[int, int | None], str] = {
    **{(0x0483, product): "ST-LINK" for product in (0x3744, 0x3748)},
    **{(0x0483, product): "ST-LINK/V2-1" for product in (0x374A, 0x374B, 0x3752)},
    **{(0x0483, product): "ST-LINK/V3" for product in (0x374D, 0x374E, 0x374F, 0x3753, 0x3754)},
    (0x303A, 0x1001): "ESP32's own USB",
    (0x303A, 0x1002): "ESP-USB-Bridge",
    (0x10C4, 0xEA60): "CP210x",
    (0x1A86, 0x7523): "CH340",
    (0x1A86, 0x55D3): "CH343",
    (0x1A86, 0x55D4): "CH9102",
    **{(0x0403, product): "FTDI" for product in (0x6001, 0x6010, 0x6014)},
    (0x2E8A, 0x000A): "Raspberry Pi Pico",
    (0x2E8A, 0x000C): "Raspberry Pi Debug Probe",
    (0x1366, None): "J-Link",
}
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
        adapter: What connects the board, e.g. "ST-LINK/V3"; "" if the USB ids are unknown.
        product: What it says of itself.
        number: Its serial number, which tells two boards of one kind apart.
    """

    path: str
    adapter: str
    product: str
    number: str

    def __str__(self) -> str:
        """Return a line of a list."""
        parts = (self.adapter or "unknown adapter", self.product, self.number)
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
    return sorted(found, key=lambda port: (not port.adapter, port.path))


def port_of(info: Any) -> SerialPort:
    """Return a port as pyserial describes it."""
    adapter = USB_IDS.get((info.vid, info.pid)) or USB_IDS.get((info.vid, None), "")
    return SerialPort(info.device, adapter, info.product or "", info.serial_number or "")


def find_board(port: str | None, baud: int) -> str:
    """Return the path of a board's serial port.

    Args:
        port: A path, which is returned; None for the only connected board.
        baud: Speed at which several boards are asked what they are.

    Raises:
        UserError: There is no board, or there are several, which are listed with what they hold.
    """
    if port is not None:
        return port
    ports = connected_ports()
    boards = [found for found in ports if found.adapter]
    if len(boards) == 1:
        return boards[0].path
    if boards:
        raise several_boards(boards, baud)
    raise UserError(
        "no board was found" + ("; serial ports of unknown adapters:\n" + listed(ports) if ports else ""),
        expected="a USB cable to a board, with one of the adapters " + ", ".join(dict.fromkeys(USB_IDS.values())),
        remedy="Connect one, or name its port, e.g. /dev/ttyACM0.",
    )


def listed(lines: Iterable[object]) -> str:
    return "".join(f"  {line}\n" for line in lines)


def several_boards(ports: list[SerialPort], baud: int) -> UserError:
    """Return the error that lists boards, each with its model, board and hash, or why it does not tell them."""
    lines, remedies = [], {f"Choose one, e.g. {ports[0].path}.": None}
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
