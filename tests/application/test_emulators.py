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
from toy_projects import change_model, render_toy

from compilers import need
from textzoo.common.errors import UserError
from textzoo.common.processes import started
from textzoo.config.boards import load_board
from textzoo.engines.generate import generate
from textzoo.targets.console import PAUSES, SILENCE_SECONDS, TRIES, Console, FileLink, RestartError
from textzoo.targets.emulators import build_image, emulate, open_serial
from textzoo.targets.platforms import platform_of
from textzoo.targets.protocol import ENQUIRY, INTERRUPT
from textzoo.targets.signed_lines import signed

# board, machine of QEMU
TWINS = [
    ("STM32F4", "netduinoplus2"),
    ("STM32F4", "mps2-an386"),
    ("STM32H7", "mps2-an500"),
    ("STM32N6", "mps3-an547"),
    ("STM32U5", "mps2-an505"),
    ("STM32F401", "netduinoplus2"),
    ("STM32G4", "mps2-an386"),
    ("STM32L4", "mps2-an386"),
    ("PICO", "mps2-an386"),
    ("PICO2", "mps2-an505"),
    ("NRF52840", "mps2-an386"),
    ("MICROBIT", "mps2-an386"),
    ("ESP32", "lx106"),
    ("ESP32S3", "lx106"),
    ("ESP32C3", "rv32"),
    ("ESP32P4", "rv32"),
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


@pytest.mark.quick(2)
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
    with emulate(projects["STM32H7"], load_board("STM32H7")) as console:
        cost = console.ask({"command": "benchmark"})["cost"]
    with emulate(projects["STM32H7"], load_board("STM32H7"), profile=True) as console:
        replies = list(console.command({"command": "benchmark"}))
    kernels = {reply["name"]: reply["cost"] for reply in replies if reply["reply"] == "profile"}
    assert set(kernels) == {"history", "logits"}
    assert all(cost % CONTEXT == 0 for cost in kernels.values())  # the same at every position
    assert 0 < sum(kernels.values()) < replies[-1]["cost"]
    # A mark of about 40 instructions is taken off, but for a few.
    assert sum(kernels.values()) - cost < 25 * len(kernels) * CONTEXT


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


@pytest.mark.quick(3)
@pytest.mark.parametrize("crash", CRASHES)
@pytest.mark.parametrize("board", ["STM32F4", "STM32H7", "STM32N6", "STM32U5", "PICO", "ESP32", "ESP32C3"])
def test_a_crash_is_reported(projects, tmp_path, board, crash):
    code, message = CRASHES[crash]
    chosen = load_board(board)
    code = code.replace("UNDEFINED", UNDEFINED[platform_of(chosen).compiler(chosen, "twin")])
    project = render_toy(board, tmp_path / "p")
    change_model(project, ("history = 1;", f"{code}\n    history = 1;"))
    machine = "mps2-an386" if board == "STM32F4" else None
    with pytest.raises(UserError, match=message) as caught, emulate(project, chosen, machine):
        pass
    assert "closed the connection" in str(caught.value)


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
    with pytest.raises(UserError, match="there is no serial port"), open_serial("/dev/no-such-line", 115200):
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


def answer(number, *replies):
    """The lines of an answer as the firmware signs them."""
    lines = [{"reply": "taken"}, *replies]
    rows = [{**reply, "n": number, "line": line} for line, reply in enumerate(lines)]
    return b"".join(signed(json.dumps(row, separators=(",", ":")).encode()) for row in rows)


def console_of(*chunks, ends=False, is_lossy=True):
    """A console whose first command has the number 1."""
    console = Console(ScriptedLink(*chunks, ends=ends), "the device", is_lossy)
    console.number = 0
    return console


INFO = {"reply": "info", "status": "ok", "model": "toy", "protocol": 3}
OK = answer(1, INFO)
FAULT = {"reply": "fault", "status": "error", "message": "stopped", "cfsr": "00000001"}
WRONG_KEY = {"reply": "error", "status": "error", "message": "unknown key", "received": "x"}
# what the device sends, whether it then goes, what the error says
NONSENSE = [
    ([], False, "did not answer within 0.05 s"),
    ([], True, "closed the connection"),
    ([b'{"reply":"in'], False, 'did not answer.*\n  {"reply":"in'),
    ([b"{nonsense}\n"], False, "did not answer within 0.05 s.*{nonsense}"),
    ([signed(b"{nonsense}")], False, "not a reply"),
    ([signed(b'{"reply":5}')], False, "not a reply"),
    ([signed(b'{"status":"ok"}')], False, "not a reply"),
    ([signed(b'{"reply":"info","n":1,"line":NaN}')], False, "not a reply"),
    ([signed(b'{"reply":' + b"[" * 100_000 + b"]" * 100_000 + b"}")], False, "not a reply"),
    ([signed(b'{"reply":"info","n":' + b"9" * 10_000 + b"}")], False, "not a reply"),
    ([b"hello\n", b"you\n"], True, "closed the connection.*\n  hello\n  you"),
    ([answer(1, WRONG_KEY)], False, "unknown key.*'x'"),
    ([answer(1, FAULT)], False, "crashed.*cfsr"),
    ([json.dumps(FAULT).encode() + b"\n"], False, "crashed.*cfsr"),
    ([b"\xff\xfe\n", b"{" + b"\xff" * 20 + b"}\n"], False, "did not answer"),
    ([b"\x1b[2J\n"], False, r"\\x1b\[2J"),
    ([answer(1, {**INFO, "n": 7})[:-9] + b"\n"], False, "did not answer"),
]


@pytest.mark.parametrize(("chunks", "ends", "message"), NONSENSE)
def test_devices_that_say_nonsense(chunks, ends, message):
    console = console_of(*chunks, ends=ends)
    with pytest.raises(UserError, match=f"(?s){message}") as caught:
        console.ask({"command": "info"}, timeout=0.05)
    assert "the device" in str(caught.value)


def test_a_line_without_an_end_is_not_kept_for_ever():
    console = console_of(*itertools.repeat(b"x" * 2**16, 40))
    with pytest.raises(UserError, match="a line without an end") as caught:
        console.ask({"command": "info"})
    assert len(str(caught.value)) < 2000


def test_broken_and_joined_lines_are_no_trouble():
    console = console_of(b"Text", b"Zoo: toy\r\n", OK[:30], OK[30:-3], OK[-3:-1] + b"\r\n")
    assert console.ask({"command": "info"}) == INFO
    assert console.link.written == signed(b'{"n":1,"command":"info"}')


def test_several_replies_in_one_piece():
    ended = {"reply": "generate", "status": "ok"}
    console = console_of(answer(1, {"reply": "generate", "token": 1}, ended) + answer(2, INFO))
    assert [reply.get("token") for reply in console.command({"command": "generate"})] == [1, None]
    assert console.ask({"command": "info"})["model"] == "toy"


def test_lines_that_are_missing_are_asked_for_again():
    """The second line of four; then line 0 and what was missing come alone, and late copies are ignored."""
    replies = [{"reply": "benchmark", "cost": cost} for cost in (5, 6, 7)] + [{"reply": "benchmark", "status": "ok"}]
    lines = answer(1, *replies).splitlines(keepends=True)
    console = console_of(*(lines[index] for index in (0, 1, 3, 4, 0, 2, 4, 4)), answer(2, INFO))
    assert list(console.command({"command": "benchmark"})) == replies
    assert console.link.written.splitlines()[1:] == [b"", signed(b'{"n":1,"from":2,"command":"benchmark"}')[:-1]]
    assert console.ask({"command": "info"}) == INFO


def test_a_line_that_never_arrives_is_named():
    replies = [{"reply": "benchmark", "cost": 5}, {"reply": "benchmark", "status": "ok"}]
    lines = answer(1, *replies).splitlines(keepends=True)
    console = console_of(*itertools.repeat(lines[0] + lines[1].replace(b"5", b"6", 1) + lines[2], 20))
    message = rf"(?s)line 1 of its answer to 'benchmark' in {TRIES} tries; {TRIES} lines.*baud"
    with pytest.raises(UserError, match=message):
        console.ask({"command": "benchmark"})


def test_firmware_without_checksums_is_told_from_a_bad_line():
    refusal = b'{"reply":"error","status":"error","message":"unknown key","received":"n"}\n'
    with pytest.raises(UserError, match=r"another version of the protocol.*make flash"):
        console_of(refusal, refusal, refusal).ask({"command": "info"})
    assert console_of(refusal, OK).ask({"command": "info"}) == INFO  # one alone may be a damaged command
    with pytest.raises(UserError, match="another version of the protocol"):
        console_of(refusal, is_lossy=False).ask({"command": "info"})


def test_firmware_of_another_version_is_refused():
    with pytest.raises(UserError, match=r"another version of the protocol; expected protocol 3.*received protocol 2"):
        console_of(answer(1, {**INFO, "protocol": 2})).connect()


def test_connecting_to_a_device_that_starts_slowly(monkeypatch):
    monkeypatch.setattr("textzoo.targets.console.ACKNOWLEDGE_SECONDS", 0.05)
    silence = itertools.repeat(b"", 20)
    console = console_of(*silence, b"half a line\n" + OK, OK, OK)  # late answers to the questions before
    assert console.connect()["model"] == "toy"
    console.link.chunks.append(answer(2, {"reply": "reset", "status": "ok"}))
    assert console.ask({"command": "reset"})["reply"] == "reset"


def test_connecting_to_nothing():
    with pytest.raises(UserError, match="did not answer"):
        console_of().connect(timeout=0.1)


@pytest.mark.parametrize("is_lossy", [True, False])
def test_what_has_arrived_is_read_however_late_one_looks(is_lossy):
    """A notebook that slept between two lines, or a program that was stopped."""
    replies = [{"reply": "generate", "token": 1}, {"reply": "generate", "status": "ok"}]
    lines = answer(1, *replies).splitlines(keepends=True)
    console = console_of(lines[0] + lines[1], lines[2], is_lossy=is_lossy)
    found = console.command({"command": "generate"}, timeout=0.05)
    assert next(found) == replies[0]
    time.sleep(0.2)
    assert list(found) == replies[1:]
    assert console.link.written.count(b"generate") == 1


def test_a_process_that_thinks_long_is_asked_once(monkeypatch):
    monkeypatch.setattr("textzoo.targets.console.ACKNOWLEDGE_SECONDS", 0.01)
    console = console_of(*itertools.repeat(b"", 30), OK, is_lossy=False)
    assert console.ask({"command": "info"}) == INFO
    assert console.link.written.count(b"info") == 1


def test_a_pseudo_terminal_that_is_closed():
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    console = Console(FileLink(ours, ours), "the terminal")
    threading.Timer(0.1, os.close, [theirs]).start()
    with pytest.raises(UserError, match="closed the connection"):
        console.ask({"command": "info"}, timeout=5)
    os.close(ours)


def test_unicode_goes_out_as_it_is_and_comes_back_as_ascii():
    console = console_of(answer(1, {"reply": "generate", "status": "ok", "text": "é\U0001f600"}))
    assert console.ask({"command": "generate", "prompt": "€"})["text"] == "é\U0001f600"
    assert console.link.written == signed('{"n":1,"command":"generate","prompt":"€"}'.encode())


def test_a_lone_surrogate_is_left_to_the_device_to_refuse():
    console = console_of(answer(1, {"reply": "error", "status": "error", "message": "lone surrogate"}))
    with pytest.raises(UserError, match="lone surrogate"):
        console.ask({"command": "generate", "prompt": "\ud800"})
    assert console.link.written == signed(b'{"n":1,"command":"generate","prompt":"\\ud800"}')


class LivingLink(ScriptedLink):
    """A device that says nothing but that it is alive, a few times, and then sends the rest of its chunks."""

    def __init__(self, signs, *chunks):
        super().__init__()
        self.signs, self.rest = list(signs), list(chunks)

    def write(self, data):
        super().write(data)
        for _ in range(data.count(ENQUIRY)):
            if self.signs:
                self.chunks.append(alive(**self.signs.pop(0)))
            else:
                self.chunks, self.rest = self.rest, []

    def read(self, timeout):
        time.sleep(min(timeout, 0.02))
        return super().read(0)


def alive(n=1, working=True, boot=7):
    reply = {"reply": "alive", "working": working, "boot": boot, "n": n}
    return signed(json.dumps(reply, separators=(",", ":")).encode())


def living_console(monkeypatch, signs, *chunks, is_lossy=True):
    monkeypatch.setattr("textzoo.targets.console.ACKNOWLEDGE_SECONDS", 0.02)
    console = Console(LivingLink(signs, *chunks), "the device", is_lossy)
    console.number, console.boot = 0, 7
    return console


@pytest.mark.parametrize("is_lossy", [True, False])
def test_a_device_that_works_long_is_waited_for_and_one_that_is_dead_is_not(monkeypatch, is_lossy):
    """The limit is far shorter than the answer takes, but the device is alive."""
    console = living_console(monkeypatch, [{}] * 20, OK, is_lossy=is_lossy)
    assert console.ask({"command": "info"}, timeout=0.2) == INFO
    assert console.link.written.count(b"info") == 1
    with pytest.raises(UserError, match=r"did not answer within 0\.2 s"):
        console.ask({"command": "info"}, timeout=0.2)


# signs of life, what the program does about them
SIGNS = [
    ([{"working": False}], b"\n" + signed(b'{"n":1,"command":"info"}')),
    ([{"n": 5}], INTERRUPT + b"\n" + signed(b'{"n":1,"command":"info"}')),
    ([{"n": 5, "working": False}], b"\n" + signed(b'{"n":1,"command":"info"}')),
]


@pytest.mark.parametrize(("signs", "sent"), SIGNS)
def test_a_device_that_does_not_work_on_the_command_gets_it_again(monkeypatch, signs, sent):
    console = living_console(monkeypatch, signs, OK)
    assert console.ask({"command": "info"}) == INFO
    assert console.link.written.startswith(signed(b'{"n":1,"command":"info"}') + ENQUIRY + sent)


def test_a_sign_of_life_from_another_start_is_a_restart(monkeypatch):
    console = living_console(monkeypatch, [{}, {"boot": 8}])
    with pytest.raises(RestartError, match=r"restarted in the middle of 'info'.*number 7; received number 8"):
        console.ask({"command": "info"})


def test_time_limits_follow_from_the_pauses_of_the_device():
    console = console_of()
    answer = console.command({"command": "info"})
    assert answer.limit() == SILENCE_SECONDS
    console.longest_pause = SILENCE_SECONDS
    assert answer.limit() == PAUSES * SILENCE_SECONDS
    console.is_lossy, console.longest_pause = False, 0.0
    assert answer.limit() > SILENCE_SECONDS


def test_an_interrupt_that_nobody_asked_for_is_no_end():
    """A byte of the cable stopped the answer: it is asked for again, with another number."""
    token = {"reply": "generate", "token": 1, "text": "a"}
    stopped = {"reply": "generate", "status": "ok", "tokens": 1, "ended": "interrupted", "text": ""}
    ended = {"reply": "generate", "status": "ok", "tokens": 1, "ended": "stop"}
    console = console_of(answer(1, token, stopped), answer(2, token, ended))
    replies = list(console.command({"command": "generate"}))
    assert replies == [token, ended]
    assert console.link.written == signed(b'{"n":1,"command":"generate"}') + b"\n" + signed(
        b'{"n":2,"from":2,"command":"generate"}'
    )
