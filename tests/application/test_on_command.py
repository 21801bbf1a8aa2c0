"""Commands: answers become calls of on_command, whatever they are, and only when they are whole; LEDs and timers."""

import contextlib
import ctypes
import json
import re
import shutil
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from toy import toy_define
from toy_projects import compile_library, render_toy

from compilers import need, need_sanitizers
from textzoo.common.errors import UserError
from textzoo.common.paths import APPLICATION, PROJECT
from textzoo.common.processes import started
from textzoo.compiler.artifacts.grammar_table import render_grammar
from textzoo.compiler.artifacts.tokenizer_tables import render_tokenizer
from textzoo.config.boards import board_names, load_board
from textzoo.engines.settings import PredictionConfig
from textzoo.models.settings import ModelConfig
from textzoo.pipeline.device_defaults import command_defaults, command_ram_bytes, render_defaults
from textzoo.pipeline.firmware import commands_of
from textzoo.targets.boards import Board, Led
from textzoo.targets.emulators import build_image
from textzoo.targets.platforms import platform_of
from textzoo.targets.project import MARKER, USER_FILE, write_user_file
from textzoo.targets.rules import check_library, check_on_command
from textzoo.targets.settings import DeploymentConfig
from textzoo.targets.signed_lines import signed
from textzoo.targets.toolchains import run_make, tool_beside
from textzoo.testing import STRICT
from textzoo.testing.building import build_c
from textzoo.text.chat_templates import COMMANDS, DIALOGUE, ChatTemplate
from textzoo.text.commands.schema import intents_in
from textzoo.text.tokenizers.byte import ByteTokenizer

HERE = Path(__file__).parent
MAX_SLOTS = 16
PARSER = [APPLICATION / f"{name}.c" for name in ("command", "json", "decimal", "utf8", "text")]


class Parser:
    """The program around command.c, under the sanitizers."""

    def __init__(self, process):
        self.process = process

    def read(self, answer):
        """(intent, slots) of bytes, or None."""
        self.process.stdin.write(b"%d\n%b" % (len(answer), answer))
        self.process.stdin.flush()
        word, *fields = self.process.stdout.readline().decode().split()
        assert word in ("ok", "no")
        return self.command_of(fields) if word == "ok" else None

    @staticmethod
    def command_of(fields):
        values = [int(text[1:]) if text[0] == "d" else bytes.fromhex(text[1:]).decode() for text in fields]
        return values[0], list(zip(values[1::2], values[2::2], strict=True))


