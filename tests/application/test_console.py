"""The console on this machine: commands of people and machines, hostile lines, and texts equal to those of Python."""

import json
import random
import subprocess
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import ToyEngine, toy_check_tokens, toy_define, toy_tokenizer
from toy_projects import FOLDER, render_echo, render_toy

from compilers import need, need_sanitizers
from textzoo.common.errors import UserError
from textzoo.common.paths import APPLICATION
from textzoo.engines.generate import Continuation, generate, generate_tokens
from textzoo.engines.sampling import temperature_q16, unit_multiplier
from textzoo.engines.settings import PredictionConfig
from textzoo.grammars.grammar import Grammar
from textzoo.grammars.table import grammar_table
from textzoo.targets.emulators import run_host, run_program
from textzoo.targets.toolchains import run_make, tool_beside
from textzoo.testing import STRICT
from textzoo.testing.building import build_c
from textzoo.text.tokenizers.byte import ByteTokenizer

GREETING_LINES = 4
FUZZ_LINES = 4000
CONTEXT = toy_define("MODEL_CONTEXT_LENGTH")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    need("host", "make")
    return render_toy("host", tmp_path_factory.mktemp("console") / "host")


@pytest.fixture(scope="module")
def copying(tmp_path_factory):
    """A project whose grammar copies spans of the input."""
    grammar, folder = Grammar("json_schema", '{"format": "input-span"}'), tmp_path_factory.mktemp("copying") / "host"
    return render_echo(folder, DEFAULTS, grammar_table(grammar.automaton(ByteTokenizer()), "it"))


@pytest.fixture(scope="module")
def program(project):
    run_make(project)
    return project / "build" / "host" / "toy"


@pytest.fixture(scope="module")
def console(project):
    with run_host(project) as console:
        yield console


def answers(program, *lines):
    """What the program says to lines of text or bytes, without the greeting."""
    data = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    done = subprocess.run([str(program)], input=data + b"\n", capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode("utf-8", "replace").split("\n", GREETING_LINES)[GREETING_LINES]


@pytest.mark.quick(1)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("flags", [[], ["-DTEXTZOO_PROFILE"], ["-DTOY_INT16"]], ids=["plain", "profile", "int16"])
def test_the_application_compiles_without_a_warning(project, tmp_path, compiler, flags):
    sources = [
        *(project / "application").glob("*.c"),
        *(project / "model").glob("*.c"),
        *(project / "port").glob("*.c"),
    ]
    command = [need(compiler), *STRICT, "-O2", *flags, f"-I{project / 'application'}", f"-I{project / 'model'}"]
    build_c(command, sources, tmp_path / "toy")
    greeting = subprocess.run([str(tmp_path / "toy")], input=b"", capture_output=True, timeout=20, check=True).stdout
    assert b"CRC-32 right" in greeting
    assert b"7 tokens as computed on the PC" in greeting


@pytest.mark.parametrize("which", ["project", "copying"])
def test_the_application_uses_nothing_of_the_c_library(which, tmp_path, request):
    """Only the compiler's own memcpy and memset may be called."""
    project = request.getfixturevalue(which)
    allowed = {"memcpy", "memset", "memmove"}
    undefined, defined = set(), set()
    for source in (project / "application").glob("*.c"):
        target = tmp_path / f"{source.stem}.o"
        command = [
            need("arm"),
            "-mcpu=cortex-m4",
            "-mthumb",
            "-Os",
            "-ffreestanding",
            "-std=c99",
            "-c",
            str(source),
        ]
        subprocess.run([*command, f"-I{project / 'model'}", "-o", str(target)], check=True, timeout=60)
        listing = subprocess.run([tool_beside("arm", "nm"), target], capture_output=True, text=True, check=True).stdout
        for line in listing.splitlines():
            kind, name = line.split()[-2:]
            (undefined if kind == "U" else defined).add(name)
    foreign = {
        name
        for name in undefined - defined - allowed
        if not name.startswith(("__aeabi_u", "__aeabi_l", "port_", "model_", "tokenizer_", "grammar_"))
    }
    assert foreign == set()
    assert not {name for name in undefined if name.startswith(("__aeabi_f", "__aeabi_d"))}  # no float


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_spans_compile_without_a_warning(copying, tmp_path, compiler):
    folder = copying / "application"
    command = [need(compiler), *STRICT, "-O2", f"-I{folder}", f"-I{copying / 'model'}", "-fPIC"]
    sources = [folder / name for name in ("span.c", "grammar.c", "commands.c", "request.c")]
    build_c(command, sources, tmp_path / "library.so", "-shared")


def test_greeting(program):
    done = subprocess.run([str(program)], input=b"", capture_output=True, timeout=20, check=True)
    assert done.stdout.decode().splitlines() == [
        "TextZoo: toy, version 1, 0123456789ab",
        "Weights: 144 bytes, CRC-32 right",
        "Self-check: 7 tokens as computed on the PC",
        "Type a text to continue, or :help",
    ]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("model.h", ("MODEL_WEIGHTS_CRC32 0x", "MODEL_WEIGHTS_CRC32 1 + 0x"), "CRC-32 WRONG"),
        ("model.h", ("LOGITS_CRC32 0x", "LOGITS_CRC32 1 + 0x"), "NOT as computed"),
        ("model.c", ("logits[next] = (model_logit_t)logit;", "logits[next] = (model_logit_t)(logit / 2);"), "NOT as"),
    ],
)
def test_a_damaged_image_says_so(tmp_path, name, value, said):
    need("host", "make")
    project = render_toy("host", tmp_path / "host")
    path = project / "model" / name
    path.write_text(path.read_text().replace(*value))
    run_make(project)
    assert (
        said
        in subprocess.run(
            [str(project / "build/host/toy")], input=b"", capture_output=True, text=False, timeout=20, check=True
        ).stdout.decode()
    )


