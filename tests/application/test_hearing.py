"""The device hears while it speaks: answers are stopped, nothing typed meanwhile is lost, and a restart is noticed."""

import contextlib
import json
import os
import socket
import subprocess
import threading
import time

import pytest
from noise import noisy_line
from toy import ToyEngine, toy_check_tokens, toy_define, toy_tokenizer
from toy_projects import change_model, render_toy

from compilers import need
from textzoo.common.errors import UserError
from textzoo.common.processes import started
from textzoo.config.boards import load_board
from textzoo.engines.generate import generate
from textzoo.targets.console import Console, FileLink, RestartError, is_greeting
from textzoo.targets.emulators import build_image, emulate, run_host
from textzoo.targets.platforms import platform_of
from textzoo.targets.protocol import INPUT_BYTES, INTERRUPT, LINE_BYTES
from textzoo.targets.signed_lines import checked_body, signed

CONTEXT = toy_define("MODEL_CONTEXT_LENGTH")
ENDLESS = {"command": "generate", "prompt": "abc€", "seed": 11, "temperature": 0.9, "top_k": 5, "max_tokens": 10**6}
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
HEARD_SECONDS = 0.3
# board, machine of QEMU; None for this machine
DEVICES = [
    (None, None),
    ("STM32F4", "netduinoplus2"),
    ("STM32H7", "mps2-an500"),
    ("ESP32", "lx106"),
    ("ESP32C3", "rv32"),
    ("STM32MP2", "virt"),
]


@pytest.fixture(scope="module")
def projects(tmp_path_factory):
    need("make", "host", "arm", "qemu", "xtensa", "qemu-xtensa", "riscv", "qemu-riscv", "aarch64", "qemu-aarch64")
    folder = tmp_path_factory.mktemp("hearing")
    return {board: render_toy(board or "host", folder / str(board)) for board, _ in DEVICES}


@contextlib.contextmanager
def device(projects, board, machine=None):
    if board is None:
        with run_host(projects[None]) as console:
            yield console
    else:
        with emulate(projects[board], load_board(board), machine) as console:
            yield console


def text_of(replies):
    return "".join(reply.get("text", "") for reply in replies)


def expected_text(tokens):
    options = {key: ENDLESS[key] for key in ("seed", "temperature", "top_k")}
    return "".join(generate(ToyEngine(), toy_tokenizer(), "abc€", max_tokens=tokens, **options))


@pytest.mark.quick("None", "netduinoplus2")
@pytest.mark.parametrize(("board", "machine"), DEVICES)
def test_an_answer_is_stopped_and_the_next_one_is_whole(projects, board, machine):
    with device(projects, board, machine) as console:
        for wanted in (1, 30):
            answer, replies = console.command(ENDLESS), []
            for reply in answer:
                replies.append(reply)
                if len(replies) == wanted:
                    answer.interrupt()
                    console.interrupt()
            last = replies[-1]
            assert (last["ended"], last["tokens"]) == ("interrupted", len(replies) - 1)
            assert text_of(replies) == expected_text(last["tokens"])
            answer.interrupt()  # too late: it meets no other command
            whole = list(console.command({**ENDLESS, "max_tokens": 40}))
            assert (whole[-1]["ended"], text_of(whole)) == ("max_tokens", expected_text(40))


def test_another_thread_stops_an_answer(projects):
    with device(projects, None) as console:
        answer = console.command(ENDLESS)
        threading.Timer(0.2, console.interrupt).start()
        replies = list(answer)
        assert replies[-1]["ended"] == "interrupted"
        assert replies[-1]["tokens"] == len(replies) - 1 > 0


def test_an_answer_can_be_stopped_before_its_first_token(projects):
    with device(projects, None) as console:
        answer = console.command({**ENDLESS, "prompt": "abc" * 100})
        answer.interrupt()
        (last,) = answer
        assert (last["ended"], last["tokens"], last["text"]) == ("interrupted", 0, "")


@pytest.mark.parametrize("values", [{"command": "benchmark"}, {"command": "logits", "tokens": [1] * CONTEXT}])
def test_other_long_answers_are_stopped_without_a_result(projects, values):
    with device(projects, None) as console:
        answer = console.command(values)
        answer.interrupt()
        last = list(answer)[-1]
        assert (last["status"], last["message"]) == ("error", "interrupted")
        assert "status" in console.ask(values)


