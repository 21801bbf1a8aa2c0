"""SOFTMAX over the last axis."""

import math

import numpy as np

from textzoo.compiler.fixedpoint import float32, quantize_multiplier
from textzoo.compiler.graph import Node
from textzoo.compiler.operators.base import Operator, Target, factor_problems, option
from textzoo.compiler.operators.elementwise import same_type_problems
from textzoo.compiler.program import Call, Constant, Statement, Struct
from textzoo.compiler.tables import (
    high_multiply,
    negative_exponential,
    softmax_exponentials_s16,
    softmax_reciprocals_s16,
)

# The output format that LiteRT demands: scale and zero point.
FORMATS = {"int8": (1 / 256, -128), "int16": (1 / 32768, 0)}
FRACTION_BITS = 26
# LiteRT ends the process where the exponentials of an int8 row, the largest of which is 1, sum to 512. The sum of an
# int16 row has 31 bits.
LONGEST_ROWS = {"int8": 511, "int16": 65535}
# Above it, the distance from the largest value leaves 32 bits.
LARGEST_SHIFT_S16 = 14
STEPS_S16 = 10.0 / 65535


class Softmax(Operator):
    name = "SOFTMAX"
    types = "int8 (rows of at most 511) or int16, over the last axis"

    def problems(self, node: Node) -> list[str]:
        if problems := same_type_problems(node, "int8", "int16"):
            return problems
        scale, zero_point = FORMATS[str(node.output.dtype)]
        if abs(node.output.scale / scale - 1) > 1e-3 or node.output.zero_point != zero_point:
            return [f"an output of scale {node.output.scale:g} and zero point {node.output.zero_point}, not {scale:g}"]
        source, longest = node.operands()[0], LONGEST_ROWS[str(node.output.dtype)]
        if source.shape != node.output.shape or not source.shape or source.shape[-1] > longest:
            return [f"{source.describe()} to {node.output.describe()}, rows of at most {longest}"]
        return step_problems(node)

    def lower(self, node: Node, target: Target) -> list[Statement]:
        columns = node.output.shape[-1]
        sizes = {"rows": node.output.size // columns, "columns": columns}
        width, fields = ("s8", fields_s8(node)) if str(node.output.dtype) == "int8" else ("s16", fields_s16(node))
        struct = Struct(f"tz_softmax_{width}_t", {**fields, **sizes})
        return [
            Call(self.name, node.name, f"softmax_{width}", struct, node.operands(), [node.output], header="softmax")
        ]


def real_step(node: Node) -> float:
    """What one step of the input means in the exponent."""
    beta, scale = float32(option(node, "beta", 0.0)), float32(node.operands()[0].scale)
    return beta * scale


def real_step_s16(node: Node) -> float:
    """The same as LiteRT computes it for int16: in float32."""
    beta, scale = np.float32(option(node, "beta", 0.0)), np.float32(node.operands()[0].scale)
    with np.errstate(all="ignore"):
        return float(beta * scale)


def step_problems(node: Node) -> list[str]:
    """Problems of an input scale and beta that LiteRT's arithmetic does not hold."""
    if str(node.output.dtype) == "int8":
        step = real_step(node) * 2**FRACTION_BITS
        return factor_problems(step) if step > 1 else [f"an input scale times beta of {real_step(node):g}"]
    problems = factor_problems(real_step_s16(node) / STEPS_S16)
    if problems or quantize_multiplier(real_step_s16(node) / STEPS_S16).shift <= LARGEST_SHIFT_S16:
        return problems
    return [f"an input scale times beta of {real_step_s16(node):g}"]


def exponentials_s8(step: float) -> np.ndarray:
    """(distances,) int32: the exponential for each distance from the largest value, as far as LiteRT looks.

    Args:
        step: What one step of the input means in the exponent.
    """
    factor = quantize_multiplier(min(step * 2**FRACTION_BITS, 2.0**31 - 1))
    furthest = math.floor(31.0 * 2.0**FRACTION_BITS / 2.0**factor.shift)
    distances = np.arange(min(furthest, 255) + 1, dtype=np.int64)
    raised = (-distances << factor.shift).astype(np.int32).astype(np.int64)
    return negative_exponential(high_multiply(raised, factor.multiplier)).astype(np.int32)


def fields_s8(node: Node) -> dict[str, object]:
    table = exponentials_s8(real_step(node))
    comment = f"({len(table)}) exp(-distance * {real_step(node):.6g})"
    exponentials = Constant(f"{node.output.symbol}_exponentials", table, comment, "table")
    return {"exponentials": exponentials, "distances": len(table)}


def fields_s16(node: Node) -> dict[str, object]:
    factor = quantize_multiplier(real_step_s16(node) / STEPS_S16)
    symbol = node.output.symbol
    return {
        "exponentials": Constant(f"{symbol}_exponentials", softmax_exponentials_s16(), "(513)", "table"),
        "reciprocals": Constant(f"{symbol}_reciprocals", softmax_reciprocals_s16(), "(513)", "table"),
        "multiplier": factor.multiplier,
        "shift": factor.shift,
    }


SOFTMAX = Softmax()
