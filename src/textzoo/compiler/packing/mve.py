"""For Cortex-M55: bytes of one, two or four rows; see deployment/runtime/mve."""

from collections.abc import Callable

import numpy as np

from textzoo.compiler.packing.base import Layout, padded, round_up

TILE = 132  # rows whose sums the kernels keep at most
GROUP = 16  # columns in one of their vectors


def packer(block: int, joined: int, factor: int = 1, offset: int = 0) -> Callable[[np.ndarray], np.ndarray]:
    """(rows, columns) int8 -> int8: blocks of rows, 16 columns of each byte of rows in turn, then the remaining rows.

    Args:
        block: Bytes of rows in a block of the kernel's inner loop.
        joined: Rows that share a byte.
        factor: What each is multiplied with, once more than the one before.
        offset: Added to every byte.
    """

    def pack(weights: np.ndarray) -> np.ndarray:
        wide = padded(weights, joined, GROUP).astype(np.int16)
        bytes_of_rows = sum(wide[row::joined] * factor**row for row in range(joined)) + offset
        narrow = bytes_of_rows.astype(np.int8)
        whole = len(weights) // (block * joined) * block
        blocks = narrow[:whole].reshape(-1, block, narrow.shape[1] // GROUP, GROUP).swapaxes(1, 2)
        return np.concatenate([blocks.ravel(), narrow[whole:].ravel()])

    return pack


def scratch_of(joined: int) -> Callable[[int, int], int]:
    """The scratch memory of a kernel that finishes so many rows together."""

    def scratch(rows: int, columns: int) -> int:
        inputs = 0 if columns % GROUP == 0 else round_up(columns, GROUP)
        return 4 * min(round_up(rows, joined), TILE) + inputs

    return scratch


LAYOUTS = {
    "fully_connected_s8": Layout(packer(block=7, joined=1), scratch_of(1)),
    "fully_connected_s8_w4": Layout(packer(block=3, joined=2, factor=16, offset=8), scratch_of(2), -8, 7),
    "fully_connected_s8_w2": Layout(packer(block=1, joined=4, factor=4), scratch_of(4), -1, 1),
}
