"""A serial line that damages what it carries: the same answers, or a line that is named."""

import contextlib
import json
import os
import random
import subprocess
import threading
import tty

import numpy as np
import pytest
from noise import noisy_line
from test_console import hostile_line
from test_emulators import emulated_serial_line
from toy import ToyEngine, toy_define, toy_tokenizer
from toy_projects import render_toy

from compilers import need, need_sanitizers
from textzoo.common.errors import UserError
from textzoo.common.processes import started
from textzoo.engines.generate import generate
from textzoo.services import benchmarking
from textzoo.targets import console as console_module
from textzoo.targets.console import ENQUIRY, Console, FileLink
from textzoo.targets.emulators import build_image
from textzoo.targets.signed_lines import checked_body, signed
from textzoo.targets.toolchains import run_make

CONTEXT = toy_define("MODEL_CONTEXT_LENGTH")
OPTIONS = {"seed": 11, "temperature": 0.9, "top_k": 5, "max_tokens": 40}
TOKENS = [int(token) for token in np.random.default_rng(3).integers(0, 12, CONTEXT)]
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    need("host", "make")
    return build_image(render_toy("host", tmp_path_factory.mktemp("bad") / "host"))


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    need("make", "arm", "qemu")
    return {"STM32H7": render_toy("STM32H7", tmp_path_factory.mktemp("twin") / "STM32H7")}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(console_module, "ACKNOWLEDGE_SECONDS", 0.3)


@contextlib.contextmanager
def bad_console(program, rate, seed):
    """The program of this machine behind a bad line."""
    with started([str(program)], **PIPES) as process:
        ends = process.stdout.fileno(), process.stdin.fileno()
        with noisy_line(*ends, rate, seed) as line:
            console = Console(FileLink(line, line), "the board")
            console.process = process
            yield console


def expected_logits():
    engine = ToyEngine()
    return np.stack([engine.step_raw(token) for token in TOKENS])


def text_of(console):
    replies = list(console.command({"command": "generate", "prompt": "abc€", **OPTIONS}))
    return "".join(reply["text"] for reply in replies[:-1])


def check_answers(console):
    """All kinds of commands, each with the right answer."""
    assert console.connect()["model"] == "toy"
    assert np.array_equal(benchmarking.device_logits(console, TOKENS, np.dtype("int8")), expected_logits())
    assert text_of(console) == "".join(generate(ToyEngine(), toy_tokenizer(), "abc€", **OPTIONS))
    replies = list(console.command({"command": "benchmark"}))
    assert [reply["position"] for reply in replies[:-1]] == list(range(CONTEXT))
    assert console.ask({"command": "set", "seed": 77})["seed"] == 77
    assert console.ask({"command": "info"})["seed"] == 77
    assert console.ask({"command": "memory"})["state_bytes"] == 4


@pytest.mark.quick(1)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rate", [0, 0.0001, 0.0005, 0.001])
def test_a_bad_line_changes_no_answer(program, rate, seed):
    with bad_console(program, rate, seed) as console:
        check_answers(console)


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "seed"), [(0, 0), (0.0003, 1), (0.001, 2)])
def test_nor_between_here_and_an_emulated_board(projects, rate, seed):
    with emulated_serial_line(projects, "STM32H7") as path:
        board = os.open(path, os.O_RDWR | os.O_NOCTTY)
        try:
            tty.setraw(board)
            with noisy_line(board, board, rate, seed) as line:
                check_answers(Console(FileLink(line, line), "the board"))
        finally:
            os.close(board)


@pytest.mark.slow
def test_a_line_that_is_too_bad_is_named(program):
    with (
        bad_console(program, 0.1, 5) as console,
        pytest.raises(UserError, match=r"(?s)the board did not (send line|answer).*baud.*ground.*cable"),
    ):
        console.connect(timeout=20)


class UnluckyLink:
    """A device that is alive, but whose line 1 arrives damaged a number of times."""

    def __init__(self, damaged):
        self.left, self.number, self.answers = damaged, 0, b""

    def write(self, data):
        if ENQUIRY in data:
            self.say(reply="alive", working=False, boot=1, n=self.number)
            return
        self.number = json.loads(checked_body(data.splitlines()[-1]))["n"]
        self.say(reply="taken", boot=1, n=self.number, line=0)
        whole = signed(b'{"reply":"reset","status":"ok","boot":1,"n":%d,"line":1}' % self.number)
        self.answers += whole.replace(b"line", b"lime") if self.left > 0 else whole
        self.left -= 1

    def say(self, **reply):
        self.answers += signed(json.dumps(reply, separators=(",", ":")).encode())

    def read(self, timeout):
        arrived, self.answers = self.answers, b""
        return arrived


