"""For any core: row by row, as many weights in a byte as fit."""

import numpy as np

from textzoo.compiler.packing.base import Layout, joined_fields, padded
from textzoo.compiler.packing.base3 import pack_b3, scratch_b3
from textzoo.compiler.packing.order import Order
from textzoo.compiler.packing.sparse import SPARSE_LAYOUT

PLAIN = Order()
W4 = Order(joined=2, factor=16, offset=8 * 17)  # weight + 8 in both halves of a byte
W2 = Order(joined=4, factor=4, offset=0b01010101)  # weight + 1 in each quarter


def no_scratch(rows: int, columns: int) -> int:
    return 0


def pack_w4(weights: np.ndarray) -> np.ndarray:
    """(rows, columns) int8 in [-8, 7] -> int8: rows of (columns + 1) / 2 bytes, two weights + 8 in each."""
    pairs = padded(weights, 1, 2).reshape(len(weights), -1, 2)
    return joined_fields(pairs + 8, 4).ravel().view(np.int8)


def pack_w2(weights: np.ndarray) -> np.ndarray:
    """(rows, columns) int8 in [-1, 1] -> int8: rows of (columns + 3) / 4 bytes, four weights + 1 in each."""
    fours = padded(weights, 1, 4).reshape(len(weights), -1, 4)
    return joined_fields(fours + 1, 2).ravel().view(np.int8)


# Lowest and highest weight, instructions per multiplication, bytes of code: both on a Cortex-M4
# (python benchmarks/gemv.py --cores m4, means). Xtensa and RV32 rank 8 and 4 bits the other way; they have mul32.
LAYOUTS = {
    "fully_connected_s8": Layout(np.ravel, no_scratch, -128, 127, 5.30, 172, order=PLAIN),
    "fully_connected_s8_any": Layout(np.ravel, no_scratch, -128, 127, 5.30, 172, order=PLAIN),
    "fully_connected_s8_w4": Layout(pack_w4, no_scratch, -8, 7, 5.95, 324, order=W4),
    "fully_connected_s8_w2": Layout(pack_w2, no_scratch, -1, 1, 4.97, 392, order=W2),
    "fully_connected_s8_b3": Layout(pack_b3, scratch_b3, -1, 1, 1.96, 880),
    "fully_connected_s8_sparse": SPARSE_LAYOUT,
    "fully_connected_s16": Layout(np.ravel, no_scratch, order=PLAIN),
    "fully_connected_s16_any": Layout(np.ravel, no_scratch, order=PLAIN),
    "fully_connected_s16_long": Layout(np.ravel, no_scratch, order=PLAIN),
}
