"""Ternary weights, five in a byte: 1.6 bits; see deployment/runtime/internal/base3_sums.h."""

from textzoo.compiler.packing.order import REMAINING, Block, Element, Order

DIGITS = 5  # weights in a byte
TILE = 512  # rows that the kernels finish together
TABLE_BYTES = 4 * 3**DIGITS

# For every 10 columns, whose sums the kernels look up at once, two bytes of each row of a tile.
CODE = Element(shifts={"digit": 1}, base=3, offsets=(1,))
B3 = Order((Block({"row": REMAINING}, {"byte": 2, "digit": DIGITS}, CODE),), tile=TILE)


def scratch_b3(rows: int, columns: int) -> int:
    return TABLE_BYTES + 4 * min(rows, TILE)
