"""For Cortex-M55."""

import numpy as np

from textzoo.compiler.packing.base import Layout, padded, round_up

BLOCK = 7  # rows of the kernel's inner loop
TILE = 132  # rows whose sums the kernel keeps at most
GROUP = 16  # columns in one of its vectors


def pack_s8(weights: np.ndarray) -> np.ndarray:
    """(rows, columns) int8 -> int8: blocks of rows, 16 columns of each row in turn, then the remaining rows."""
    wide = padded(weights, 1, GROUP)
    whole = len(wide) // BLOCK * BLOCK
    blocks = wide[:whole].reshape(-1, BLOCK, wide.shape[1] // GROUP, GROUP).swapaxes(1, 2)
    return np.concatenate([blocks.ravel(), wide[whole:].ravel()])


def scratch_s8(rows: int, columns: int) -> int:
    inputs = 0 if columns % GROUP == 0 else round_up(columns, GROUP)
    return 4 * min(rows, TILE) + inputs


LAYOUTS = {"fully_connected_s8": Layout(pack_s8, scratch_s8)}