# prompt, options; the context has 16 tokens
GENERATIONS = [
    ("a", {"max_tokens": 1}),
    ("abc", {"max_tokens": 12, "seed": 7}),
    ("é€\U0001f600\n", {"max_tokens": 100, "seed": 2**32 - 1}),
    ("abcabcabcabcabcabcabcabcabcabcab", {"max_tokens": 60, "seed": 3, "temperature": 1.7}),
    ('"\\a', {"max_tokens": 50, "temperature": 0.0}),
    ("z", {"max_tokens": 80, "temperature": 0.33, "top_k": 3}),
    ("z", {"max_tokens": 80, "temperature": 10.0, "top_k": 11, "seed": 0}),
    ("abcabcabcabcabca", {"max_tokens": 17, "top_k": 100}),
    ("a", {"max_tokens": 0}),
]


@pytest.mark.parametrize(("prompt", "options"), GENERATIONS)
def test_texts_are_those_of_python_also_past_the_end_of_the_context(console, prompt, options):
    full = {"seed": 1, "temperature": 0.8, "top_k": 0, **options}
    replies = list(console.command({"command": "generate", "prompt": prompt, **full}))
    tokenizer = toy_tokenizer()
    expected = "".join(generate(ToyEngine(), tokenizer, prompt, **full))
    assert "".join(reply["text"] for reply in replies[:-1]) == expected
    assert [reply["token"] for reply in replies[:-1]] == list(
        generate_tokens(ToyEngine(), tokenizer.encode(prompt), **full)
    )
    assert replies[-1]["prompt_tokens"] == len(prompt)
    assert replies[-1]["tokens"] == full["max_tokens"]
    assert replies[-1]["ended"] == "max_tokens"


def test_int16_logits_give_the_text_of_python(tmp_path):
    need("host", "make")
    project = render_toy("host", tmp_path / "host")
    header = project / "model" / "model.h"
    header.write_text("#define TOY_INT16\n" + header.read_text())
    with run_host(project) as console:
        options = {"seed": 5, "temperature": 0.9, "top_k": 6, "max_tokens": 70}
        text = "".join(
            reply.get("text", "") for reply in console.command({"command": "generate", "prompt": "abc", **options})
        )
        assert text == "".join(generate(ToyEngine("int16"), toy_tokenizer(), "abc", **options))
        assert console.ask({"command": "self_check"})["kernels"] is True
        reply = next(console.command({"command": "logits", "tokens": [4]}))
        assert np.array_equal(np.frombuffer(bytes.fromhex(reply["hex"]), "<i2"), ToyEngine("int16").step_raw(4))


