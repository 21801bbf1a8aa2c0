"""Repetitions between training and validation text, against the plain definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textzoo.text import overlap
from textzoo.text.overlap import (
    SHORTEST_LINE,
    overlap_of_documents,
    overlap_of_lines,
    overlap_of_windows,
    polynomial_hashes,
    sampled_windows,
)

LETTERS = st.text("ab\ud7ff\n", max_size=80)


def plain_overlap(training: str, validation: str, window: int) -> tuple[int, int]:
    known = {training[start : start + window] for start in range(len(training) - window + 1)}
    asked = [validation[start : start + window] for start in range(len(validation) - window + 1)]
    return len(asked), sum(one in known for one in asked)


@given(LETTERS, LETTERS, st.integers(1, 9), st.integers(1, 20))
def test_windows_are_those_of_the_plain_definition(training, validation, window, piece):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlap, "PIECE", piece)
        found = overlap_of_windows(training, validation, window)
    assert (found.looked_at, found.repeated) == plain_overlap(training, validation, window)


@given(st.lists(st.integers(0, 0x10FFFF), min_size=1, max_size=70), st.data())
def test_a_hash_depends_on_its_window_alone(codes, data):
    window = data.draw(st.integers(1, len(codes)))
    array = np.array(codes, np.uint32)
    hashes = polynomial_hashes(array, window)
    assert hashes.shape == (len(codes) - window + 1,)
    assert all(polynomial_hashes(array[at : at + window], window)[0] == value for at, value in enumerate(hashes))


@given(st.integers(0, 300), st.integers(1, 40), st.integers(1, 50), st.integers(1, 60))
def test_a_sample_is_every_kth_window_whatever_the_pieces(length, window, sample, piece):
    text = "".join(chr(97 + index * index % 26) for index in range(length))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlap, "SAMPLE", sample)
        whole = sampled_windows(text, window)
        patch.setattr(overlap, "PIECE", piece)
        assert np.array_equal(sampled_windows(text, window), whole)
    assert len(whole) <= sample
    assert bool(len(whole)) == (length >= window)


@pytest.mark.parametrize("repeated", [0, 1, 30])
def test_lines_and_documents(repeated):
    training = [f"This is line number {number} of the training text, which is long." for number in range(100)]
    new = [f"And this is number {number} of the text that is held out for validation." for number in range(70)]
    validation = [*(f"  {line}" for line in training[:repeated]), *new, "short", ""]
    for separator, find in (("\n", overlap_of_lines), ("\n\n", overlap_of_documents)):
        found = find(separator.join(training), separator.join(validation))
        expected = repeated if find is overlap_of_lines else 0  # of documents, indentation counts
        assert (found.looked_at, found.repeated) == (70 + repeated, expected)
    assert overlap_of_lines("", "x" * SHORTEST_LINE).share == 0.0
    assert overlap_of_lines("", "").share == 0.0


def test_documents_at_a_mark():
    documents = [f"document number {number}\n\nin two parts, long enough to count" for number in range(9)]
    training, validation = "\n<end>\n".join(documents), "\n<end>\n".join([*documents[6:], "new " * 20])
    found = overlap_of_documents(training, validation, "\n<end>\n")
    assert (found.looked_at, found.repeated) == (4, 3)


def test_of_many_lines_a_sample_is_looked_at(monkeypatch):
    monkeypatch.setattr(overlap, "SAMPLE", 10)
    lines = "\n".join(f"line {number} {'x' * SHORTEST_LINE}" for number in range(95))
    found = overlap_of_lines(lines, lines)
    assert (found.looked_at, found.repeated) == (10, 10)
