"""Serial ports: boards are found by their USB ids, and what keeps a port from being opened is named."""

import contextlib
import errno
import os
import pty
import selectors
import threading
import tty
from dataclasses import replace
from types import SimpleNamespace
from unittest import mock

import pytest
from noise import closing, write_all
from test_emulators import answer, emulated_serial_line
from toy_projects import render_toy

from compilers import need
from textzoo.common.errors import UserError
from textzoo.config.boards import load_board
from textzoo.targets import serial_ports
from textzoo.targets.board_facts import wrong_facts
from textzoo.targets.protocol import ENQUIRY, INTERRUPT, PROTOCOL_VERSION
from textzoo.targets.rules import check_benchmarking
from textzoo.targets.serial_ports import (
    SerialPort,
    connected_ports,
    find_board,
    open_port,
    port_error,
    present_path,
)
from textzoo.targets.settings import BenchmarkingConfig, DeploymentConfig
from textzoo.targets.signed_lines import checked_body, object_of

pytest.importorskip("serial", reason="pyserial: not installed")


ANY = load_board("CIMv3")  # names no adapters
KEY = "deployment.serial_port"


def comport(device, vid=None, pid=None, product=None, number=None, location=None):
    """A port as pyserial lists it."""
    return SimpleNamespace(device=device, vid=vid, pid=pid, product=product, serial_number=number, location=location)


BUILT_IN = comport("/dev/ttyS0")
NUCLEO = comport("/dev/ttyACM0", 0x0483, 0x374B, "STM32 STLink", "066AFF")
OTHER_NUCLEO = comport("/dev/ttyACM1", 0x0483, 0x374E, "STLINK-V3", "0031")
ESP32 = comport("/dev/ttyUSB0", 0x10C4, 0xEA60, "CP2102 USB to UART Bridge Controller", "0001")
PROBE = comport("/dev/ttyACM3", 0x1366, 0x0105, "J-Link", None)
DEBUG_PROBE = comport("/dev/ttyACM4", 0x2E8A, 0x000C, "Debug Probe (CMSIS-DAP)", "E6614")
DAPLINK = comport("/dev/ttyACM5", 0x0D28, 0x0204, "BBC micro:bit CMSIS-DAP", "9904")
MODEM = comport("/dev/ttyUSB7", 0x12D1, 0x1001, "HUAWEI\x1b[2J Mobile", None)


@pytest.fixture
def connected(monkeypatch):
    """Replace the ports of this machine."""

    def connect(*ports):
        monkeypatch.setattr(serial_ports.serial().tools.list_ports, "comports", lambda: list(ports))

    return connect


@pytest.mark.parametrize("board", [NUCLEO, OTHER_NUCLEO, ESP32, PROBE], ids=lambda port: port.device)
def test_the_only_board_is_found(connected, board):
    connected(BUILT_IN, MODEM, board)
    assert find_board(None, ANY, KEY).path == board.device


def test_a_named_port_is_not_looked_for(connected):
    connected(NUCLEO, ESP32)
    assert find_board("/dev/ttyACM7", ANY, KEY) == SerialPort("/dev/ttyACM7")
    assert find_board("/dev/ttyUSB0", load_board("STM32H7"), KEY).adapter.name == "CP210x"


# board -> what of all that is connected may be its own
OWN = {
    "STM32H7": [NUCLEO],
    "STM32F4": [NUCLEO, ESP32],  # the DISCOVERY board needs an adapter
    "ESP32": [ESP32],
    "ESP32S3": [ESP32],
    "PICO": [ESP32, DEBUG_PROBE],
    "MICROBIT": [PROBE, DAPLINK],
    "NRF52840": [PROBE],
}


