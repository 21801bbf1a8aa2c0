"""For PCs and Linux boards."""

import numpy as np

from textzoo.compiler.packing.base import Layout, padded, round_up

BLOCK = 64  # rows of the kernel's inner loop
LANES = 8  # rows in one of its vectors
GROUP = 4  # columns in one of its lanes
PADDING = 32  # columns to which it fills up the inputs, and single rows of weights


def pack_s8(weights: np.ndarray) -> np.ndarray:
    """(rows, columns) int8 -> int8: blocks of 64 rows, blocks of 8 rows, then single rows."""
    rows = len(weights)
    starts = [*range(0, rows - BLOCK + 1, BLOCK), *range(rows // BLOCK * BLOCK, rows, LANES)]
    blocks = [weights[start:stop] for start, stop in zip(starts, [*starts[1:], rows], strict=True)]
    packed = [packed_block(block) if len(block) >= LANES else packed_rows(block) for block in blocks]
    return np.concatenate(packed)


def packed_rows(rows: np.ndarray) -> np.ndarray:
    """(1 to 7, columns) int8 -> int8."""
    return padded(rows, 1, PADDING).ravel()


def packed_block(block: np.ndarray) -> np.ndarray:
    """(8 or 64, columns) int8 -> int8."""
    sums = 128 * block.sum(axis=1, dtype=np.int32)
    columns = padded(block, 1, GROUP).reshape(len(block), -1, GROUP).swapaxes(0, 1)
    return np.concatenate([sums.astype("<i4").view(np.int8), columns.ravel()])


def scratch_s8(rows: int, columns: int) -> int:
    return 2 * round_up(columns, PADDING)


LAYOUTS = {"fully_connected_s8": Layout(pack_s8, scratch_s8, -127)}
