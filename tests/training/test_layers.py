"""What training asks of the layers: cheap dropout and the penalty on attention scores."""

import keras
import numpy as np
import pytest
from keras import ops
from toy_training import run_toy, toy_model

from textzoo.models.layers.dropout import HashDropout

SIZE = (64, 16, 32)


def dropped(rate, seed=0, calls=1):
    keras.utils.set_random_seed(seed)
    layer = HashDropout(rate)
    return [ops.convert_to_numpy(layer(np.ones(SIZE, np.float32), training=True)) for _ in range(calls)]


@pytest.mark.parametrize("rate", [0.05, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    (values,) = dropped(rate)
    deviation = (rate * (1 - rate) / values.size) ** 0.5
    assert abs((values == 0).mean() - rate) < 5 * deviation
    np.testing.assert_allclose(np.unique(values), [0, 1 / (1 - rate)], rtol=1e-6)
    by_place = (values == 0).mean(axis=0)
    assert by_place.std() == pytest.approx((rate * (1 - rate) / SIZE[0]) ** 0.5, rel=0.2), "places are not independent"


def test_dropout_differs_between_calls_and_follows_the_seed():
    first, second = (values == 0 for values in dropped(0.5, calls=2))
    assert abs((first & second).mean() - 0.25) < 0.02
    np.testing.assert_array_equal(first, dropped(0.5)[0] == 0)
    assert not np.array_equal(first, dropped(0.5, seed=1)[0] == 0)


def test_dropout_does_nothing_outside_training():
    values = np.random.default_rng(0).standard_normal(SIZE).astype(np.float32)
    np.testing.assert_array_equal(ops.convert_to_numpy(HashDropout(0.5)(values)), values)


def score_size(model):
    """Mean square of the first layer's attention scores for some tokens."""
    attention = model.blocks[0].attention
    x = model.position_embedding(model.token_embedding(np.arange(8, dtype=np.int32)[None] % 7))
    queries, keys, _ = np.split(ops.convert_to_numpy(attention.qkv(x))[0], 3, axis=-1)
    return float(np.mean((queries @ keys.T) ** 2))


@pytest.mark.slow
def test_the_score_penalty_keeps_scores_small(tmp_path):
    free, penalised = toy_model(dropout=0.0), toy_model(dropout=0.0)
    run_toy(tmp_path / "free", model=free, steps=80)
    run_toy(tmp_path / "penalised", model=penalised, steps=80, score_penalty=1000.0)  # toy scores are tiny
    assert score_size(penalised) < 0.2 * score_size(free)
    assert penalised.blocks[0].attention.score_penalty == 0.0, "the penalty belongs to training, not to the model"
