"""Serial ports: boards are found by their USB ids, and what keeps a port from being opened is named."""

import errno
import os
import pty
from types import SimpleNamespace

import pytest

from textzoo.common.errors import UserError
from textzoo.targets import serial_ports
from textzoo.targets.emulators import open_serial
from textzoo.targets.rules import check_benchmarking
from textzoo.targets.serial_ports import connected_ports, find_board, open_port, port_error
from textzoo.targets.settings import BenchmarkingConfig, DeploymentConfig

pytest.importorskip("serial", reason="pyserial: not installed")


def comport(device, vid=None, pid=None, product=None, number=None):
    """A port as pyserial lists it."""
    return SimpleNamespace(device=device, vid=vid, pid=pid, product=product, serial_number=number)


BUILT_IN = comport("/dev/ttyS0")
NUCLEO = comport("/dev/ttyACM0", 0x0483, 0x374B, "STM32 STLink", "066AFF")
OTHER_NUCLEO = comport("/dev/ttyACM1", 0x0483, 0x374E, "STLINK-V3", "0031")
ESP32 = comport("/dev/ttyUSB0", 0x10C4, 0xEA60, "CP2102 USB to UART Bridge Controller", "0001")
PROBE = comport("/dev/ttyACM3", 0x1366, 0x0105, "J-Link", None)
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
    assert find_board(None) == board.device


def test_a_named_port_is_not_looked_for(connected):
    connected(NUCLEO, ESP32)
    assert find_board("/dev/ttyACM7") == "/dev/ttyACM7"


# connected ports, parts of the message
NOT_ONE = [
    ([], ["no board was found", "ST-LINK", "/dev/ttyACM0"]),
    ([BUILT_IN], ["no board was found; expected a USB cable"]),
    ([BUILT_IN, MODEM], ["no board", "unknown adapters:\n  /dev/ttyUSB7: unknown adapter, HUAWEI\\x1b[2J Mobile\n"]),
    (
        [NUCLEO, BUILT_IN, ESP32],
        [
            "several boards are connected",
            "  /dev/ttyACM0: ST-LINK/V2-1, STM32 STLink, 066AFF\n",
            "  /dev/ttyUSB0: CP210x, CP2102 USB to UART Bridge Controller, 0001\n",
            "Choose one",
        ],
    ),
]


@pytest.mark.parametrize(("ports", "parts"), NOT_ONE)
def test_no_board_and_several_are_told(connected, ports, parts):
    connected(*ports)
    with pytest.raises(UserError) as caught:
        find_board(None)
    assert [part for part in parts if part not in str(caught.value)] == []
    with pytest.raises(UserError), open_serial(None, 115200):
        pass


def test_a_benchmark_without_a_board_is_refused_before_anything_is_done(connected):
    connected(NUCLEO, ESP32)
    settings, services = BenchmarkingConfig(measured_by="serial"), {"benchmarking"}
    (error,) = check_benchmarking(settings, DeploymentConfig(), services)
    assert "several boards are connected" in str(error)
    connected(NUCLEO)
    assert check_benchmarking(settings, DeploymentConfig(), services) == []


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
