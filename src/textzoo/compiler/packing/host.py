"""For PCs and Linux boards; see deployment/runtime/host/row_blocks.inc."""

from collections.abc import Callable

import numpy as np

from textzoo.compiler.packing.base import Layout, joined_fields, padded, round_up
from textzoo.compiler.packing.order import Order

BLOCK = 64  # rows of the kernels' inner loop
LANES = 8  # rows in one of their vectors
GROUP = 4  # columns in one of its lanes
PADDING = 32  # columns to which they fill up the inputs

# (64 rows or less, columns) int8, filled up to whole vectors -> (n,) int8.
BlockPacker = Callable[[np.ndarray], np.ndarray]


def packer(pack_block: BlockPacker, fields: int) -> Callable[[np.ndarray], np.ndarray]:
    """(rows, columns) int8 -> int8: blocks of 64 rows, stripes of 8 rows for each field of a byte, single rows."""
    stripe = fields * LANES

    def pack(weights: np.ndarray) -> np.ndarray:
        whole = len(weights) // BLOCK * BLOCK
        starts = [*range(0, whole, BLOCK), *range(whole, len(weights), stripe)]
        blocks = [weights[start:stop] for start, stop in zip(starts, [*starts[1:], len(weights)], strict=True)]
        packed = [pack_block(padded(block, stripe, GROUP)) for block in blocks if len(block) >= LANES]
        return np.concatenate([*packed, *(single_rows(block) for block in blocks if len(block) < LANES)])

    return pack


def single_rows(rows: np.ndarray) -> np.ndarray:
    """(1 to 7, columns) -> int8: one after the other."""
    return padded(rows, 1, PADDING).ravel()


def with_sums(block: np.ndarray) -> np.ndarray:
    """128 times the sum of each row, then for every 4 columns those of each row."""
    sums = 128 * block.sum(axis=1, dtype=np.int32)
    columns = block.reshape(len(block), -1, GROUP).swapaxes(0, 1)
    return np.concatenate([sums.astype("<i4").view(np.int8), columns.ravel()])


def fields_packer(fields: int, offset: int) -> BlockPacker:
    """For every 4 columns, for each stripe, bytes of as many weights + offset as it has fields, eight rows apart."""

    def pack_block(block: np.ndarray) -> np.ndarray:
        stripes = (block + offset).reshape(-1, fields, LANES, block.shape[1] // GROUP, GROUP)
        vectors = stripes.transpose(3, 0, 2, 4, 1)
        return joined_fields(vectors, 8 // fields).ravel().view(np.int8)

    return pack_block


def scratch_s8(rows: int, columns: int) -> int:
    return 2 * round_up(columns, PADDING)


def scratch_packed(rows: int, columns: int) -> int:
    return round_up(columns, PADDING)


def scratch_s16(rows: int, columns: int) -> int:
    return 4 * min(rows, BLOCK)


# Lowest and highest weight, instructions per multiplication, bytes of code: both with AVX2
# (python benchmarks/gemv.py --cores host, means).
LAYOUTS = {
    "fully_connected_s8": Layout(packer(with_sums, 1), scratch_s8, -127, 127, 0.210, 2661),
    "fully_connected_s8_w4": Layout(packer(fields_packer(2, 8), 2), scratch_packed, -8, 7, 0.199, 3477),
    "fully_connected_s8_w2": Layout(packer(fields_packer(4, 1), 4), scratch_packed, -1, 1, 0.174, 3365),
    "fully_connected_s16": Layout(np.ravel, scratch_s16, order=Order()),
}
