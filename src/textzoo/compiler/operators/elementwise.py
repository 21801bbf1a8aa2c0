"""Operators that work element by element, each a function of textzoo/elementwise.h."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from textzoo.compiler.fixedpoint import Factor, float32, quantize_multiplier
from textzoo.compiler.graph import Node, Tensor
from textzoo.compiler.operators.base import (
    Operator,
    Target,
    broadcast_problems,
    broadcast_walk,
    factor_problems,
    option,
    quantized,
    range_struct,
    scale_struct,
)
from textzoo.compiler.program import Compute, Loop, Statement, Struct

LEFT_SHIFTS = {"int8": 20, "int16": 15}
ZERO = Factor(0, 0)


@dataclass(frozen=True)
class Elementwise(Operator):
    """An operator whose output element depends on one element of each input.

    Attributes:
        function: Of the runtime; empty to copy.
        small: Whether a node's values stay so small that the faster function with this ending gives the same.
        struct: Makes its parameters from a node; None where it has none.
        check: Further problems of a node.
    """

    name: str
    types: str
    function: str
    check: Callable[[Node], list[str]]
    struct: Callable[[Node], Struct] | None = None
    small: Callable[[Node], bool] | None = None

    def problems(self, node: Node) -> list[str]:
        return self.check(node) or broadcast_problems(node)

    def lower(self, node: Node, target: Target) -> list[Statement]:
        shape = node.output.shape
        operands = [broadcast_walk(tensor, shape) for tensor in node.operands()]
        struct = self.struct(node) if self.struct else None
        function = self.function + "_small" * bool(self.small and self.small(node))
        compute = Compute(broadcast_walk(node.output, shape), function, operands, struct)
        return [Loop(self.name, node.name, shape, [compute])]


def add_factors(node: Node) -> tuple[float, float, float]:
    """The factors of both inputs to the common scale, and of that to the output."""
    a, b, output = (float32(tensor.scale) for tensor in (*node.operands(), node.output))
    twice_max = 2 * max(a, b)
    return a / twice_max, b / twice_max, twice_max / ((1 << LEFT_SHIFTS[str(node.output.dtype)]) * output)


def add_struct(node: Node) -> Struct:
    factors = [quantize_multiplier(real) for real in add_factors(node)]
    tensors = (*node.operands(), node.output)
    names = ("a", "b", "output")
    fields = {
        name: scale_struct(factor, tensor.zero_point)
        for name, factor, tensor in zip(names, factors, tensors, strict=True)
    }
    activation = option(node, "fusedActivationFunction")
    left_shift = LEFT_SHIFTS[str(node.output.dtype)]
    return Struct("tz_add_t", {**fields, "range": range_struct(node.output, activation), "left_shift": left_shift})


def check_add(node: Node) -> list[str]:
    return same_type_problems(node, "int8", "int16") or factor_problems(*add_factors(node))


def multiply_factor(node: Node) -> float:
    """a * b / output in float32, as LiteRT computes it."""
    a, b, output = (np.float32(tensor.scale) for tensor in (*node.operands(), node.output))
    return float(a * b / output)


def multiply_struct(node: Node) -> Struct:
    a, b = node.operands()
    return Struct(
        "tz_multiply_t",
        {
            "a_zero_point": a.zero_point,
            "b_zero_point": b.zero_point,
            "output": scale_struct(quantize_multiplier(multiply_factor(node)), node.output.zero_point),
            "range": range_struct(node.output, option(node, "fusedActivationFunction")),
        },
    )


def has_small_products(node: Node) -> bool:
    """int8: |a - zero point| * |b - zero point| <= 255 * 255, shifted to the left, is below 2**30."""
    return str(node.output.dtype) == "int8" and quantize_multiplier(multiply_factor(node)).shift <= 14


def check_multiply(node: Node) -> list[str]:
    return same_type_problems(node, "int8", "int16") or factor_problems(multiply_factor(node))


def requantize_factor(node: Node) -> float:
    return float32(node.operands()[0].scale) / float32(node.output.scale)


def requantize_struct(node: Node) -> Struct:
    factor = quantize_multiplier(requantize_factor(node))
    return Struct(
        "tz_requantize_t",
        {
            "zero_point": node.operands()[0].zero_point,
            "output": scale_struct(factor, node.output.zero_point),
            "range": range_struct(node.output),
        },
    )


def has_small_values(node: Node) -> bool:
    """|value - zero point| < 2**17, shifted to the left, is below 2**30."""
    return quantize_multiplier(requantize_factor(node)).shift <= 13


def check_requantize(node: Node) -> list[str]:
    problems = quantized(node.inputs[0], "int8", "int16") + quantized(node.output, "int8", "int16")
    return problems or factor_problems(requantize_factor(node))


def same_type_problems(node: Node, *dtypes: str) -> list[str]:
    """Problems of a node whose inputs and output must be quantized with the same dtype."""
    problems = [text for tensor in (*node.inputs, node.output) for text in quantized(tensor, *dtypes)]
    kinds = {str(tensor.dtype) for tensor in (*node.operands(), node.output)}
    return problems or ([] if len(kinds) == 1 else [f"mixed types {', '.join(sorted(kinds))}"])


def plain_integer(tensor: Tensor) -> bool:
    return str(tensor.dtype) in ("int32", "bool") and not tensor.scales


def check_comparison(node: Node) -> list[str]:
    return [f"{tensor.describe()} instead of int32" for tensor in node.operands() if str(tensor.dtype) != "int32"]


def same_format(a: Tensor, b: Tensor) -> bool:
    return (a.dtype, a.scales, a.zero_points) == (b.dtype, b.scales, b.zero_points)


def check_select(node: Node) -> list[str]:
    condition, a, b = node.operands()
    if str(condition.dtype) != "bool":
        return [f"condition {condition.describe()} instead of bool"]
    if str(a.dtype) not in ("int8", "int16", "int32", "bool"):
        return [f"{a.describe()} instead of int8, int16 or int32"]
    return [] if a.dtype == b.dtype == node.output.dtype else ["alternatives of different types"]


QUANTIZED = "int8 or int16, one scale per tensor, broadcast"
ADD = Elementwise("ADD", QUANTIZED, "tz_add", check_add, add_struct)
SUB = Elementwise("SUB", QUANTIZED, "tz_subtract", check_add, add_struct)
MUL = Elementwise("MUL", QUANTIZED, "tz_multiply", check_multiply, multiply_struct, has_small_products)
QUANTIZE = Elementwise(
    "QUANTIZE", "int8 or int16 to int8 or int16", "tz_requantize", check_requantize, requantize_struct, has_small_values
)
SELECT_V2 = Elementwise("SELECT_V2", "bool and any two of the same type, broadcast", "tz_select", check_select)
COMPARISON = "int32, broadcast"
EQUAL = Elementwise("EQUAL", COMPARISON, "tz_equal", check_comparison)
NOT_EQUAL = Elementwise("NOT_EQUAL", COMPARISON, "tz_not_equal", check_comparison)
LESS = Elementwise("LESS", COMPARISON, "tz_less", check_comparison)
LESS_EQUAL = Elementwise("LESS_EQUAL", COMPARISON, "tz_less_equal", check_comparison)
GREATER = Elementwise("GREATER", COMPARISON, "tz_greater", check_comparison)
GREATER_EQUAL = Elementwise("GREATER_EQUAL", COMPARISON, "tz_greater_equal", check_comparison)
