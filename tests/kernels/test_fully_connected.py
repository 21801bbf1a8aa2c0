"""FULLY_CONNECTED int8: every variant gives the integers of its contract, on every core and in every build.

Weights of 8, 4 and 2 bits; a variant without a layout for packed weights calls the generic kernel.
"""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from targets import TARGETS

from bare_metal.cases import Result
from bare_metal.fully_connected import Layer, random_layer
from textzoo.compiler.packing.registry import FULLY_CONNECTED_S8, GENERIC, VARIANTS, layout_of, pack, pack_smallest
from textzoo.errors import UserError

ROWS = (1, 2, 3, 13, 65, 103, 384)
COLUMNS = (1, 2, 3, 96, 128, 255, 256, 515, 516, 517, 1030)
# Smallest and largest shift: typical ones, and those where a kernel changes its way of rounding.
SHIFTS = ((-14, -8), (-31, -20), (-3, -1), (-2, -2), (-1, -1), (0, 0), (1, 1), (-8, 4), (0, 30), (-31, 30))
WIDE = FULLY_CONNECTED_S8[-1]
CLAMPS = ((-128, 127), (-128, 5), (-7, 127), (-20, 30), (3, 3))


def filled(rows: int, columns: int, weight: int, value: int, bias: int = 0, kernel: str = WIDE) -> Layer:
    """A layer whose weights are all the same, and so are its inputs: the largest sums there are."""
    return Layer(
        weights=np.full((rows, columns), weight, np.int8),
        bias=np.full(rows, bias, np.int32),
        multipliers=np.full(rows, 2**31 - 1, np.int32),
        shifts=np.full(rows, -17, np.int8),
        input=np.full(columns, value, np.int8),
        zero_point=3,
        kernel=kernel,
    )


def shape_layers(kernel: str) -> list[Layer]:
    """Every shape, with shifts, clamps and zero points taken in turn."""
    rng = np.random.default_rng(1)
    layers = []
    for index, (rows, columns) in enumerate(product(ROWS, COLUMNS)):
        layer = random_layer(rng, rows, columns, SHIFTS[index % len(SHIFTS)], kernel)
        layers.append(replace(layer, clamp=CLAMPS[index % len(CLAMPS)]))
    return layers


def small_layer(rng: np.random.Generator, shifts: tuple[int, int], kernel: str) -> Layer:
    """Sums of a few units, which large shifts do not bring out of range; half of the factors are powers of two."""
    layer = random_layer(rng, 37, 24, shifts, kernel)
    return replace(
        layer,
        weights=rng.integers(-1, 2, (37, 24)).astype(np.int8),
        bias=rng.integers(-20, 21, 37).astype(np.int32),
        input=rng.integers(-2, 3, 24).astype(np.int8),
        multipliers=np.where(np.arange(37) % 2, 2**30, layer.multipliers).astype(np.int32),
    )


def rounding_layers(kernel: str) -> list[Layer]:
    """All shifts with all clamps, on large and on small sums of both signs, ties among them."""
    rng = np.random.default_rng(2)
    layers = []
    for shifts, clamp in product(SHIFTS, CLAMPS):
        large = random_layer(rng, 37, 24, shifts, kernel)
        layers += [replace(large, clamp=clamp), replace(small_layer(rng, shifts, kernel), clamp=clamp, zero_point=1)]
    return layers


def extreme_layers(kernel: str) -> list[Layer]:
    """The largest sums, alone and with biases that bring them to the ends of int32; no weights, factors of 0."""
    low, high = max(layout_of(kernel, GENERIC).lowest, -127), layout_of(kernel, GENERIC).highest
    layers = [
        filled(rows, columns, weight, value, kernel=kernel)
        for rows, columns in ((7, 32), (7, 512), (7, 513), (6, 516), (9, 1030))
        for weight, value in product((low, high, 0), (-128, -127, 127))
    ]
    smallest, largest = 517 * high * -128, 517 * low * -128
    layers += [filled(5, 517, low, -128, 2**31 - 1 - largest, kernel)]
    layers += [filled(5, 517, high, -128, -(2**31) - smallest, kernel)]
    signs = np.where(np.indices((11, 300)).sum(axis=0) % 2, high, low).astype(np.int8)
    matching = np.where(signs[0] > 0, 127, -128).astype(np.int8)
    layers.append(replace(filled(11, 300, 0, 0, kernel=kernel), weights=signs, input=matching))
    zeros = {"multipliers": np.zeros(5, np.int32), "shifts": np.zeros(5, np.int8)}
    return [*layers, replace(filled(5, 64, high, 127, kernel=kernel), **zeros)]


