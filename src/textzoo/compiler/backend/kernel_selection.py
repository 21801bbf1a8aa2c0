"""Loops that a variant computes faster as a kernel of its own, several elements at once."""

from collections.abc import Callable
from pathlib import Path

from textzoo.common.paths import RUNTIME
from textzoo.compiler.backend.linear_sums import LINEAR, use_linear_sums
from textzoo.compiler.ir.program import Call, Loop, Program, Statement, Struct, straightened
from textzoo.compiler.numerics.fixedpoint import Factor
from textzoo.compiler.numerics.linear_sums import LinearSum, is_narrow
from textzoo.compiler.operators.base import INTEGER_RANGES, can_hoist, hoisted_struct

RAISED = 255 << 20
# Variants whose accelerator adds: it takes LiteRT's own parameters from the program.
WITH_OWN_SUMS = ("cimv3",)


def use_fast_forms(program: Program, variant: str) -> None:
    """Replace loops by calls where the variant has the kernel, and the sums of the others by linear ones."""
    use_vector_kernels(program, variant)
    if variant not in WITH_OWN_SUMS:
        use_linear_sums(program)
        use_vector_kernels(program, variant)


def use_vector_kernels(program: Program, variant: str) -> None:
    """Replace loops by calls where the variant has the kernel."""
    program.statements = [as_call(statement, variant) or statement for statement in program.statements]


def as_call(statement: Statement, variant: str) -> Call | None:
    """Return the call that does the same as a loop over one int8 sum, or None."""
    if not isinstance(statement, Loop) or len(statement.body) != 1:
        return None
    loop = straightened(statement)
    (compute,) = loop.body
    kernel, make_struct = KERNELS.get(compute.function, ("", None))
    tensors = [operand.tensor for operand in (*compute.operands, compute.target)]
    whole = all((operand.strides, operand.offset) == ((1,), 0) for operand in (*compute.operands, compute.target))
    narrow = all(str(tensor.dtype) == "int8" and not tensor.is_constant for tensor in tensors)
    apart = not any(operand.overlaps(compute.target) for operand in compute.operands)
    if not (kernel and whole and narrow and apart and (RUNTIME / Path(variant) / f"{kernel}.c").is_file()):
        return None
    struct = make_struct(loop.shape[0], compute.struct)
    if struct is None:
        return None
    return Call(statement.kind, statement.name, kernel, struct, tensors[:2], tensors[2:])


def add_struct(count: int, add: Struct) -> Struct | None:
    """Return tz_add_t as tz_add_s8_t, if its factors can be hoisted."""
    parts = {name: add.fields[name].fields for name in ("a", "b", "output")}
    factors = {name: Factor(part["multiplier"], part["shift"]) for name, part in parts.items()}
    if not all(can_hoist(factor, RAISED, even=name != "output") for name, factor in factors.items()):
        return None
    scales = {name: hoisted_struct(factors[name], 0) for name in ("a", "b")}
    for scale in scales.values():
        scale.fields["left"] += add.fields["left_shift"]
    return Struct(
        "tz_add_s8_t",
        {
            "count": count,
            "a_zero_point": parts["a"]["zero_point"],
            "b_zero_point": parts["b"]["zero_point"],
            **scales,
            "output": hoisted_struct(factors["output"], parts["output"]["zero_point"]),
            **add.fields["range"].fields,
        },
    )


def linear_struct(count: int, linear: Struct) -> Struct | None:
    """Return tz_linear_sum_t as tz_linear_sum_s8_t, if that can hold it."""
    fields = linear.fields
    bounds = tuple(fields["range"].fields[name] for name in ("minimum", "maximum"))
    numbers = {name: fields[name] for name in ("a_factor", "b_factor", "offset")}
    if bounds != INTEGER_RANGES["int8"] or not is_narrow(LinearSum(**numbers, shift=fields["shift"])):
        return None
    return Struct("tz_linear_sum_s8_t", {"count": count, **numbers})


# Function of elementwise.h -> kernel, and what makes its struct from the number of elements and the function's.
KERNELS: dict[str, tuple[str, Callable[[int, Struct], Struct | None]]] = {
    "tz_add": ("add_s8", add_struct),
    LINEAR: ("linear_sum_s8", linear_struct),
}
