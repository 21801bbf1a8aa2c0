"""GATHER and EMBEDDING_LOOKUP: rows and other parts of a table at run-time indices."""

from dataclasses import dataclass

import numpy as np

from textzoo.compiler.ir.graph import Node, Tensor, View
from textzoo.compiler.ir.program import EMBEDDING, Call, Constant, Statement, Struct
from textzoo.compiler.operators.base import Target, option
from textzoo.compiler.operators.indices import INDEX_TYPES, in_32_bits, moved
from textzoo.compiler.operators.movement import ANY, Moving, normal_axis
from textzoo.compiler.packing.registry import Packed


@dataclass(frozen=True, eq=False)
class PackedTable:
    """The table of a look-up as the pass packed_tables has packed it."""

    packed: Packed


class Gather(Moving):
    """GATHER and EMBEDDING_LOOKUP: parts of a table at run-time indices; indices outside are clamped.

    A node's `attributes` are a PackedTable, or None where the table is in flash as it is.
    """

    arity = (2, 2)

    def __init__(self, name: str, table: int, indices: int, index_types: tuple[str, ...] = ("int32",)) -> None:
        self.same_scale = slice(table, table + 1)
        self.name, self._table, self._indices, self.index_types = name, table, indices, index_types
        self.types = f"{ANY}; {' or '.join(index_types)} indices"

    def table(self, node: Node) -> Tensor:
        return node.inputs[self._table]

    def indices(self, node: Node) -> Tensor:
        return node.inputs[self._indices]

    def axis(self, node: Node) -> int:
        return normal_axis(option(node, "axis"), len(self.table(node).shape))

    def batch_axes(self, node: Node) -> int:
        """Return how many axes table and indices have in common."""
        return normal_axis(option(node, "batchDims"), len(self.indices(node).shape))

    def shape_problems(self, node: Node) -> list[str]:
        table, indices, axis, batch = self.table(node), self.indices(node), self.axis(node), self.batch_axes(node)
        if str(indices.dtype) not in self.index_types:
            return [f"indices {indices.describe()} instead of {' or '.join(self.index_types)}"]
        if not 0 <= axis < len(table.shape):
            return [f"axis {axis} of {table.describe()}"]
        if not 0 <= batch <= min(axis, len(indices.shape)) or table.shape[:batch] != indices.shape[:batch]:
            return [f"{batch} batch dimensions of {table.describe()} and {indices.describe()}"]
        if self.name == "EMBEDDING_LOOKUP" and (len(indices.shape) != 1 or len(table.shape) < 2):
            return [f"indices {indices.describe()} of {table.describe()}"]
        expected = table.shape[:axis] + indices.shape[batch:] + table.shape[axis + 1 :]
        if node.output.shape != expected:
            return [f"{node.output.describe()} instead of {expected}"]
        if indices.is_constant and not 0 <= indices.value.min() <= indices.value.max() < table.shape[axis]:
            return [f"constant indices outside of {table.describe()}"]
        return []

    def batches(self, node: Node) -> int:
        """Return how many tables there are, each with indices of its own."""
        return int(np.prod(self.table(node).shape[: self.batch_axes(node)]))

    def sizes(self, node: Node) -> tuple[int, int, int]:
        """Return (outer, entries, inner): the table of one batch as three axes, of which the middle one is indexed."""
        shape, axis = self.table(node).shape, self.axis(node)
        return int(np.prod(shape[self.batch_axes(node) : axis])), shape[axis], int(np.prod(shape[axis + 1 :]))

    def alias(self, node: Node) -> View | None:
        """Return where the output is in the table, if it is one contiguous part of it."""
        outer, entries, inner = self.sizes(node)
        indices = self.indices(node)
        if outer != 1 or indices.size != 1 or str(indices.dtype) != "int32" or node.attributes:
            return None
        return View(self.table(node), *moved(indices, 0, inner, entries - 1))

    def table_read(self, node: Node) -> Tensor:
        return self.table(node)

    def entries(self, node: Node) -> np.ndarray:
        """Return a constant table as (batches * outer * entries, inner)."""
        return self.table(node).value.reshape(-1, self.sizes(node)[2])

    def lower(self, node: Node, target: Target) -> list[Statement]:
        if is_aliased(node, self.alias(node)):
            return []
        table, (indices, statements) = self.table(node), in_32_bits(node, self.indices(node))
        outer, entries, inner = self.sizes(node)
        batches = self.batches(node)
        counts = {"batches": batches, "outer": outer, "entries": entries, "count": indices.size // batches}
        if node.attributes:
            return [*statements, self.packed_call(node, {**counts, "inner": inner}, indices)]
        struct = Struct("tz_gather_t", {**counts, "inner_bytes": inner * table.dtype.itemsize})
        return [*statements, Call(self.name, node.name, "gather", struct, [table, indices], [node.output])]

    def packed_call(self, node: Node, counts: dict[str, int], indices: Tensor) -> Call:
        """Return the look-up in a packed table, which is a parameter of the kernel."""
        table = self.table(node)
        packed = node.attributes.packed
        comment = f"{table.describe()}, packed: {packed.kernel}"
        stored = Constant(f"{table.symbol}_packed", packed.values, comment, EMBEDDING)
        struct = Struct("tz_gather_packed_t", {"table": stored, **counts})
        return Call(self.name, node.name, packed.kernel, struct, [indices], [node.output], header="gather")


def is_aliased(node: Node, alias: View | None) -> bool:
    """Return whether the output is read where it is in the table."""
    return alias is not None and node.output.view is not None and node.output.view.base is alias.base


GATHER = Gather("GATHER", table=0, indices=1, index_types=INDEX_TYPES)
EMBEDDING_LOOKUP = Gather("EMBEDDING_LOOKUP", table=1, indices=0)
