"""A console whose grammar copies from what is typed: any bytes, under the sanitizers, as in Python."""

import json
import re
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_projects import render_echo

from compilers import need, need_sanitizers
from textzoo.common.errors import UserError
from textzoo.engines.generate import guide_of
from textzoo.engines.sampling import IntegerSampler, choose_token
from textzoo.engines.settings import PredictionConfig
from textzoo.grammars.grammar import Grammar
from textzoo.grammars.table import grammar_table
from textzoo.targets.emulators import run_program
from textzoo.targets.toolchains import run_make
from textzoo.text.tokenizers.byte import ByteTokenizer

SPAN = {"type": "string", "format": "input-span"}
GRAMMAR = Grammar("json_schema", json.dumps({"properties": {"a": SPAN, "b": SPAN}, "required": ["a"]}))
DEFAULTS = PredictionConfig(seed=4, temperature=1.0, max_tokens=600)
ENDING = re.compile(r"\n\[\d+ tokens.*; the text is whole\]\n")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    need("host", "make")
    need_sanitizers("host")
    table = grammar_table(GRAMMAR.automaton(ByteTokenizer()), GRAMMAR.name)
    project = render_echo(tmp_path_factory.mktemp("spans") / "host", DEFAULTS, table)
    run_make(project, "SANITIZE=1", "BUILD=build/sanitize")
    return project


@pytest.fixture(scope="module")
def console(project):
    with run_program([str(project / "build" / "sanitize" / "toy")], "the program", project) as console:
        yield console


def expected(input_text, seed=DEFAULTS.seed, max_tokens=DEFAULTS.max_tokens):
    """What Python writes; all logits of a prompt without a token 0 are equal."""
    guide = guide_of(GRAMMAR, ByteTokenizer(), [], max_tokens, input_text)
    sampler, tokens = IntegerSampler(0.05, temperature=1.0, seed=seed), []
    for left in range(max_tokens, 0, -1):
        if (token := choose_token(sampler, np.zeros(256, np.int8), guide, left)) is None:
            break
        tokens.append(token)
    return tokens


LINES = [
    "turn on the lamp",
    "it's 50% of \"ten\", isn't it?\\",
    "a\tb",
    "é€😀 ü",
    b"a\xffb \xe2\x82 c\xed\xa0\x80",
    "x" * 400,
    "word " * 90 + "é",
    '"' * 300,
    " ... ",
    "   ",
]


def test_lines_are_copied_from_as_in_python(project):
    lines = [line if isinstance(line, bytes) else line.encode() for line in LINES]
    program = str(project / "build" / "sanitize" / "toy")
    done = subprocess.run([program], input=b"\n".join(lines) + b"\n", capture_output=True, timeout=60, check=True)
    *texts, _ = ENDING.split(done.stdout.decode().split(":help\n", 1)[1])
    assert texts == [ByteTokenizer().decode(expected(line.decode(errors="replace"))) for line in lines]


PROMPTS = st.text(min_size=1, max_size=30).filter(lambda text: "\0" not in text)


@settings(max_examples=60, deadline=None)
@given(prompt=PROMPTS, said=st.text(max_size=40), seed=st.integers(0, 99))
def test_programs_say_what_is_copied_from(console, prompt, said, seed):
    for given_input, text in (({"input": said}, said), ({}, prompt)):
        command = {"command": "generate", "prompt": prompt, "seed": seed, **given_input}
        assert [reply["token"] for reply in list(console.command(command))[:-1]] == expected(text, seed)


def test_the_shortest_text_depends_on_the_input(console):
    shortest = len('{"a":"four"}')
    for max_tokens in (shortest, shortest - 1):
        command = {"command": "generate", "prompt": "four", "max_tokens": max_tokens}
        if max_tokens == shortest:
            assert console.ask(command)["tokens"] == shortest
        else:
            with pytest.raises(UserError, match="too short for any text of the grammar"):
                console.ask(command)


@pytest.mark.parametrize(
    ("command", "message"), [({"tokens": [1]}, "input is missing"), ({"prompt": "a", "input": 7}, "input is a text")]
)
def test_what_is_wrong_with_an_input(console, command, message):
    with pytest.raises(UserError, match=message):
        console.ask({"command": "generate", **command})
    assert console.ask({"command": "generate", "tokens": [1], "grammar": "off", "max_tokens": 3})["tokens"] == 3
