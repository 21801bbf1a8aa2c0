"""For PCs and Linux boards; see deployment/runtime/host/row_blocks.inc."""

import numpy as np

from textzoo.compiler.packing.base import Layout
from textzoo.compiler.packing.generic import PLAIN
from textzoo.compiler.packing.order import Block, Element, Order, round_up

BLOCK = 64  # rows of the kernels' inner loop
LANES = 8  # rows in one of their vectors
LANE = {"column": 4}  # columns in one of its lanes
PADDING = 32  # columns to which they fill up the inputs

# Fewer rows than a vector has lanes come one after the other.
SINGLE_ROW = Block(columns={"column": PADDING})


def sums_times_128(blocks: np.ndarray) -> np.ndarray:
    """Return 128 times the sum of each row: (blocks, rows, columns) int8 -> (blocks, rows) int32."""
    return 128 * blocks.sum(axis=2, dtype=np.int32)


def joined_rows(fields: int, offset: int) -> Order:
    """Return the order of bytes that hold weights + offset of rows eight apart, one in each field."""
    element = Element(shifts={"field": 8 // fields}, offsets=(offset,))
    stripe = {"field": fields, "lane": LANES}
    block = Block({"stripe": BLOCK // (fields * LANES), **stripe}, LANE, element)
    return Order((block, Block(stripe, LANE, element, fewest=LANES), SINGLE_ROW))


S8 = Order((*(Block({"row": rows}, LANE, heads=sums_times_128) for rows in (BLOCK, LANES)), SINGLE_ROW))
W4 = joined_rows(2, 8)
W2 = joined_rows(4, 1)


def scratch_s8(rows: int, columns: int) -> int:
    return 2 * round_up(columns, PADDING)


def scratch_packed(rows: int, columns: int) -> int:
    return round_up(columns, PADDING)


def scratch_s16(rows: int, columns: int) -> int:
    return 4 * min(rows, BLOCK)


# Lowest and highest weight, instructions per multiplication, bytes of code: both with AVX2
# (python benchmarks/gemv.py --cores host, means).
LAYOUTS = {
    "fully_connected_s8": Layout(S8, scratch_s8, -127, 127, 0.210, 2661),
    "fully_connected_s8_w4": Layout(W4, scratch_packed, -8, 7, 0.199, 3477),
    "fully_connected_s8_w2": Layout(W2, scratch_packed, -1, 1, 0.174, 3365),
    "fully_connected_s16": Layout(PLAIN, scratch_s16),
}
