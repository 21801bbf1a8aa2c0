"""For Xtensa and RV32: words that a multiplication takes as two numbers; see deployment/runtime/mul32."""

from collections.abc import Callable

import numpy as np

from textzoo.compiler.packing.base import Layout
from textzoo.compiler.packing.base3 import B3, scratch_b3
from textzoo.compiler.packing.order import Block, Element, Order, padded, round_up
from textzoo.compiler.packing.sparse import SPARSE_LAYOUT

ROWS_S8 = 4
COLUMNS_S8 = 4  # in a word
GROUP_S8 = 16  # that the kernel adds up before it shifts, where the proof holds
ROWS_LANES = 8


def block_heads(blocks: np.ndarray) -> np.ndarray:
    """Return what the inputs' squares may be, then the sums of the four rows.

    Sums take 16 bits each. Where one of the matrix does not fit, they are all 0 and the highest bit is set.

    Args:
        blocks: (blocks, 4, columns) int8, those of the whole matrix.

    Returns:
        (blocks, 3) uint32.
    """
    weights = blocks.astype(np.int32)
    sums = weights.sum(axis=2)
    fit = bool(np.all(np.abs(sums) < 2**15))
    halves = (sums if fit else 0 * sums).astype(np.uint32) & 0xFFFF
    limits = safe_squares(weights, COLUMNS_S8, 2**16) | safe_squares(weights, GROUP_S8, 2**15) << 16
    first = limits | (0 if fit else 2**31)
    return np.stack([first, halves[:, 0] | halves[:, 1] << 16, halves[:, 2] | halves[:, 3] << 16], axis=1)


def safe_squares(blocks: np.ndarray, columns: int, limit: int) -> np.ndarray:
    """Return the mean of the squares of inputs up to which Cauchy-Schwarz proves that sums of products fit int16.

    Args:
        blocks: (blocks, 4, columns) int32 weights.
        columns: Of a sum.
        limit: Above the greatest number that is returned.

    Returns:
        (blocks,) uint32.
    """
    wide = padded(blocks.reshape(-1, blocks.shape[2]), 1, columns)
    squares = (wide.reshape(len(blocks), -1, columns) ** 2).sum(axis=2).max(axis=1)
    return np.minimum(32767**2 // np.maximum(columns * squares, 1), limit - 1).astype(np.uint32)


def scratch_s8(rows: int, columns: int) -> int:
    return 4 * round_up(columns, COLUMNS_S8) + 12 * (columns // GROUP_S8) + 24


# Blocks of 4 rows, in each for every 4 columns a word of each row: bytes + 128.
S8 = Order(
    (Block({"row": ROWS_S8}, {"column": COLUMNS_S8}, Element(offsets=(128,)), fewest=1, heads=block_heads),),
    dtype="int32",
)


def lanes(bits: int, offset: int) -> Order:
    """Return the order of blocks of 8 rows, in each for every 16 / bits columns a word of each pair of rows."""
    element = Element(32, {"half": 16, "column": bits}, offsets=(offset,))
    rows = {"pair": ROWS_LANES // 2, "half": 2}
    return Order((Block(rows, {"column": 16 // bits}, element, fewest=1, padding=-offset),), dtype="int32")


W4 = lanes(4, 8)
W2 = lanes(2, 1)


def lanes_scratch(bits: int) -> Callable[[int, int], int]:
    return lambda rows, columns: 4 * round_up(columns, 16 // bits)


# Lowest and highest weight, instructions per multiplication, bytes of code: both on the lx106
# (python benchmarks/gemv.py --cores lx106 rv32, means; RV32: 2.69, 3.31, 3.25, 2.10). Rows of a block. With weights of
# few bits the kernel of 8 bits takes its fastest way; with weights and inputs spread evenly over int8 it takes 4.18.
LAYOUTS = {
    "fully_connected_s8": Layout(S8, scratch_s8, -127, 127, 3.06, 3088, ROWS_S8),
    "fully_connected_s8_w4": Layout(W4, lanes_scratch(4), -8, 7, 3.40, 910, ROWS_LANES),
    "fully_connected_s8_w2": Layout(W2, lanes_scratch(2), -1, 1, 2.82, 1102, ROWS_LANES),
    "fully_connected_s8_b3": Layout(B3, scratch_b3, -1, 1, 2.09, 985),
    "fully_connected_s8_sparse": SPARSE_LAYOUT,
}
