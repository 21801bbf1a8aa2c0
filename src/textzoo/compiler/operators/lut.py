"""LOOK_UP: made by the pass lut_fusion, any function of one int8 value as a look-up table (LUT)."""

from dataclasses import dataclass

import numpy as np

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.ir.program import Compute, Constant, Loop, Operand, Statement, Struct
from textzoo.compiler.operators.base import Operator, Target, no_products, operands_of_other_shape


@dataclass(frozen=True, eq=False)
class Lut:
    """The outputs of a function for the inputs -128 to 127.

    Attributes:
        values: (256,) int8.
    """

    values: np.ndarray

    def after(self, first: "Lut") -> "Lut":
        """Return the table of this function of the results of another one."""
        return Lut(self.values[first.values.astype(np.int64) + 128])


class LookUpTable(Operator):
    """A node's `attributes` are a Lut."""

    name = "LOOK_UP"
    macs = no_products
    operands_apart = operands_of_other_shape
    types = "made of int8 operators with one variable input"

    def problems(self, node: Node) -> list[str]:
        return []

    def lower(self, node: Node, target: Target) -> list[Statement]:
        comment = f"(256) {node.name}"
        table = Constant(f"{node.output.symbol}_table", node.attributes.values, comment, "table")
        struct = Struct("tz_look_up_s8_t", {"table": table})
        operands = [Operand(node.inputs[0], (1,))]
        compute = Compute(Operand(node.output, (1,)), "tz_look_up_s8", operands, struct)
        return [Loop(self.name, node.name, (node.output.size,), [compute])]


LOOK_UP = LookUpTable()