@pytest.mark.parametrize("context_length", [2, 3, 7, 17])
def test_sliding_where_half_a_context_does_not_divide_it(tmp_path, context_length):
    need("host", "make")
    project = render_toy("host", tmp_path / "host")
    header = project / "model" / "model.h"
    changed = header.read_text().replace("CONTEXT_LENGTH 16", f"CONTEXT_LENGTH {context_length}")
    header.write_text(changed.replace("MODEL_CHECK_TOKENS 7", "MODEL_CHECK_TOKENS 2"))
    model = project / "model" / "model.c"
    model.write_text(model.read_text().replace("{0, 11, 5, 5, 2, 9, 1}", "{0, 11}"))
    options = {"seed": 6, "temperature": 1.0, "top_k": 0, "max_tokens": 70}
    with run_host(project) as console:
        replies = list(console.command({"command": "generate", "prompt": "abcabcabcz", **options}))
    expected = generate(ToyEngine(context_length=context_length), toy_tokenizer(), "abcabcabcz", **options)
    assert "".join(reply["text"] for reply in replies[:-1]) == "".join(expected)


def test_the_same_prompt_gives_the_same_text_again(program):
    one, two = answers(program, "abc", "abc").split("]\n")[:2]
    assert one.partition("\n[")[0] == two.partition("\n[")[0]


@pytest.mark.parametrize("prompt", ["a", "abcabcabc", "abcabcabcabcabca"])
def test_stopping_at_the_end_of_the_context(console, prompt):
    command = {"command": "generate", "prompt": prompt, "max_tokens": 100, "past_end": "stop", "seed": 4}
    replies = list(console.command(command))
    expected = list(
        generate_tokens(ToyEngine(), toy_tokenizer().encode(prompt), max_tokens=100, temperature=0.8, seed=4)
    )
    assert [reply["token"] for reply in replies[:-1]] == expected[: CONTEXT - len(prompt) + 1]
    assert replies[-1]["ended"] == "context_full"


def test_texts_end_before_the_stop_text_where_python_ends_them(console):
    options = {"max_tokens": 60, "seed": 3, "temperature": 1.7, "top_k": 0}
    whole = "".join(generate(ToyEngine(), toy_tokenizer(), "abc", **options))
    stops = [whole[start : start + size] for start in (0, 11, 40, 58) for size in (1, 2, 3, 8)]
    for stop in [*(stop for stop in stops if "\ufffd" not in stop), "zzzzzzzz", "\u0007", ""]:
        replies = list(console.command({"command": "generate", "prompt": "abc", "stop": stop, **options}))
        expected = generate(ToyEngine(), toy_tokenizer(), "abc", stop=stop, **options)
        assert "".join(reply["text"] for reply in replies[:-1]) == "".join(expected)
        assert replies[-1]["tokens"] == len(replies) - 1 == expected.tokens
        assert replies[-1]["ended"] == ("stop" if stop and stop in whole else "max_tokens")


DEFAULTS = PredictionConfig(seed=2**32 - 1, temperature=0.25, top_k=7, max_tokens=5, stop='??/"\\\n7\té<end>')


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    """The console around echo_model.c and tokens of one byte, under the sanitizers."""
    need("host", "make")
    need_sanitizers("host")
    project = render_echo(tmp_path_factory.mktemp("echo") / "host", DEFAULTS)
    run_make(project, "SANITIZE=1", "BUILD=build/sanitize")
    with run_program([str(project / "build" / "sanitize" / "toy")], "the echo", project) as console:
        yield console


def test_a_console_begins_with_what_its_project_was_rendered_with(echo):
    info = echo.ask({"command": "info"})
    assert (info["seed"], info["top_k"]) == (DEFAULTS.seed, DEFAULTS.top_k)
    assert (info["temperature"], info["max_tokens"], info["stop"]) == (0.25, 5, DEFAULTS.stop)
    assert info["board"] == "a _board_ of mine"


CHARACTERS = st.sampled_from(["a", "b", "\n", "é", "è", "€", "\U0001f600"])
# Characters, and bytes that are none or begin one.
STREAM = st.lists(
    st.one_of(CHARACTERS.map(str.encode), st.sampled_from([b"\xc3", b"\xe2\x82", b"\xa9", b"\xff", b"\xed\xa0"])),
    min_size=1,
    max_size=20,
).map(b"".join)


