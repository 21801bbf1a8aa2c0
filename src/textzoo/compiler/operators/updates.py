"""DYNAMIC_UPDATE_SLICE: a part of a tensor replaced at run-time indices."""

from textzoo.compiler.ir.graph import Node, Tensor, View
from textzoo.compiler.ir.program import Loop, Operand, Statement
from textzoo.compiler.operators.base import Target, row_major
from textzoo.compiler.operators.indices import moved
from textzoo.compiler.operators.movement import ANY, Moving, copies_needed, copy_loop, whole


class DynamicUpdateSlice(Moving):
    """A tensor with a part replaced at run-time indices, which are clamped so that the part stays inside."""

    name = "DYNAMIC_UPDATE_SLICE"
    types = f"{ANY}; int32 indices, or constant ones of int64"
    arity = (3, 3)
    same_scale = slice(2)

    def shape_problems(self, node: Node) -> list[str]:
        source, update, indices = node.inputs
        dtypes = ("int32", "int64") if indices.is_constant else ("int32",)
        if str(indices.dtype) not in dtypes or indices.shape != (len(source.shape),):
            return [f"indices {indices.describe()} instead of int32 {len(source.shape)}"]
        if source.shape != node.output.shape or len(update.shape) != len(source.shape):
            return [f"{update.describe()} in {source.describe()}"]
        if any(small > large for small, large in zip(update.shape, source.shape, strict=True)):
            return [f"{update.describe()} does not fit {source.describe()}"]
        return []

    def lower(self, node: Node, target: Target) -> list[Statement]:
        """Copy what stays, unless it is there already; then write the new part."""
        stays, written = self.movement(node)
        return [*copies_needed([stays]), written]

    def operands_apart(self, node: Node) -> list[Tensor]:
        """Return all but the tensor that is updated: its other elements stay."""
        return node.inputs[1:]

    def movement(self, node: Node) -> list[Loop]:
        """Return the copy of the whole operand, and that of the new part over it."""
        source, update, indices = node.operands()
        strides = row_major(source.shape)
        moves = [
            moved(indices, axis, strides[axis], source.shape[axis] - update.shape[axis])
            for axis in range(len(source.shape))
            if source.shape[axis] != update.shape[axis]
        ]
        part = Tensor(f"{node.name} at its place", f"place_in_{node.output.symbol}", update.shape, update.dtype)
        part.view = View(node.output, sum(offset for offset, _ in moves), sum((move for _, move in moves), ()))
        stays = copy_loop(node, source.shape, whole(node.output), whole(source))
        return [stays, copy_loop(node, update.shape, Operand(part, strides), whole(update))]


DYNAMIC_UPDATE_SLICE = DynamicUpdateSlice()