def test_only_what_was_damaged_counts_as_a_try(monkeypatch):
    monkeypatch.setattr(console_module, "ACKNOWLEDGE_SECONDS", 0.01)
    console = Console(UnluckyLink(console_module.TRIES - 1), "the board")
    console.boot = 1
    assert console.ask({"command": "reset"})["status"] == "ok"
    console.link.left = console_module.TRIES
    with pytest.raises(UserError, match=rf"in {console_module.TRIES} tries; {console_module.TRIES} lines were damaged"):
        console.ask({"command": "reset"})


def ask_for_ever(console):
    while True:
        console.ask({"command": "self_check"}, timeout=3)


def test_a_device_that_dies_on_the_way_is_named(program):
    with bad_console(program, 0.0005, 7) as console:
        console.connect()
        threading.Timer(0.5, console.process.kill).start()
        with pytest.raises(UserError, match=r"the board (closed the connection|did not answer|did not send)"):
            ask_for_ever(console)


def lines_to(program, *lines):
    """What the program says to lines of bytes, behind the greeting."""
    done = subprocess.run([str(program)], input=b"".join(lines), capture_output=True, timeout=60, check=True)
    return done.stdout.split(b"\n", 4)[4].splitlines()


def command(number, **values):
    return signed(json.dumps({"n": number, **values}, separators=(",", ":")).encode())


def replies_of(lines):
    return [json.loads(checked_body(line)) for line in lines]


def test_a_token_is_fed_once_however_often_it_is_sent(program):
    first = command(5, command="logits", tokens=[3])
    second = command(6, command="logits", tokens=[4], reset=False)
    third = command(7, command="logits", tokens=[5], reset=False)
    lines = replies_of(lines_to(program, first, second, second, second, third))
    rows = [(reply["n"], reply["position"], reply["hex"]) for reply in lines if "hex" in reply]
    engine = ToyEngine()
    raw = {number: engine.step_raw(token).tobytes().hex() for number, token in ((5, 3), (6, 4), (7, 5))}
    assert rows == [(number, number - 5, raw[number]) for number in (5, 6, 6, 6, 7)]
    ends = [reply for reply in lines if "crc32" in reply]
    assert [reply["position"] for reply in ends] == [1, 2, 2, 2, 3]
    assert len({reply["crc32"] for reply in ends[1:4]}) == 1


# what comes between two commands that belong together
BETWEEN = [
    command(9, command="logits", tokens=[1]),
    command(6, command="generate", prompt="a") + command(8, command="info"),
    b":seed 5\n",
    b":help\nabc\n",
]


@pytest.mark.parametrize("between", BETWEEN)
def test_what_came_between_is_noticed(program, between):
    lines = lines_to(
        program,
        command(5, command="logits", tokens=[3]),
        between,
        command(6, command="logits", tokens=[4], reset=False),
    )
    assert "out of sequence" in json.loads(checked_body(lines[-1]))["message"]


def test_several_tokens_are_not_fed_again(program):
    lines = lines_to(
        program,
        command(5, command="logits", tokens=[3]),
        *[command(6, command="logits", tokens=[4, 5], reset=False)] * 2,
    )
    assert "only a command of one token" in json.loads(checked_body(lines[-1]))["message"]


@pytest.mark.parametrize("place", range(40))
def test_a_damaged_command_is_not_obeyed(program, place):
    """One bit of a command for a machine: no answer but that it is damaged, and the seed stays."""
    sound = command(8, command="set", seed=77)
    changed = bytearray(sound)
    changed[place % (len(sound) - 1)] ^= 1 << place % 7
    lines = lines_to(program, command(7, command="info"), bytes(changed), command(9, command="info"))
    replies = replies_of(line for line in lines if line)
    assert {reply["reply"] for reply in replies[2:-2]} == {"damaged"}
    assert replies[-1]["seed"] == 1


def test_lines_left_out_are_those_that_are_there_already(program):
    lines = replies_of(lines_to(program, command(3, **{"from": 3}, command="generate", prompt="a", max_tokens=4)))
    assert [reply["line"] for reply in lines] == [0, 3, 4, 5]


