"""For Xtensa and RV32: words that a multiplication takes as two numbers; see deployment/runtime/mul32."""

from collections.abc import Callable

import numpy as np

from textzoo.compiler.packing.base import Layout, padded, round_up
from textzoo.compiler.packing.base3 import pack_b3, scratch_b3
from textzoo.compiler.packing.sparse import SPARSE_LAYOUT

ROWS_S8 = 4
COLUMNS_S8 = 4  # in a word
GROUP_S8 = 16  # that the kernel adds up before it shifts, where the proof holds
ROWS_LANES = 8


def pack_s8(weights: np.ndarray) -> np.ndarray:
    """(rows, columns) int8 -> int32: blocks of 4 rows, in each its head, then for every 4 columns a word of each row.

    The bytes of the words are + 128.
    """
    wide = padded(weights.astype(np.int32), ROWS_S8, COLUMNS_S8)
    blocks = (wide + 128).reshape(-1, ROWS_S8, wide.shape[1] // COLUMNS_S8, COLUMNS_S8).swapaxes(1, 2)
    words = np.ascontiguousarray(blocks).astype(np.uint8).reshape(len(blocks), -1).view("<u4")
    return np.concatenate([block_heads(wide), words], axis=1).astype("<u4").ravel().view("<i4")


def block_heads(weights: np.ndarray) -> np.ndarray:
    """(rows, columns) int32 -> (rows / 4, 3) uint32: what the inputs' squares may be, then the sums of the four rows.

    Sums take 16 bits each. Where one of the matrix does not fit, they are all 0 and the highest bit is set.
    """
    sums = weights.sum(axis=1).reshape(-1, ROWS_S8)
    fit = bool(np.all(np.abs(sums) < 2**15))
    halves = (sums if fit else 0 * sums).astype(np.uint32) & 0xFFFF
    limits = safe_squares(weights, COLUMNS_S8, 2**16) | safe_squares(weights, GROUP_S8, 2**15) << 16
    first = limits | (0 if fit else 2**31)
    return np.stack([first, halves[:, 0] | halves[:, 1] << 16, halves[:, 2] | halves[:, 3] << 16], axis=1)


def safe_squares(weights: np.ndarray, columns: int, limit: int) -> np.ndarray:
    """(rows, columns) int32 -> (rows / 4) uint32 below `limit`: the mean of the squares of so many inputs up to which
    Cauchy and Schwarz prove that their sum with any so many weights of a block fits int16."""
    wide = padded(weights, ROWS_S8, columns)
    squares = (wide.reshape(len(wide) // ROWS_S8, -1, columns) ** 2).sum(axis=2).max(axis=1)
    return np.minimum(32767**2 // np.maximum(columns * squares, 1), limit - 1).astype(np.uint32)


def scratch_s8(rows: int, columns: int) -> int:
    return 4 * round_up(columns, COLUMNS_S8) + 12 * (columns // GROUP_S8) + 24


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
# (python benchmarks/gemv.py --cores lx106 rv32, means; RV32: 2.69, 3.31, 3.25, 2.10). Rows of a block. With weights of
# few bits the kernel of 8 bits takes its fastest way; with weights and inputs spread evenly over int8 it takes 4.18.
LAYOUTS = {
    "fully_connected_s8": Layout(pack_s8, scratch_s8, -127, 127, 3.06, 3088, ROWS_S8),
    "fully_connected_s8_w4": Layout(lanes_packer(4, 8), lanes_scratch(4), -8, 7, 3.40, 910, ROWS_LANES),
    "fully_connected_s8_w2": Layout(lanes_packer(2, 1), lanes_scratch(2), -1, 1, 2.82, 1102, ROWS_LANES),
    "fully_connected_s8_b3": Layout(pack_b3, scratch_b3, -1, 1, 2.09, 985),
    "fully_connected_s8_sparse": SPARSE_LAYOUT,
}
