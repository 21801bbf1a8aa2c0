"""deployment.flash: the command line of every board's tools; a board that is written, verified and heard."""

import contextlib
import json
import os
import pty
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
from checkout import PROGRAM, environment

from compilers import need
from textzoo.common import processes
from textzoo.common.errors import UserError
from textzoo.common.processes import last_lines
from textzoo.config import pretrained
from textzoo.config.boards import board_names, load_board, read_facts
from textzoo.config.check import check
from textzoo.pipeline import flashing
from textzoo.pipeline.firmware import make_firmware
from textzoo.records.report import FlashReport, Report
from textzoo.services import deployment
from textzoo.targets import serial_ports
from textzoo.targets.emulators import build_image
from textzoo.targets.flash_tools import FROM_USER, flash_tool, variables
from textzoo.targets.platforms import platform_of
from textzoo.targets.rules import check_flashing
from textzoo.targets.serial_ports import SerialPort
from textzoo.targets.toolchains import MissingToolError
from textzoo.targets.usb_adapters import adapter_of
from textzoo.text.tokenizers.base import load_tokenizer

BOARD = "STM32F4"
# A tool that says what it was told, and writes nothing: the emulated board has the image already.
FAKE_TOOL = """#!/bin/sh
echo "board on the other end"
printf '%s\\n' "$@" > {folder}/arguments
{then}
exit {code}
"""
# What lets an emulated board start, which waits for it; by then QEMU has noticed, once a second, who listens.
START = """sleep 2
{python} -c 'import socket, sys
with socket.socket(socket.AF_UNIX) as monitor:
    monitor.connect(sys.argv[1])
    monitor.sendall(b"cont\\n")
    said = b""
    while said.count(b"(qemu)") < 2:
        said += monitor.recv(4096)' {monitor} || exit 9"""


def fake_tool(folder, name, code=0, then=""):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(FAKE_TOOL.format(folder=shlex.quote(str(folder)), code=code, then=then))
    path.chmod(0o755)
    return folder


@pytest.fixture
def path(monkeypatch, tmp_path):
    """A folder in front of the search path, for tools."""
    folder = tmp_path / "with blanks"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{environment('')['PATH']}/usr/bin:/bin")
    return folder


def firmware(folder, name="tiny_lm"):
    paths = pretrained.overrides(name, "static_wi8_ai8")
    tokenizer = load_tokenizer(Path(paths["tokenizer.path"]))
    return make_firmware(Path(paths["model.quantized_model_path"]), tokenizer, load_board(BOARD), folder / BOARD)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    need("arm", "make", "qemu")
    built = firmware(tmp_path_factory.mktemp("project with blanks"))
    build_image(built.project, built.board)
    return built


@contextlib.contextmanager
def on_the_desk(made, *options):
    """The port of a board that runs an image: QEMU's pseudo-terminal."""
    emulator = made.board.emulator()
    image = build_image(made.project, made.board, emulator)
    command = [*platform_of(made.board).emulator_command(emulator, serial="pty"), str(image), *options]
    with processes.started(command, made.project, stdout=subprocess.PIPE, text=True) as process:
        yield re.search(r"/dev/\S+", process.stdout.readline())[0]


def config_for(port, **deployment):
    deployment = {"flash": True, "serial_port": port, **deployment}
    config, _ = check({"deployment": deployment, "prediction": {"max_tokens": 8}})
    return config


@pytest.fixture(autouse=True)
def running_already(monkeypatch):
    """The emulated board runs before it is written, so that it says no greeting."""
    monkeypatch.setattr(flashing, "GREETING_SECONDS", 0.1)


@pytest.mark.parametrize("name", board_names())
def test_the_first_installed_tool_of_a_board_is_taken(name, monkeypatch, tmp_path):
    facts = read_facts(name)
    board = replace(load_board(BOARD), board=name, flash=facts["flash"], boot=facts["boot"])
    tools = [tool for tool, arguments in board.flash.items() if FROM_USER not in arguments]
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"nothing is installed|no tool writes an image"):
        flash_tool(board)
    for tool in reversed(tools):
        fake_tool(tmp_path, tool)
        assert flash_tool(board) == tool
    assert [flash_tool(board, tool) for tool in tools] == tools


def test_the_chosen_tool_is_taken(path, made):
    for tool in ("STM32_Programmer_CLI", "openocd"):
        fake_tool(path, tool)
    with on_the_desk(made) as port:
        report = flashing.flashed(config_for(port, flash_tool="openocd"), made)
    assert report.tool == "openocd"
    assert report.command.startswith("openocd -f interface/stlink.cfg")
    with pytest.raises(UserError, match=r"unknown tool that writes .* 'opencd'; expected one of .*Did you mean 'op"):
        flash_tool(made.board, "opencd")
    with pytest.raises(UserError, match=r"expected st-flash on the PATH. Install st-flash \(Debian: sudo apt-get"):
        flash_tool(made.board, "st-flash")