@settings(max_examples=150)
@given(stream=STREAM, stop=st.lists(CHARACTERS, max_size=4).map("".join))
def test_any_bytes_are_the_text_of_python_up_to_the_stop_text(echo, stream, stop):
    command = {"command": "generate", "tokens": [*stream, 0], "temperature": 0, "max_tokens": len(stream)}
    replies = list(echo.command({**command, "stop": stop}))
    expected = Continuation(iter(stream), ByteTokenizer(), stop)
    assert "".join(reply["text"] for reply in replies[:-1]) == "".join(expected)
    assert replies[-1]["tokens"] == len(replies) - 1 == expected.tokens
    assert (replies[-1]["ended"] == "stop") == (stop != "" and stop in stream.decode("utf-8", "replace"))


def test_a_prompt_that_does_not_fit_is_refused_with_stop(console):
    with pytest.raises(UserError, match="longer than the context"):
        console.ask({"command": "generate", "prompt": "a" * (CONTEXT + 1), "past_end": "stop"})


def test_tokens_may_be_given_as_numbers(console):
    by_text = list(console.command({"command": "generate", "prompt": "abc", "max_tokens": 9}))
    tokens = [int(token) for token in toy_tokenizer().encode("abc")]
    by_number = list(console.command({"command": "generate", "tokens": tokens, "max_tokens": 9}))
    assert by_text[:-1] == by_number[:-1]


def test_unknown_characters(console):
    with pytest.raises(UserError, match=r"not in the vocabulary.*'x'"):
        console.ask({"command": "generate", "prompt": "abxc"})
    options = {"max_tokens": 30, "seed": 2}
    replies = list(console.command({"command": "generate", "unknown": "unk", "prompt": "abxc€y", **options}))
    expected = "".join(generate(ToyEngine(), toy_tokenizer(), "abxc€y", unknown="unk", **options))
    assert "".join(reply["text"] for reply in replies[:-1]) == expected


def test_logits_are_the_raw_ones_and_go_on_where_they_stopped(console):
    tokens = [1, 5, 11, 0, 7, 7, 3]
    first = list(console.command({"command": "logits", "tokens": tokens[:4]}))
    second = list(console.command({"command": "logits", "tokens": tokens[4:], "reset": False}))
    engine = ToyEngine()
    raw = [engine.step_raw(token) for token in tokens]
    lines = first[:-1] + second[:-1]
    assert [line["position"] for line in lines] == list(range(len(tokens)))
    assert [line["hex"] for line in lines] == [row.astype("<i1").tobytes().hex() for row in raw]
    assert int(first[-1]["crc32"], 16) == zlib.crc32(b"".join(row.tobytes() for row in raw[:4]))
    assert second[-1]["position"] == len(tokens)
    again = list(console.command({"command": "logits", "tokens": tokens[:4]}))
    assert again == first


def test_logits_do_not_slide(console):
    list(console.command({"command": "logits", "tokens": [1] * CONTEXT}))
    with pytest.raises(UserError, match="room"):
        console.ask({"command": "logits", "tokens": [1], "reset": False})
    assert console.ask({"command": "reset"})["position"] == 0
    assert console.ask({"command": "logits", "tokens": [1], "reset": False})["position"] == 1


def test_info(console):
    info = console.ask({"command": "info"})
    assert info["model"] == "toy"
    assert (info["vocabulary_size"], info["context_length"], info["logit_bits"]) == (12, CONTEXT, 8)
    assert info["logit_unit"] == unit_multiplier(0.05)
    assert info["counter"] == "nanoseconds"
    assert (info["seed"], info["temperature_q16"], info["past_end"]) == (1, temperature_q16(0.8), "slide")


