"""Weights column by column, to leave out columns; see deployment/runtime/internal/sparse_columns.h."""

from textzoo.compiler.packing.base import Layout
from textzoo.compiler.packing.order import Block, Element, Order

ROWS = 8  # of a block
SPARSE_ORDER = Order((Block({"row": ROWS}, element=Element(offsets=(128,)), fewest=1),), dtype="int32")


def scratch_sparse(rows: int, columns: int) -> int:
    return 4 * columns


SPARSE_LAYOUT = Layout(SPARSE_ORDER, scratch_sparse, -127, block_rows=ROWS)