ST_LINK = SerialPort("/dev/ttyACM0", adapter_of(0x0483, 0x374B), "STM32 STLink", "066AFF", "1-2:1.2")
ADAPTER = SerialPort("/dev/ttyUSB0", adapter_of(0x10C4, 0xEA60), "CP2102", "0001", "1-2")
PRIVATE = SerialPort("/dev/ttyACM0", adapter_of(0x0483, 0x374B), "STM32 STLink", "Q$(reboot)", "1-2:1.2")
# tool, port -> what `make flash` is told
TOLD = [
    ("st-flash", ST_LINK, ["FLASH_TOOL=st-flash", "PROBE=066AFF"]),
    ("st-flash", ADAPTER, ["FLASH_TOOL=st-flash"]),  # its number is not a probe's
    ("st-flash", PRIVATE, ["FLASH_TOOL=st-flash"]),
    ("nrfjprog", SerialPort("/dev/ttyACM0", adapter_of(0x1366, 0x1051), "J-Link", "000683000120"),
     ["FLASH_TOOL=nrfjprog", "PROBE=683000120"]),
    ("idf.py", ADAPTER, ["FLASH_TOOL=idf.py", "PORT=/dev/ttyUSB0"]),
    ("a tool of one's own", ADAPTER, ["FLASH_TOOL=a tool of one's own"]),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "port", "told"), TOLD)
def test_a_tool_is_told_which_board_is_meant(tool, port, told):
    assert variables(tool, port) == told


def test_a_board_is_written_verified_and_heard(made, path):
    fake_tool(path, "st-flash")
    with on_the_desk(made) as port:
        report = flashing.flashed(config_for(port), made)
    assert (path / "arguments").read_text().split() == ["--reset", "write", "build/board/textzoo.bin", "0x08000000"]
    assert (report.tool, report.port, report.model_sha256) == ("st-flash", port, made.compiled.facts.sha256)
    assert report.command == "st-flash --reset write build/board/textzoo.bin 0x08000000"
    assert report.text.startswith("The ")
    assert len(report.text) > len("The ")
    assert Report.from_dict(Report(flashed=report).to_dict()).flashed == report


@pytest.mark.slow
def test_the_program_writes_a_board_which_greets_and_speaks(made, path, tmp_path):
    monitor = path / "monitor"
    fake_tool(path, "st-flash", then=START.format(python=sys.executable, monitor=shlex.quote(str(monitor))))
    waiting = ("-S", "-monitor", f"unix:{str(monitor).replace(',', ',,')},server,nowait")
    with on_the_desk(made, *waiting) as port:
        changes = ["deployment.flash=true", f"deployment.serial_port={port}", "prediction.max_tokens=8"]
        command = [sys.executable, str(PROGRAM), "operation_mode=deployment", "model=tiny_lm", "pretrained=true"]
        command += [f"board={BOARD}", *changes]
        variables = environment(f"{path}:{environment('')['PATH']}{os.environ['PATH']}")
        done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = tmp_path.glob("experiments_outputs/*/report.json")
    flashed = json.loads(file.read_text())["flashed"]
    assert flashed["greeting"].startswith("TextZoo: model, version 1, ")
    assert flashed["model_sha256"].startswith(flashed["greeting"].split()[-1])
    assert (flashed["tool"], flashed["port"], flashed["text"][:4]) == ("st-flash", port, "The ")
    assert flashed["greeting"] in done.stdout


def test_a_missing_compiler_is_named_before_a_tool_or_a_cable_is_blamed(path, tmp_path, monkeypatch):
    fake_tool(path, "st-flash")
    monkeypatch.setenv("PATH", str(path))
    settings = config_for("/dev/ttyACM0").deployment
    errors = check_flashing(replace(settings, hardware_setup=load_board(BOARD)), {"deployment"})
    assert [error.what for error in errors] == [
        "make or gmake is needed for building the project and is not installed",
        "arm-none-eabi-gcc is needed for compiling for Cortex-M and is not installed",
    ]
    assert all("sudo apt-get install" in error.remedy for error in errors)


WRITTEN = FlashReport(tool="idf.py", command="", port="", model_sha256="", text="")