@pytest.fixture(scope="module")
def parser(tmp_path_factory):
    compiler = need_sanitizers("host")
    program = tmp_path_factory.mktemp("parser") / "parser"
    command = [compiler, *STRICT, "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    build_c([*command, f"-I{APPLICATION}"], [HERE / "parse_answers.c", *PARSER], program)
    with started([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Parser(process)


class Pairs(list):
    """The pairs of a JSON object."""


def command_in(answer):
    """What the contract of command.h makes of bytes, by Python's own JSON: (intent, slots), or None."""
    try:
        text = answer.decode()
        pairs = json.loads(text, object_pairs_hook=Pairs, parse_constant=lambda name: Pairs())
    except (ValueError, RecursionError):
        return None
    if not isinstance(pairs, Pairs) or not pairs or set(text) & {"\n", "\r"}:  # a line
        return None
    (key, intent), *rest = pairs
    slots = []
    for name, value in rest:
        if name in ("intent", *dict(slots)) or type(value) not in (str, int, list):
            return None
        slots += [(name, item) for item in (value if type(value) is list else [value])]
        if type(value) is list and any(type(item) is not str for item in value):
            return None
    texts = [part for pair in [*pairs, *slots] for part in pair if type(part) is str]
    whole = [value for _, value in slots if type(value) is int]
    fits = key == "intent" and type(intent) is str and len(slots) <= MAX_SLOTS
    fits = fits and all(-(2**31) <= value < 2**31 for value in whole)
    is_clean = not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in "".join(texts))
    return (intent, slots) if fits and is_clean else None


# answers that are commands, each in another way
COMMANDS_WRITTEN = [
    b'{"intent":"none"}',
    b'{"intent":"turn_on","area":"kitchen","name":"lamp"}',
    b'{"intent":"dim","percent":-40,"names":["lamp","fan"],"none":[]}',
    b'{"intent":"","":""}',
    b' { "intent" : "x" , "a" : [ "b" , "c" ] } ',
    b'{"intent":"\\u00e9\\ud83d\\ude00\\"\\\\\\/\\b\\f\\n\\r\\t","a":"\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd"}',
    b'{"\\u0069ntent":"x","a":2147483647,"b":-2147483648,"c":0,"d":-0}',
    b'{"intent":"x",%b}' % b",".join(b'"%d":%d' % (number, number) for number in range(MAX_SLOTS)),
]
# answers that are none
DAMAGED = [
    b"", b" ", b"{", b"{}", b"[]", b'"intent"', b'{"intent"}', b'{"intent":1}', b'{"intent":["x"]}',
    b'{"intent":null}', b'{"area":"x","intent":"y"}', b'{"intent":"x"', b'{"intent":"x"}x',
    b'{"intent":"x"}{"intent":"y"}', b'{"intent":"x",}', b'{"intent":"x","intent":"y"}',
    b'{"intent":"x","a":"1","a":"2"}', b'{"intent":"x","a":["1"],"a":2}', b'{"intent":"x","a":',
    b'{"intent":"x","a":{}}', b'{"intent":"x","a":[["b"]]}', b'{"intent":"x","a":[1]}', b'{"intent":"x","a":["b",]}',
    b'{"intent":"x","a":[,]}', b'{"intent":"x","a":["b"', b'{"intent":"x","a":"b', b'{"intent":"x","a":"b\\',
    b'{"intent":"x","a":"b\\u', b'{"intent":"x","a":"\\ud800"}', b'{"intent":"x","a":"\\u0000"}',
    b'{"intent":"x\\u0000"}', b'{"intent":"x","a\\u0000":1}', b'{"intent":"x\0"}', b'{"intent":"x"}\0',
    b'{"intent":"x","a":true}', b'{"intent":"x","a":null}', b'{"intent":"x","a":1.5}', b'{"intent":"x","a":1e3}',
    b'{"intent":"x","a":01}', b'{"intent":"x","a":2147483648}', b'{"intent":"x","a":-2147483649}',
    b'{"intent":"x","a":99999999999999999999}', b'{"intent":"x","a":-}', b'{"intent":"x","a":NaN}',
    b'{"intent":"x",\n"a":1}', b'{"intent":"\xff"}', b'{"intent":"\xc3"}', b'{"intent":"\xed\xa0\x80"}',
    b"{'intent':'x'}",
    b'{"intent":"x",%b}' % b",".join(b'"%d":%d' % (number, number) for number in range(MAX_SLOTS + 1)),
    b'{"intent":"x","a":[%b]}' % b",".join([b'"b"'] * (MAX_SLOTS + 1)), b"[" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("answer", COMMANDS_WRITTEN)
def test_an_answer_that_is_a_command_is_read(parser, answer):
    expected = command_in(answer)
    assert expected is not None
    assert parser.read(answer) == expected


@pytest.mark.parametrize("answer", DAMAGED)
def test_an_answer_that_is_damaged_is_refused(parser, answer):
    assert command_in(answer) is None
    assert parser.read(answer) is None


TEXTS = st.text(st.characters(exclude_categories=()), max_size=6)
VALUES = st.one_of(TEXTS, st.integers(-(2**33), 2**33), st.lists(TEXTS, max_size=3), st.none(), st.floats())
OBJECTS = st.tuples(TEXTS, st.dictionaries(TEXTS, VALUES, max_size=MAX_SLOTS + 1)).map(
    lambda parts: {"intent": parts[0]} | parts[1]
)


@st.composite
def answers(draw):
    """JSON, written in one of its ways, and mostly damaged somewhere."""
    is_ascii, separators = draw(st.booleans()), draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    text = json.dumps(draw(OBJECTS), ensure_ascii=is_ascii, separators=separators)
    answer = bytearray(text.encode(errors="surrogatepass"))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(answer)))
        end = draw(st.integers(start, min(len(answer), start + 4)))
        answer[start:end] = draw(
            st.one_of(st.binary(max_size=3), st.sampled_from([b'"', b"\\", b"{", b"}", b",", b"]"]))
        )
    return bytes(answer)


@settings(max_examples=600)
@given(answer=answers())
@example(answer=b'{"intent":"\\u0000')
def test_any_answer_is_what_pythons_json_makes_of_it(parser, answer):
    assert parser.read(answer) == command_in(answer)


# The echo says its prompt again: what a test types between these texts is the answer, which ends with the character 0.
ECHO = ChatTemplate("commands", ("", ""), ('{"intent":"', '"}\0'), ("", ""), "\0")


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    """The program of a project with commands, around echo_model.c and tokens of one byte, under the sanitizers."""
    need("host", "make")
    need_sanitizers("host")
    project = render_toy("host", tmp_path_factory.mktemp("echo") / "host", ECHO)
    header = (project / "model" / "model.h").read_text()
    for name, size in (("VOCABULARY_SIZE", 256), ("CONTEXT_LENGTH", 2048)):
        header = header.replace(f"{name} {toy_define(f'MODEL_{name}')}", f"{name} {size}")
    files = {"model.h": header, "model.c": (HERE / "echo_model.c").read_text(), **render_tokenizer(ByteTokenizer())}
    files |= render_grammar(ByteTokenizer().vocabulary_size)
    files |= render_defaults(command_defaults(PredictionConfig(), ECHO), "host", ECHO)
    for name, text in files.items():
        (project / "model" / name).write_text(text)
    shutil.copy(HERE / "commands_told.c", project / USER_FILE)
    run_make(project, "SANITIZE=1")
    return project / "build" / "host-sanitize" / "toy"


def said(program, *lines):
    """The lines that a program says to lines of text or bytes, without its greeting."""
    data = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    done = subprocess.run([str(program)], input=data + b"\n", capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().split("or :help\n", 1)[1].splitlines()


# line, what on_command is told
TYPED = [
    ("none", "none"),
    ('turn_on","area":"kitchen","name":"lamp', "turn_on area=kitchen name=lamp"),
    ('dim","percent":-40,"name":["lamp","fan"],"by":[],"é":"\\u20ac', "dim percent=-40 name=lamp name=fan é=€"),
]


def test_a_typed_line_calls_on_command(echo):
    lines = said(echo, *(line for line, _ in TYPED))
    assert lines == [text for line, told in TYPED for text in (f'{{"intent":"{line}"}}', f"told {told}")]


# line, why it is no command
NO_COMMANDS = [
    ('x","a":true,"b":"', "a slot is a text, a list of texts, or a whole number of 32 bits"),
    ('x"} and more', "text behind the object"),
    (f'x","a":"{"a" * 520}', "the answer is too long for a command"),
    ('x","a', "expected :"),
]


def test_an_answer_that_is_no_command_calls_nothing(echo):
    for line, message in NO_COMMANDS:
        assert said(echo, ":max-tokens 1000", line)[-1] == f"! {message}"
    assert said(echo, ":max-tokens 9", "turn_on")[-2:] == ['{"intent"', "! expected :"]  # cut
    interrupted = said(echo, b"turn_on\n\x03")
    assert interrupted[-1] == "! interrupted"
    assert not any(line.startswith("told") for line in interrupted)


def replies(lines):
    return [json.loads(line) for line in lines if line.startswith('{"reply"')]


def test_a_program_has_to_ask_for_the_call(echo):
    command = {"command": "generate", "prompt": '{"intent":"a"}\0', "max_tokens": 40}
    plain = said(echo, json.dumps(command))
    assert not any(line.startswith("told") for line in plain)
    assert "on_command" not in replies(plain)[-1]
    called = said(echo, json.dumps({**command, "on_command": True}))
    assert called[-2] == "told a"
    assert replies(called)[-1]["on_command"] == "called"
    damaged = said(echo, json.dumps({**command, "prompt": '{"intent":}\0', "on_command": True}))
    assert replies(damaged)[-1]["on_command"] == "the intent is no text"
    assert not any(line.startswith("told") for line in damaged)
    refused = said(echo, json.dumps({**command, "on_command": 1}))
    assert replies(refused)[-1]["message"] == "on_command is true or false"


def test_a_command_that_is_repeated_on_a_bad_line_is_called_once(echo):
    command = signed(
        b'{"n":7,"command":"generate","prompt":"{\\"intent\\":\\"a\\"}\\u0000","on_command":true}'
    ).rstrip()
    other = command.replace(b'"n":7', b'"n":8')
    other = signed(other[: other.rindex(b',"crc"')] + b"}").rstrip()
    lines = said(echo, command, command, other)
    assert [line for line in lines if line.startswith("told")] == ["told a", "told a"]
    assert [reply.get("on_command") for reply in replies(lines) if "status" in reply] == ["called"] * 3


def test_a_console_for_commands_is_greedy_and_says_what_it_does(echo):
    info = replies(said(echo, '{"command":"info"}'))[-1]
    assert (info["temperature"], info["stop"]) == (0, "\0")
    assert "on_command is called" in said(echo, ":help")[0]


# What lines are made of: JSON and its parts, escapes, bytes that are no UTF-8, keys of the console.
PARTS = [
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\u0000",
    b"\\ud83d",
    b"\xff",
    b"\xc3",
    b"\0",
    b"\x03",
    b"\x05",
    b"1e9",
]
PARTS += [
    b'","area":',
    b'{"command":"generate","on_command":true,"prompt":"',
    b"\\u0000",
    b'"}',
    b"none",
    b"aaaaaaaa" * 30,
]


def test_hostile_lines_find_no_wrong_memory_use(echo):
    random = Random(1)
    lines = [b"".join(random.choices(PARTS, k=random.randrange(12))) for _ in range(1500)]
    done = subprocess.run([str(echo)], input=b"\n".join(lines), capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b"told ") > 20
    assert done.stdout.count(b"\n! ") > 200


@contextlib.contextmanager
def running(program):
    """A program that has greeted; after a minute it ends, and with it the wait for words that do not come."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 0}
    with started([str(program)], **pipes) as process:
        watch = threading.Timer(60, process.kill)
        watch.start()
        until(process, b":help\n")
        yield process
        watch.cancel()


def until(process, text):
    """What a process says until a text."""
    got = b""
    while text not in got:
        byte = process.stdout.read(1)
        assert byte, got
        got += byte
    return got


def test_on_wait_is_called_while_nothing_is_typed(echo):
    with running(echo) as process:
        time.sleep(0.2)
        process.stdin.write(b"waits\n")
        assert b"never" not in until(process, b"waited\n")


def with_commands(echo, project, code):
    """The echo with other commands, as a program."""
    shutil.copytree(echo.parents[2], project)
    (project / USER_FILE).write_text(code)
    run_make(project, "SANITIZE=1")
    return project / "build" / "host-sanitize" / "toy"


def test_the_code_of_the_page_does_what_the_page_says(echo, tmp_path):
    page = (PROJECT / "docs/how_to/commands.md").read_text()
    (code,) = re.findall(r"^```c\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    program = with_commands(echo, tmp_path / "p", code)
    lines = said(program, 'set_blinds","area":"office","percent":40,"a":"', "set_blinds", "none", "dance")
    assert [line for line in lines if not line.startswith("{")] == [
        *("office: blinds at 40 %", ": blinds at 100 %", "say it in other words, please"),
    ]


def test_the_example_serves_a_timer(echo, tmp_path):
    example = render_toy("host", tmp_path / "example", COMMANDS) / USER_FILE
    program = with_commands(echo, tmp_path / "p", example.read_text())
    wrong = ['set_timer","seconds":-1,"a":"', 'set_timer","hours":2147483647,"a":"', "set_timer"]
    lines = said(program, "turn_on", "HassTurnOff", "none", "dance", *wrong)
    answers = ["lamp on", "lamp off", "that is no command", "nothing does this yet: dance"]
    assert lines[1::2] == answers + ["a timer of one second to a day, please"] * 3
    with running(program) as process:
        process.stdin.write(b'HassStartTimer","seconds":1,"name":"tea\n')
        before = time.monotonic()
        assert b"timer of 1 s" in until(process, b"the timer has ended\n")
        assert time.monotonic() - before > 0.9


BUILDS = [
    (name, image)
    for name in board_names()
    for image in sorted(
        {platform_of(load_board(name)).image, *(one.image for one in load_board(name).emulation.values())}
    )
]


@pytest.mark.quick(2)
@pytest.mark.parametrize(("name", "image"), BUILDS)
def test_projects_with_commands_build_without_a_warning(tmp_path, name, image):
    board = load_board(name)
    platform = platform_of(board)
    need("make", platform.compiler(board, image), *platform.image_tools)
    project = render_toy(name, tmp_path / "p", COMMANDS)
    flags = "APPLICATION_FLAGS=-Os -ffreestanding -pedantic -Werror -Wshadow"
    run_make(project, "image", f"IMAGE={image}", flags)
    assert "on_command.c" in (project / "README.md").read_text()


def ram_of(project):
    """Bytes of .bss and .data of a project for an STM32F4."""
    sizes = run_make(project, "-s", "size").splitlines()
    return sum(int(line.split()[1]) for line in sizes if line.startswith((".bss", ".data")))


def test_the_ram_of_commands_is_what_is_reckoned_with(tmp_path):
    need("make", "arm")
    with_texts = replace(COMMANDS, user=("Command: ", " é\n"), assistant=("Answer: ", ""))
    before = ram_of(render_toy("STM32F4", tmp_path / "p"))
    for template in (COMMANDS, with_texts):
        added = ram_of(render_toy("STM32F4", tmp_path / template.user[0] / "p", template)) - before
        assert added <= command_ram_bytes(template) <= added + 64


# Functions that only projects with commands have.
OWN = {
    "on_command",
    "on_wait",
    "command_parse",
    "hook_call",
    "clock_milliseconds",
    "board_led_set",
    "port_wait_briefly",
}


@pytest.mark.parametrize("commands", [None, COMMANDS], ids=["without commands", "with commands"])
def test_a_project_without_commands_has_none_of_their_code(tmp_path, commands):
    need("make", "arm")
    image = build_image(render_toy("STM32F4", tmp_path / "p", commands), load_board("STM32F4"))
    listing = subprocess.run([tool_beside("arm", "nm"), image], capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1] for line in listing.splitlines()}
    assert OWN & names == (OWN if commands else set())


# board -> address and value of each register that is written: for on, for off, for both; from the chips' manuals
LEDS = {
    "STM32F4": ({0x40020C18: 1 << 12}, {0x40020C18: 1 << 28}, {0x40020C00: 0xFDFFFFFF}),
    "STM32F401": ({0x40020018: 1 << 5}, {0x40020018: 1 << 21}, {0x40020000: 0xFFFFF7FF}),
    "STM32L4": ({0x48000018: 1 << 5}, {0x48000018: 1 << 21}, {0x48000000: 0xFFFFF7FF}),
    "STM32G4": ({0x48000018: 1 << 5}, {0x48000018: 1 << 21}, {0x48000000: 0xFFFFF7FF}),
    "STM32H7": ({0x58022018: 1 << 28}, {0x58022018: 1 << 12}, {0x58022000: 0xFDFFFFFF}),
    "STM32H743": ({0x58020418: 1}, {0x58020418: 1 << 16}, {0x58020400: 0xFFFFFFFD}),
    "STM32U5": ({0x42021C18: 1 << 23}, {0x42021C18: 1 << 7}, {0x42021C00: 0xFFFF7FFF}),
    "PICO": ({0xD0000014: 1 << 25}, {0xD0000018: 1 << 25}, {0xD0000024: 1 << 25, 0x400140CC: 5, 0x4001C068: 0x50}),
    "PICO2": ({0xD0000018: 1 << 25}, {0xD0000020: 1 << 25}, {0xD0000038: 1 << 25, 0x400280CC: 5, 0x40038068: 0x50}),
    "NRF52840": ({0x5000050C: 1 << 13}, {0x50000508: 1 << 13}, {0x50000734: 3}),
    "MICROBIT": (
        {0x50000508: 1 << 21, 0x5000050C: 1 << 28},
        {0x5000050C: 1 << 21 | 1 << 28},
        {0x50000754: 3, 0x50000770: 3},
    ),
}
# Registers of nRF52 of which each write switches its own pins, whatever was written before.
SWITCHES = (0x508, 0x50C)


class Access(ctypes.Structure):
    """struct access of registers_logged.h."""

    _fields_ = (("address", ctypes.c_uint32), ("value", ctypes.c_uint32))


@pytest.mark.parametrize("name", LEDS)
def test_the_led_of_a_board_is_switched_by_the_registers_of_its_chip(tmp_path, name):
    project = render_toy(name, tmp_path / "p", COMMANDS)
    (source,) = (project / "board").glob("led_*.c")
    code = source.read_text().replace('"cortex.h"', '"registers_logged.h"')
    definitions = "\nstruct access register_log[LOG_ENTRIES];\nuint32_t register_accesses;\n"
    (tmp_path / "led.c").write_text(code + definitions)
    folders = [HERE, *(project / part for part in ("board", "platform", "application"))]
    library = compile_library(tmp_path / "library", [tmp_path / "led.c"], folders)
    log = (Access * 64).in_dll(library, "register_log")
    count = ctypes.c_uint32.in_dll(library, "register_accesses")
    on, off, both = LEDS[name]
    for is_on, expected in ((True, on), (False, off)):
        count.value, values = 0, {}
        library.board_led_set(ctypes.c_bool(is_on))
        for access in log[: count.value]:
            before = values.get(access.address, 0) if access.address & 0xFFF in SWITCHES else 0
            values[access.address] = access.value | before
        assert values == expected | both


@pytest.mark.parametrize("name", [name for name in LEDS if load_board(name).platform == "stm32"])
def test_the_port_of_the_led_has_a_clock(tmp_path, name):
    bit = ord(load_board(name).led.pin[1]) - ord("A")
    header = (render_toy(name, tmp_path / "p", COMMANDS) / "board" / "board.h").read_text()
    assert f"1u << {bit})" in re.search(r"#define BOARD_GPIO_CLOCKS .*", header)[0]
    without = (render_toy(name, tmp_path / "q") / "board" / "board.h").read_text()
    assert "LED" not in without


# facts, what is said
WRONG_LEDS = [
    ("STM32F4", "12", "a port and a number, e.g. PA9"),
    ("PICO", "GP30", "GP0 to GP29"),
    ("NRF52840", "P0.32", "a port and a number, e.g. P0.06"),
    ("ESP32", "2", "GPIO and a number"),
]


@pytest.mark.parametrize(("name", "pin", "message"), WRONG_LEDS)
def test_pins_that_a_chip_does_not_have_are_refused(name, pin, message):
    board = replace(load_board(name), led=Led(pin))
    with pytest.raises(UserError, match=re.escape(message)):
        platform_of(board).check(board)


def test_what_users_wrote_stays_when_the_project_is_made_again(tmp_path):
    folder = tmp_path / "p"
    project = render_toy("host", folder, COMMANDS)
    example = (project / USER_FILE).read_text()
    assert render_toy("host", folder, COMMANDS) == project
    (project / USER_FILE).write_text("mine")
    (project / "motor.c").write_text("mine, too")
    (project / "README.md").write_text("not mine")
    for _ in range(2):
        render_toy("host", folder, COMMANDS)
        assert (project / USER_FILE).read_text() == "mine"
        assert (project / "motor.c").read_text() == "mine, too"
        assert (project / "README.md").read_text() != "not mine"
    with pytest.raises(UserError, match=r"would be lost.*on_command=true"):
        render_toy("host", folder)
    (project / USER_FILE).write_text(example)
    render_toy("host", folder)
    assert not (project / USER_FILE).exists()
    assert USER_FILE not in json.loads((project / MARKER).read_text())


# grammar, what is known of its intents
SCHEMAS = [
    (
        {
            "anyOf": [
                {"properties": {"intent": {"const": "dim"}, "area": {}, "percent": {}}},
                {"properties": {"intent": {"enum": ["on", "none"]}}},
            ]
        },
        {"dim": ["area", "percent"], "on": [], "none": []},
    ),
    ({"properties": {"intent": {"const": "dim"}, "area": {}}}, {"dim": ["area"]}),
    *(
        (schema, {})
        for schema in ([], 3, None, {}, {"anyOf": 3}, {"anyOf": [3, {"properties": 3}]}, {"properties": {}})
    ),
    *(({"properties": {"intent": kind}}, {}) for kind in (3, {}, {"type": "string"}, {"enum": 3}, True)),
]


@pytest.mark.parametrize(("schema", "expected"), SCHEMAS)
def test_intents_are_found_in_a_schema(schema, expected):
    assert intents_in(schema) == expected


def test_the_example_names_the_intents_of_the_project(tmp_path):
    intents = {"dim": ["area", "percent"], "none": [], "*/ int x;": [], "a": ["*/"], "long": ["slot"] * 99}
    write_user_file(tmp_path, None, intents)
    text = (tmp_path / USER_FILE).read_text()
    comment = text.partition("*/")[0]
    assert "\n *     dim: area, percent\n *     none\n *     long: slot" in comment
    assert "int x" not in text
    assert max(map(len, text.splitlines())) <= 120
    write_user_file(tmp_path, None, {})
    assert "Those of this project" not in (tmp_path / USER_FILE).read_text()


def test_lines_are_commands_where_the_template_says_so_or_the_user(tmp_path):
    asked = {key: DeploymentConfig(on_command=key) for key in (None, True, False)}
    path = tmp_path / "chat_template.json"
    assert commands_of(path, asked[None]) is None
    assert commands_of(path, asked[True]).name == "plain"
    DIALOGUE.save(tmp_path)
    assert commands_of(path, asked[None]) is None
    assert commands_of(path, asked[True]) == DIALOGUE
    COMMANDS.save(tmp_path)
    assert commands_of(path, asked[None]) == commands_of(path, asked[True]) == COMMANDS
    assert commands_of(path, asked[False]) is None


def test_a_console_begins_with_what_was_asked_for():
    assert command_defaults(PredictionConfig(), COMMANDS).temperature == 0
    assert command_defaults(PredictionConfig(), COMMANDS).stop == "\n"
    asked = PredictionConfig(temperature=0.5, stop="}")
    assert command_defaults(asked, COMMANDS) == asked


@pytest.mark.parametrize(
    ("rule", "model", "target", "errors"),
    [
        (check_on_command, ModelConfig(kind="graph"), "board", 1),
        (check_on_command, ModelConfig(), "board", 0),
        (check_library, ModelConfig(), "library", 1),
    ],
)
def test_what_cannot_call_is_refused(rule, model, target, errors):
    deployment = DeploymentConfig(target=target, on_command=True, hardware_setup=Board())
    assert len(rule(model, deployment, {"deployment"})) == errors
