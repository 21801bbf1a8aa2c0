"""Automata of random expressions against Python's own regular expressions, and their smallest form."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textzoo.grammars.automaton import DEAD, automaton_of, common_texts, texts_before, texts_without
from textzoo.grammars.expressions import (
    ANY_CHARACTER,
    EMPTY,
    NOTHING,
    Both,
    Characters,
    Choice,
    Repeat,
    Sequence,
    characters,
    choice,
    repeat,
    sequence,
    text,
)
from textzoo.grammars.utf8_ranges import byte_ranges

ALPHABET = "ab\né€😀"
SETS = st.lists(st.sampled_from(ALPHABET), min_size=1, max_size=3).map(
    lambda found: characters((ord(one), ord(one)) for one in found)
)


def joined(parts):
    several = st.lists(parts, max_size=3)
    counts = st.tuples(parts, st.integers(0, 2), st.none() | st.integers(0, 2))
    repeated = counts.map(lambda row: repeat(row[0], row[1], None if row[2] is None else row[1] + row[2]))
    return several.map(sequence) | several.map(choice) | repeated


EXPRESSIONS = st.recursive(SETS, joined, max_leaves=8)
TEXTS = st.text(ALPHABET, max_size=6)


def pattern_of(expression):
    """The same expression as a pattern of Python's module re."""
    match expression:
        case Characters(ranges):
            return "[" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges) + "]"
        case Sequence(parts):
            return "".join(pattern_of(part) for part in parts)
        case Choice(()):
            return "(?!)"
        case Choice(parts):
            return "(?:" + "|".join(pattern_of(part) for part in parts) + ")"
        case Repeat(part, low, high):
            return f"(?:{pattern_of(part)}){{{low},{'' if high is None else high}}}"


def is_allowed(expression, content):
    return re.fullmatch(pattern_of(expression), content, re.DOTALL) is not None


@settings(max_examples=200, deadline=None)
@given(EXPRESSIONS, st.lists(TEXTS, max_size=10))
def test_an_automaton_accepts_what_the_pattern_does(expression, texts):
    automaton = automaton_of(expression)
    assert [automaton.accepts(one.encode()) for one in texts] == [is_allowed(expression, one) for one in texts]


@settings(max_examples=100, deadline=None)
@given(EXPRESSIONS, EXPRESSIONS, st.lists(TEXTS, max_size=10))
def test_texts_of_both_and_of_one_alone(first, second, texts):
    one, other = automaton_of(first), automaton_of(second)
    both, alone, joint = common_texts(one, other), texts_without(one, other), automaton_of(Both(first, second))
    for content in texts:
        data, in_first, in_second = content.encode(), is_allowed(first, content), is_allowed(second, content)
        assert both.accepts(data) == joint.accepts(data) == (in_first and in_second)
        assert alone.accepts(data) == (in_first and not in_second)


@settings(max_examples=100, deadline=None)
@given(
    EXPRESSIONS, st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=2), st.lists(TEXTS, max_size=8)
)
def test_a_text_ends_before_the_first_stop(expression, stops, texts):
    automaton = texts_before(automaton_of(expression), stops)
    for content in texts:
        for stop in stops:
            whole = content + stop
            ends = [whole.find(one) + len(one) for one in stops if one in whole]
            is_first = min(ends) == len(whole)
            expected = is_first and any(
                whole.endswith(one) and is_allowed(expression, whole.removesuffix(one)) for one in stops
            )
            assert automaton.accepts(whole.encode()) == expected


@settings(max_examples=100, deadline=None)
@given(EXPRESSIONS)
def test_no_two_states_are_alike(expression):
    """Each pair of states differs in a text, found by a search over pairs; and each state can be reached and left."""
    automaton = automaton_of(expression)
    differ = automaton.accepting[:, None] != automaton.accepting[None, :]
    for _ in automaton.table:
        differ = differ | np.any(
            [differ[np.ix_(column, column)] for column in np.unique(automaton.table, axis=1).T], axis=0
        )
    assert differ[~np.eye(len(differ), dtype=bool)].all()
    assert set(np.unique(automaton.table)) | {automaton.start, DEAD} == set(range(len(automaton.table)))


@pytest.mark.parametrize(
    ("first", "last"), [(0, 0x10FFFF), (0x7F, 0x80), (0x7FF, 0x800), (0xFFF, 0x1001), (0xFFFF, 0x10000), (0x61, 0x61)]
)
def test_bytes_of_a_range_are_those_of_its_characters(first, last):
    spans = [(1, 0xD7FF), (0xE000, 0x10FFFF)] if (first, last) == (0, 0x10FFFF) else [(first, last)]
    count = 0
    for low, high in spans:
        for parts in byte_ranges(low, high):
            size = int(np.prod([end - start + 1 for start, end in parts]))
            count += size
            lowest, highest = bytes(start for start, _ in parts).decode(), bytes(end for _, end in parts).decode()
            assert ord(highest) - ord(lowest) + 1 == size
    assert count == sum(high - low + 1 for low, high in spans)


def test_nothing_and_the_empty_text():
    assert automaton_of(NOTHING).start == DEAD
    assert automaton_of(EMPTY).accepts(b"")
    assert not automaton_of(text("a")).accepts(b"")
    assert automaton_of(ANY_CHARACTER).accepts("😀".encode())
    assert not automaton_of(ANY_CHARACTER).accepts(b"\xff")
    assert automaton_of(text("\ud800")).start == DEAD  # a surrogate is no character
