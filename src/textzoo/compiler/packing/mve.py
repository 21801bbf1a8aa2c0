"""For Cortex-M55: bytes of one, two or four rows; see deployment/runtime/mve."""

from collections.abc import Callable

from textzoo.compiler.packing.base import Layout
from textzoo.compiler.packing.order import Block, Element, Order, round_up

TILE = 132  # rows whose sums the kernels keep at most
VECTOR = {"column": 16}
WIDE_TILE, WIDE_VECTOR = 34, {"column": 8}  # the same for inputs of int16
GROUP, WIDE_GROUP = VECTOR["column"], WIDE_VECTOR["column"]

# Blocks of as many rows as the kernels' registers hold sums of, the others row by row; bytes of one, two or four rows.
S8 = Order((Block({"row": 7}, VECTOR), Block({}, VECTOR)))
PAIRS = Element(shifts={"field": 4}, offsets=(8, 0))
W4 = Order((Block({"row": 3, "field": 2}, VECTOR, PAIRS), Block({"field": 2}, VECTOR, PAIRS, fewest=1)))
W2 = Order((Block({"field": 4}, VECTOR, Element(shifts={"field": 2}), fewest=1),))
S16 = Order((Block({"row": 7}, WIDE_VECTOR), Block({}, WIDE_VECTOR)))


def scratch_of(joined: int) -> Callable[[int, int], int]:
    """Return the function of the scratch memory of a kernel that finishes `joined` rows together."""

    def scratch(rows: int, columns: int) -> int:
        inputs = 0 if columns % GROUP == 0 else round_up(columns, GROUP)
        return 4 * min(round_up(rows, joined), TILE) + inputs

    return scratch


def scratch_filters(rows: int, columns: int) -> int:
    """Return the bytes for CONV_2D: the sums of a tile, a window."""
    return 4 * round_up(min(rows, TILE), 4) + round_up(columns, GROUP)


def scratch_s16(rows: int, columns: int) -> int:
    inputs = 0 if columns % WIDE_GROUP == 0 else round_up(columns, WIDE_GROUP)
    return 4 * min(rows, WIDE_TILE) + 2 * inputs


# Lowest and highest weight, instructions per multiplication, bytes of code
# (python benchmarks/gemv.py --cores m55, means).
LAYOUTS = {
    "fully_connected_s8": Layout(S8, scratch_of(1), -128, 127, 0.168, 1240),
    "fully_connected_s8_w4": Layout(W4, scratch_of(2), -8, 7, 0.181, 1248),
    "fully_connected_s8_w2": Layout(W2, scratch_of(4), -1, 1, 0.185, 1148),
    "fully_connected_s16": Layout(S16, scratch_s16),
    "conv_2d_s8": Layout(S8, scratch_filters),
    "lstm_s8": Layout(S8, scratch_filters),
}
