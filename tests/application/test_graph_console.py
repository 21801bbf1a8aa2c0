"""The console of plain graphs on this machine: commands of people and programs, hostile lines, bad lines."""

import json
import random
import re
import subprocess

import pytest
from noise import noisy_line
from test_bad_lines import PIPES, command, lines_to, replies_of
from test_console import GREETING_LINES, hostile_line, is_ended_by

from compilers import need, need_sanitizers
from plain_graphs import GRAPHS
from textzoo.common.errors import UserError
from textzoo.common.processes import started
from textzoo.config.boards import load_board
from textzoo.pipeline.graph_exchange import collected, device_outputs, little_endian, mismatches
from textzoo.pipeline.graph_firmware import PATTERN_BYTES, make_graph_firmware
from textzoo.targets import console as console_module
from textzoo.targets.console import Console, FileLink
from textzoo.targets.emulators import build_image, run_host
from textzoo.targets.platforms import platform_of
from textzoo.targets.toolchains import find_tool, run_make
from textzoo.testing import STRICT

TWO = {"left": 30, "right": 30}  # bytes of the inputs of two_and_two, in the order of the device's table


def made_of(name, folder, count=3):
    need("host", "make")
    path = folder / f"{name}.tflite"
    path.write_bytes(GRAPHS[name])
    return make_graph_firmware(path, None, folder / "host", name=name, count=count)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return made_of("two_and_two", tmp_path_factory.mktemp("graph"))


@pytest.fixture(scope="module")
def program(made):
    return build_image(made.project)


