"""ADD and SUB of int8 in loops as `tz_linear_sum`, where that gives the same integers for all operands."""

import numpy as np

from textzoo.compiler.ir.program import Compute, Operand, Program, Struct
from textzoo.compiler.operators.linear_forms import ALL_VALUES, linear_form

# Function of elementwise.h -> the sign of its second operand.
SIGNS = {"tz_add": 1, "tz_subtract": -1}
LINEAR = "tz_linear_sum"


def use_linear_sums(program: Program) -> None:
    """Replace the functions of loops that have such a form."""
    for loop in program.loops():
        for compute in loop.body:
            if compute.function in SIGNS and all(str(dtype) == "int8" for dtype in dtypes_of(compute)):
                replace_function(compute)


def dtypes_of(compute: Compute) -> list[np.dtype]:
    return [operand.tensor.dtype for operand in (*compute.operands, compute.target)]


def replace_function(compute: Compute) -> None:
    """Let a computation take the linear form, if it has one."""
    sign = SIGNS[compute.function]
    found = linear_form(compute.struct, sign, *(values_of(operand) for operand in compute.operands))
    if found is not None:
        fields = {"a_factor": found.a_factor, "b_factor": found.b_factor, "offset": found.offset, "shift": found.shift}
        compute.function, compute.struct = (
            LINEAR,
            Struct("tz_linear_sum_t", fields | {"range": compute.struct.fields["range"]}),
        )


def values_of(operand: Operand) -> np.ndarray:
    """Return the values that an operand can have, (n,) int64."""
    constant = operand.tensor.value
    return ALL_VALUES if constant is None else np.unique(constant).astype(np.int64)
