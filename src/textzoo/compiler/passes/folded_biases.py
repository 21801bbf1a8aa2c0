"""Zero points and row sums of constant weights folded into biases: what UNFOLDED would compute at every token."""

import numpy as np

from textzoo.compiler.ir.graph import Graph, Tensor
from textzoo.compiler.ir.program import Call, Compute, Constant, Loop, Program
from textzoo.compiler.operators.fully_connected import FOLDED, UNFOLDED


def run(graph: Graph, program: Program) -> None:
    folded: dict[int, Constant] = {}
    kept = []
    for statement in program.statements:
        if isinstance(statement, Loop) and statement.body[0].function == UNFOLDED:
            (compute,) = statement.body
            folded[id(compute.target.tensor)] = folded_bias(compute)
        else:
            kept.append(statement)
    program.statements = kept
    for statement in kept:
        if isinstance(statement, Call) and statement.struct:
            point_at_constants(statement.struct.fields, folded)


def folded_bias(compute: Compute) -> Constant:
    """Return bias - zero point * row sum, (rows,) int32."""
    bias, zero_point, sums = (operand.tensor.value.astype(np.int64).ravel() for operand in compute.operands)
    target = compute.target.tensor
    values = (bias - zero_point * sums).astype(np.int32)
    return Constant(target.symbol, values, f"({target.size}), {FOLDED}")


def point_at_constants(fields: dict[str, object], folded: dict[int, Constant]) -> None:
    """Let the fields of a struct point at constants in flash instead of RAM."""
    for name, value in fields.items():
        if isinstance(value, Tensor) and id(value) in folded:
            fields[name] = folded[id(value)]
