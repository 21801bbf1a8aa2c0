"""Packed weights lie where their order says; tests/kernels compares what each kernel reads there with the contract."""

import numpy as np
import pytest

from textzoo.compiler.packing.registry import VARIANTS, pack

DESCRIBED = [(variant, kernel) for variant, table in VARIANTS.items() for kernel in table if table[kernel].order]
SHAPES = [(1, 1), (3, 5), (7, 16), (8, 15), (13, 33), (29, 40), (64, 64)]


def recognisable(rows, columns, layout):
    """(rows, columns) int8: as many different numbers, one after the other, as the layout holds."""
    span = layout.highest - layout.lowest + 1
    # A step that is prime to every span visits all numbers.
    return (np.arange(rows * columns) * 5 % span + layout.lowest).astype(np.int8).reshape(rows, columns)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("variant", "kernel"), DESCRIBED)
def test_packed_weights_are_found_by_their_order(variant, kernel, shape):
    layout = VARIANTS[variant][kernel]
    weights = recognisable(*shape, layout)
    packed = pack(weights, kernel, variant).values
    np.testing.assert_array_equal(layout.order.unpack(packed, *shape, layout.lowest), weights)


@pytest.mark.parametrize(("variant", "kernel"), DESCRIBED)
def test_every_weight_has_bits_of_its_own(variant, kernel):
    """One weight changed is one weight changed where the order says."""
    layout, shape = VARIANTS[variant][kernel], (9, 18)
    weights = np.zeros(shape, np.int8)
    for place in np.ndindex(shape):
        weights[place] = 1
        packed = pack(weights, kernel, variant).values
        np.testing.assert_array_equal(layout.order.unpack(packed, *shape, layout.lowest), weights)
        weights[place] = 0
