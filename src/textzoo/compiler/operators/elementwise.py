"""Operators that work element by element, each a function of textzoo/elementwise.h."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.ir.program import Compute, Loop, Statement, Struct
from textzoo.compiler.numerics.fixedpoint import Factor, float32, quantize_multiplier
from textzoo.compiler.operators.base import (
    Activation,
    Operator,
    Target,
    activation_problems,
    broadcast_problems,
    broadcast_walk,
    factor_problems,
    no_products,
    operands_of_other_shape,
    option,
    quantized,
    range_struct,
    scale_struct,
)
from textzoo.compiler.operators.power_scales import doubtful_problems, power_of_two

# A function of the runtime and its parameters, if it has any.
Function = tuple[str, Struct | None]

LEFT_SHIFTS = {"int8": 20, "int16": 15}
LEFT_SHIFT_OF_SQUARES = 7
NOT_HELD = "an output scale too small or too large for the inputs'"
# LiteRT divides int16 by powers of two in 16 bits.
MAX_POWER = 15
# Plain integers: types of a node -> the ending of its function. Of those of 16 bits LiteRT subtracts none.
OF_32_BITS = {"int32": ""}
OF_32_AND_64_BITS = {"int32": "", "int64": "_long"}
OF_ANY_BITS = {"int16": "_s16", **OF_32_AND_64_BITS}
# Cores differ in how they divide floats that have no normal form, below 2**-126: quotients by smaller scales need them.
SMALLEST_SCALE = 2.0**-100


@dataclass(frozen=True)
class Elementwise(Operator):
    """An operator whose output element depends on one element of each input.

    Attributes:
        choose: The function that computes a node.
        check: Further problems of a node.
    """

    name: str
    types: str
    check: Callable[[Node], list[str]]
    choose: Callable[[Node], Function]
    arity: tuple[int, int] = (2, 2)
    macs = no_products
    operands_apart = operands_of_other_shape

    def problems(self, node: Node) -> list[str]:
        return self.check(node) or broadcast_problems(node)

    def lower(self, node: Node, target: Target) -> list[Statement]:
        shape = node.output.shape
        operands = [broadcast_walk(tensor, shape) for tensor in node.operands()]
        function, struct = self.choose(node)
        compute = Compute(broadcast_walk(node.output, shape), function, operands, struct)
        return [Loop(self.name, node.name, shape, [compute])]


class Selection(Elementwise):
    """SELECT_V2."""

    same_scale = slice(1, 3)


# ---- what the checks share ----


def kinds(node: Node) -> set[str]:
    """Return the dtypes of all inputs and the output."""
    return {str(tensor.dtype) for tensor in (*node.operands(), node.output)}


def same_type_problems(node: Node, *dtypes: str, shifted: bool = False) -> list[str]:
    """Return the problems of inputs and output that must be quantized with one dtype; `shifted` as of `quantized`."""
    tensors = (*node.inputs, node.output)
    problems = [text for tensor in tensors for text in quantized(tensor, *dtypes, shifted=shifted)]
    return problems or ([] if len(kinds(node)) == 1 else [f"mixed types {', '.join(sorted(kinds(node)))}"])


def activation_of(node: Node) -> int:
    return option(node, "fusedActivationFunction", Activation.NONE)


def are_integers(node: Node) -> bool:
    """Return whether a node computes with plain int32, such as positions."""
    return kinds(node) == {"int32"}


def plain_ending(node: Node, endings: Mapping[str, str]) -> str | None:
    """Return the ending of the functions for plain integers, such as positions, where a node computes with these.

    int16 is quantized where any tensor has a scale.
    """
    dtype = min(kinds(node))
    has_scales = any(tensor.scales for tensor in (*node.operands(), node.output))
    is_plain = len(kinds(node)) == 1 and dtype in endings and not (dtype == "int16" and has_scales)
    return endings[dtype] if is_plain else None


def arithmetic_problems(
    node: Node, check: Callable[[Node], list[str]], endings: Mapping[str, str] = OF_32_BITS
) -> list[str]:
    """Return the problems of ADD, SUB and MUL: of plain integers, or `check` for quantized ones."""
    if plain_ending(node, endings) is not None:
        is_clamped = activation_of(node) != Activation.NONE
        return [f"a fused activation of {node.output.dtype} without a scale"] if is_clamped else []
    problems = same_type_problems(node, "int8", "int16")
    return problems or activation_problems(node.output, activation_of(node)) or check(node)


def below_one_problems(what: str, *reals: float) -> list[str]:
    """Return `what`, if factors are not between 0 and 1: LiteRT ends the process there."""
    problems = factor_problems(*reals)
    held = not problems and all(real > 0 and quantize_multiplier(real).shift <= 0 for real in reals)
    return problems or ([] if held else [what])


# ---- ADD, SUB, SQUARED_DIFFERENCE ----


def sum_factors(node: Node) -> tuple[float, float, float]:
    """Return the factors of both inputs to the common scale, and of that to the output."""
    a, b, output = (np.float32(tensor.scale) for tensor in (*node.operands(), node.output))
    with np.errstate(over="ignore"):
        twice_max = float(2 * max(a, b))
        steps = float(np.float32(1 << LEFT_SHIFTS[str(node.output.dtype)]) * output)
    return float(a) / twice_max, float(b) / twice_max, twice_max / steps


def square_factors(node: Node) -> tuple[float, float, float]:
    """Return the same for the square of the difference."""
    a, b, output = (np.float32(tensor.scale) for tensor in (*node.operands(), node.output))
    with np.errstate(over="ignore"):
        steps = float(np.float32(1 << 2 * LEFT_SHIFT_OF_SQUARES) * output)
    twice_max = 2 * float(max(a, b))
    return float(a) / twice_max, float(b) / twice_max, twice_max * twice_max / steps


def sum_struct(node: Node, reals: tuple[float, float, float], left_shift: int) -> Struct:
    factors = [quantize_multiplier(real) for real in reals]
    tensors = (*node.operands(), node.output)
    fields = {
        name: scale_struct(factor, tensor.zero_point)
        for name, factor, tensor in zip(("a", "b", "output"), factors, tensors, strict=True)
    }
    range_ = range_struct(node.output, activation_of(node))
    return Struct("tz_add_t", {**fields, "range": range_, "left_shift": left_shift})


def power_shifts(node: Node) -> tuple[int, int] | None:
    """Return the right shifts of both inputs where all scales are powers of two, and LiteRT makes use of it."""
    exponents = [power_of_two(tensor.scale) for tensor in (*node.operands(), node.output)]
    if str(node.output.dtype) != "int16" or not option(node, "potScaleInt16", False) or None in exponents:
        return None
    a, b, output = exponents
    return output - a, output - b


def check_sum(name: str, node: Node) -> list[str]:
    tensors = (*node.operands(), node.output)
    is_marked = str(node.output.dtype) == "int16" and option(node, "potScaleInt16", False)
    if is_marked and (problems := doubtful_problems(*(tensor.scale for tensor in tensors))):
        return problems
    shifts = power_shifts(node)
    if shifts is None:
        return below_one_problems(NOT_HELD, *sum_factors(node))
    if min(shifts) != 0 or max(shifts) > MAX_POWER:
        return [f"scales of {', '.join(f'{tensor.scale:g}' for tensor in tensors)} with potScaleInt16"]
    # LiteRT ends the process.
    is_broadcast = any(tensor.shape != node.output.shape for tensor in tensors)
    return ["broadcasting with potScaleInt16"] if name == "add" and is_broadcast else []


def choose_sum(name: str, endings: Mapping[str, str], node: Node) -> Function:
    """Return a function that chooses `name`: add or subtract; `endings`: those of plain integers."""
    if (ending := plain_ending(node, endings)) is not None:
        return f"tz_integer_{name}{ending}", None
    if (shifts := power_shifts(node)) is None:
        return f"tz_{name}", sum_struct(node, sum_factors(node), LEFT_SHIFTS[str(node.output.dtype)])
    fields = {"a_shift": shifts[0], "b_shift": shifts[1], "range": range_struct(node.output, activation_of(node))}
    return f"tz_{name}_powers", Struct("tz_add_powers_t", fields)


def check_square(node: Node) -> list[str]:
    if are_integers(node):
        return []
    return same_type_problems(node, "int8") or below_one_problems(NOT_HELD, *square_factors(node))


def choose_square(node: Node) -> Function:
    if are_integers(node):
        return "tz_integer_squared_difference", None
    return "tz_squared_difference", sum_struct(node, square_factors(node), LEFT_SHIFT_OF_SQUARES)


# ---- MUL ----


def multiply_factor(node: Node) -> float:
    """Return a * b / output in float32, as LiteRT computes it."""
    a, b, output = (np.float32(tensor.scale) for tensor in (*node.operands(), node.output))
    with np.errstate(all="ignore"):
        return float(a * b / output)


def check_multiply(node: Node) -> list[str]:
    return factor_problems(multiply_factor(node))


def choose_multiply(node: Node) -> Function:
    if (ending := plain_ending(node, OF_ANY_BITS)) is not None:
        return f"tz_integer_multiply{ending}", None
    a, b = node.operands()
    factor = quantize_multiplier(multiply_factor(node))
    fields = {
        "a_zero_point": a.zero_point,
        "b_zero_point": b.zero_point,
        "output": scale_struct(factor, node.output.zero_point),
        "range": range_struct(node.output, activation_of(node)),
    }
    # int8: |a - zero point| * |b - zero point| <= 255 * 255, shifted to the left, is below 2**30.
    is_small = str(node.output.dtype) == "int8" and factor.shift <= 14
    return "tz_multiply" + "_small" * is_small, Struct("tz_multiply_t", fields)


# ---- QUANTIZE ----


def requantize_factor(node: Node) -> float:
    return float32(node.operands()[0].scale) / float32(node.output.scale)


def check_quantize(node: Node) -> list[str]:
    source = node.inputs[0]
    if str(source.dtype) != "float32":
        return check_requantize(node)
    problems = quantized(node.output, "int8", "int16", shifted=True)
    return problems or ([] if node.output.scale >= SMALLEST_SCALE else [f"an output scale of {node.output.scale:g}"])


def choose_quantize(node: Node) -> Function:
    output = node.output
    if str(node.inputs[0].dtype) != "float32":
        return choose_requantize(node)
    fields = {"scale": float32(output.scale), "zero_point": output.zero_point, "range": range_struct(output)}
    return "tz_quantize", Struct("tz_quantize_t", fields)


def check_requantize(node: Node) -> list[str]:
    """Allow a zero point of int16, except to int16, and any of int32."""
    source, output = node.inputs[0], node.output
    may_shift = {str(source.dtype), str(output.dtype)} != {"int16"}
    problems = quantized(source, "int8", "int16", "int32", shifted=may_shift)
    problems += quantized(output, "int8", "int16", shifted=may_shift)
    return problems or factor_problems(requantize_factor(node))


def choose_requantize(node: Node) -> Function:
    return requantization(node, quantize_multiplier(requantize_factor(node)))


def requantization(node: Node, factor: Factor, activation: int = Activation.NONE) -> Function:
    """Return the factor from a node's only input to its output."""
    fields = {
        "zero_point": node.operands()[0].zero_point,
        "output": scale_struct(factor, node.output.zero_point),
        "range": range_struct(node.output, activation),
    }
    # |value - zero point| < 2**17, shifted to the left, is below 2**30.
    is_small = factor.shift <= 13 and str(node.operands()[0].dtype) != "int32"
    return "tz_requantize" + "_small" * is_small, Struct("tz_requantize_t", fields)


