"""FULLY_CONNECTED int8: every variant gives the integers of its contract, on every core and in every build."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from targets import TARGETS

from bare_metal.cases import Result
from bare_metal.fully_connected import Layer, random_layer
from textzoo.compiler.packing import VARIANTS, fits, fully_connected_s8_scratch_bytes, pack_fully_connected_s8
from textzoo.errors import UserError

ROWS = (1, 2, 3, 5, 65, 103, 384)
COLUMNS = (1, 2, 3, 96, 128, 255, 256, 515, 516, 517, 1030)
# Smallest and largest shift: typical ones, and those where a kernel changes its way of rounding.
SHIFTS = ((-14, -8), (-31, -20), (-3, -1), (-2, -2), (-1, -1), (0, 0), (1, 1), (-8, 4), (0, 30), (-31, 30))
CLAMPS = ((-128, 127), (-128, 5), (-7, 127), (-20, 30), (3, 3))


def filled(rows: int, columns: int, weight: int, value: int, bias: int = 0) -> Layer:
    """A layer whose weights are all the same, and so are its inputs: the largest sums there are."""
    return Layer(
        weights=np.full((rows, columns), weight, np.int8),
        bias=np.full(rows, bias, np.int32),
        multipliers=np.full(rows, 2**31 - 1, np.int32),
        shifts=np.full(rows, -17, np.int8),
        input=np.full(columns, value, np.int8),
        zero_point=3,
    )


def shape_layers() -> list[Layer]:
    """Every shape, with shifts, clamps and zero points taken in turn."""
    rng = np.random.default_rng(1)
    layers = []
    for index, (rows, columns) in enumerate(product(ROWS, COLUMNS)):
        layer = random_layer(rng, rows, columns, SHIFTS[index % len(SHIFTS)])
        layers.append(replace(layer, clamp=CLAMPS[index % len(CLAMPS)]))
    return layers


def small_layer(rng: np.random.Generator, shifts: tuple[int, int]) -> Layer:
    """Sums of a few units, which large shifts do not bring out of range; half of the factors are powers of two."""
    layer = random_layer(rng, 37, 24, shifts)
    return replace(
        layer,
        weights=rng.integers(-1, 2, (37, 24)).astype(np.int8),
        bias=rng.integers(-20, 21, 37).astype(np.int32),
        input=rng.integers(-2, 3, 24).astype(np.int8),
        multipliers=np.where(np.arange(37) % 2, 2**30, layer.multipliers).astype(np.int32),
    )


def rounding_layers() -> list[Layer]:
    """All shifts with all clamps, on large and on small sums of both signs, ties among them."""
    rng = np.random.default_rng(2)
    layers = []
    for shifts, clamp in product(SHIFTS, CLAMPS):
        large = random_layer(rng, 37, 24, shifts)
        layers += [replace(large, clamp=clamp), replace(small_layer(rng, shifts), clamp=clamp, zero_point=1)]
    return layers


def extreme_layers() -> list[Layer]:
    """The largest sums, alone and with biases that bring them to the ends of int32; no weights, factors of 0."""
    layers = [
        filled(rows, columns, weight, value)
        for rows, columns in ((7, 512), (7, 513), (6, 516), (9, 1030))
        for weight, value in product((-127, 127, 0), (-128, -127, 127))
    ]
    largest = 517 * 127 * 128
    layers += [filled(5, 517, -127, -128, 2**31 - 1 - largest), filled(5, 517, 127, -128, largest - 2**31)]
    signs = np.where(np.indices((11, 300)).sum(axis=0) % 2, 127, -127).astype(np.int8)
    matching = np.where(signs[0] > 0, 127, -128).astype(np.int8)
    layers.append(replace(filled(11, 300, 0, 0), weights=signs, input=matching))
    return [*layers, replace(filled(5, 64, 127, 127), multipliers=np.zeros(5, np.int32), shifts=np.zeros(5, np.int8))]


LAYERS = {"shapes": shape_layers(), "rounding": rounding_layers(), "extremes": extreme_layers()}


def check(result: Result, layer: Layer, what: str) -> None:
    expected, received = layer.expected(), result.returned[0]
    wrong = np.flatnonzero(expected != received)
    shape = f"{what}, {layer.weights.shape}"
    assert wrong.size == 0, f"{shape}: rows {wrong[:8]} are {received[wrong[:8]]} instead of {expected[wrong[:8]]}"
    assert result.intact, f"{shape}: wrote beside its buffers"


@pytest.mark.parametrize("group", LAYERS)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_variant_equals_the_contract(target, group, program_of, tmp_path):
    layers = LAYERS[group]
    cases = []
    for index, layer in enumerate(layers):
        cases.append(layer.case(target.variant, offset=index % 16, fenced=index % 2 == 0))
        cases.append(layer.case(target.variant, generic=True, offset=index % 16))
    results = target.run(program_of(target), cases, tmp_path)
    for layer, variant, generic in zip(layers, results[0::2], results[1::2], strict=True):
        check(variant, layer, target.variant)
        check(generic, layer, "generic")


def test_the_oracle_can_fail():
    layer = random_layer(np.random.default_rng(3), 4, 4)
    with pytest.raises(AssertionError, match="rows"):
        check(Result(0, True, [layer.expected() ^ 1]), layer, "none")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (128, 128), (65, 128), (384, 128), (103, 96), (128, 256)])
def test_packing_adds_little(variant, rows, columns):
    weights = np.ones((rows, columns), np.int8)
    packed = pack_fully_connected_s8(weights, variant)
    assert packed.ndim == 1
    assert packed.dtype in (np.int8, np.int32)
    assert fully_connected_s8_scratch_bytes(variant, rows, columns) <= 4 * columns + 1024
    if rows > 1 and variant != "host":
        assert packed.nbytes <= 1.04 * weights.nbytes


def test_weights_that_do_not_fit_are_found():
    weights = np.zeros((2, 2), np.int8)
    assert fits(weights, "dsp")
    weights[1, 1] = -128
    assert not fits(weights, "dsp")
    assert fits(weights, "generic")
    with pytest.raises(ValueError, match="generic"):
        pack_fully_connected_s8(weights, "dsp")


def test_unknown_variants_are_named():
    with pytest.raises(UserError, match="Did you mean 'dsp'"):
        pack_fully_connected_s8(np.zeros((1, 1), np.int8), "dps")