@pytest.mark.parametrize(("name", "own"), OWN.items(), ids=OWN)
def test_the_adapter_of_another_maker_is_not_the_boards(connected, name, own):
    board, everything = load_board(name), [BUILT_IN, MODEM, NUCLEO, ESP32, PROBE, DEBUG_PROBE, DAPLINK]
    others = [port for port in everything if port not in own]
    for port in own:
        connected(*others, port)
        assert find_board(None, board, KEY).path == port.device
    connected(*others)
    with pytest.raises(UserError) as caught:
        find_board(None, board, KEY)
    message = str(caught.value)
    assert message.startswith(f"no board was found for {name}; other serial ports:\n")
    assert f"Connect one, or name its port, e.g. {KEY}=/dev/tty" in message
    assert all(f"  {port.device}: " in message for port in others if port.vid is not None)


def test_boards_name_kinds_of_adapters_that_exist():
    board = replace(load_board("STM32H7"), serial_adapters=["stlink"])
    (error,) = wrong_facts(board, "")
    assert "unknown adapter in serial_adapters 'stlink'" in str(error)
    assert "Did you mean 'st-link'?" in str(error)


# what was connected before, what is connected now -> the path of the first
MOVED = [
    ([comport("/dev/ttyACM0", 0x2E8A, 0x000A, "Pico", "E66", "1-2")], "/dev/ttyACM1", {"location": "1-2"}),
    ([comport("/dev/ttyACM0", 0x2E8A, 0x000A, "Pico", "E66", "1-2")], "/dev/ttyACM1", {"location": "1-3"}),
    ([comport("/dev/ttyUSB0", 0x10C4, 0xEA60, "CP2102", "0001", "1-2")], "/dev/ttyUSB1", {"location": "1-2"}),
    ([comport("/dev/ttyACM0", 0x303A, 0x1001, "USB JTAG", None, "1-2:1.0")], "/dev/ttyACM3", {"location": "1-2:1.0"}),
]
OTHERS = [
    comport("/dev/ttyUSB0", 0x10C4, 0xEA60, "CP2102", "0001", "1-4"),
    comport("/dev/ttyACM0", 0x0483, 0x374B, "STM32 STLink", "066AFF", "1-5:1.2"),
]


@pytest.mark.parametrize(("before", "path", "changes"), MOVED)
def test_a_board_that_comes_back_at_another_path_is_found(connected, before, path, changes):
    connected(*before)
    (port,) = connected_ports()
    connected()
    assert present_path(port) == port.path  # it is still gone
    connected(*OTHERS, SimpleNamespace(**{**vars(before[0]), "device": path, **changes}))
    assert present_path(port) == path
    assert present_path(SerialPort(port.path)) == port.path  # nothing is known of it


# connected ports, parts of the message
NOT_ONE = [
    ([], ["no board was found", "ST-LINK", "/dev/ttyACM0"]),
    ([BUILT_IN], ["no board was found for CIMv3; expected a USB cable"]),
    ([BUILT_IN, MODEM], ["no board", "other serial ports:\n  /dev/ttyUSB7: unknown adapter, HUAWEI\\x1b[2J Mobile\n"]),
    (
        [NUCLEO, BUILT_IN, ESP32],
        [
            "several boards are connected",
            "  /dev/ttyACM0: ST-LINK/V2-1, STM32 STLink, 066AFF: there is no serial port",
            "  /dev/ttyUSB0: CP210x, CP2102 USB to UART Bridge Controller, 0001: there is no serial port",
            "Choose one, e.g. deployment.serial_port=/dev/ttyACM0.",
        ],
    ),
]


@pytest.mark.parametrize(("ports", "parts"), NOT_ONE)
def test_no_board_and_several_are_told(connected, ports, parts):
    connected(*ports)
    with pytest.raises(UserError) as caught:
        find_board(None, ANY, KEY)
    assert [part for part in parts if part not in str(caught.value)] == []


def test_a_benchmark_without_a_board_is_refused_before_anything_is_done(connected):
    connected(NUCLEO, ESP32)
    settings, services = BenchmarkingConfig(measured_by="serial"), {"benchmarking"}
    deployment = DeploymentConfig(hardware_setup=load_board("STM32F4"))
    (error,) = check_benchmarking(settings, deployment, services)
    assert "several boards are connected" in str(error)
    assert "Choose one, e.g. benchmarking.serial_port=/dev/ttyACM0." in str(error)
    connected(NUCLEO)
    assert check_benchmarking(settings, deployment, services) == []


