"""For 64-bit Arm cores with Linux."""

import numpy as np

from textzoo.compiler.packing.base import Layout, padded, round_up

ROWS = 4  # whose sums the kernel brings into one vector
BLOCK = 16  # rows whose squares it reads at once
VECTOR = 16  # columns
LANES = 8  # of int16, each of which takes every eighth column
SEGMENT = 64  # columns, of which a lane takes eight products
WIDE_BLOCK = 64  # rows whose sums the kernel for many zeros holds at once
MAX_PARTS = 3  # of at most 127, in which it takes an input


def pack_s8(weights: np.ndarray) -> np.ndarray:
    """(rows, columns) int8 -> int8: for every 4 rows the largest sum of squares in a lane, then row by row."""
    wide = padded(weights, ROWS, VECTOR)
    squares = padded(largest_squares(wide)[np.newaxis], 1, BLOCK // ROWS).ravel()
    return np.concatenate([squares.astype("<i4").view(np.int8), wide.ravel()])


def largest_squares(weights: np.ndarray) -> np.ndarray:
    """(rows, columns) -> (rows / 4) int32: the largest sum of the squares of eight weights that share a lane."""
    segments = (
        padded(weights, ROWS, SEGMENT).astype(np.int32).reshape(len(weights) // ROWS, -1, SEGMENT // LANES, LANES)
    )
    return (segments**2).sum(axis=2).max(axis=(1, 2)).astype(np.int32)


def scratch_s8(rows: int, columns: int) -> int:
    return round_up(columns, VECTOR)


def pack_sparse(weights: np.ndarray) -> np.ndarray:
    """(rows, columns) int8 -> int8: blocks of 64 rows, then of 16, each column by column."""
    wide = padded(weights, BLOCK, 1)
    border = len(weights) // WIDE_BLOCK * WIDE_BLOCK  # as the kernel counts: rows that fill up do not make a wide block
    blocks = [wide[row : row + WIDE_BLOCK] for row in range(0, border, WIDE_BLOCK)]
    blocks += [wide[row : row + BLOCK] for row in range(border, len(wide), BLOCK)]
    return np.concatenate([block.T.ravel() for block in blocks])


def scratch_sparse(rows: int, columns: int) -> int:
    return 4 * MAX_PARTS * columns


# Lowest and highest weight, instructions per multiplication (of pico_gpt's matrices but those behind a ReLU:
# python benchmarks/decode_cost.py --boards STM32MP2), bytes of code.
LAYOUTS = {
    "fully_connected_s8": Layout(pack_s8, scratch_s8, -127, 127, 0.230, 8764),
    "fully_connected_s8_sparse": Layout(pack_sparse, scratch_sparse, -127, block_rows=BLOCK),
}
