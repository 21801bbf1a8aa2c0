"""Metrics: figures of several texts together are those of one measurement over all of them."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textzoo.engines.metrics import _Totals, evaluate, merged

TIME, VOCABULARY = 5, 7


class TableEngine:
    """Predicts from the last token alone, by a table of logits."""

    name = "table"

    def __init__(self, seed: int) -> None:
        self.logits = np.random.default_rng(seed).normal(size=(VOCABULARY, VOCABULARY)).astype(np.float32)

    def clone(self) -> None:
        return None

    def window_logits(self, inputs, lengths):
        for window, length in zip(inputs, lengths, strict=True):
            yield self.logits[window[:length]]


@given(st.integers(0, 1000), st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_merged_figures_are_those_of_all_windows(seed, sizes):
    rng = np.random.default_rng(seed)
    count = sum(sizes)
    inputs, targets = rng.integers(0, VOCABULARY, (2, count, TIME))
    weights = (np.arange(TIME) < rng.integers(1, TIME + 1, (count, 1))).astype(np.float32)
    engine = TableEngine(seed)
    edges = np.cumsum([0, *sizes])
    parts = [
        evaluate(engine, *(array[start:end] for array in (inputs, targets, weights)))
        for start, end in itertools.pairwise(edges)
    ]
    found, whole = merged(parts), evaluate(engine, inputs, targets, weights)
    assert vars(found).keys() == vars(whole).keys()
    for name, value in vars(whole).items():
        np.testing.assert_allclose(vars(found)[name], value, rtol=1e-9, err_msg=name)


def test_bits_per_character_count_the_characters_of_each_text():
    ones = np.ones((1, TIME), np.float32)
    tokens = np.zeros((2, 1, TIME), np.int64)
    engine = TableEngine(1)
    parts = [evaluate(engine, *tokens, ones, characters_per_token=length) for length in (1.0, 3.0)]
    whole = evaluate(engine, *tokens, ones, characters_per_token=2.0)
    assert merged(parts).bits_per_character == pytest.approx(whole.bits_per_character)


def test_a_model_of_no_numbers_is_right_nowhere():
    logits, targets = np.full((4, 8), np.nan), np.arange(4)
    logits[3] = np.arange(8)[::-1]
    totals = _Totals(4)
    totals.add(logits, targets, np.ones(4))
    found = totals.metrics(1.0)
    assert (found.top1_accuracy, found.top5_accuracy) == (0.0, 0.25)
    assert np.isnan(found.loss_nats)
