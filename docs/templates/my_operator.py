"""BITWISE_XOR: the bits in which two integers differ."""

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.ir.program import Compute, Loop, Statement
from textzoo.compiler.operators.base import (
    Operator,
    Target,
    broadcast_problems,
    broadcast_walk,
    no_products,
    operands_of_other_shape,
)

DTYPES = ("int8", "int16", "int32")


class BitwiseXor(Operator):
    """Scales and zero points have no part in it."""

    name = "BITWISE_XOR"
    types = f"{', '.join(DTYPES)}, all of one type; scales are ignored; broadcast"
    arity = (2, 2)
    macs = no_products
    operands_apart = operands_of_other_shape  # works element by element: the output may take an operand's memory

    def problems(self, node: Node) -> list[str]:
        """Return why a node cannot be compiled; an empty list if it can."""
        found = {str(tensor.dtype) for tensor in (*node.operands(), node.output)}
        if len(found) != 1 or not found <= {*DTYPES}:
            return [f"types {', '.join(sorted(found))}"]
        return broadcast_problems(node)

    def lower(self, node: Node, target: Target) -> list[Statement]:
        """Return one loop that calls the function of textzoo/bitwise_xor.h for every element."""
        shape = node.output.shape
        operands = [broadcast_walk(tensor, shape) for tensor in node.operands()]
        output = broadcast_walk(node.output, shape)
        compute = Compute(output, "tz_bitwise_xor", operands, header="bitwise_xor")
        return [Loop(self.name, node.name, shape, [compute])]


BITWISE_XOR = BitwiseXor()
