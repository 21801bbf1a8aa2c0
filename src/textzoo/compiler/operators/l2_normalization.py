"""L2_NORMALIZATION over the last axis: int8."""

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.ir.program import Call, Statement, Struct
from textzoo.compiler.operators.base import (
    INTEGER_RANGES,
    Activation,
    Operator,
    Target,
    format_problems,
    no_products,
    option,
)
from textzoo.compiler.operators.elementwise import same_type_problems

# The output format that LiteRT demands.
SCALE, ZERO_POINT = 1 / 128, 0


class L2Normalization(Operator):
    name = "L2_NORMALIZATION"
    types = "int8 (the squares of a row below 2**31: 33025 of any values), over the last axis"
    macs = no_products

    def problems(self, node: Node) -> list[str]:
        source, output = node.operands()[0], node.output
        problems = same_type_problems(node, "int8") or format_problems(output, SCALE, ZERO_POINT)
        if problems or option(node, "fusedActivationFunction", Activation.NONE) != Activation.NONE:
            return problems or ["a fused activation"]
        if source.shape != output.shape or not source.shape:
            return [f"{source.describe()} to {output.describe()}"]
        low, high = INTEGER_RANGES["int8"]
        largest = max(high - source.zero_point, source.zero_point - low)
        sum_is_held = source.shape[-1] * largest**2 < 2**31
        return [] if sum_is_held else [f"squares of {source.shape[-1]} values, whose sum leaves 32 bits"]

    def lower(self, node: Node, target: Target) -> list[Statement]:
        source, columns = node.operands()[0], node.output.shape[-1]
        sizes = {"rows": node.output.size // columns, "columns": columns}
        struct = Struct("tz_l2_normalization_s8_t", {"zero_point": source.zero_point, **sizes})
        kernel = "l2_normalization_s8"
        return [Call(self.name, node.name, kernel, struct, [source], [node.output], header="l2_normalization")]


L2_NORMALIZATION = L2Normalization()