def test_options_last_until_they_are_changed(project):
    with run_host(project) as console:
        changed = {"seed": 9, "temperature": 0.25, "top_k": 4, "max_tokens": 21, "past_end": "stop", "unknown": "unk"}
        changed["stop"] = "\n€"
        assert changed.items() <= console.ask({"command": "set", **changed}).items()
        assert changed.items() <= console.ask({"command": "info"}).items()
        # an option of another command holds for that command only
        console.ask({"command": "generate", "prompt": "a", "seed": 1})
        assert changed.items() <= console.ask({"command": "info"}).items()
        with pytest.raises(UserError, match="seed"):
            console.ask({"command": "set", "temperature": 3, "seed": -1})
        assert changed.items() <= console.ask({"command": "info"}).items()


def test_benchmark_and_profile(project):
    with run_host(project, profile=True) as console:
        replies = list(console.command({"command": "benchmark"}))
    steps = [reply for reply in replies[:-1] if reply["reply"] == "benchmark"]
    kernels = [reply for reply in replies[:-1] if reply["reply"] == "profile"]
    assert [step["position"] for step in steps] == list(range(CONTEXT))
    assert [(kernel["name"], kernel["kind"]) for kernel in kernels] == [("history", "MIX"), ("logits", "LOOK_UP")]
    last = replies[-1]
    assert last["cost"] == sum(step["cost"] for step in steps)
    assert last["smallest"] == min(step["cost"] for step in steps)
    assert last["largest"] == max(step["cost"] for step in steps)
    assert last["counter"] == "nanoseconds"


def test_memory_of_a_pc_has_no_stack_of_ours(console):
    memory = console.ask({"command": "memory"})
    assert (memory["weight_bytes"], memory["state_bytes"], memory["arena_bytes"]) == (144, 4, 24)
    assert "stack_bytes" not in memory


# line, part of the answer
LINES_OF_PEOPLE = [
    (":help", ":top-k N"),
    (":nonsense", ":top-k N"),
    (":", ":top-k N"),
    (":seed 77", "seed: 77  temperature: 0.8000"),
    (":top-k 5", "top_k: 5"),
    (":top_k 5", "top_k: 5"),
    (":temperature 1.25", "temperature: 1.2500  temperature_q16: 81920"),
    (":max-tokens 3", "max_tokens: 3"),
    (":past-end stop", "past_end: stop"),
    (":unknown unk", "unknown: unk"),
    (r":stop \n<end>", r"stop: \n<end>"),
    (r":stop a\\\t b ", "stop: a\\\\\\t b \n"),
    (":stop " + "\U0001f600" * 8, "stop: " + "\U0001f600" * 8 + "\n"),
    (":stop", "stop: \n"),
    (":stop " + "a" * 33, "! UTF-8 of at most 32 bytes, without U+FFFD: aaa"),
    (b":stop a\xff", "! UTF-8 of at most 32 bytes"),
    (r":stop ab\q", r"! an escape is \n, \t or \\: \q"),
    (r":stop ab" + "\\", r"! an escape is \n, \t or \\: " + "\\"),
    (":seed", "! a whole number, 0 to 4294967295"),
    (":seed -1", "! a whole number, 0 to 4294967295: -1"),
    (":temperature warm", "! a number, 0 (greedy) to 32768: warm"),
    (":past-end jump", "! slide or stop: jump"),
    (":info", "model: toy\nversion: 1"),
    (":check", "weights: true\nkernels: true\ntokens: 7"),
    (":memory", "state_bytes: 4"),
    (":benchmark", f"positions: {CONTEXT}"),
    (":reset", "position: 0"),
    (":exit", ""),
    ("abx", "! not in the vocabulary: x"),
    (b"ab\xff", "! not in the vocabulary: "),
    ("a" * 577, "! the line is too long"),
    ("", ""),
]


@pytest.mark.parametrize(("line", "part"), LINES_OF_PEOPLE)
def test_lines_of_people(program, line, part):
    assert part in answers(program, line)


def test_the_longest_line_is_a_prompt(program):
    assert "too long" not in answers(program, "a" * 576)


