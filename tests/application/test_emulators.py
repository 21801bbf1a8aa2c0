"""The emulated twins say what the PC says and count exactly; the console's client survives what devices do."""

import contextlib
import itertools
import json
import os
import pty
import re
import subprocess
import threading
import time
import tty

import pytest
from toy import ToyEngine, toy_define, toy_tokenizer
from toy_projects import change_model, need, render_toy

from textzoo.engines.generate import generate
from textzoo.errors import UserError
from textzoo.targets.boards import load_board
from textzoo.targets.console import Console, FileLink
from textzoo.targets.emulators import build_image, emulate, open_serial
from textzoo.processes import started
from textzoo.targets.platforms import platform_of

# board, machine of QEMU
TWINS = [
    ("STM32F4", "netduinoplus2"),
    ("STM32F4", "mps2-an386"),
    ("STM32H7", "mps2-an500"),
    ("STM32N6", "mps3-an547"),
    ("STM32U5", "mps2-an505"),
    ("ESP32", "lx106"),
    ("ESP32S3", "lx106"),
    ("ESP32C3", "rv32"),
]
TOOLS = ("arm", "qemu", "xtensa", "qemu-xtensa", "riscv", "qemu-riscv")
OPTIONS = {"seed": 11, "temperature": 0.9, "top_k": 5, "max_tokens": 40}
CONTEXT = toy_define("MODEL_CONTEXT_LENGTH")


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    need("make", *TOOLS)
    folder = tmp_path_factory.mktemp("twins")
    return {board: render_toy(board, folder / board) for board in dict(TWINS)}


def text_of(console, prompt="abc€", **options):
    replies = console.command({"command": "generate", "prompt": prompt, **OPTIONS, **options})
    return "".join(reply.get("text", "") for reply in replies)


@pytest.mark.parametrize(("board", "machine"), TWINS)
def test_a_twin_says_what_python_says_and_counts_exactly(projects, board, machine):
    with emulate(projects[board], load_board(board), machine) as console:
        text = "".join(generate(ToyEngine(), toy_tokenizer(), "abc€", **OPTIONS))
        assert text_of(console) == text
        assert text_of(console, stop=text[13:17]) == text[: text.index(text[13:17])]
        check = console.ask({"command": "self_check"})
        assert (check["weights"], check["kernels"]) == (True, True)
        first, second = (list(console.command({"command": "benchmark"})) for _ in range(2))
        memory = console.ask({"command": "memory"})
    assert first == second
    assert first[-1]["counter"] == "instructions"
    assert [reply["position"] for reply in first[:-1]] == list(range(CONTEXT))
    # the toy does the same work at every position
    assert {reply["cost"] for reply in first[:-1]} == {first[0]["cost"]}
    assert 200 < memory["stack_bytes"] < 1500
    assert memory["stack_reserved_bytes"] == 4096


def test_counts_do_not_depend_on_the_machine_or_the_run(projects):
    """netduinoplus2 runs the board's own image on another timer than the twin: the model costs the same in both."""
    costs = []
    for machine in ("netduinoplus2", "mps2-an386", "mps2-an386"):
        with emulate(projects["STM32F4"], load_board("STM32F4"), machine) as console:
            reply = console.ask({"command": "benchmark"})
            costs.append((reply["cost"], reply["sampling_mean"]))
    assert len(set(costs)) == 1


def test_a_profile_adds_up(projects):
    with emulate(projects["STM32H7"], load_board("STM32H7"), profile=True) as console:
        replies = list(console.command({"command": "benchmark"}))
    kernels = {reply["name"]: reply["cost"] for reply in replies if reply["reply"] == "profile"}
    assert set(kernels) == {"history", "logits"}
    assert all(cost % CONTEXT == 0 for cost in kernels.values())  # the same at every position
    assert 0 < sum(kernels.values()) < replies[-1]["cost"]


def test_stopping_and_logits_in_an_emulator(projects):
    with emulate(projects["STM32N6"], load_board("STM32N6")) as console:
        last = console.ask({"command": "generate", "prompt": "abc", "past_end": "stop", "max_tokens": 100})
        assert (last["ended"], last["tokens"]) == ("context_full", CONTEXT - 3 + 1)
        replies = list(console.command({"command": "logits", "tokens": [3, 4]}))
        engine = ToyEngine()
        assert [reply["hex"] for reply in replies[:-1]] == [engine.step_raw(token).tobytes().hex() for token in (3, 4)]


