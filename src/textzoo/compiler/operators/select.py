"""SELECT, the older of the two: element by element, by rows, or as a whole. SELECT_V2 broadcasts instead."""

from textzoo.compiler.ir.graph import Node, Tensor
from textzoo.compiler.ir.program import Compute, Loop, Operand, Statement
from textzoo.compiler.operators.base import Operator, Target, axes_problems, no_products, row_major
from textzoo.compiler.operators.elementwise import check_select, choose_select


class Select(Operator):
    """The condition has the shape of the alternatives, or their first axis only, or none."""

    name = "SELECT"
    types = "bool and two of the same type and shape; the condition of that shape, one per row, or one for all"
    arity = (3, 3)
    same_scale = slice(1, 3)
    macs = no_products

    def problems(self, node: Node) -> list[str]:
        return check_select(node) or self.shape_problems(node) or axes_problems(node)

    def shape_problems(self, node: Node) -> list[str]:
        condition, a, b = node.inputs
        shape = node.output.shape
        # Single elements may have any number of axes.
        if all(tensor.size == 1 for tensor in (condition, a, b, node.output)):
            return []
        if a.shape == b.shape == shape and condition.shape in (shape, shape[:1], ()):
            return []
        return [f"{condition.describe()} with {a.describe()} and {b.describe()} to {node.output.describe()}"]

    def lower(self, node: Node, target: Target) -> list[Statement]:
        shape = node.output.shape
        function, struct = choose_select(node)
        operands = [walk(tensor, shape) for tensor in node.operands()]
        return [Loop(self.name, node.name, shape, [Compute(walk(node.output, shape), function, operands, struct)])]


def walk(tensor: Tensor, shape: tuple[int, ...]) -> Operand:
    """Return how a loop over `shape` walks over a tensor whose axes are its first ones."""
    strides = row_major(tensor.shape)[: len(shape)] if tensor.size > 1 else ()
    return Operand(tensor, strides + (0,) * (len(shape) - len(strides)))


SELECT = Select()
