"""Packed weights lie where their order says, and the kernels count as it does.

tests/kernels compares what each kernel computes from packed weights with the contract.
"""

import re

import numpy as np
import pytest

from textzoo.compiler.backend.kernels import RUNTIME
from textzoo.compiler.packing import base3, dsp, host, mul32, mve, neon, sparse, wasm
from textzoo.compiler.packing.registry import VARIANTS, pack

LAYOUTS = [(variant, kernel) for variant, table in VARIANTS.items() for kernel in table]
SHAPES = [(1, 1), (3, 5), (7, 16), (8, 15), (13, 33), (29, 40), (64, 64), (95, 18), (141, 9), (5, 1030), (519, 11)]
# File of the runtime, constant, its value in the description.
CONSTANTS = [
    ("dsp/pair_sums.inc", "TILE", dsp.S8.tile),
    ("dsp/pair_sums.inc", "CHUNK", dsp.S8.chunk),
    ("dsp/pair_sums.inc", "GROUP", dsp.S8.blocks[0].width),
    ("dsp/fully_connected_s16.c", "GROUP", dsp.S16.blocks[0].width),
    ("host/row_blocks.inc", "LANES", host.S8.blocks[1].height()),
    ("host/row_blocks.inc", "GROUP", host.S8.blocks[0].width),
    *(
        (f"host/fully_connected_s8_{name}.c", constant, value)
        for name, order in (("w4", host.W4), ("w2", host.W2))
        for constant, value in (
            ("FIELDS", order.blocks[0].rows["field"]),
            ("OFFSET", order.blocks[0].element.offsets[0]),
        )
    ),
    ("internal/base3_sums.h", "TZ_BASE3_DIGITS", base3.B3.blocks[0].columns["digit"]),
    ("internal/base3_sums.h", "TZ_BASE3_COLUMNS", base3.B3.blocks[0].width),
    ("internal/base3_sums.h", "TZ_BASE3_TILE", base3.B3.tile),
    ("internal/sparse_columns.h", "TZ_SPARSE_ROWS", sparse.SPARSE_ORDER.blocks[0].height()),
    ("mul32/fully_connected_s8.c", "ROWS", mul32.S8.blocks[0].height()),
    ("mul32/fully_connected_s8.c", "COLUMNS", mul32.S8.blocks[0].width),
    ("mul32/row_lanes.inc", "ROWS", mul32.W4.blocks[0].height()),
    ("mul32/fully_connected_s8_w4.c", "BITS", mul32.W4.blocks[0].element.shifts["column"]),
    ("mul32/fully_connected_s8_w4.c", "OFFSET", mul32.W4.blocks[0].element.offsets[0]),
    ("mul32/fully_connected_s8_w2.c", "BITS", mul32.W2.blocks[0].element.shifts["column"]),
    ("mul32/fully_connected_s8_w2.c", "OFFSET", mul32.W2.blocks[0].element.offsets[0]),
    ("mve/tile_sums.inc", "GROUP", mve.S8.blocks[0].width),
    ("mve/fully_connected_s8.c", "BLOCK", mve.S8.blocks[0].height()),
    ("mve/fully_connected_s8_w4.c", "BLOCK", mve.W4.blocks[0].height()),
    ("mve/fully_connected_s8_w2.c", "BLOCK", mve.W2.blocks[0].height()),
    ("mve/fully_connected_s16.c", "BLOCK", mve.S16.blocks[0].height()),
    ("mve/fully_connected_s16.c", "GROUP", mve.S16.blocks[0].width),
    ("neon/fully_connected_s8.c", "VECTOR", neon.S8.blocks[0].width),
    ("neon/finish_rows.h", "BLOCK", neon.SPARSE.blocks[1].height()),
    ("wasm/fully_connected_s8.c", "BLOCK", wasm.S8.blocks[0].height()),
    ("wasm/fully_connected_s8.c", "LANES", wasm.S8.blocks[1].height()),
    ("wasm/fully_connected_s8.c", "GROUP", wasm.S8.blocks[0].width),
]


def recognisable(rows, columns, layout):
    """(rows, columns) int8: as many different numbers, one after the other, as the layout holds."""
    span = layout.highest - layout.lowest + 1
    # A step that is prime to every span visits all numbers.
    return (np.arange(rows * columns) * 5 % span + layout.lowest).astype(np.int8).reshape(rows, columns)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("variant", "kernel"), LAYOUTS)
def test_packed_weights_are_found_by_their_order(variant, kernel, shape):
    layout = VARIANTS[variant][kernel]
    weights = recognisable(*shape, layout)
    packed = pack(weights, kernel, variant).values
    np.testing.assert_array_equal(layout.order.unpack(packed, *shape, layout.lowest), weights)


@pytest.mark.parametrize(("variant", "kernel"), LAYOUTS)
def test_every_weight_has_bits_of_its_own(variant, kernel):
    """One weight changed is one weight changed where the order says."""
    layout, shape = VARIANTS[variant][kernel], (9, 18)
    weights = np.zeros(shape, np.int8)
    for position in np.ndindex(shape):
        weights[position] = 1
        packed = pack(weights, kernel, variant).values
        np.testing.assert_array_equal(layout.order.unpack(packed, *shape, layout.lowest), weights)
        weights[position] = 0


@pytest.mark.parametrize(("path", "name", "value"), CONSTANTS)
def test_kernels_have_the_constants_of_the_description(path, name, value):
    assert re.findall(rf"\b{name}(?: =)? (\d+)\b", (RUNTIME / path).read_text(encoding="utf-8")) == [str(value)]