GROUPS = {"shapes": shape_layers, "rounding": rounding_layers, "extremes": extreme_layers}
LAYERS = {name: [layer for kernel in FULLY_CONNECTED_S8 for layer in make(kernel)] for name, make in GROUPS.items()}


def check(result: Result, layer: Layer, what: str) -> None:
    expected, received = layer.expected(), result.returned[0]
    wrong = np.flatnonzero(expected != received)
    shape = f"{what} {layer.kernel}, {layer.weights.shape}"
    assert wrong.size == 0, f"{shape}: rows {wrong[:8]} are {received[wrong[:8]]} instead of {expected[wrong[:8]]}"
    assert result.intact, f"{shape}: wrote beside its buffers"


@pytest.mark.parametrize("group", LAYERS)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_variant_equals_the_contract(target, group, program_of, tmp_path):
    layers = LAYERS[group]
    cases = []
    for index, layer in enumerate(layers):
        has_own = layer.kernel in VARIANTS[target.variant]
        variant = target.variant if has_own else GENERIC
        cases.append(layer.case(variant, offset=index % 16, fenced=index % 2 == 0))
        cases.append(layer.case(target.variant, generic=True, offset=index % 16))
    results = target.run(program_of(target), cases, tmp_path)
    for layer, variant, generic in zip(layers, results[0::2], results[1::2], strict=True):
        check(variant, layer, target.variant)
        check(generic, layer, "generic")


def test_the_oracle_can_fail():
    layer = random_layer(np.random.default_rng(3), 4, 4)
    with pytest.raises(AssertionError, match="rows"):
        check(Result(0, True, [layer.expected() ^ 1]), layer, "none")


@pytest.mark.parametrize(("variant", "kernel"), [(name, kernel) for name in VARIANTS for kernel in VARIANTS[name]])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (128, 128), (65, 128), (384, 128), (103, 96), (128, 256)])
def test_packing_adds_little(variant, kernel, rows, columns):
    bits = {"w2": 2, "w4": 4}.get(kernel.rsplit("_", 1)[-1], 8)
    packed = pack(np.ones((rows, columns), np.int8), kernel, variant)
    assert packed.values.ndim == 1
    assert packed.values.dtype in (np.int8, np.int32)
    assert packed.scratch_bytes <= 4 * columns + 1024
    if rows > 1 and variant != "host":
        filled_up = -(-rows // 8) * 8  # the last block of rows
        assert packed.values.nbytes <= 1.08 * filled_up * columns * bits / 8


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("lowest", "highest"), [(-1, 1), (-2, 1), (-1, 2), (-8, 7), (-9, 7), (-8, 8), (-127, 127), (-128, 127)]
)
def test_the_smallest_layout_that_holds_the_weights_is_taken(variant, lowest, highest):
    weights = np.array([[lowest, highest], [0, 0]], np.int8)
    packed = pack_smallest(weights, variant)
    own = [kernel for kernel in FULLY_CONNECTED_S8 if kernel in VARIANTS[variant]]
    fitting = [kernel for kernel in own if layout_of(kernel, variant).fits(weights)]
    assert (packed.kernel, packed.variant) == ((fitting[0], variant) if fitting else (f"{WIDE}_any", GENERIC))


@pytest.mark.parametrize(
    ("kernel", "weight"), [("fully_connected_s8", -128), ("fully_connected_s8_w4", 8), ("fully_connected_s8_w2", 2)]
)
def test_weights_that_do_not_fit_are_refused(kernel, weight):
    weights = np.full((2, 2), weight, np.int8)
    with pytest.raises(ValueError, match="do not fit dsp"):
        pack(weights, kernel, "dsp")


def test_unknown_variants_and_kernels_are_named():
    with pytest.raises(UserError, match="Did you mean 'dsp'"):
        pack(np.zeros((1, 1), np.int8), WIDE, "dps")
    with pytest.raises(UserError, match="Did you mean 'fully_connected_s8_w4'"):
        pack(np.zeros((1, 1), np.int8), "fully_connected_w4", "dsp")
