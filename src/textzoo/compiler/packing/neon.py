"""For 64-bit Arm cores with Linux."""

import numpy as np

from textzoo.compiler.packing.base import Layout
from textzoo.compiler.packing.order import Block, Order, padded, round_up

ROWS = 4  # whose sums the kernel brings into one vector
BLOCK = 16  # rows whose squares it reads at once
VECTOR = 16  # columns
LANES = 8  # of int16, each of which takes every eighth column
SEGMENT = 64  # columns, of which a lane takes eight products
WIDE_BLOCK = 64  # rows whose sums the kernel for many zeros holds at once
MAX_PARTS = 3  # of at most 127, in which it takes an input


def largest_squares(weights: np.ndarray) -> np.ndarray:
    """Return the largest sum of the squares of eight weights that share a lane.

    Args:
        weights: (rows, columns) int8, of which rows a multiple of 4.

    Returns:
        (n,) int32: for every 4 rows, then zeros up to a multiple of 4.
    """
    wide = padded(weights, ROWS, SEGMENT).astype(np.int32)
    squares = wide.reshape(len(weights) // ROWS, -1, SEGMENT // LANES, LANES) ** 2
    largest = squares.sum(axis=2).max(axis=(1, 2))
    return padded(largest[np.newaxis], 1, BLOCK // ROWS).ravel()


# For every 4 rows the largest sum of squares in a lane, then row by row.
S8 = Order((Block(columns={"column": VECTOR}),), rows=ROWS, head=largest_squares)
# Column by column in blocks of 64 rows, then of 16.
SPARSE = Order((Block({"row": WIDE_BLOCK}), Block({"row": BLOCK}, fewest=1)))


def scratch_s8(rows: int, columns: int) -> int:
    return round_up(columns, VECTOR)


def scratch_sparse(rows: int, columns: int) -> int:
    return 4 * MAX_PARTS * columns


# Lowest and highest weight, instructions per multiplication (of pico_gpt's matrices but those behind a ReLU:
# python benchmarks/decode_cost.py --boards STM32MP2), bytes of code.
LAYOUTS = {
    "fully_connected_s8": Layout(S8, scratch_s8, -127, 127, 0.230, 8764),
    "fully_connected_s8_sparse": Layout(SPARSE, scratch_sparse, -127, block_rows=BLOCK),
}
