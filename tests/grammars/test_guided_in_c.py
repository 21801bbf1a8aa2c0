"""C writes the same text as Python under random grammars, for the same seed; and the table is small."""

import numpy as np
import pytest
from guided_c import SCALE, GuidedC, text_in_python
from hypothesis import given, settings
from hypothesis import strategies as st
from test_automata import EXPRESSIONS
from walks import BYTES

from grammar_cost import ten_intents
from textzoo.common.errors import UserError
from textzoo.engines.sampling import IntegerSampler
from textzoo.grammars.automaton import DEAD, automaton_of
from textzoo.grammars.grammar import Grammar
from textzoo.grammars.table import grammar_table
from textzoo.grammars.token_automaton import Guide, TokenAutomaton, token_automaton

# Texts of tokens: single bytes, and pieces of several characters and of parts of them, as BPE has them.
PIECES = [b"ab", b"ba", b"aaa", "é€".encode(), "a€".encode(), b"\xe2\x82", b"\xac\n", b"b\n"]
VOCABULARIES = {
    65: [b"a", b"b", b"\n", "é".encode(), "€".encode(), "😀".encode(), *[bytes([192 + index]) for index in range(59)]],
    264: [*BYTES, *PIECES],
}


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    return {size: GuidedC(size, tmp_path_factory.mktemp("guided")) for size in VOCABULARIES}


@settings(max_examples=300, deadline=None)
@given(
    expression=EXPRESSIONS,
    size=st.sampled_from(sorted(VOCABULARIES)),
    max_tokens=st.integers(1, 12),
    temperature=st.sampled_from([0.0, 0.5, 1.0, 7.0]),
    top_k=st.integers(0, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_c_writes_what_python_writes(builds, expression, size, max_tokens, temperature, top_k, seed):
    automaton = automaton_of(expression)
    if automaton.start == DEAD:
        return
    tokens = token_automaton(automaton, VOCABULARIES[size], None, "the grammar")
    logits = np.random.default_rng(seed).integers(-128, 128, (max_tokens, size)).astype(np.int8)
    builds[size].load(grammar_table(tokens, "the grammar"))
    sampler = IntegerSampler(SCALE, temperature=temperature, top_k=top_k, seed=seed)
    expected = text_in_python(tokens, sampler, logits)
    assert builds[size].text(logits, temperature, top_k, seed) == expected
    if Guide(tokens).distance <= max_tokens:
        assert automaton.accepts(b"".join(VOCABULARIES[size][token] for token in expected))


def test_a_grammar_that_is_too_large_for_a_device():
    """300 tokens of one state lead to 300 different ones."""
    table = np.zeros((302, 300), np.uint16)
    table[1] = np.arange(2, 302)
    ends = np.arange(302) > 1
    automaton = TokenAutomaton(table, 1, ends, np.where(ends, 0, [[1]]), np.zeros(302, np.uint16))
    with pytest.raises(UserError, match="too large for a device; expected at most 255 single tokens"):
        grammar_table(automaton, "the grammar")


def test_ten_intents_with_slots_take_less_than_two_kilobytes():
    grammar = Grammar("json_schema", ten_intents())
    characters = [chr(code).encode() for code in [10, *range(32, 127)]]
    automaton = token_automaton(automaton_of(grammar.expression()), characters, None, "the schema")
    table = grammar_table(automaton, "the schema")
    assert (table.states, table.bytes) == (336, 1767)
