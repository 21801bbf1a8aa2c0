"""For Xtensa and RV32: words that a multiplication takes as two numbers; see deployment/runtime/mul32."""

from collections.abc import Callable

import numpy as np

from textzoo.compiler.packing.base import Layout, padded, round_up
from textzoo.compiler.packing.base3 import pack_b3, scratch_b3
from textzoo.compiler.packing.sparse import SPARSE_LAYOUT

ROWS_S8 = 4
COLUMNS_S8 = 4
ROWS_LANES = 8


def pack_s8(weights: np.ndarray) -> np.ndarray:
    """(rows, columns) int8 -> int32: blocks of 4 rows, in each for every 4 columns a word of each row; bytes + 128."""
    wide = padded(weights.astype(np.int16), ROWS_S8, COLUMNS_S8) + 128
    blocks = wide.reshape(-1, ROWS_S8, wide.shape[1] // COLUMNS_S8, COLUMNS_S8).swapaxes(1, 2)
    return np.ascontiguousarray(blocks).astype(np.uint8).ravel().view("<i4")


def scratch_s8(rows: int, columns: int) -> int:
    return 4 * round_up(columns, COLUMNS_S8)


def lanes_packer(bits: int, offset: int) -> Callable[[np.ndarray], np.ndarray]:
    """(rows, columns) int8 -> int32: blocks of 8 rows, in each for 16 / bits columns a word of each pair of rows."""

    def pack(weights: np.ndarray) -> np.ndarray:
        count = 16 // bits
        codes = padded(weights.astype(np.int16) + offset, ROWS_LANES, count).astype(np.uint32)
        pairs = codes.reshape(-1, ROWS_LANES // 2, 2, codes.shape[1] // count, count).transpose(0, 3, 1, 2, 4)
        halves = (pairs << (bits * np.arange(count, dtype=np.uint32))).sum(axis=-1, dtype=np.uint32)
        words = halves[..., 0] | halves[..., 1] << np.uint32(16)
        return words.ravel().astype("<u4").view("<i4")

    return pack


def lanes_scratch(bits: int) -> Callable[[int, int], int]:
    return lambda rows, columns: 4 * round_up(columns, 16 // bits)


# Lowest and highest weight, instructions per multiplication, bytes of code: both on the lx106
# (python benchmarks/gemv.py --cores lx106 rv32, means; RV32 ranks them alike: 3.93, 3.31, 3.25, 2.10). Rows of a block.
LAYOUTS = {
    "fully_connected_s8": Layout(pack_s8, scratch_s8, -127, 127, 3.91, 1315, ROWS_S8),
    "fully_connected_s8_w4": Layout(lanes_packer(4, 8), lanes_scratch(4), -8, 7, 3.41, 899, ROWS_LANES),
    "fully_connected_s8_w2": Layout(lanes_packer(2, 1), lanes_scratch(2), -1, 1, 2.82, 1087, ROWS_LANES),
    "fully_connected_s8_b3": Layout(pack_b3, scratch_b3, -1, 1, 2.10, 977),
    "fully_connected_s8_sparse": SPARSE_LAYOUT,
}