def test_what_people_type_is_echoed_and_can_be_corrected(projects):
    board = load_board("STM32H7")
    image = build_image(projects["STM32H7"], board, board.emulator())
    command = [*platform_of(board).emulator_command(board.emulator()), str(image)]
    typed = ":max-tokens 3\nabx\x7f€é\x08\n{}\n:exit\n"
    done = subprocess.run(command, input=typed.encode(), capture_output=True, timeout=60, check=True)
    text = done.stdout.decode()
    assert ":max-tokens 3\nseed: 1" in text
    assert "abx\b \b€é\b \b\n" in text  # the x and the é are gone from the prompt, which is ab€
    assert "! not in the vocabulary" not in text
    assert "3 tokens" in text
    assert "\n{}" not in text  # a machine's line is not
    assert text.rstrip().endswith(":exit")


# An instruction that no processor of the family has.
UNDEFINED = {"arm": "udf #0", "xtensa": "ill", "riscv": "unimp"}
# what model_reset does in place of its work, what is reported
CRASHES = {
    "address": ("*(volatile uint32_t *)0xF0000001u = 1;", "stopped with a fault"),
    "instruction": ('__asm volatile("UNDEFINED");', "stopped with a fault"),
    "stack": (
        "volatile char large[6000];\n    for (int i = 5999; i >= 0; --i) { large[i] = 1; }",
        "the stack is too small",
    ),
}


@pytest.mark.parametrize("crash", CRASHES)
@pytest.mark.parametrize("board", ["STM32F4", "STM32H7", "STM32N6", "STM32U5", "ESP32", "ESP32C3"])
def test_a_crash_is_reported(projects, tmp_path, board, crash):
    code, message = CRASHES[crash]
    chosen = load_board(board)
    code = code.replace("UNDEFINED", UNDEFINED[platform_of(chosen).compiler(chosen, "twin")])
    project = render_toy(board, tmp_path / "p")
    change_model(project, ("history = 1;", f"{code}\n    history = 1;"))
    machine = "mps2-an386" if board == "STM32F4" else None
    with pytest.raises(UserError, match=message) as caught, emulate(project, chosen, machine):
        pass
    assert "has gone" in str(caught.value)


