"""Windows: crops are pieces of the text, evaluation meets every token once, short texts are refused."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textzoo.common.errors import UserError
from textzoo.text.windows import check_lengths, evaluation_windows, random_crops


@given(st.integers(1, 20), st.integers(0, 100), st.integers(1, 8), st.integers(0, 2**32))
def test_crops_are_pieces_of_the_text(context_length, extra, batch_size, seed):
    tokens = np.arange(100, 100 + context_length + 1 + extra, dtype=np.uint16)
    inputs, targets = random_crops(tokens, np.random.default_rng(seed), batch_size, context_length)
    assert inputs.shape == targets.shape == (batch_size, context_length)
    assert inputs.dtype == targets.dtype == np.int32
    assert (inputs == inputs[:, :1] + np.arange(context_length)).all()
    assert (targets == inputs + 1).all()
    assert tokens[0] <= inputs.min() <= targets.max() <= tokens[-1]


def test_crops_begin_everywhere_up_to_the_last_window():
    tokens = np.arange(10, dtype=np.uint16)
    inputs, targets = random_crops(tokens, np.random.default_rng(0), 2000, 4)
    starts, counts = np.unique(inputs[:, 0], return_counts=True)
    assert starts.tolist() == [0, 1, 2, 3, 4, 5]
    assert targets.max() == 9
    assert counts.min() > 250  # 333 expected; the seed is fixed


def test_crops_go_on_from_a_saved_state():
    tokens = np.arange(1000, dtype=np.uint16)
    rng = np.random.default_rng(7)
    random_crops(tokens, rng, 8, 16)
    saved = json.dumps(rng.bit_generator.state)
    expected = [random_crops(tokens, rng, 8, 16)[0] for _ in range(3)]
    other = np.random.default_rng(1)
    other.bit_generator.state = json.loads(saved)
    assert np.array_equal(expected, [random_crops(tokens, other, 8, 16)[0] for _ in range(3)])


@given(st.integers(1, 17), st.integers(0, 200), st.none() | st.integers(1, 300))
def test_every_token_is_predicted_exactly_once(context_length, extra, max_tokens):
    tokens = np.arange(1, context_length + 2 + extra, dtype=np.uint16)  # all distinct, none is the padding's 0
    inputs, targets, weights = evaluation_windows(tokens, context_length, max_tokens)
    assert inputs.shape == targets.shape == weights.shape == (len(inputs), context_length)
    assert (inputs.dtype, targets.dtype, weights.dtype) == (np.int32, np.int32, np.float32)
    count = min(len(tokens) - 1, max_tokens or len(tokens))
    assert targets[weights == 1].tolist() == tokens[1 : count + 1].tolist()
    assert (targets - inputs)[weights == 1].tolist() == [1] * count
    assert weights.sum() == count
    assert not inputs[weights == 0].any()
    assert not targets[weights == 0].any()
    assert weights.any(axis=1).all()  # no window of padding only


def test_windows_of_a_memory_map(tmp_path):
    path = tmp_path / "tokens.bin"
    np.arange(50, dtype="<u2").tofile(path)
    tokens = np.memmap(path, dtype="<u2", mode="r")
    inputs, targets = random_crops(tokens, np.random.default_rng(0), 4, 8)
    assert (targets == inputs + 1).all()
    assert evaluation_windows(tokens, 8)[2].sum() == 49


@pytest.mark.parametrize("length", [0, 1, 8])
def test_windows_longer_than_the_text_are_refused(length):
    short, enough = np.zeros(length, np.uint16), np.zeros(9, np.uint16)
    for use in (
        lambda: random_crops(short, np.random.default_rng(0), 2, 8),
        lambda: check_lengths(short, enough, 8),
    ):
        with pytest.raises(UserError, match=rf"training text is shorter.*at least context_length \+ 1 = 9.*{length}"):
            use()
    for use in (lambda: evaluation_windows(short, 8, 100), lambda: check_lengths(enough, short, 8)):
        with pytest.raises(UserError, match=r"validation text is shorter.*validation_split"):
            use()
    check_lengths(enough, enough, 8)
