"""Weights of 8, 4 and 2 bits: scales, integers, and what of them stands in the .tflite. A new grid is a new row."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from textzoo.common.errors import UserError
from textzoo.compiler.packing.registry import FULLY_CONNECTED_S8, pack_fitting
from textzoo.compiler.tflite.file import read_tflite
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.engines.native_engine import NativeEngine
from textzoo.models.files import build_model
from textzoo.models.settings import ModelConfig
from textzoo.quantizers.quantize import quantize
from textzoo.quantizers.settings import QuantizationConfig
from textzoo.quantizers.stored_weights import matrices_of, put_on_grid, split_levels
from textzoo.quantizers.weight_grids import GRIDS, TernaryGrid, is_on_grid, rounded

# name of the grid, the recipe that stores it, the kernel that its integers are packed for
STORED = [
    ("int8", "static_wi8_ai8", "fully_connected_s8"),
    ("int4", "static_wi4_ai8", "fully_connected_s8_w4"),
    ("ternary", "static_wi2_ai8", "fully_connected_s8_w2"),
]
VOCABULARY = 13
SHAPE = {"n_layers": 1, "n_heads": 2, "d_model": 32, "context_length": 12}

kernels = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12),
    elements=st.floats(-4, 4, width=32).map(lambda value: 0.0 if abs(value) < 1e-6 else value),
)


def as_array(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.quick(1)
@pytest.mark.parametrize("name", GRIDS)
@given(kernel=kernels)
@settings(max_examples=60, deadline=None)
def test_scales_and_integers_are_those_that_are_stored(name, kernel):
    """Rounded once is rounded twice; and the .tflite's integers times its scales are the trained weights."""
    grid = GRIDS[name]
    trained = as_array(rounded(kernel, grid))
    np.testing.assert_allclose(as_array(rounded(trained, grid)), trained, rtol=1e-6)
    assert is_on_grid(trained, grid)
    integers, scales = split_levels(trained.T, grid, "kernel")
    assert integers.dtype == np.int8
    assert np.abs(integers).max() <= grid.highest
    assert (scales > 0).all()
    np.testing.assert_allclose(integers * scales[:, None], trained.T, rtol=1e-6)
    live = np.abs(trained).max(axis=0) > 0
    np.testing.assert_array_equal(np.abs(integers).max(axis=1)[live], grid.highest)


@given(kernel=kernels, threshold=st.floats(0.0, 1.5))
@settings(max_examples=60, deadline=None)
def test_the_scale_of_ternary_weights_is_the_best_one(kernel, threshold):
    """Least squares: no other scale for the same signs comes closer to the weights."""
    grid = TernaryGrid(threshold)
    scales = as_array(grid.scales(kernel))
    signs = as_array(grid.integers(kernel, scales))
    assert set(np.unique(signs)) <= {-1.0, 0.0, 1.0}
    best = np.square(kernel - signs * scales).sum(axis=0)
    for factor in (0.98, 1.02):
        assert (np.square(kernel - signs * scales * factor).sum(axis=0) >= best - 1e-4).all()


def test_a_matrix_beside_its_grid_is_refused():
    weights = np.array([[1.0, 0.5, -1.0]], np.float32)
    assert not is_on_grid(weights.T, GRIDS["ternary"])
    with pytest.raises(UserError, match="block_0 is not on the grid of 2 bits"):
        split_levels(weights, GRIDS["ternary"], "block_0")


def make(use_bias=False):
    keras.utils.set_random_seed(3)
    model = build_model(ModelConfig(**SHAPE, use_bias=use_bias), VOCABULARY)
    random = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(weight + 0.25 * random.standard_normal(weight.shape))
    return model


def tokens(count=400):
    return np.random.default_rng(5).integers(0, VOCABULARY, count).astype(np.int32)


@pytest.mark.slow
@pytest.mark.parametrize("use_bias", [False, True])
@pytest.mark.parametrize(("name", "recipe", "kernel"), STORED)
def test_a_model_on_its_grid_arrives_in_the_tflite_as_it_is(name, recipe, kernel, use_bias, tmp_path):
    """Float model, .tflite and compiled C agree: weights to float32, logits to the noise of int8, integers exactly."""
    model = put_on_grid(make(use_bias), tokens(12)[None], GRIDS[name], equalize=False)
    config = QuantizationConfig(recipe=recipe, calibration_windows=8, equalize=False)
    result = quantize(model, tokens(), config, tmp_path)
    graph = read_tflite(result.decode_path)
    stored = [graph.tensors[op.inputs[1]] for op in graph.operators if op.name == "FULLY_CONNECTED"][:-1]
    for tensor, matrix in zip(stored, matrices_of(model), strict=True):
        assert tensor.dtype == np.int8
        assert pack_fitting(tensor.values(), "generic", FULLY_CONNECTED_S8).kernel == kernel
        products = tensor.values() * np.array(tensor.scales, np.float32)[:, None]
        np.testing.assert_allclose(products, as_array(matrix.value).T, rtol=1e-6, atol=1e-9)
    reference, native = LitertReferenceEngine(result.decode_path), NativeEngine(result.decode_path)
    window = tokens(SHAPE["context_length"])
    steps = [(reference.step_raw(int(token)), native.step_raw(int(token))) for token in window]
    np.testing.assert_array_equal(*map(np.stack, zip(*steps, strict=True)))
    logits = np.stack([reference.logits_format.real(step) for step, _ in steps])
    expected = as_array(model(window[None]))[0]
    assert np.abs(logits - expected).mean() < 0.06 * np.abs(expected).mean() + 2 * reference.logits_format.scale


@pytest.mark.parametrize("equalize", [False, True])
def test_a_model_off_the_grid_is_rounded_and_left_as_it_is(equalize):
    model = make()
    before = [as_array(weight) for weight in model.weights]
    twin = put_on_grid(model, tokens(24).reshape(2, 12), GRIDS["ternary"], equalize)
    assert {is_on_grid(matrix.value, GRIDS["ternary"]) for matrix in matrices_of(twin)} == {True}
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(as_array(weight), old)