def answers(program, *lines):
    """The replies to unsigned lines."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    return lines_to(program, *(f"{text}\n".encode() for text in texts))


def objects(program, *values):
    return [json.loads(line) for line in answers(program, *values)]


def given(case, **changes):
    """The commands that give both inputs."""
    names = enumerate(TWO)
    return [
        {"command": "input", "index": index, "hex": little_endian(case[name]).hex(), **changes} for index, name in names
    ]


@pytest.mark.quick(2)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("flags", [[], ["-DTEXTZOO_PROFILE"]], ids=["plain", "profile"])
def test_the_application_compiles_without_a_warning(made, tmp_path, compiler, flags):
    project = made.project
    sources = [path for folder in ("application", "model", "port") for path in (project / folder).glob("*.c")]
    runtime = sorted({path.parent for path in (project / "runtime").rglob("*.c")})
    includes = [*(project / name for name in ("application", "model", "runtime/include")), *runtime]
    kernels = [str(path) for path in (project / "runtime").rglob("*.c")]
    command = [need(compiler), *STRICT, "-Wshadow", "-O2", *flags, "-DTEXTZOO_VARIANT_HOST"]
    command += [f"-I{path}" for path in includes]
    own = [str(path) for path in sources]
    subprocess.run(
        [*command, "-fno-strict-aliasing", "-o", str(tmp_path / "p"), *own, *kernels], check=True, timeout=120
    )
    done = subprocess.run([str(tmp_path / "p")], input=b"", capture_output=True, timeout=20, check=True)
    assert b"CRC-32 right" in done.stdout
    assert b"the outputs of the stored inputs as computed on the PC" in done.stdout


# One board of each processor.
CONSOLES = ["STM32F4", "STM32N6", "ESP32", "ESP32C3", "STM32MP2"]


@pytest.mark.quick(1)
@pytest.mark.parametrize("target", CONSOLES)
def test_nor_for_any_processor(tmp_path, target):
    board = load_board(target)
    platform = platform_of(board)
    need("make", platform.compiler(board, platform.image))
    path = tmp_path / "dense.tflite"
    path.write_bytes(GRAPHS["dense_int8"])
    made = make_graph_firmware(path, board, tmp_path / "p")
    flags = "APPLICATION_FLAGS=-Os -ffreestanding -pedantic -Werror -Wshadow"
    assert "-Werror -Wshadow" in run_make(made.project, "image", f"IMAGE={platform.image}", "VERBOSE=1", flags)


# What is changed in a project, and what its program says then.
DAMAGES = {
    "a constant": ("weights.c", r"(?<=\{\n    )-?\d+", b"CRC-32 WRONG: flash the image again"),
    "the outputs of the PC": ("graph.h", r"(?<=OUTPUTS_CRC32 0x)\w", b"stored inputs NOT as computed on the PC"),
}


@pytest.mark.parametrize(("name", "digits", "message"), DAMAGES.values(), ids=DAMAGES)
def test_the_greeting_tells_of_damage(tmp_path, name, digits, message):
    project = made_of("dense_int8", tmp_path).project
    path = project / "model" / name
    path.write_text(re.sub(digits, lambda found: "1" if found[0] != "1" else "2", path.read_text(), count=1))
    program = build_image(project)
    assert message in subprocess.run([str(program)], input=b"", capture_output=True, timeout=20, check=True).stdout


def test_every_graph_computes_what_litert_computes_with_the_inputs_that_it_is_given(made):
    with run_host(made.project) as console:
        info = list(console.command({"command": "info"}))
        assert [(row["of"], row["name"], row["type"], row["shape"]) for row in info[:-1]] == [
            ("inputs", "left", "int8", "1x3x2x5"),
            ("inputs", "right", "int8", "1x3x2x5"),
            ("outputs", "product", "int8", "1x30"),
            ("outputs", "sum", "int8", "1x3x2x5"),
        ]
        assert [(float(row["scale"]), row["zero_point"]) for row in info[:-1]] == [
            *((0.5, 4), (0.25, -1), (0.25, -1), (0.75, 7))
        ]
        assert mismatches(made, console) == 0
        assert len({bytes(device_outputs(made, console, case)["sum"]) for case in made.cases}) == len(made.cases)
        memory = console.ask({"command": "memory"})
        assert (memory["state_bytes"], memory["arena_bytes"]) == (0, made.compiled.plan.arena_bytes)


def test_a_difference_is_counted_by_elements(made):
    """With a console that answers for another case than the one asked for."""
    case, other = made.cases[:2]
    expected, found = made.engine.run(case), made.engine.run(other)

    class Other:
        name, pieces = "the board", {}

        def ask(self, values):
            return {"reply": "input", "bytes": values["at"] + len(values["hex"]) // 2}

        def command(self, values):
            rows = enumerate(made.output_names)
            return [{"reply": "run", "index": i, "at": 0, "hex": found[name].tobytes().hex()} for i, name in rows]

    made_of_one = type(made)(**{**vars(made), "cases": [case]})
    assert mismatches(made_of_one, Other()) == sum(int((found[name] != expected[name]).sum()) for name in expected) > 0


def test_people_type_bytes_and_run(made, program):
    case = made.cases[0]
    digits = [little_endian(case[name]).hex() for name in TWO]
    lines = [
        line.decode() for line in answers(program, ":run", digits[0], digits[1][:6].upper(), digits[1][6:], ":run")
    ]
    assert lines[0] == "! an input is not complete: left"
    assert lines[-1].startswith("crc32: ")
    outputs = made.engine.run(case)
    shown = [line.partition("hex: ")[2].strip('"') for line in lines if "hex: " in line]
    assert shown == [outputs[name].tobytes().hex() for name in made.output_names]
    assert answers(program, digits[0], digits[1], "00")[-1] == b"! all inputs are complete: type :run, or :reset"
    assert b"hexadecimal" in answers(program, ":seed 5")[0]  # no option: the help


def first(**values):
    return {"command": "input", **values}


FULL = "00" * 30
BOTH = [first(hex=FULL), first(hex=FULL, index=1)]
RUN = {"command": "run"}
# Lines, and what the last answer says.
WRONG = {
    "no bytes": ([first()], "hex is missing"),
    "no text": ([first(hex=5)], "hex is a text"),
    "an odd digit": ([first(hex="0")], "pairs of hexadecimal digits"),
    "no digit": ([first(hex="0g")], "pairs of hexadecimal digits"),
    "a blank": ([first(hex="00 0")], "pairs of hexadecimal digits"),
    "beyond the input": ([first(hex=FULL + "00")], "more bytes than the input has"),
    "beyond its end": ([first(hex=FULL), first(hex="00", at=30)], "more bytes than the input has"),
    "a gap": ([first(hex="00"), first(hex="00", at=2)], "out of sequence"),
    "a gap as wide as there is": ([first(hex="00", at=2**32 - 1)], "out of sequence"),
    "another input": ([first(hex="00", index=2)], "there is no input of this index"),
    "the last index": ([first(hex="00", index=2**32 - 1)], "there is no input of this index"),
    "a negative place": ([first(hex="00", at=-1)], "a whole number"),
    "a fraction": ([first(hex="00", index=0.5)], "a whole number"),
    "a list": ([first(hex=[0])], "hex is a text"),
    "run too early": ([RUN], "an input is not complete"),
    "run with one": ([first(hex=FULL), RUN], "an input is not complete"),
    "run twice": ([*BOTH, RUN, RUN], "an input is not complete"),
    "used up by a benchmark": ([*BOTH, {"command": "benchmark"}, RUN], "an input is not complete"),
    "used up by a check": ([*BOTH, {"command": "self_check"}, RUN], "an input is not complete"),
    "forgotten": ([*BOTH, {"command": "reset"}, RUN], "an input is not complete"),
    "an unknown command": ([{"command": "generate"}], "unknown command"),
    "an unknown key": ([{"command": "run", "prompt": "a"}], "unknown key"),
    "a key twice": (['{"command":"input","hex":"00","hex":"00"}'], "key given twice"),
    "a line that is too long": (['{"command":"input","hex":"' + "00" * 300 + '"}'], "too long"),
}


@pytest.mark.parametrize(("lines", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_line_is_said(program, lines, message):
    last = json.loads(answers(program, *lines)[-1])
    assert last["status"] == "error"
    assert message in last["message"]


def test_a_refused_piece_changes_nothing(made, program):
    case = made.cases[0]
    wrong = [first(hex="ff" * 31), first(hex="f"), first(hex="fg"), first(hex="ff", at=31), first(hex="ff", index=9)]
    right = objects(program, *given(case), {"command": "run"})
    assert objects(program, *given(case), *wrong, {"command": "run"})[-1]["crc32"] == right[-1]["crc32"]


def test_pieces_may_come_again_and_be_replaced(made, program):
    case = made.cases[0]
    text = little_endian(case["left"]).hex()
    pieces = [first(hex="99" * 30), first(hex=text[:20]), first(hex=text[10:40], at=5), first(hex=text[40:], at=20)]
    right = objects(program, *given(case), {"command": "run"})
    found = objects(program, *pieces, given(case)[1], {"command": "run"})
    assert found[-1]["crc32"] == right[-1]["crc32"]


def test_a_repeated_run_runs_once(made, program):
    """Its inputs are gone by then: what comes again are the outputs of the first time."""
    case = made.cases[0]
    signed_inputs = [command(number, **values) for number, values in enumerate(given(case), 1)]
    run = command(7, command="run")
    lines = replies_of(lines_to(program, *signed_inputs, run, run, command(8, command="run")))
    runs = [line for line in lines if line["reply"] == "run" and "hex" in line]
    assert [line["n"] for line in runs] == [7, 7, 7, 7]
    assert [line["hex"] for line in runs[:2]] == [line["hex"] for line in runs[2:]]
    ends = [line for line in lines if line["reply"] == "run" and "status" in line]
    assert [line["status"] for line in ends] == ["ok", "ok", "error"]
    assert ends[0]["cost"] == ends[1]["cost"]


@pytest.mark.parametrize(("rate", "seed"), [(0.0005, 1), (0.002, 2)])
def test_a_bad_line_changes_no_output(made, program, monkeypatch, rate, seed):
    monkeypatch.setattr(console_module, "ACKNOWLEDGE_SECONDS", 0.3)
    with started([str(program)], **PIPES) as process:
        ends = process.stdout.fileno(), process.stdin.fileno()
        with noisy_line(*ends, rate, seed) as line:
            console = Console(FileLink(line, line), "the board")
            assert console.connect()["model"] == "two_and_two"
            assert mismatches(made, console) == 0
            assert console.ask({"command": "self_check"})["kernels"] is True


# What a device answers to `run`, and what is said about it.
IMPOSSIBLE = [
    ([{"index": 0, "at": 0, "hex": "00"}], "sent outputs of"),
    ([{"index": 2, "at": 0, "hex": "00"}], "wrong index"),
    ([{"index": 0, "at": 1, "hex": "00"}], "wrong at"),
    ([{"index": 0, "at": 0, "hex": "0"}], "wrong hex"),
    ([{"index": 0, "at": 0, "hex": "zz"}], "wrong hex"),
    ([{"index": 0, "at": 0}], "wrong hex"),
    ([{"at": 0, "hex": "00"}], "wrong index"),
    ([], "sent outputs of"),
    ([{"index": 0, "at": 0, "hex": "000000"}], "sent outputs of"),
]


@pytest.mark.parametrize(("replies", "message"), IMPOSSIBLE)
def test_outputs_that_are_none_are_refused(replies, message):
    with pytest.raises(UserError, match=message):
        collected([{"reply": "run", **reply} for reply in replies], [2, 1], "the board")


def test_the_stored_inputs_are_short(tmp_path):
    """An input that is longer than what is stored of it is the same again and again."""
    path = tmp_path / "wide.tflite"
    path.write_bytes(GRAPHS["no_products"])
    made = make_graph_firmware(path, None, tmp_path / "host")
    source = (made.project / "model" / "graph.c").read_text()
    assert int(re.search(r"check_0\[(\d+)\]", source)[1]) == min(PATTERN_BYTES, 700)


SEEDS = [
    *(
        json.dumps(first(hex="00" * count, at=at, index=index))
        for count, at, index in ((3, 0, 0), (30, 0, 1), (1, 30, 0))
    ),
    *('{"command":"run"}', '{"command":"benchmark"}', '{"command":"info"}', '{"command":"self_check"}'),
    *("00" * 30, "0", "abcdef", "xyz", ":run", ":reset", ":info", ":check", ":memory", ":help", ":x 1"),
    *('{"command":"memory"}', '{"command":"release"}', '{"n":1,"command":"run"}'),
]


@pytest.mark.parametrize("compiler", ["gcc"])
def test_hostile_lines_find_no_wrong_memory_use_and_every_machine_line_an_answer(made, compiler):
    need_sanitizers(compiler)
    source = random.Random(21)
    lines = [line for line in (hostile_line(source, SEEDS) for _ in range(2500)) if b"\x04" not in line]
    lines = [part for line in lines for part in is_ended_by(line) if not part.startswith(b":exit")]
    lines = [line for line in lines if b'"exit"' not in line]
    build = f"build/{compiler}-sanitize"
    run_make(made.project, "SANITIZE=1", f"CC={find_tool(compiler)}", f"BUILD={build}")
    data = b"".join(line + b'\n{"command":"memory"}\n' for line in lines)
    program = next((made.project / build).glob("two_and_two"))
    done = subprocess.run([str(program)], input=data, capture_output=True, timeout=600, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    memory = re.compile(rb'\{"reply":"memory","status":"ok"[^\n]*\n')
    groups = memory.split(done.stdout.split(b"\n", GREETING_LINES)[GREETING_LINES])
    asked = sum(line.startswith(b"{") and b'"memory"' in line for line in lines)
    assert len(lines) + 1 <= len(groups) <= len(lines) + 1 + asked
    replies = [json.loads(line) for group in groups for line in group.splitlines() if line.startswith(b"{")]
    assert {reply["status"] for reply in replies if "status" in reply} == {"ok", "error"}
