"""EQUAL, LESS and the others: of plain integers, or of quantized values on a common scale."""

from dataclasses import dataclass

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.ir.program import Compute, Loop, Statement, Struct
from textzoo.compiler.numerics.fixedpoint import float32, quantize_multiplier
from textzoo.compiler.operators.base import (
    Operator,
    Target,
    broadcast_problems,
    broadcast_walk,
    no_products,
    operands_of_other_shape,
    quantized,
    scale_struct,
)
from textzoo.compiler.operators.elementwise import below_one_problems


@dataclass(frozen=True)
class Comparison(Operator):
    """One of the six.

    Attributes:
        function: tz_<function> compares plain integers, tz_<function>_long those of 64 bits, tz_scaled_<function>
            quantized ones.
        of_equality: EQUAL and NOT_EQUAL: bool too; and int16 by its scales, which LiteRT ignores in the other four.
    """

    name: str
    function: str
    of_equality: bool = False
    arity: tuple[int, int] = (2, 2)
    macs = no_products
    operands_apart = operands_of_other_shape

    @property
    def types(self) -> str:
        return f"{', '.join(self.dtypes)}, both alike; broadcast"

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Of the operands."""
        return ("int8", "int16", "int32", "int64", *(["bool"] * self.of_equality))

    def problems(self, node: Node) -> list[str]:
        a, b = node.operands()
        if a.dtype != b.dtype or str(node.output.dtype) != "bool":
            return [f"{a.describe()} and {b.describe()} to {node.output.describe()}"]
        if str(a.dtype) not in self.dtypes:
            return [f"{a.describe()} instead of {', '.join(self.dtypes)}"]
        return self.scale_problems(node) or broadcast_problems(node)

    def is_scaled(self, node: Node) -> bool:
        """Return whether LiteRT brings the values to a common scale."""
        a, b = node.operands()
        return str(a.dtype) == "int8" or (str(a.dtype) == "int16" and self.of_equality and bool(a.scales or b.scales))

    def scale_problems(self, node: Node) -> list[str]:
        a, b = node.operands()
        if not self.is_scaled(node):
            # LiteRT writes nothing.
            is_unwritten = self.name == "NOT_EQUAL" and str(a.dtype) == "int16"
            return ["int16 without scales"] if is_unwritten else []
        problems = [text for tensor in (a, b) for text in quantized(tensor, str(a.dtype), shifted=True)]
        return problems or below_one_problems("a scale of 1 or more", float32(a.scale), float32(b.scale))

    def lower(self, node: Node, target: Target) -> list[Statement]:
        shape = node.output.shape
        operands = [broadcast_walk(tensor, shape) for tensor in node.operands()]
        function, struct = f"tz_{self.function}{'_long' * (str(node.operands()[0].dtype) == 'int64')}", None
        if self.is_scaled(node):
            function, struct = f"tz_scaled_{self.function}", Struct("tz_compare_t", self.scales(node))
        compute = Compute(broadcast_walk(node.output, shape), function, operands, struct)
        return [Loop(self.name, node.name, shape, [compute])]

    def scales(self, node: Node) -> dict[str, Struct]:
        return {
            name: scale_struct(quantize_multiplier(float32(tensor.scale)), tensor.zero_point)
            for name, tensor in zip("ab", node.operands(), strict=True)
        }


EQUAL = Comparison("EQUAL", "equal", of_equality=True)
NOT_EQUAL = Comparison("NOT_EQUAL", "not_equal", of_equality=True)
LESS = Comparison("LESS", "less")
LESS_EQUAL = Comparison("LESS_EQUAL", "less_equal")
GREATER = Comparison("GREATER", "greater")
GREATER_EQUAL = Comparison("GREATER_EQUAL", "greater_equal")