# line, part of the message
MACHINE_MISTAKES = [
    ("{", "expected a key"),
    ("{}", "unknown command"),
    ('{"command":"fly"}', "unknown command"),
    ('{"command":5}', "command is a text"),
    ('{"command":"info"', "expected , or }"),
    ('{"command":"info",}', "expected a key"),
    ('{"command":"info"} x', "text behind the object"),
    ('{"command":"info","command":"info"}', "key given twice"),
    ('{"command":"info","colour":1}', "unknown key"),
    ('{"command" "info"}', "expected :"),
    ('{"command":"in\x01fo"}', "control character in a text"),
    ('{"command":"in\x1ffo"}', "control character in a text"),
    ('{"command":"\\ud800\\ue000"}', "lone surrogate"),
    ('{"command":"info}', "text without an end"),
    ('{"command":"\\x"}', "unknown escape"),
    ('{"command":"\\u12"}', "wrong \\u escape"),
    ('{"command":"\\ud800"}', "lone surrogate"),
    ('{"command":"\\ud800\\u0041"}', "lone surrogate"),
    ('{"command":"\\udc00"}', "wrong \\u escape"),
    ('{"command":"set","seed":01}', "wrong number"),
    ('{"command":"set","seed":1.}', "wrong number"),
    ('{"command":"set","seed":-}', "wrong number"),
    ('{"command":"set","seed":1e}', "wrong number"),
    ('{"command":"set","seed":1.5}', "a whole number, 0 to 4294967295"),
    ('{"command":"set","seed":4294967296}', "a whole number, 0 to 4294967295"),
    ('{"command":"set","seed":"1"}', "a number"),
    ('{"command":"set","past_end":1}', "a text"),
    ('{"command":"set","past_end":"jump"}', "slide or stop"),
    ('{"command":"set","max_tokens":2147483648}', "a whole number"),
    ('{"command":"set","temperature":null}', "a number"),
    ('{"command":"set","stop":null}', "a text"),
    ('{"command":"set","stop":"' + "a" * 33 + '"}', "at most 32 bytes"),
    ('{"command":"set","stop":"a\\ufffd"}', "without U+FFFD"),
    ('{"command":"set","stop":"\\q"}', "unknown escape"),
    ('{"command":"set","temperature":nul}', "wrong value"),
    ('{"command":"logits","tokens":[1,"a"]}', "a list may hold numbers only"),
    ('{"command":"logits","tokens":[1,[2]]}', "a list may hold numbers only"),
    ('{"command":"logits","tokens":[1,2}', "list without an end"),
    ('{"command":"logits","tokens":[1,]}', "a list may hold numbers only"),
    ('{"command":"logits","tokens":[12]}', "not in the vocabulary"),
    ('{"command":"logits","tokens":[-1]}', "not in the vocabulary"),
    ('{"command":"logits","tokens":[1.0]}', "not in the vocabulary"),
    ('{"command":"logits","tokens":[]}', "the prompt is empty"),
    ('{"command":"logits"}', "the prompt is empty"),
    ('{"command":"logits","tokens":"12"}', "tokens is a list of whole numbers"),
    ('{"command":"logits","tokens":[1],"reset":1}', "reset is true or false"),
    ('{"command":"generate","prompt":""}', "the prompt is empty"),
    ('{"command":"generate","prompt":5}', "prompt is a text"),
    ('{"command":"generate","prompt":{"a":1}}', "wrong value"),
    ('{"command":"generate","prompt":"a","tokens":[1]}', "exclude each other"),
    ("{" * 500, "expected a key"),
    ('{"a":' * 80, "wrong value"),
    ("{" + "[" * 300, "expected a key"),
    ('{"tokens":' + "[" * 300, "a list may hold numbers only"),
    ('{"prompt":"' + "a" * 600 + '"}', "the line is too long"),
]


@pytest.mark.parametrize(("line", "message"), MACHINE_MISTAKES)
def test_mistakes_of_machines_get_one_json_line(program, line, message):
    (answer,) = answers(program, line).splitlines()
    reply = json.loads(answer)
    assert reply["status"] == "error"
    assert message in reply["message"]


def test_white_space_escapes_and_order_do_not_matter(program):
    prompt = r'"\u0061\u00e9\ud83d\ude00\u20AC\n\"\\b"'
    line = '{ "prompt" :\t' + prompt + ' , "seed":3,"max_tokens":1 ,  "command" : "generate" } '
    reply = json.loads(answers(program, line).splitlines()[-1])
    assert (reply["status"], reply["prompt_tokens"]) == ("ok", 8)


