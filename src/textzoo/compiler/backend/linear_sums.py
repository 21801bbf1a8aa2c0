"""ADD and SUB of int8 in loops as `tz_linear_sum`, where that gives the same integers for all operands."""

import numpy as np

from textzoo.compiler.ir.program import Compute, Operand, Program, Struct
from textzoo.compiler.numerics.fixedpoint import Factor
from textzoo.compiler.numerics.linear_sums import LinearSum, exact_linear_sum
from textzoo.compiler.numerics.tables import scale_double

# Function of elementwise.h -> the sign of its second operand.
SIGNS = {"tz_add": 1, "tz_subtract": -1}
LINEAR = "tz_linear_sum"
ALL_VALUES = np.arange(-128, 128)


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


def linear_form(add: Struct, sign: int, a: np.ndarray, b: np.ndarray) -> LinearSum | None:
    """Find the linear form of a tz_add_t for operands a (n,) and b (m,); `sign`: of b's part of the sum."""
    bounds = tuple(add.fields["range"].fields[name] for name in ("minimum", "maximum"))
    output = factor_of(add, "output")
    reals = [real_of(factor_of(add, name)) * real_of(output) * 2 ** add.fields["left_shift"] for name in ("a", "b")]
    wanted = np.clip(results(add, sign, a, b), *bounds)
    return exact_linear_sum(wanted, a, b, (reals[0], sign * reals[1]), bounds)


def results(add: Struct, sign: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compute tz_add or tz_subtract for all pairs, not clamped: (n, m) int64."""
    output = add.fields["output"].fields
    sums = on_common_scale(add, "a", a)[:, None] + sign * on_common_scale(add, "b", b)[None, :]
    return scale_double(sums, output["multiplier"], output["shift"]) + output["zero_point"]


def on_common_scale(add: Struct, name: str, values: np.ndarray) -> np.ndarray:
    part = add.fields[name].fields
    raised = (values - part["zero_point"]) << add.fields["left_shift"]
    return scale_double(raised, part["multiplier"], part["shift"])


def factor_of(add: Struct, name: str) -> Factor:
    return Factor(add.fields[name].fields["multiplier"], add.fields[name].fields["shift"])


def real_of(factor: Factor) -> float:
    return factor.multiplier / 2**31 * 2.0**factor.shift
