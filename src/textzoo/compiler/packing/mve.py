"""For Cortex-M55: bytes of one, two or four rows; see deployment/runtime/mve."""

from collections.abc import Callable

import numpy as np

from textzoo.compiler.packing.base import Layout, padded, round_up
from textzoo.compiler.packing.order import Order

TILE = 132  # rows whose sums the kernels keep at most
GROUP = 16  # columns in one of their vectors
WIDE_TILE, WIDE_GROUP = 34, 8  # the same for inputs of int16
S8 = Order(block=7, group=GROUP, joins_rows=True)
W4 = Order(block=3, group=GROUP, joined=2, factor=16, offset=8, joins_rows=True)
W2 = Order(block=1, group=GROUP, joined=4, factor=4, joins_rows=True)
S16 = Order(block=7, group=WIDE_GROUP, joins_rows=True)


def packer(order: Order) -> Callable[[np.ndarray], np.ndarray]:
    """(rows, columns) int8 -> int8 in an order that joins rows."""
    block, joined, group = order.block, order.joined, order.group

    def pack(weights: np.ndarray) -> np.ndarray:
        wide = padded(weights, joined, group).astype(np.int16)
        bytes_of_rows = sum(wide[row::joined] * order.factor**row for row in range(joined)) + order.offset
        narrow = bytes_of_rows.astype(np.int8)
        whole = len(weights) // (block * joined) * block
        blocks = narrow[:whole].reshape(-1, block, narrow.shape[1] // group, group).swapaxes(1, 2)
        return np.concatenate([blocks.ravel(), narrow[whole:].ravel()])

    return pack


def scratch_of(joined: int) -> Callable[[int, int], int]:
    """The scratch memory of a kernel that finishes so many rows together."""

    def scratch(rows: int, columns: int) -> int:
        inputs = 0 if columns % GROUP == 0 else round_up(columns, GROUP)
        return 4 * min(round_up(rows, joined), TILE) + inputs

    return scratch


def scratch_s16(rows: int, columns: int) -> int:
    inputs = 0 if columns % WIDE_GROUP == 0 else round_up(columns, WIDE_GROUP)
    return 4 * min(rows, WIDE_TILE) + 2 * inputs


# Lowest and highest weight, instructions per multiplication, bytes of code
# (python benchmarks/gemv.py --cores m55, means).
LAYOUTS = {
    "fully_connected_s8": Layout(packer(S8), scratch_of(1), -128, 127, 0.168, 1240, order=S8),
    "fully_connected_s8_w4": Layout(packer(W4), scratch_of(2), -8, 7, 0.181, 1248, order=W4),
    "fully_connected_s8_w2": Layout(packer(W2), scratch_of(4), -1, 1, 0.185, 1148, order=W2),
    "fully_connected_s16": Layout(packer(S16), scratch_s16, order=S16),
}
