"""For Cortex-M4, M7 and M33: pairs of rows in the two ends of 16 bits; see deployment/runtime/dsp/pair_sums.inc."""

import numpy as np

from textzoo.compiler.packing.base import Layout
from textzoo.compiler.packing.order import Block, BlockHeads, Element, Order, round_up

TILE = 128  # rows that the kernels finish together
WIDE_TILE = 32  # the same for inputs of int16
CHUNK = 512  # columns after which sums are separated
# Eight columns, as many as four words of inputs hold: a word holds a column and the one two behind it.
GROUP_AXES = {"four": 2, "word": 2, "parity": 2}
GROUP = 8


def products_of_neighbours(offset: int) -> BlockHeads:
    """Return minus the sums of l0 l1, l = weight + offset of the even rows: one int32 for each pair of rows."""

    def heads(blocks: np.ndarray) -> np.ndarray:
        low = blocks[:, 0::2].astype(np.int32) + offset
        return -(low[:, :, 0::2] * low[:, :, 1::2]).sum(axis=2, dtype=np.int32)

    return heads


def pairs_of_rows(element: Element, memory: tuple[str, ...] = (), heads: BlockHeads | None = None) -> Order:
    """Return the order of tiles, chunks, and blocks of four rows, then of two, of which the last one may be missing."""
    four = Block({"pair": 2, "half": 2}, GROUP_AXES, element, memory, heads=heads)
    two = Block({"pair": 1, "half": 2}, GROUP_AXES, element, memory, fewest=1, heads=heads)
    return Order((four, two), TILE, CHUNK, dtype="int32")


# Lanes of 16 bits: 256 * odd row + even row. A word holds two columns.
LANE = Element(16, {"half": 8})
S8 = pairs_of_rows(LANE, ("pair", "four", "parity", "word"), products_of_neighbours(0))
# The same of weights + 8, where a lane holds a column in its low half bytes and the next one in its high ones.
W4 = pairs_of_rows(Element(16, {"half": 8, "parity": 4}, offsets=(8,)), heads=products_of_neighbours(8))
# Lanes of 2**14 * odd row + even row + 1. A word holds eight columns: four words of lanes, each rotated left by four
# bits more than the one before.
ROTATED = {"half": 14, "four": 8, "parity": 4, "word": 16}
W2 = pairs_of_rows(Element(32, ROTATED, offsets=(1, 0), field_bits=2))
# Row pair by row pair.
S16 = Order((Block({"half": 2}, {"column": GROUP}, LANE, fewest=1),), dtype="int32")


def scratch(rows: int, columns: int) -> int:
    chunks = -(-columns // CHUNK)
    sums = min(round_up(rows, 2), TILE)
    return 8 * chunks + 2 * round_up(columns, GROUP) + 4 * sums * (1 + (chunks > 1))


def scratch_s16(rows: int, columns: int) -> int:
    return 4 * min(round_up(rows, 2), WIDE_TILE) + 2 * round_up(columns, GROUP)


def scratch_filters(rows: int, columns: int) -> int:
    """Return the bytes for CONV_2D: of four filters their parameters, of a matrix as always, a window."""
    return 16 * (rows // 4 * 4) + scratch(rows, columns) + round_up(columns, 4)


# Lowest and highest weight, instructions per multiplication, bytes of code: both on a Cortex-M4
# (python benchmarks/gemv.py --cores m4, means; M7 and M33 are within 0.002).
LAYOUTS = {
    "fully_connected_s8": Layout(S8, scratch, -127, 127, 0.869, 2340),
    "fully_connected_s8_w4": Layout(W4, scratch, -8, 7, 1.125, 2716),
    "fully_connected_s8_w2": Layout(W2, scratch, -1, 1, 0.783, 1956),
    "fully_connected_s16": Layout(S16, scratch_s16, -127),
    "conv_2d_s8": Layout(S8, scratch_filters, -127),
    "lstm_s8": Layout(S8, scratch, -127),
}
