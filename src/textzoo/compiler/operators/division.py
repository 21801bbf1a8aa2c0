"""DIV of quantized values, as far as LiteRT's shifts stay within their bounds, and of int32."""

import numpy as np

from textzoo.compiler.ir.graph import Node, Tensor
from textzoo.compiler.ir.program import Struct
from textzoo.compiler.numerics.fixedpoint import quantize_multiplier
from textzoo.compiler.operators.base import INTEGER_RANGES, factor_problems, range_struct, scale_struct
from textzoo.compiler.operators.elementwise import (
    Elementwise,
    Function,
    activation_of,
    are_integers,
    arithmetic_problems,
)
from textzoo.compiler.operators.plain import zero_divisor_problems

MAX_BITS = 31


def quotient_factor(node: Node) -> float:
    """Return a / (b * output) in float32, as LiteRT computes it."""
    a, b, output = (np.float32(tensor.scale) for tensor in (*node.operands(), node.output))
    with np.errstate(all="ignore"):
        return float(a / (b * output))


def distances(tensor: Tensor) -> tuple[int, int]:
    """Return how near to its zero point a tensor's values can be, and how far from it."""
    if tensor.is_constant:
        found = np.abs(tensor.value.astype(np.int64) - tensor.zero_point)
        return int(found.min()), int(found.max())
    low, high = INTEGER_RANGES[str(tensor.dtype)]
    return 0, max(tensor.zero_point - low, high - tensor.zero_point)


def shift_problems(node: Node) -> list[str]:
    """Return the problems of quotients whose last shift to the right can leave [0, 31].

    It is the bits of the divisor after its first one, plus how far the dividend can be raised, less the factor's shift.
    """
    a, b = node.operands()
    (nearest, furthest), (smallest, largest) = distances(a), distances(b)
    shift = quantize_multiplier(quotient_factor(node)).shift
    # The negative of a power of two can be raised by one bit more than the power itself.
    most = MAX_BITS - max(nearest - 1, 0).bit_length() + largest.bit_length() - 1 - shift
    fewest = MAX_BITS - furthest.bit_length() + max(smallest, 1).bit_length() - 1 - shift
    held = fewest >= 0 and most <= MAX_BITS
    return [] if held else [f"quotients that LiteRT shifts by {fewest} to {most} bits instead of 0 to {MAX_BITS}"]


def check_quantized(node: Node) -> list[str]:
    return factor_problems(quotient_factor(node)) or shift_problems(node)


def check_divide(node: Node) -> list[str]:
    return arithmetic_problems(node, check_quantized) or zero_divisor_problems(node)


def choose_divide(node: Node) -> Function:
    if are_integers(node):
        return "tz_integer_divide", None
    a, b = node.operands()
    fields = {
        "a_zero_point": a.zero_point,
        "b_zero_point": b.zero_point,
        "output": scale_struct(quantize_multiplier(quotient_factor(node)), node.output.zero_point),
        "range": range_struct(node.output, activation_of(node)),
    }
    return "tz_divide", Struct("tz_multiply_t", fields)


DIV = Elementwise(
    "DIV",
    "int8 or int16, the inputs' quotient of scales 2**6 to 2**23 (int16: 2**14) times the output's; int32; broadcast",
    check_divide,
    choose_divide,
)