def test_what_was_held_back_comes_with_the_last_line(tmp_path):
    """A model that only says "a", which the stop text begins with: its beginning is always held back."""
    project = render_toy("host", tmp_path / "host")
    token = int(toy_tokenizer().encode("a")[0])
    change_model(project, ("(model_logit_t)logit;", f"(model_logit_t)(next == {token} ? 100 : 0);"))
    with run_host(project) as console:
        answer = console.command({**ENDLESS, "temperature": 0, "stop": "aaaaaaab"})
        replies = []
        for reply in answer:
            replies.append(reply)
            if len(replies) == 20:
                answer.interrupt()
    assert replies[-1]["text"] == "a" * 7
    assert text_of(replies) == "a" * replies[-1]["tokens"]


def test_an_answer_that_nobody_reads_any_more_is_stopped_by_the_next_command(projects):
    with device(projects, None) as console:
        next(console.command(ENDLESS))
        assert console.ask({"command": "info"})["model"] == "toy"
        assert console.ask({"command": "self_check"})["kernels"] is True


@pytest.mark.slow
def test_an_answer_is_stopped_over_a_bad_line(projects):
    program = build_image(projects[None])
    with started([str(program)], **PIPES) as process:
        ends = process.stdout.fileno(), process.stdin.fileno()
        with noisy_line(*ends, 0.0005, seed=4) as line:
            console = Console(FileLink(line, line), "the board")
            console.connect()
            for _ in range(5):
                answer, replies = console.command(ENDLESS), []
                for reply in answer:
                    replies.append(reply)
                    if len(replies) == 20:
                        answer.interrupt()
                assert replies[-1]["ended"] == "interrupted"
                assert replies[-1]["tokens"] == len(replies) - 1
                assert text_of(replies) == expected_text(replies[-1]["tokens"])


def command(number, **values):
    return signed(json.dumps({"n": number, **values}, separators=(",", ":")).encode())


def lines_until(console, last):
    """Lines of the device up to the one with this beginning."""
    lines = []
    while not lines or not lines[-1].startswith(last):
        line = console.line(60)
        assert line is not None, lines[-5:]
        lines.append(line)
    return lines


def test_a_repeated_command_ends_at_the_token_at_which_it_was_stopped(projects):
    with device(projects, None) as console:
        console.link.write(command(5, **ENDLESS))
        time.sleep(HEARD_SECONDS)
        console.link.write(INTERRUPT)
        first = lines_until(console, b'{"reply":"generate","status"')
        console.link.write(command(5, **ENDLESS))
        second = lines_until(console, b'{"reply":"generate","status"')
        # A command with another number, and an interrupt on the prompt between the two, which stops nothing.
        console.link.write(INTERRUPT + command(6, **{**ENDLESS, "max_tokens": 3}))
        other = lines_until(console, b'{"reply":"generate","status"')
    assert first[:-1] == second[:-1]
    assert b'"ended":"interrupted"' in first[-1]
    assert b'"ended":"interrupted"' in second[-1]
    assert b'"ended":"max_tokens"' in other[-1]


def test_an_enquiry_is_answered_between_two_tokens_and_on_the_prompt(projects):
    with device(projects, None) as console:
        console.link.write(command(5, **ENDLESS))
        time.sleep(HEARD_SECONDS)
        console.link.write(b"\x05")
        (working,) = [line for line in lines_until(console, b'{"reply":"alive"') if b"alive" in line]
        console.link.write(INTERRUPT)
        lines_until(console, b'{"reply":"generate","status"')
        console.link.write(b"\x05")
        (idle,) = lines_until(console, b'{"reply":"alive"')
        replies = [json.loads(checked_body(line)) for line in (working, idle)]
    assert [(reply["working"], reply["n"]) for reply in replies] == [(True, 5), (False, 5)]
    assert [reply["boot"] for reply in replies] == [console.boot] * 2