def test_people_have_the_console_back(program):
    """After a machine has said so, or with a line that begins with a colon."""
    lines = lines_to(program, command(3, command="info"), command(4, command="release"), b":max-tokens 1\n", b"a\n")
    assert lines[-1].startswith(b"[1 tokens")
    lines = lines_to(program, command(3, command="info"), b":max-tokens 1\n", b"a\n", b'{"command":"reset"}\n')
    assert lines[-2].startswith(b"[1 tokens")
    assert json.loads(lines[-1]) == {"reply": "reset", "status": "ok", "position": 0}
    lines = lines_to(program, command(3, command="info"), b"a\n")
    assert b"people type :help first" in lines[-1]


# what a device answers, what is said about it
IMPOSSIBLE = [
    ({"counter": "sheep"}, "wrong counter; expected one of instructions, cycles, nanoseconds; received 'sheep'"),
    ({"mean": -1}, "wrong mean"),
    ({"mean": 10**400}, "wrong mean"),
    ({"mean": "5"}, "wrong mean"),
    ({"positions": 0}, "wrong positions"),
    ({"macs_per_token": 0}, "wrong macs_per_token"),
    ({"largest": True}, "wrong largest"),
    ({"overlap_mean": 11}, "wrong overlap_mean"),
    ({"smallest": None}, "wrong smallest.*received None"),
]
TOTAL = {"reply": "benchmark", "counter": "instructions", "mean": 10, "smallest": 9, "largest": 11, "positions": 16}
TOTAL |= {"macs_per_token": 100}


@pytest.mark.parametrize(("change", "message"), IMPOSSIBLE)
def test_impossible_figures_are_refused(change, message):
    assert benchmarking.checked_total(TOTAL, "the board")["mean"] == 10
    with pytest.raises(UserError, match=f"the board answers 'benchmark' with a {message}"):
        benchmarking.checked_total(TOTAL | change, "the board")


def test_all_missing_figures_are_named_at_once():
    with pytest.raises(UserError) as caught:
        benchmarking.checked_total({"reply": "benchmark"}, "the board")
    assert [name for name in TOTAL if name != "reply" and f"wrong {name}" not in str(caught.value)] == []
    assert "received nothing" in str(caught.value)


@pytest.mark.parametrize("text", ["", "0", "zz", "0g", 5, "00" * 3])
def test_rows_of_logits_that_are_none_are_refused(text):
    if text == "":
        assert benchmarking.row_of({"reply": "logits", "hex": text}, np.dtype("int16"), "d").size == 0
        return
    with pytest.raises(UserError, match="wrong hex"):
        benchmarking.row_of({"reply": "logits", "hex": text}, np.dtype("int16"), "the board")


def hostile_signed(source):
    """A damaged command with a right checksum, or a sound one with another."""
    line = hostile_line(source).replace(b"\r", b" ")
    whole = signed(b'{"n":%d,' % source.randrange(5) + line.lstrip(b"{") + b"}" * source.randrange(2))
    if source.random() < 0.3:
        place = source.randrange(len(whole) - 1)
        whole = whole[:place] + bytes([source.randrange(32, 127)]) + whole[place + 1 :]
    return whole


def test_hostile_signed_lines_find_no_wrong_memory_use_and_each_an_answer(tmp_path):
    need("host", "make")
    need_sanitizers("host")
    project = render_toy("host", tmp_path / "host")
    run_make(project, "SANITIZE=1", "BUILD=build/sanitize")
    source = random.Random(9)
    odd = [b'{,"crc":"00000000"}\n', signed(b"{}"), signed(b"{" + b"a" * 600 + b"}"), signed(b"x}"), b'"crc":"0"}\n']
    lines = [*odd, *(line for line in (hostile_signed(source) for _ in range(1500)) if b"exit" not in line)]
    sound = command(2**32 - 1, command="info")
    data = sound + b"".join(line + sound for line in lines)
    done = subprocess.run(
        [str(project / "build/sanitize/toy")], input=data, capture_output=True, timeout=600, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    answers = done.stdout.split(b"\n", 4)[4].splitlines()
    bodies = [checked_body(line) for line in answers]
    assert None not in bodies
    asked = [reply for reply in map(json.loads, bodies) if reply.get("model") == "toy" and reply["n"] == 2**32 - 1]
    assert len(asked) == len(lines) + 1