INFO = {"protocol": PROTOCOL_VERSION, "model": "gpt", "board": "STM32F4", "hash": "e7c3fd5d8538" + 52 * "0", "boot": 1}


class Device:
    """What is at the other end of a serial port; `says` returns its answer to a line, `heard` is all that it got."""

    def __init__(self, says):
        self.says, self.heard = says, b""
        self.ours, self.theirs = pty.openpty()
        self.path = os.ttyname(self.theirs)
        tty.setraw(self.theirs)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.work)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.ended.set()
        self.thread.join()
        os.close(self.theirs)

    def work(self):
        with closing(self.ours), selectors.DefaultSelector() as selector:
            selector.register(self.ours, selectors.EVENT_READ)
            pending = b""
            while not self.ended.is_set():
                write_all(self.ours, self.says(None))
                if selector.select(0.02):
                    data = os.read(self.ours, 4096)
                    self.heard += data
                    *lines, pending = (pending + data).split(b"\n")
                    write_all(self.ours, b"".join(map(self.says, lines)))


def firmware(**changes):
    """A device with firmware that describes itself so."""

    def says(line):
        body = checked_body(line.lstrip(ENQUIRY + INTERRUPT)) if line else None
        if body is None:
            return b""
        command = object_of(body)
        values = INFO | changes if command["command"] == "info" else {"boot": 1}
        return answer(command["n"], {"reply": command["command"], "status": "ok", **values})

    return Device(says)


def another(text):
    """A device that says the same all the time, and whatever it is told."""
    return Device(lambda line: text)


# What is on a port -> what the list says of it.
ON_PORTS = {
    "a board": (firmware, {}, ": gpt for STM32F4, sha256 e7c3fd5d8538\n"),
    "another model": (
        firmware,
        {"model": "tiny\x1b[2J", "board": "ESP32"},
        ": tiny\\x1b[2J for ESP32, sha256 e7c3fd5d8538\n",
    ),
    "another protocol": (firmware, {"protocol": 99}, " has firmware with another version of the protocol\n"),
    "no hash": (firmware, {"hash": 5}, " answers 'info' with a wrong hash\n"),
    "silence": (another, {"text": b""}, ": no answer at 115,200 baud\n"),
    "a receiver of GPS": (another, {"text": b"$GPGGA,123519,4807.038,N*47\r\n"}, ": no answer at 115,200 baud\n"),
    "another speed": (another, {"text": b"\x80\xfe\x00" * 50}, ": no answer at 115,200 baud\n"),
    "lines of JSON": (another, {"text": b'{"reply":"alive","crc":"00000000"}\n'}, ": no answer at 115,200 baud\n"),
}


@pytest.mark.parametrize(("make", "values", "told"), ON_PORTS.values(), ids=ON_PORTS)
def test_several_boards_are_asked_what_they_hold(connected, monkeypatch, make, values, told):
    monkeypatch.setattr(serial_ports, "LISTEN_SECONDS", 0.3)
    with make(**values) as device, firmware(model="pico_gpt") as board:
        connected(comport(device.path, 0x0483, 0x374B, "STM32 STLink"), comport(board.path, 0x10C4, 0xEA60, "CP2102"))
        with pytest.raises(UserError) as caught:
            find_board(None, ANY, KEY)
    message = str(caught.value)
    assert f"{device.path}: ST-LINK/V2-1, STM32 STLink: " in message
    assert told in message
    assert f"  {board.path}: CP210x, CP2102: pico_gpt for STM32F4, sha256 e7c3fd5d8538\n" in message
    assert "\x1b" not in message


def test_what_does_not_answer_gets_one_command_and_no_interrupt(connected, monkeypatch):
    monkeypatch.setattr(serial_ports, "LISTEN_SECONDS", 0.3)
    with another(b"") as modem, another(b"login: ") as machine:
        connected(comport(modem.path, 0x1A86, 0x7523), comport(machine.path, 0x0403, 0x6001))
        with pytest.raises(UserError, match="several boards"):
            find_board(None, ANY, KEY)
    for device in (modem, machine):
        assert INTERRUPT not in device.heard
        first, line, rest = device.heard.split(b"\n")
        assert (first, object_of(checked_body(line))["command"], rest) == (ENQUIRY, "info", b"")


