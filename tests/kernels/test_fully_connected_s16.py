"""FULLY_CONNECTED int16: every variant gives the integers of its contract, on every core and in every build."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from targets import TARGETS

from textzoo.compiler.packing.registry import GENERIC, VARIANTS, pack
from textzoo.testing.bare_metal.cases import Result
from textzoo.testing.bare_metal.fully_connected_s16 import KERNEL, WideLayer, random_wide_layer

ROWS = (1, 2, 3, 7, 32, 33, 65, 130)
COLUMNS = (1, 2, 7, 8, 9, 31, 96, 128, 129, 256, 512)
SHIFTS = ((-18, -12), (-31, -20), (-3, -2), (-2, -2), (-8, -4), (-31, -2))
CLAMPS = ((-32768, 32767), (0, 32767), (-32768, 100), (-700, 900), (3, 3))


def filled(rows: int, columns: int, weight: int, value: int, bias: int = 0, shift: int = -17) -> WideLayer:
    """A layer whose weights are all the same, and so are its inputs: the largest sums there are."""
    return WideLayer(
        weights=np.full((rows, columns), weight, np.int8),
        bias=np.full(rows, bias, np.int32),
        multipliers=np.full(rows, 2**31 - 1, np.int32),
        low_multipliers=np.full(rows, 2**31 - 1, np.int32),
        shifts=np.full(rows, shift, np.int8),
        input=np.full(columns, value, np.int16),
    )


def shape_layers() -> list[WideLayer]:
    """Every shape, with shifts and clamps taken in turn."""
    rng = np.random.default_rng(1)
    layers = []
    for index, (rows, columns) in enumerate(product(ROWS, COLUMNS)):
        layer = random_wide_layer(rng, rows, columns, SHIFTS[index % len(SHIFTS)])
        layers.append(replace(layer, clamp=CLAMPS[index % len(CLAMPS)]))
    return layers


def rounding_layers() -> list[WideLayer]:
    """All shifts with all clamps, on sums of a few units of both signs; half of the factors are powers of two: ties."""
    rng = np.random.default_rng(2)
    layers = []
    for shifts, clamp in product(SHIFTS, CLAMPS):
        layer = random_wide_layer(rng, 37, 24, shifts)
        is_power = np.arange(37) % 2 == 0
        layers.append(
            replace(
                layer,
                weights=rng.integers(-1, 2, (37, 24)).astype(np.int8),
                bias=rng.integers(-20, 21, 37).astype(np.int32),
                input=rng.integers(-9, 10, 24).astype(np.int16),
                multipliers=np.where(is_power, 2**30, layer.multipliers).astype(np.int32),
                low_multipliers=np.where(is_power, 0, layer.low_multipliers).astype(np.int32),
                clamp=clamp,
            )
        )
    return layers


def extreme_layers() -> list[WideLayer]:
    """The largest sums, alone and with biases that bring them to the ends of int32; signs that cancel; no weights."""
    ends = product((-127, 127, 0), (-32768, -32767, 32767), (-31, -17, -2))
    layers = [filled(5, columns, *end[:2], shift=end[2]) for end in ends for columns in (9, 512)]
    largest = 512 * 127 * 32768
    layers += [filled(3, 512, -127, -32768, 2**31 - 1 - largest), filled(3, 512, 127, -32768, largest - 2**31)]
    signs = np.where(np.indices((11, 300)).sum(axis=0) % 2, 127, -127).astype(np.int8)
    matching = np.where(signs[0] > 0, 32767, -32768).astype(np.int16)
    return [*layers, replace(filled(11, 300, 0, 0), weights=signs, input=matching)]


GROUPS = {"shapes": shape_layers(), "rounding": rounding_layers(), "extremes": extreme_layers()}


def check(result: Result, layer: WideLayer, what: str) -> None:
    message = f"{what}, {layer.weights.shape}, clamp {layer.clamp}"
    np.testing.assert_array_equal(result.returned[0], layer.expected(), err_msg=message)
    assert result.intact, f"{message}: wrote beside its buffers"


@pytest.mark.quick("m4-", "rv32", "host_sanitized")
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_variant_equals_the_contract(target, group, program_of, tmp_path):
    variant = target.variant if KERNEL in VARIANTS[target.variant] else GENERIC
    cases = []
    for index, layer in enumerate(GROUPS[group]):
        cases.append(layer.case(variant, offset=index % 16 if index % 3 else 0, fenced=index % 4 == 1))
        cases.append(layer.case(variant, generic=True, offset=index % 16))
    results = target.run(program_of(target), cases, tmp_path)
    for layer, own, generic in zip(GROUPS[group], results[0::2], results[1::2], strict=True):
        check(own, layer, variant)
        check(generic, layer, GENERIC)


def test_the_layers_reach_the_ends_of_32_bits():
    sums = np.concatenate([layer.sums() for layer in GROUPS["extremes"]])
    assert (sums.min(), sums.max()) == (-(2**31), 2**31 - 1)


@pytest.mark.parametrize("variant", [name for name in VARIANTS if KERNEL in VARIANTS[name]])
@pytest.mark.parametrize(("rows", "columns"), [(128, 128), (65, 128), (384, 128), (103, 96), (128, 256)])
def test_packing_adds_little(variant, rows, columns):
    packed = pack(np.ones((rows, columns), np.int8), KERNEL, variant)
    assert packed.values.nbytes <= 1.04 * rows * columns
    assert packed.scratch_bytes <= 2 * columns + 128