@pytest.mark.parametrize(("name", "what"), [("STM32F4", "arm-none-eabi-gcc is needed"), ("ESP32", None)])
def test_what_cannot_be_built_is_not_written(name, what, monkeypatch):
    made = SimpleNamespace(project=None, board=load_board(name))
    missing = mock.Mock(side_effect=MissingToolError("arm-none-eabi-gcc is needed"))
    monkeypatch.setattr(deployment, "prepared", lambda *args: made)
    monkeypatch.setattr(deployment, "build_image", missing)
    monkeypatch.setattr(deployment, "flashed", lambda *args: WRITTEN)
    monkeypatch.setattr(deployment.firmware, "deployment_report", lambda *args: None)
    config = config_for("/dev/ttyACM0")
    if what:
        with pytest.raises(UserError, match=what):
            deployment.run(config, None, mock.Mock())
    else:  # ESP-IDF builds what it writes
        assert deployment.run(config, None, mock.Mock()).flashed == WRITTEN


def test_a_port_that_is_open_and_silent_ends_in_time(made, path, monkeypatch):
    monkeypatch.setattr(flashing, "RESTART_SECONDS", 1.0)
    fake_tool(path, "st-flash")
    ours, theirs = pty.openpty()
    try:
        with pytest.raises(UserError, match=r"was written, and does not answer on /dev/.*not answer within 0\.\d s"):
            flashing.flashed(config_for(os.ttyname(theirs)), made)
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_board_that_comes_back_at_another_port_is_heard(made, path, monkeypatch):
    """As a Pico or an ESP32-S3 does, whose own USB is gone while it restarts."""
    monkeypatch.setattr(flashing, "WAIT_SECONDS", 0.1)
    fake_tool(path, "st-flash")
    own = {"vid": 0x0483, "pid": 0x374B, "product": "STM32 STLink", "serial_number": "066AFF", "location": "1-2:1.2"}
    with on_the_desk(made) as port:
        before = SimpleNamespace(device="/dev/ttyACM_before", **own)
        seen = iter([[before]] * 2 + [[]] * 3)  # looked for, gone, and then back with another name
        back = [SimpleNamespace(device=port, **own)]
        monkeypatch.setattr(serial_ports.serial().tools.list_ports, "comports", lambda: next(seen, back))
        config = config_for(None)
        report = flashing.flashed(config, made)
    assert (report.port, report.text[:4]) == ("/dev/ttyACM_before", "The ")
    assert (path / "arguments").read_text().split()[:2] == ["--serial", "066AFF"]


def test_a_tool_that_fails_is_quoted(made, path):
    fake_tool(path, "st-flash", code=3)
    with pytest.raises(
        UserError, match=r"(?s)st-flash did not write the image.*board on the other end.*BOOT0 to ground"
    ):
        flashing.flashed(config_for("/dev/null"), made)


def test_another_model_on_the_board_is_noticed(made, path, tmp_path):
    fake_tool(path, "st-flash")
    with on_the_desk(firmware(tmp_path, "pico_gpt")) as port, pytest.raises(UserError, match="holds another model"):
        flashing.flashed(config_for(port), made)


def test_a_board_that_stays_silent_is_named(made, path, monkeypatch):
    monkeypatch.setattr(flashing, "RESTART_SECONDS", 0.0)
    fake_tool(path, "st-flash")
    with pytest.raises(UserError, match="STM32F4 was written, and does not answer on /dev/nowhere"):
        flashing.flashed(config_for("/dev/nowhere"), made)


def test_what_a_tool_says_is_shown_as_printable_lines():
    assert last_lines("a\r10 %\r20 %\n\n\x1b[31mred\n" + "x" * 400) == (
        "\n  a\n  10 %\n  20 %\n  \\x1b[31mred\n  " + "x" * 300 + "\n"
    )
    assert last_lines("\n \n") == "no output"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            [],
            "nothing is installed that writes an image to STM32F4; expected one of STM32_Programmer_CLI, st-flash, "
            "openocd on the PATH. Install STM32_Programmer_CLI (STM32CubeProgrammer of st.com",
        ),
        (["board=STM32MP2"], "no tool writes an image to STM32MP2 by itself; received scp"),
        (["deployment.target=host"], "deployment.flash=true needs a board"),
    ],
)
def test_what_is_missing_is_told_before_anything_runs(changes, message, tmp_path):
    command = [
        sys.executable,
        str(PROGRAM),
        "operation_mode=deployment",
        "model=tiny_lm",
        "pretrained=true",
        "board=STM32F4",
    ]
    command += [*changes, "deployment.flash=true", "deployment.serial_port=/dev/ttyACM0"]
    done = subprocess.run(command, cwd=tmp_path, env=environment("/bin"), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert message in done.stdout + done.stderr