def test_boards_that_cannot_be_asked_are_listed_with_the_reason(connected, monkeypatch):
    with firmware() as board, firmware() as busy:
        connected(comport(board.path, 0x0483, 0x374B), comport(busy.path, 0x10C4, 0xEA60))
        with open_port(busy.path, 115200), pytest.raises(UserError) as caught:
            find_board(None, ANY, KEY)
        assert f"{board.path}: ST-LINK/V2-1: gpt for STM32F4" in str(caught.value)
        assert f"{busy.path}: CP210x: the serial port '{busy.path}' is in use\n" in str(caught.value)
        assert "Close the other program" in str(caught.value)
        denied = mock.Mock(side_effect=port_error(os.devnull, OSError(errno.EACCES, "Permission denied")))
        monkeypatch.setattr(serial_ports, "open_port", denied)
        with pytest.raises(UserError) as caught:
            find_board(None, ANY, KEY)
        assert str(caught.value).count("you may not open the serial port") == 2
        assert str(caught.value).count("sudo usermod -aG dialout $USER") == 1


@pytest.mark.slow
def test_emulated_boards_tell_what_they_hold(connected, monkeypatch, tmp_path):
    need("make", "arm", "qemu")
    monkeypatch.setattr(serial_ports, "LISTEN_SECONDS", 60.0)  # QEMU looks once a second whether somebody listens
    with contextlib.ExitStack() as stack:
        projects = {board: render_toy(board, tmp_path / board) for board in ("STM32F4", "STM32H7")}
        first, second = (stack.enter_context(emulated_serial_line(projects, board)) for board in projects)
        connected(comport(first, 0x0483, 0x374B), comport(second, 0x0483, 0x374E))
        for _ in range(2):  # they are as they were
            with pytest.raises(UserError) as caught:
                find_board(None, ANY, KEY)
            assert f"{first}: ST-LINK/V2-1: toy for STM32F4, sha256 0123456789ab\n" in str(caught.value)
            assert f"{second}: ST-LINK/V3: toy for STM32H7, sha256 0123456789ab\n" in str(caught.value)


def test_known_adapters_come_first(connected):
    connected(MODEM, ESP32, BUILT_IN, NUCLEO)
    assert [port.path for port in connected_ports()] == ["/dev/ttyACM0", "/dev/ttyUSB0", "/dev/ttyUSB7"]


# error, parts of the message
REFUSED = [
    (OSError(errno.EACCES, "Permission denied"), ["you may not open", "sudo usermod -aG dialout $USER"]),
    (OSError(errno.EBUSY, "Device or resource busy"), ["is in use", "Close the other program"]),
    (OSError(errno.EIO, "Input/output error"), ["cannot be opened", "Input/output error"]),
    (ValueError("Invalid baud rate: -5"), ["cannot be opened", "Invalid baud rate"]),
]


@pytest.mark.parametrize(("error", "parts"), REFUSED)
def test_what_keeps_a_port_closed_is_named(error, parts):
    message = str(port_error(os.devnull, error))
    assert [part for part in parts if part not in message] == []


def test_a_port_that_does_not_exist_is_named_with_those_that_do(connected):
    connected(NUCLEO)
    with pytest.raises(UserError, match=r"(?s)no serial port '/dev/no-such-line'.*/dev/ttyACM0: ST-LINK/V2-1"):
        open_port("/dev/no-such-line", 115200)


def test_a_port_is_opened_by_one_program_at_a_time():
    ours, theirs = pty.openpty()
    try:
        with open_port(os.ttyname(theirs), 115200) as port:
            assert (port.dtr, port.rts, port.exclusive) == (True, True, True)
            with pytest.raises(UserError, match=r"is in use.*Close the other program"):
                open_port(os.ttyname(theirs), 115200)
        open_port(os.ttyname(theirs), 115200).close()
    finally:
        os.close(ours)
        os.close(theirs)
