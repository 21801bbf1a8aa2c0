"""The optimizers against Keras' own and against their defining properties."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from textzoo.training.layout import Entry, WeightLayout
from textzoo.training.losses import cross_entropy
from textzoo.training.optimizers import AdamW, Muon, clip_by_global_norm, orthogonalise
from textzoo.training.settings import TrainingConfig

SHAPES = {"embeddings": (5, 4), "a/kernel": (4, 6), "b/kernel": (6, 4), "c/gamma": (4,)}


def layout():
    entries, offset = [], 0
    for path, shape in SHAPES.items():
        entries.append(Entry(path, shape, offset))
        offset += entries[-1].size
    return WeightLayout(entries)


def gradients(steps, seed=0):
    return np.random.default_rng(seed).standard_normal((steps, layout().size)).astype(np.float32)


def run(optimizer, weights, steps):
    state = {name: ops.convert_to_tensor(vector) for name, vector in optimizer.initial_state().items()}
    vector = ops.convert_to_tensor(weights)
    for step, gradient in enumerate(gradients(steps)):
        vector, state = optimizer.update(
            vector, ops.convert_to_tensor(gradient), state, optimizer.constants, 1.0, float(step + 1)
        )
    return ops.convert_to_numpy(vector)


def test_adamw_is_that_of_keras():
    config = TrainingConfig(optimizer="adamw", learning_rate=0.01, weight_decay=0.3)
    weights = gradients(1, seed=1)[0]
    found = run(AdamW(layout(), config), weights, 20)
    variables = [keras.Variable(array, name=e.path.replace("/", "_")) for e, array in named_arrays(weights)]
    reference = keras.optimizers.AdamW(0.01, weight_decay=0.3, beta_1=config.beta_1, beta_2=config.beta_2, epsilon=1e-8)
    reference.exclude_from_weight_decay(var_list=variables[-1:])
    reference.build(variables)
    for gradient in gradients(20):
        reference.apply([ops.convert_to_tensor(array) for _, array in named_arrays(gradient)], variables)
    expected = np.concatenate([np.ravel(ops.convert_to_numpy(variable)) for variable in variables])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def named_arrays(vector):
    return list(zip(layout().entries, layout().arrays(vector), strict=True))


def test_muon_leaves_embeddings_and_gains_to_adamw():
    config = TrainingConfig(learning_rate=0.01, muon_learning_rate=0.5)
    weights = gradients(1, seed=1)[0]
    muon, adamw = (run(optimizer(layout(), config), weights, 5) for optimizer in (Muon, AdamW))
    for entry, ours, theirs in zip(layout().entries, layout().arrays(muon), layout().arrays(adamw), strict=True):
        same = np.allclose(ours, theirs, atol=1e-6)
        assert same != entry.is_matrix, entry.path


def test_muons_first_step_is_orthogonal():
    config = TrainingConfig(muon_learning_rate=1.0, weight_decay=0.0)
    weights = np.zeros(layout().size, np.float32)
    for entry, step in zip(layout().entries, layout().arrays(run(Muon(layout(), config), weights, 1)), strict=True):
        if entry.is_matrix:
            singular_values = np.linalg.svd(step, compute_uv=False) / max(1, entry.shape[1] / entry.shape[0]) ** 0.5
            assert singular_values.min() > 0.6
            assert singular_values.max() < 1.3


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(0, 12), st.floats(1e-6, 1e4))
def test_orthogonalise_keeps_the_singular_vectors(seed, rows, more, scale):
    matrix = np.random.default_rng(seed).standard_normal((1, rows, rows + more)).astype(np.float32)
    left, values, right = np.linalg.svd(matrix[0], full_matrices=False)
    found = left.T @ ops.convert_to_numpy(orthogonalise(ops.convert_to_tensor(matrix * np.float32(scale))))[0] @ right.T
    np.testing.assert_allclose(found - np.diag(np.diag(found)), 0, atol=2e-2)
    large = values > 0.05 * np.linalg.norm(values)
    assert (np.diag(found)[large] > 0.6).all()
    assert (np.diag(found) < 1.3).all()


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 10), st.floats(0.01, 100))
def test_clipping_bounds_the_norm(limit, scale):
    gradient = (gradients(1)[0] / np.linalg.norm(gradients(1)[0]) * scale).astype(np.float32)
    clipped, norm = clip_by_global_norm(ops.convert_to_tensor(gradient), limit)
    assert float(norm) == pytest.approx(scale, rel=1e-4)
    expected = min(scale, limit) if limit else scale
    assert np.linalg.norm(ops.convert_to_numpy(clipped)) == pytest.approx(expected, rel=1e-3, abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 9), st.floats(0, 0.9), st.integers(0, 2**32 - 1))
def test_label_smoothing_mixes_the_target_with_the_even_distribution(vocabulary, smoothing, seed):
    random = np.random.default_rng(seed)
    logits = random.standard_normal((3, 4, vocabulary)).astype(np.float32) * 3
    targets = random.integers(0, vocabulary, (3, 4)).astype(np.int32)
    log_probabilities = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    wanted = np.eye(vocabulary)[targets] * (1 - smoothing) + smoothing / vocabulary
    found = cross_entropy(ops.convert_to_tensor(logits), ops.convert_to_tensor(targets), smoothing)
    np.testing.assert_allclose(ops.convert_to_numpy(found), -(wanted * log_probabilities).sum(-1), atol=1e-4)
