"""GATHER_ND and ONE_HOT: run-time indices of elements, and where they are."""

import numpy as np

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.ir.program import Call, Statement, Struct
from textzoo.compiler.operators.base import Target, option
from textzoo.compiler.operators.indices import INDEX_TYPES, in_32_bits
from textzoo.compiler.operators.movement import ANY, Moving, constant_indices
from textzoo.compiler.operators.repetition import fill_loop


class GatherNd(Moving):
    """Parts of a table, each at a tuple of run-time indices; indices outside are clamped."""

    name = "GATHER_ND"
    types = f"{ANY}; {' or '.join(INDEX_TYPES)} indices"
    arity = (2, 2)
    same_scale = slice(1)

    def shape_problems(self, node: Node) -> list[str]:
        table, indices = node.inputs
        if str(indices.dtype) not in INDEX_TYPES:
            return [f"indices {indices.describe()} instead of {' or '.join(INDEX_TYPES)}"]
        if not indices.shape or indices.shape[-1] > len(table.shape):
            return [f"indices {indices.describe()} of {table.describe()}"]
        expected = indices.shape[:-1] + table.shape[indices.shape[-1] :]
        if node.output.shape != expected:
            return [f"{node.output.describe()} instead of {expected}"]
        sizes = np.array(self.indexed(node))
        if indices.is_constant and not ((indices.value >= 0) & (indices.value < sizes)).all():
            return [f"constant indices outside of {table.describe()}"]
        return []

    def indexed(self, node: Node) -> tuple[int, ...]:
        """Return the sizes of those axes of the table that have an index."""
        table, indices = node.inputs
        return table.shape[: indices.shape[-1]]

    def lower(self, node: Node, target: Target) -> list[Statement]:
        table, (indices, statements) = node.inputs[0], in_32_bits(node, node.inputs[1])
        sizes = self.indexed(node)
        inner = int(np.prod(table.shape[len(sizes) :]))
        count = indices.size // len(sizes)
        fields = {"count": count, "axes": len(sizes), "sizes": sizes, "inner_bytes": inner * table.dtype.itemsize}
        struct = Struct("tz_gather_nd_t", fields)
        return [*statements, Call(self.name, node.name, "gather_nd", struct, [table, indices], [node.output])]


class OneHot(Moving):
    """A new axis on which one element has another value than all others; indices outside of it have none."""

    name = "ONE_HOT"
    types = f"{ANY} but int16; int32 or int64 indices, constant depth"
    arity = (4, 4)
    same_scale = slice(2, 4)

    def shape_problems(self, node: Node) -> list[str]:
        indices, depth, on, off = node.inputs
        problems = constant_indices(depth, "the depth", "int32")
        if problems or str(indices.dtype) not in ("int32", "int64"):
            return problems or [f"indices {indices.describe()} instead of int32 or int64"]
        if str(on.dtype) == "int16":
            return [f"{on.describe()}, which LiteRT does not take"]
        axis = self.axis(node)
        if not depth.size == on.size == off.size == 1 or not 0 <= axis <= len(indices.shape):
            return [f"axis {axis} of {indices.describe()}, depth {depth.value.tolist()}"]
        expected = (*indices.shape[:axis], int(depth.value.ravel()[0]), *indices.shape[axis:])
        fits = node.output.shape == expected
        return [] if fits else [f"{node.output.describe()} instead of {expected}"]

    def axis(self, node: Node) -> int:
        """Return the number of the new axis: -1 stands for the last one, other negative numbers for none."""
        axis = option(node, "axis")
        return len(node.inputs[0].shape) if axis == -1 else axis

    def lower(self, node: Node, target: Target) -> list[Statement]:
        """Fill everything, then place the others. LiteRT takes the lower half of indices of 64 bits."""
        indices, _, on, off = node.inputs
        given, statements = in_32_bits(node, indices, "tz_cast_s32")
        axis = self.axis(node)
        outer, inner = int(np.prod(indices.shape[:axis])), int(np.prod(indices.shape[axis:]))
        fields = {"outer": outer, "depth": node.output.shape[axis], "inner": inner}
        struct = Struct("tz_one_hot_t", {**fields, "element_bytes": on.dtype.itemsize})
        placed = Call(self.name, node.name, "one_hot", struct, [given, on], [node.output])
        return [*statements, fill_loop(node, off), placed]


GATHER_ND = GatherNd()
ONE_HOT = OneHot()
