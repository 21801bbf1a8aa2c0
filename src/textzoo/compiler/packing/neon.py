"""For 64-bit Arm cores with Linux."""

import numpy as np

from textzoo.compiler.packing.base import Layout, padded, round_up

BLOCK = 16  # rows of the kernel's inner loop
LANES = 4  # rows in one of its vectors
GROUP = 4  # columns in one of its lanes
PADDING = 16  # columns to which it fills up


def pack_s8(weights: np.ndarray) -> np.ndarray:
    """(rows, columns) int8 -> int8: blocks of 16 rows, then blocks of 4; of a block 4 columns of every row in turn."""
    wide = padded(weights, LANES, PADDING)
    whole = len(weights) // BLOCK * BLOCK
    starts = [*range(0, whole, BLOCK), *range(whole, len(wide), LANES)]
    blocks = [wide[start:stop] for start, stop in zip(starts, [*starts[1:], len(wide)], strict=True)]
    return np.concatenate([block.reshape(len(block), -1, GROUP).swapaxes(0, 1).ravel() for block in blocks])


def scratch_s8(rows: int, columns: int) -> int:
    return round_up(columns, PADDING)


# Lowest and highest weight, instructions per multiplication (python benchmarks/decode_cost.py --boards STM32MP2), bytes
# of code.
LAYOUTS = {"fully_connected_s8": Layout(pack_s8, scratch_s8, -127, 127, 0.321, 1284)}