# ---- SELECT_V2 ----


def check_select(node: Node) -> list[str]:
    condition, a, b = node.operands()
    if str(condition.dtype) != "bool":
        return [f"condition {condition.describe()} instead of bool"]
    if str(a.dtype) not in ("int8", "int16", "int32", "int64", "bool"):
        return [f"{a.describe()} instead of int8, int16, int32, int64 or bool"]
    return [] if a.dtype == b.dtype == node.output.dtype else ["alternatives of different types"]


def choose_select(node: Node) -> Function:
    return "tz_select" + "_long" * (str(node.output.dtype) == "int64"), None


ARITHMETIC = "int8 or int16, one scale per tensor; int32 or int64 without activation; broadcast"


def arithmetic(
    name: str,
    check: Callable[[Node], list[str]],
    choose: Callable[[Node], Function],
    endings: Mapping[str, str] = OF_ANY_BITS,
) -> Elementwise:
    """Return ADD, SUB or MUL; `endings`: the plain integers that it takes."""
    return Elementwise(name, ARITHMETIC, partial(arithmetic_problems, check=check, endings=endings), choose)


ADD = arithmetic("ADD", partial(check_sum, "add"), partial(choose_sum, "add", OF_ANY_BITS))
SUB = arithmetic(
    "SUB", partial(check_sum, "subtract"), partial(choose_sum, "subtract", OF_32_AND_64_BITS), OF_32_AND_64_BITS
)
MUL = arithmetic("MUL", check_multiply, choose_multiply)
SQUARED_DIFFERENCE = Elementwise(
    "SQUARED_DIFFERENCE", "int8, one scale per tensor, or int32; broadcast", check_square, choose_square
)
QUANTIZE = Elementwise(
    "QUANTIZE",
    "float32, int8, int16 or int32 to int8 or int16, one scale per tensor",
    check_quantize,
    choose_quantize,
    (1, 1),
)
SELECT_V2 = Selection(
    "SELECT_V2", "bool and any two of the same integer type; broadcast", check_select, choose_select, (3, 3)
)
