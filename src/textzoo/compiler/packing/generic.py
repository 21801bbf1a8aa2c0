"""For any core: row by row, as many weights in a byte as fit."""

from textzoo.compiler.packing.base import Layout
from textzoo.compiler.packing.base3 import B3, scratch_b3
from textzoo.compiler.packing.order import Block, Element, Order
from textzoo.compiler.packing.sparse import SPARSE_LAYOUT

PLAIN = Order((Block(),))
# Rows of (columns + 1) / 2 bytes, two weights + 8 in each, and of (columns + 3) / 4 bytes, four weights + 1 in each.
W4 = Order((Block(columns={"field": 2}, element=Element(shifts={"field": 4}, offsets=(8,))),))
W2 = Order((Block(columns={"field": 4}, element=Element(shifts={"field": 2}, offsets=(1,))),))


def no_scratch(rows: int, columns: int) -> int:
    return 0


# Lowest and highest weight, instructions per multiplication, bytes of code: both on a Cortex-M4
# (python benchmarks/gemv.py --cores m4, means). Xtensa and RV32 rank 8 and 4 bits the other way; they have mul32.
LAYOUTS = {
    "fully_connected_s8": Layout(PLAIN, no_scratch, -128, 127, 5.30, 172),
    "fully_connected_s8_any": Layout(PLAIN, no_scratch, -128, 127, 5.30, 172),
    "fully_connected_s8_w4": Layout(W4, no_scratch, -8, 7, 5.95, 324),
    "fully_connected_s8_w2": Layout(W2, no_scratch, -1, 1, 4.97, 392),
    "fully_connected_s8_b3": Layout(B3, scratch_b3, -1, 1, 1.96, 880),
    "fully_connected_s8_sparse": SPARSE_LAYOUT,
    "fully_connected_s16": Layout(PLAIN, no_scratch),
    "fully_connected_s16_any": Layout(PLAIN, no_scratch),
    "fully_connected_s16_long": Layout(PLAIN, no_scratch),
    "conv_2d_s8": Layout(PLAIN, no_scratch),
    "conv_2d_s8_any": Layout(PLAIN, no_scratch),
    "lstm_s8": Layout(PLAIN, no_scratch),
}