@contextlib.contextmanager
def typing(projects, board, machine=None):
    """A device whose console was given back to people, in the middle of a long answer; yields its console."""
    with device(projects, board, machine) as console:
        console.release()
        console.link.write(b":max-tokens 1000000\n")
        lines_until(console, b"seed: ")
        console.link.write(b"abc\n")
        time.sleep(HEARD_SECONDS)
        yield console


# What is pasted during an answer: many short lines, and one of the longest.
PASTED = [f":seed {number}\n".encode() for number in range(1000, 1070)] + [b":seed 7" + b" " * 160 + b"\n"]


@pytest.mark.quick("None", "netduinoplus2")
@pytest.mark.parametrize(("board", "machine"), DEVICES)
def test_what_is_pasted_during_an_answer_is_read_afterwards(projects, board, machine):
    assert len(b"".join(PASTED)) < INPUT_BYTES
    with typing(projects, board, machine) as console:
        console.link.write(b"".join(PASTED[:40]))
        time.sleep(HEARD_SECONDS)
        console.link.write(INTERRUPT + b"".join(PASTED[40:]) + b":check\n")
        lines = lines_until(console, b"tokens: ")
    answers = [line for line in lines if line.startswith((b"seed: ", b"! "))]
    expected = [b"seed: %d " % number for number in range(1000, 1070)]
    assert [line[: len(b"seed: 1000 ")] for line in answers[:-1]] == expected
    assert any(line.endswith(b"; interrupted]") for line in lines)


def test_lines_of_which_something_was_lost_are_refused_and_no_others(projects):
    """The receive interrupt goes on when the ring is full; what fits is kept, and the interrupt is heard even then."""
    with typing(projects, "STM32F4", "netduinoplus2") as console:
        for _ in range(300):
            console.link.write(b":seed 1234\n")
            time.sleep(0.001)
        time.sleep(HEARD_SECONDS)
        console.link.write(INTERRUPT)
        lines_until(console, b"[")
        time.sleep(HEARD_SECONDS)
        console.link.write(b"\n:check\n")
        lines = lines_until(console, b"tokens: ")
    answers = [line for line in lines if line.startswith((b"seed: ", b"! "))]
    assert {line[:11] for line in answers[:-1]} == {b"seed: 1234 "}
    assert len(answers) == INPUT_BYTES // len(b":seed 1234\n") + 1
    assert answers[-1] == b"! the line is too long, or was typed too far ahead"


@pytest.mark.parametrize("typed", ["abx\x03abc\n", "{\x03abc\n", "a" * LINE_BYTES + "b\x03abc\n"])
def test_an_interrupt_on_the_prompt_clears_the_line(projects, typed):
    program = build_image(projects[None])
    given = (":max-tokens 2\n" + typed).encode()
    done = subprocess.run([str(program)], input=given, capture_output=True, timeout=60, check=True)
    assert b"[2 tokens" in done.stdout
    assert b"!" not in done.stdout


def test_an_emulated_board_shows_that_the_line_is_cleared(projects):
    board = load_board("STM32H7")
    image = build_image(projects["STM32H7"], board, board.emulator())
    command = [*platform_of(board).emulator_command(board.emulator()), str(image)]
    done = subprocess.run(command, input=b":see\x03:exit\n", capture_output=True, timeout=60, check=True)
    assert b":see^C\n:exit\n" in done.stdout


@pytest.mark.parametrize("count", [1, CONTEXT - 1, CONTEXT])
def test_a_stored_prompt_gives_the_text_of_its_tokens(projects, count):
    tokens = [(5 * index + 1) % 11 + 1 for index in range(count)]
    options = {"max_tokens": 30, "seed": 5, "temperature": 0.8}
    with device(projects, None) as console:
        given = text_of(console.command({"command": "generate", "tokens": tokens, **options}))
        console.load_prompt(tokens)
        assert text_of(console.command({"command": "generate", **options})) == given
        rows = list(console.command({"command": "logits", "tokens": tokens}))
        (row, last) = console.command({"command": "logits", "only_last": True})
        assert row == rows[-2]
        assert last["position"] == rows[-1]["position"] == count
        assert text_of(console.command({"command": "generate", **options})) == given  # it is kept


