"""SOFTMAX over the last axis."""

import math
from dataclasses import dataclass

import numpy as np

from textzoo.compiler.ir.graph import Node, Tensor
from textzoo.compiler.ir.program import Call, Constant, Statement, Struct
from textzoo.compiler.numerics.fixedpoint import any_multiplier, float32
from textzoo.compiler.numerics.tables import (
    high_multiply,
    negative_exponential,
    softmax_exponentials_s16,
    softmax_reciprocals_s16,
)
from textzoo.compiler.operators.base import Operator, Target, no_products, option, quantized


@dataclass(frozen=True)
class Form:
    """One of LiteRT's kernels.

    Attributes:
        kernel: Ours.
        scale: Of the output; LiteRT demands it, or writes in its steps whatever the output's scale is.
        zero_point: The same.
        longest: Most columns.
        reason: What longer rows do.
    """

    kernel: str
    scale: float
    zero_point: int
    longest: int
    reason: str


# Types of the input and the output.
FORMS = {
    ("int8", "int8"): Form(
        "softmax_s8", 1 / 256, -128, 511, "LiteRT ends the process where the exponentials of a row sum to 512"
    ),
    ("int8", "int16"): Form("softmax_s8_s16", 1 / 65536, -32768, 4095, "the sum of exponentials overflows"),
    ("int16", "int16"): Form("softmax_s16", 1 / 32768, 0, 65535, "the sum of exponentials overflows"),
}
FRACTION_BITS = 26
# LiteRT's limit of the factor from int8 to the exponent.
MAX_REAL_STEP = 2.0**31 - 1
# Above the first, tz_exponential_s16 does not hold the raised distances, which above the second one wrap around in 32
# bits; the last one is the largest shift of 32 bits.
MAX_SHIFT_S16 = 14
MAX_SHIFT = 31
STEPS_S16 = 10.0 / 65535


class Softmax(Operator):
    name = "SOFTMAX"
    types = "int8 (rows of at most 511) or int16, or int8 to int16; over the last axis"
    macs = no_products

    def problems(self, node: Node) -> list[str]:
        source, output = node.operands()[0], node.output
        form = form_of(node)
        if form is None:
            return [f"{source.describe()} to {output.describe()}"]
        if problems := quantized(source, "int8", "int16") or format_problems(output, form):
            return problems
        if source.shape != output.shape or not source.shape:
            return [f"{source.describe()} to {output.describe()}"]
        if source.shape[-1] > form.longest:
            return [f"rows of {source.shape[-1]}, more than {form.longest}: {form.reason}"]
        return step_problems(node)

    def lower(self, node: Node, target: Target) -> list[Statement]:
        columns = node.output.shape[-1]
        sizes = {"rows": node.output.size // columns, "columns": columns}
        is_narrow = str(node.operands()[0].dtype) == "int8"
        width, fields = ("s8", fields_s8(node)) if is_narrow else ("s16", fields_s16(node))
        struct = Struct(f"tz_softmax_{width}_t", {**fields, **sizes})
        return [Call(self.name, node.name, kernel_of(node), struct, node.operands(), [node.output], header="softmax")]


def form_of(node: Node) -> Form | None:
    """Return the kernel of LiteRT's for a node's types, if there is one."""
    return FORMS.get((str(node.operands()[0].dtype), str(node.output.dtype)))


def format_problems(output: Tensor, form: Form) -> list[str]:
    """Return the problems of an output's scale and zero point."""
    if len(output.scales) == 1 and abs(output.scale / form.scale - 1) <= 1e-3 and output.zero_point == form.zero_point:
        return []
    wanted = f"{form.scale:g} and {form.zero_point}, in which LiteRT writes"
    return [f"an output of scale {output.scale:g} and zero point {output.zero_point}, not {wanted}"]


def kernel_of(node: Node) -> str:
    """Return our kernel; where the raised distances of int16 wrap around, the one that lets them."""
    kernel = form_of(node).kernel
    return kernel if kernel != "softmax_s16" or is_held_s16(node) else "softmax_s16_wrapping"


def real_step(node: Node) -> float:
    """Return what one step of the input means in the exponent."""
    beta, scale = float32(option(node, "beta", 0.0)), float32(node.operands()[0].scale)
    return beta * scale


def real_step_s16(node: Node) -> float:
    """Return the same as LiteRT computes it for int16, in float32, in steps of its table."""
    beta, scale = np.float32(option(node, "beta", 0.0)), np.float32(node.operands()[0].scale)
    with np.errstate(all="ignore"):
        return float(beta * scale) / STEPS_S16


def step_problems(node: Node) -> list[str]:
    """Return the problems of an input scale and beta that LiteRT's arithmetic does not hold."""
    if str(node.operands()[0].dtype) == "int8":
        # LiteRT ends the process.
        is_held = real_step(node) * 2**FRACTION_BITS > 1
        return [] if is_held else [f"an input scale times beta of {real_step(node):g}"]
    step = real_step_s16(node)
    if not (math.isfinite(step) and step >= 0):
        return [f"an input scale times beta of {step * STEPS_S16:g}"]
    if any_multiplier(step).shift > MAX_SHIFT:
        return [f"an input scale times beta of {step * STEPS_S16:g}, by which LiteRT shifts 32 bits or more"]
    return []


def is_held_s16(node: Node) -> bool:
    """Return whether tz_exponential_s16 holds the distances of int16."""
    return any_multiplier(real_step_s16(node)).shift <= MAX_SHIFT_S16


def exponentials_s8(step: float) -> np.ndarray:
    """Return the exponential for each distance from the largest value, as far as LiteRT looks: (distances,) int32.

    Where a step is 16 or more, that is the largest value alone.

    Args:
        step: What one step of the input means in the exponent; may be infinite.
    """
    factor = any_multiplier(min(step * 2**FRACTION_BITS, MAX_REAL_STEP))
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
    factor = any_multiplier(real_step_s16(node))
    symbol = node.output.symbol
    return {
        "exponentials": Constant(f"{symbol}_exponentials", softmax_exponentials_s16(), "(513)", "table"),
        "reciprocals": Constant(f"{symbol}_reciprocals", softmax_reciprocals_s16(), "(513)", "table"),
        "multiplier": factor.multiplier,
        "shift": factor.shift,
    }


SOFTMAX = Softmax()
