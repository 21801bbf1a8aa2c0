"""Spans of the input in C: the same text as in Python for the same input and seed."""

import json

import numpy as np
import pytest
from guided_c import SCALE, GuidedC, text_in_python
from hypothesis import given, settings
from hypothesis import strategies as st
from test_spans import GBNF, INPUTS, OBJECT, PIECES, SPAN, all_spans, spans_in

from textzoo.engines.sampling import IntegerSampler
from textzoo.grammars.grammar import Grammar, automaton
from textzoo.grammars.spans import MAX_BYTES
from textzoo.grammars.table import grammar_table
from textzoo.grammars.token_automaton import Guide, token_automaton

LONG_INPUTS = st.lists(st.sampled_from(["turn", "on", "it's", "é", '"', "\\", " ", "  ", "\n"]), max_size=200).map(
    "".join
)
GRAMMARS = {
    "span": Grammar("json_schema", json.dumps(SPAN)),
    "objects": Grammar("json_schema", json.dumps(OBJECT)),
    "shorter or not": Grammar("gbnf", GBNF),
    "several ways": Grammar("gbnf", r'root ::= ("\"" input-span "\"" | "oh, no"){3} ("," "\"" input-span "\"")?'),
}
UNKNOWN = len(PIECES)  # <unk>, which stands in no span
VOCABULARY = [*PIECES, "\ufffd".encode()]
# One without most characters, so that some spans cannot be spelled, and some inputs have none.
SMALL = [byte.encode() for byte in '{}[]":,abhinotplywcesml! 1'] + [b"ab", b"b a", b'":']
VOCABULARIES = {"bytes": VOCABULARY, "small": SMALL}


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    made = {}
    for name, tokens in VOCABULARIES.items():
        made[name] = GuidedC(len(tokens), tmp_path_factory.mktemp("spans"))
        made[name].load_tokens(tokens, UNKNOWN if name == "bytes" else None)
    return made


@settings(max_examples=300, deadline=None)
@given(
    which=st.sampled_from(sorted(GRAMMARS)),
    vocabulary=st.sampled_from(sorted(VOCABULARIES)),
    text=INPUTS | LONG_INPUTS | st.text("abc", min_size=250, max_size=260),
    room=st.integers(-1, 20),
    temperature=st.sampled_from([0.0, 1.0, 7.0]),
    top_k=st.integers(0, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_c_copies_what_python_copies(builds, which, vocabulary, text, room, temperature, top_k, seed):
    tokens = VOCABULARIES[vocabulary]
    found = token_automaton(automaton(GRAMMARS[which], ()), tokens, UNKNOWN if vocabulary == "bytes" else None, "it")
    builds[vocabulary].load(grammar_table(found, "it"))
    shortest = Guide(found, text).distance
    max_tokens = max(shortest + room, 1)
    logits = np.random.default_rng(seed).integers(-128, 128, (max_tokens, len(tokens))).astype(np.int8)
    sampler = IntegerSampler(SCALE, temperature=temperature, top_k=top_k, seed=seed)
    expected = text_in_python(found, sampler, logits, text)
    assert builds[vocabulary].text(logits, temperature, top_k, seed, text) == expected
    assert builds[vocabulary].library.grammar_shortest() == shortest
    written = b"".join(tokens[token] for token in expected).decode()
    if which == "objects" and shortest <= max_tokens and len(text) < 50:
        assert {*spans_in(written)} <= all_spans(text) | {""}


def test_an_input_is_cut_as_in_python(builds):
    """At the beginning of a character, with the neighbours of those that are left."""
    tokens = token_automaton(automaton(GRAMMARS["span"], ()), VOCABULARY, UNKNOWN, "it")
    builds["bytes"].load(grammar_table(tokens, "it"))
    for size in range(MAX_BYTES - 5, MAX_BYTES + 5):
        for text in (
            "a" * size,
            " " * 9 + "a" * size,
            "b" + " a" * (size // 2),
            "é" * (size // 2) + " \x1e\x7f",
            "a\x1fb",
            '"' * size,
        ):
            logits = np.random.default_rng(size).integers(-128, 128, (300, len(VOCABULARY))).astype(np.int8)
            expected = text_in_python(tokens, IntegerSampler(SCALE, temperature=1.0, seed=size), logits, text)
            assert builds["bytes"].text(logits, 1.0, 0, size, text) == expected