# command, part of the message
WRONG_PROMPTS = [
    ({"tokens": [1], "at": 1}, "tokens before `at` are missing"),
    ({"tokens": [1] * (CONTEXT + 1)}, "more tokens than the context has room for"),
    ({"tokens": [1], "at": 2**32 - 1}, "tokens before `at` are missing"),
    ({"tokens": [1], "at": 2**32}, "a whole number"),
    ({"tokens": [12]}, "not in the vocabulary"),
    ({"tokens": []}, "the prompt is empty"),
    ({}, "the prompt is empty"),
]


@pytest.mark.parametrize(("values", "message"), WRONG_PROMPTS)
def test_prompts_that_cannot_be_stored_are_refused(projects, values, message):
    with device(projects, None) as console, pytest.raises(UserError, match=message):
        console.ask({"command": "prompt", **values})


def test_a_part_that_does_not_fit_leaves_the_stored_ones(projects):
    with device(projects, None) as console:
        console.load_prompt([1] * CONTEXT)
        with pytest.raises(UserError, match="more tokens than"):
            console.ask({"command": "prompt", "tokens": [2, 2], "at": CONTEXT - 1})
        with pytest.raises(UserError, match="prompt or tokens is missing"):
            console.ask({"command": "prompt"})
        reply = console.ask({"command": "generate", "max_tokens": 1})
        assert reply["prompt_tokens"] == CONTEXT


@contextlib.contextmanager
def resettable(projects, board, machine, folder):
    """An emulated board that another thread can reset; yields its console and what resets it."""
    chosen = load_board(board)
    emulator = chosen.emulator(machine)
    image = build_image(projects[board], chosen, emulator)
    command = [*platform_of(chosen).emulator_command(emulator), str(image)]
    place = folder / "monitor"
    command[command.index("-monitor") + 1] = f"unix:{place},server,nowait"
    with started([part for part in command if part != "-no-reboot"], **PIPES) as process:
        console = Console(FileLink(process.stdout.fileno(), process.stdin.fileno()), "the board")
        while not is_greeting(console.line(60)):
            pass
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(place))
            yield console, lambda: monitor.sendall(b"system_reset\n")


# QEMU's virt for Cortex-A clears its memory at a reset, and lx106 cannot be reset.
RESETTABLE = [row for row in DEVICES if row[0] not in (None, "ESP32", "STM32MP2")]


@pytest.mark.quick("netduinoplus2")
@pytest.mark.parametrize(("board", "machine"), RESETTABLE)
def test_a_restart_in_the_middle_of_an_answer_is_an_error_at_once(projects, board, machine, tmp_path):
    with resettable(projects, board, machine, tmp_path) as (console, reset):
        console.connect()
        boot, start = console.boot, None
        with pytest.raises(RestartError, match="restarted in the middle of 'generate'"):  # noqa: PT012
            for reply in console.command(ENDLESS):
                if reply["reply"] == "generate" and start is None:
                    start = time.monotonic()
                    reset()
        assert console.boot == boot + 1
        # The next command finds the board as it is after a start.
        with pytest.raises(UserError, match="the prompt is empty"):
            console.ask({"command": "generate"})
        assert text_of(console.command({**ENDLESS, "max_tokens": 20})) == expected_text(20)


def test_a_restart_between_two_commands_is_noticed_by_the_next_one(projects, tmp_path):
    with resettable(projects, "STM32F4", "netduinoplus2", tmp_path) as (console, reset):
        console.connect()
        console.load_prompt(toy_check_tokens())
        reset()
        lines_until(console, b"Type a text")
        with pytest.raises(RestartError, match="restarted in the middle of 'generate'"):
            console.ask({"command": "generate"})
        assert console.connect()["boot"] == console.boot


def test_starts_of_this_machines_program_have_different_numbers(projects):
    boots = set()
    for _ in range(3):
        with device(projects, None) as console:
            boots.add(console.boot)
    assert len(boots) == 3


def test_a_device_that_is_gone_is_named_at_once(projects):
    program = build_image(projects[None])
    with started([str(program)], **PIPES) as process:
        console = Console(FileLink(process.stdout.fileno(), process.stdin.fileno()), "the board")
        console.connect()
        answer = console.command(ENDLESS)
        next(answer)
        os.killpg(process.pid, 9)
        with pytest.raises(UserError, match="closed the connection"):
            list(answer)