@contextlib.contextmanager
def emulated_serial_line(projects, board):
    """A board in the emulator behind a pseudo-terminal; yields its path."""
    chosen = load_board(board)
    image = build_image(projects[board], chosen, chosen.emulator())
    command = [*platform_of(chosen).emulator_command(chosen.emulator(), serial="pty"), str(image)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with started(command, **pipes) as process:
        line = process.stdout.readline().decode()
        yield re.search(r"/dev/\S+", line)[0]


def test_a_board_on_a_serial_line(projects):
    pytest.importorskip("serial", reason="pyserial: not installed")
    with emulated_serial_line(projects, "STM32H7") as path:
        with open_serial(path, 115200) as console:
            assert text_of(console) == "".join(generate(ToyEngine(), toy_tokenizer(), "abc€", **OPTIONS))
        with open_serial(path, 115200) as console:  # it goes on running
            assert console.ask({"command": "info"})["model"] == "toy"


def test_a_board_on_a_pseudo_terminal_without_pyserial(projects):
    with emulated_serial_line(projects, "STM32H7") as path:
        line = os.open(path, os.O_RDWR | os.O_NOCTTY)
        try:
            tty.setraw(line)
            console = Console(FileLink(line, line), path)
            assert console.connect()["model"] == "toy"
            assert text_of(console) == "".join(generate(ToyEngine(), toy_tokenizer(), "abc€", **OPTIONS))
        finally:
            os.close(line)


def test_a_serial_line_that_is_not_there():
    pytest.importorskip("serial", reason="pyserial: not installed")
    with pytest.raises(UserError, match="cannot be opened"), open_serial("/dev/no-such-line", 115200):
        pass


class ScriptedLink:
    """A device that answers with prepared bytes; EOFError after the last of them if `ends`."""

    def __init__(self, *chunks, ends=False):
        self.chunks, self.ends, self.written = list(chunks), ends, b""

    def read(self, timeout):
        if self.chunks:
            return self.chunks.pop(0)
        if self.ends:
            raise EOFError
        time.sleep(min(timeout, 0.01))
        return b""

    def write(self, data):
        self.written += data


OK = b'{"reply":"info","status":"ok","model":"toy"}\n'
# what the device sends, whether it then goes, what the error says
NONSENSE = [
    ([], False, "did not answer within 0.05 s"),
    ([], True, "has gone"),
    ([b'{"reply":"in'], False, 'did not answer.*\n  {"reply":"in'),
    ([b"{nonsense}\n"], False, "sent a line that cannot be read"),
    ([b'{"reply":5}\n'], False, "not a reply"),
    ([b'{"status":"ok"}\n'], False, "not a reply"),
    ([b"hello\n", b"you\n"], True, "has gone.*\n  hello\n  you"),
    ([b'{"reply":"error","status":"error","message":"unknown key","received":"x"}\n'], False, "unknown key.*'x'"),
    ([b'{"reply":"fault","status":"error","message":"stopped","cfsr":"00000001"}\n'], False, "crashed.*cfsr"),
    ([b"\xff\xfe\n", b"{" + b"\xff" * 20 + b"}\n"], False, "cannot be read"),
]


@pytest.mark.parametrize(("chunks", "ends", "message"), NONSENSE)
def test_devices_that_say_nonsense(chunks, ends, message):
    console = Console(ScriptedLink(*chunks, ends=ends), "the device")
    with pytest.raises(UserError, match=message) as caught:
        console.ask({"command": "info"}, timeout=0.05)
    assert "the device" in str(caught.value)


def test_a_line_without_an_end_is_not_kept_for_ever():
    link = ScriptedLink()
    link.read = lambda timeout: b"x" * 65536
    with pytest.raises(UserError, match="without an end"):
        Console(link, "the device").ask({"command": "info"})


def test_lines_of_people_and_split_lines_are_no_trouble():
    link = ScriptedLink(b"Text", b"Zoo: toy\r\n{", b'"reply":"info","status"', b':"ok","model":"toy"}\r\n')
    assert Console(link, "d").ask({"command": "info"})["model"] == "toy"
    assert link.written == b'{"command":"info"}\n'


def test_several_replies_in_one_piece():
    link = ScriptedLink(b'{"reply":"generate","token":1}\n{"reply":"generate","status":"ok"}\n' + OK)
    console = Console(link, "d")
    assert [reply.get("token") for reply in console.command({"command": "generate"})] == [1, None]
    assert console.ask({"command": "info"})["model"] == "toy"


def test_connecting_to_a_device_that_starts_slowly(monkeypatch):
    monkeypatch.setattr("textzoo.targets.console.PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr("textzoo.targets.console.SILENCE_SECONDS", 0.05)
    silence = itertools.repeat(b"", 20)
    link = ScriptedLink(*silence, b"half a line" + OK, OK, OK)  # late answers to the questions before
    link.chunks[20] = b"half a line\n" + OK
    console = Console(link, "d")
    assert console.connect()["model"] == "toy"
    link.chunks.append(b'{"reply":"reset","status":"ok"}\n')
    assert console.ask({"command": "reset"})["reply"] == "reset"


def test_connecting_to_nothing(monkeypatch):
    monkeypatch.setattr("textzoo.targets.console.PATIENCE_SECONDS", 0.02)
    with pytest.raises(UserError, match="did not answer"):
        Console(ScriptedLink(), "d").connect(timeout=0.1)


def test_a_pseudo_terminal_that_is_closed():
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    console = Console(FileLink(ours, ours), "the terminal")
    threading.Timer(0.1, os.close, [theirs]).start()
    with pytest.raises(UserError, match="has gone"):
        console.ask({"command": "info"}, timeout=5)
    os.close(ours)


def test_unicode_goes_out_as_it_is_and_comes_back_as_ascii():
    link = ScriptedLink(json.dumps({"reply": "generate", "status": "ok", "text": "é\U0001f600"}).encode() + b"\n")
    assert Console(link, "d").ask({"command": "generate", "prompt": "€"})["text"] == "é\U0001f600"
    assert link.written == '{"command":"generate","prompt":"€"}\n'.encode()


def test_a_lone_surrogate_is_left_to_the_device_to_refuse():
    link = ScriptedLink(b'{"reply":"error","status":"error","message":"lone surrogate"}\n')
    with pytest.raises(UserError, match="lone surrogate"):
        Console(link, "d").ask({"command": "generate", "prompt": "\ud800"})
    assert link.written == b'{"command":"generate","prompt":"\\ud800"}\n'