def test_a_line_may_end_with_the_input(program):
    done = subprocess.run([str(program)], input=b'{"command":"reset"}', capture_output=True, timeout=20, check=True)
    assert json.loads(done.stdout.splitlines()[-1])["status"] == "ok"


SEEDS_OF_LINES = [
    '{"command":"generate","prompt":"ab\\u00e9","seed":3,"temperature":0.5,"top_k":2,"max_tokens":5}',
    '{"command":"logits","tokens":[1,2,3],"reset":false}',
    '{"command":"set","temperature":1e-3,"past_end":"slide","unknown":"unk","max_tokens":20}',
    '{"command":"info"}',
    '{"command":"self_check"}',
    ":seed 12",
    ":max-tokens 7",
    r":stop \n\t\\b",
    '{"command":"generate","prompt":"abcab","seed":5,"max_tokens":30,"stop":"a\\u20ac"}',
    ":temperature 0.25",
    "abc€\U0001f600",
]
PIECES = [
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\\u", b"\\ud83d", b"e", b"-", b".", b"0", b"99999999999"),
    *(b"null", b"true", b"\x00", b"\x7f", b"\x08", b"\xff", b"\xf0\x9f", b"\xed\xa0\x80", b" ", b"\t", b"\r", b"'"),
]


# Without the bytes that end a line, the answer before it, or ask for a sign of life.
LINE_BYTES = bytes.maketrans(b"\n\x03\x05", b"   ")


def hostile_line(source, lines=SEEDS_OF_LINES):
    """A valid line with a few mutations, or bytes at random; without a newline."""
    line = bytearray(source.choice(lines).encode())
    for _ in range(source.choice([0, 1, 1, 2, 4, 30])):
        place = source.randrange(len(line) + 1)
        action = source.randrange(4)
        if action == 0:
            line[place:place] = source.choice(PIECES)
        elif action == 1:
            del line[place : place + source.randrange(1, 8)]
        elif action == 2:
            line[place:place] = line[: source.randrange(1, 60)]
        else:
            line[place : place + 1] = bytes([source.randrange(256)])
    if source.random() < 0.05:
        line = bytearray(source.randbytes(source.randrange(700)))
    return bytes(line).translate(LINE_BYTES)


def is_ended_by(line):
    """How many lines the console sees in it: carriage returns end lines, too."""
    return [part for part in line.split(b"\r") if part]


@pytest.mark.slow
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_hostile_lines_find_no_wrong_memory_use_and_every_machine_line_an_answer(project, compiler):
    need_sanitizers(compiler)
    source = random.Random(20)
    lines = [line for line in (hostile_line(source) for _ in range(FUZZ_LINES)) if b"\x04" not in line]
    lines = [part for line in lines for part in is_ended_by(line) if not part.startswith(b":exit")]
    lines = [line for line in lines if b'"exit"' not in line]
    build = f"build/{compiler}-sanitize"
    run_make(project, "SANITIZE=1", f"CC={compiler}", f"BUILD={build}")
    # every line is followed by one whose answer is known, so that answers can be told apart
    data = b"".join(line + b'\n{"command":"reset"}\n' for line in lines)
    program = project / build / "toy"
    done = subprocess.run([str(program)], input=data, capture_output=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    assert done.stderr == b""
    groups = done.stdout.split(b'{"reply":"reset","status":"ok","position":0}\n')
    assert len(groups) == len(lines) + 1
    statuses = set()
    groups[0] = groups[0].split(b"\n", GREETING_LINES)[GREETING_LINES]
    for line, answer in zip(lines, groups, strict=False):
        if line.startswith(b"{"):
            replies = [json.loads(reply) for reply in answer.splitlines()]
            assert ["status" in reply for reply in replies] == [False] * (len(replies) - 1) + [True], line
            statuses.add(replies[-1]["status"])
    assert statuses == {"ok", "error"}


def test_check_tokens_of_the_toy_are_those_of_its_python():
    """The toy's constants were made by its Python: otherwise the other tests would compare two mistakes."""
    engine, crc = ToyEngine(), 0
    for token in toy_check_tokens():
        crc = zlib.crc32(engine.step_raw(token).tobytes(), crc)
    assert f"0x{crc:08x}u" in (FOLDER / "model.h").read_text()
    assert (APPLICATION / "console.c").exists()
