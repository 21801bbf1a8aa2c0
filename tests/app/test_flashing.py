"""deployment.flash: the command line of every board's tools; a board that is written, verified and heard."""

import contextlib
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from checkout import PROGRAM, environment

from compilers import need
from textzoo.common import processes
from textzoo.common.errors import UserError
from textzoo.config import pretrained
from textzoo.config.boards import board_names, load_board, read_facts
from textzoo.config.check import check
from textzoo.pipeline import flashing
from textzoo.pipeline.firmware import make_firmware
from textzoo.records.report import Report
from textzoo.targets.emulators import build_image
from textzoo.targets.flash_tools import FROM_USER, flash_tool
from textzoo.targets.flashing import last_lines
from textzoo.targets.platforms import platform_of
from textzoo.text.tokenizers.base import load_tokenizer

BOARD = "STM32F4"
# A tool that says what it was told, and writes nothing: the emulated board has the image already.
FAKE_TOOL = """#!/bin/sh
echo "board on the other end"
printf '%s\\n' "$@" > {folder}/arguments
exit {code}
"""


def fake_tool(folder, name, code=0):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(FAKE_TOOL.format(folder=shlex.quote(str(folder)), code=code))
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
def on_the_desk(made):
    """The port of a board that runs an image: QEMU's pseudo-terminal."""
    emulator = made.board.emulator()
    image = build_image(made.project, made.board, emulator)
    command = [*platform_of(made.board).emulator_command(emulator, serial="pty"), str(image)]
    with processes.started(command, made.project, stdout=subprocess.PIPE, text=True) as process:
        yield re.search(r"/dev/\S+", process.stdout.readline())[0]


def config_for(port):
    config, _ = check({"deployment": {"flash": True, "serial_port": port}, "prediction": {"max_tokens": 8}})
    return config


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
    assert last_lines("a\r10 %\r20 %\n\n\x1b[31mred\n" + "x" * 300) == (
        "  a\n  10 %\n  20 %\n  \\x1b[31mred\n  " + "x" * 200 + "\n"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([], "nothing is installed that writes an image to STM32F4; expected one of STM32_Programmer_CLI, st-flash"),
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
