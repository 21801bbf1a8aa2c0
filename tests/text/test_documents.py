"""Windows over documents that are learned one by one, against loops over tokens."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textzoo.common.errors import UserError
from textzoo.text.documents import IGNORED, Documents, check_documents, document_batch, document_windows

# (tokens of the prompt, tokens of the answer) of each document.
SIZES = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=8)
CONTEXT = 12


def documents_of(sizes, answers_only):
    """Return tokens that are all different, from 1, and where their documents lie."""
    starts = np.cumsum([0, *(prompt + answer for prompt, answer in sizes)])
    answers = [start + prompt for start, (prompt, _) in zip(starts, sizes, strict=False)]
    bounds = np.array([*zip(starts, answers, strict=False), (starts[-1], starts[-1])])
    return np.arange(1, starts[-1] + 1), Documents(bounds, answers_only)


def expected_row(tokens, documents, number, length):
    """Return inputs and targets of a document, position by position."""
    (start, answer), end = documents.bounds[number], documents.bounds[number + 1, 0]
    inputs, targets = [], []
    for place in range(start, start + length):
        inputs.append(tokens[place] if place < end else 0)
        counts = place + 1 < end and (place + 1 >= answer or not documents.answers_only)
        targets.append(tokens[place + 1] if counts else IGNORED)
    return inputs, targets


@given(SIZES, st.booleans(), st.integers(0, 1000))
def test_a_batch_has_whole_documents_from_their_beginning(sizes, answers_only, seed):
    tokens, documents = documents_of(sizes, answers_only)
    inputs, targets = document_batch(tokens, documents, np.random.default_rng(seed), 5, CONTEXT)
    numbers = {int(tokens[start]): number for number, (start, _) in enumerate(documents.bounds[:-1])}
    for row, wanted in zip(inputs, targets, strict=True):
        expected = expected_row(tokens, documents, numbers[int(row[0])], inputs.shape[1])
        assert (row.tolist(), wanted.tolist()) == expected
    assert inputs.shape[1] <= CONTEXT


def test_every_document_is_drawn_as_often():
    tokens, documents = documents_of([(1, 1), (5, 6), (1, 2), (2, 2), (6, 6)], True)
    rng = np.random.default_rng(0)
    firsts = np.concatenate([document_batch(tokens, documents, rng, 1, CONTEXT)[0][:, 0] for _ in range(5000)])
    assert all(850 < count < 1150 for count in np.unique(firsts, return_counts=True)[1])


@given(SIZES, st.booleans(), st.integers(1, 60))
def test_windows_to_validate_have_every_target_of_the_first_documents_once(sizes, answers_only, most):
    tokens, documents = documents_of(sizes, answers_only)
    inputs, targets, weights = document_windows(tokens, documents, CONTEXT, most)
    for number, row in enumerate(zip(inputs, targets, weights, strict=True)):
        wanted = expected_row(tokens, documents, number, CONTEXT)
        assert row[0].tolist() == wanted[0]
        assert np.where(row[2] > 0, row[1], IGNORED).tolist() == wanted[1]
    assert len(inputs) == 1 or weights.sum() <= most


def test_documents_that_are_longer_than_a_window_are_told():
    _, documents = documents_of([(3, 3), (9, 9)], True)
    check_documents(documents, 17, "training")
    with pytest.raises(UserError, match=r"1 of 2 commands .* at least 17; received 16"):
        check_documents(documents, 16, "training")
