"""For Cortex-M4, M7 and M33: pairs of rows in the two ends of 16 bits; see deployment/runtime/dsp/row_pairs.inc."""

from collections.abc import Callable

import numpy as np

from textzoo.compiler.packing.base import Layout, padded, round_up

TILE = 128  # rows that the kernels finish together
WIDE_TILE = 32  # the same for inputs of int16
GROUP = 8  # columns in four words of inputs
CHUNK = 512  # columns after which sums are separated
LANES = [0, 2, 1, 3, 4, 6, 5, 7]  # the order of a group's columns in memory

# (pairs of rows, columns) low rows, high rows -> int32 words of a block.
BlockPacker = Callable[[np.ndarray, np.ndarray], np.ndarray]


def packer(pack_block: BlockPacker) -> Callable[[np.ndarray], np.ndarray]:
    """(rows, columns) int8 -> int32: tiles of rows, in each the chunks of columns, in each the blocks of rows."""

    def pack(weights: np.ndarray) -> np.ndarray:
        wide = padded(weights, 1, GROUP).astype(np.int32)
        tiles = [wide[row : row + TILE] for row in range(0, len(wide), TILE)]
        columns = range(0, wide.shape[1], CHUNK)
        chunks = [tile[:, column : column + CHUNK] for tile in tiles for column in columns]
        blocks = [padded(block, 2, 1) for chunk in chunks for block in blocks_of(chunk)]
        return np.concatenate([pack_block(block[0::2], block[1::2]) for block in blocks])

    return pack


def blocks_of(chunk: np.ndarray) -> list[np.ndarray]:
    """Fours of rows, then twos; the last two may be one."""
    fours = len(chunk) // 4 * 4
    starts = [*range(0, fours, 4), *range(fours, len(chunk), 2)]
    return [chunk[start:stop] for start, stop in zip(starts, [*starts[1:], len(chunk)], strict=True)]


def lane_words(lanes: np.ndarray) -> np.ndarray:
    """(pairs, columns) int32 lanes of 16 bits -> (groups, pairs, 4) uint32: two columns in a word, as in LANES."""
    groups = lanes.reshape(len(lanes), -1, GROUP)[:, :, LANES].swapaxes(0, 1)
    return np.ascontiguousarray(groups.astype("<i2")).view("<u4")


def products_of_neighbours(low: np.ndarray) -> np.ndarray:
    """(pairs, columns) -> (pairs,): minus the sums of l0 l1."""
    return -(low[:, 0::2] * low[:, 1::2]).sum(axis=1, dtype=np.int32)


def block_s8(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The known sums of the pairs of rows, then their lanes, two in a word."""
    words = lane_words(256 * high + low)
    return np.concatenate([products_of_neighbours(low), words.ravel().view("<i4")])


def block_w4(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The known sums of the pairs of rows, then two words of lanes in one."""
    low, high = low + 8, high + 8
    words = lane_words(256 * high + low)
    joined = words[:, :, 0::2] | words[:, :, 1::2] << np.uint32(4)
    return np.concatenate([products_of_neighbours(low), joined.ravel().view("<i4")])


def block_w2(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Four words of lanes in one, each rotated left by four bits more than the one before."""
    words = lane_words((high << 14) + low + 1)
    rotations = np.arange(4, dtype=np.uint32) * np.uint32(4)
    rotated = words << rotations | words >> (np.uint32(32) - rotations) % np.uint32(32)
    return np.bitwise_or.reduce(rotated, axis=-1).ravel().view("<i4")


def scratch(rows: int, columns: int) -> int:
    chunks = -(-columns // CHUNK)
    sums = min(round_up(rows, 2), TILE)
    return 8 * chunks + 2 * round_up(columns, GROUP) + 4 * sums * (1 + (chunks > 1))


def pack_s16(weights: np.ndarray) -> np.ndarray:
    """(rows, columns) int8 -> int32: pairs of rows, of each the lanes 256 * odd + even, two columns in a word."""
    wide = padded(weights, 2, GROUP).astype(np.int32)
    return (256 * wide[1::2] + wide[0::2]).astype("<i2").ravel().view("<i4")


def scratch_s16(rows: int, columns: int) -> int:
    return 4 * min(round_up(rows, 2), WIDE_TILE) + 2 * round_up(columns, GROUP)


# Lowest and highest weight, instructions per multiplication, bytes of code: both on a Cortex-M4
# (python benchmarks/gemv.py --cores m4, means; M7 and M33 are within 0.002).
LAYOUTS = {
    "fully_connected_s8": Layout(packer(block_s8), scratch, -127, 127, 0.869, 2340),
    "fully_connected_s8_w4": Layout(packer(block_w4), scratch, -8, 7, 1.125, 2716),
    "fully_connected_s8_w2": Layout(packer(block_w2), scratch, -1, 1, 0.783, 1956),
    "fully_connected_s16": Layout(pack_s16, scratch_s16, -127),
}
