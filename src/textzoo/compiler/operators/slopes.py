"""ABS, LEAKY_RELU and PRELU: straight on both sides of zero."""

import numpy as np

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.ir.program import Struct
from textzoo.compiler.numerics.fixedpoint import float32, quantize_multiplier
from textzoo.compiler.operators.base import (
    factor_problems,
    float32_quotient,
    option,
    quantized,
    range_struct,
    scale_struct,
)
from textzoo.compiler.operators.elementwise import (
    Elementwise,
    Function,
    are_integers,
    requantization,
    same_type_problems,
)


def identity_factor(node: Node) -> float:
    """Return the factor from the input to the output, in float32."""
    return float32_quotient(node.inputs[0].scale, node.output.scale)


# ---- ABS ----


def check_absolute(node: Node) -> list[str]:
    if are_integers(node):
        return []
    return same_type_problems(node, "int8", "int16") or factor_problems(identity_factor(node))


def choose_absolute(node: Node) -> Function:
    if are_integers(node):
        return "tz_integer_absolute", None
    _, struct = requantization(node, quantize_multiplier(identity_factor(node)))
    return "tz_absolute", struct


# ---- LEAKY_RELU, PRELU ----


def sloped_factor(node: Node, slope: float) -> float:
    """Return input * slope / output in float32, as LiteRT computes it."""
    with np.errstate(all="ignore"):
        product = np.float32(node.inputs[0].scale) * np.float32(slope)
        return float(product / np.float32(node.output.scale))


def leaky_struct(node: Node, slope: float, alpha_zero_point: int) -> Struct:
    positive, negative = quantize_multiplier(identity_factor(node)), quantize_multiplier(sloped_factor(node, slope))
    zero_point = node.output.zero_point
    fields = {
        "zero_point": node.inputs[0].zero_point,
        "alpha_zero_point": alpha_zero_point,
        "positive": scale_struct(positive, zero_point),
        "negative": scale_struct(negative, zero_point),
        "range": range_struct(node.output),
    }
    return Struct("tz_leaky_t", fields)


def slope_of(node: Node) -> float:
    return float32(option(node, "alpha", 0.0))


def check_leaky_relu(node: Node) -> list[str]:
    problems = same_type_problems(node, "int8", "int16")
    return problems or factor_problems(identity_factor(node), sloped_factor(node, abs(slope_of(node))))


def choose_leaky_relu(node: Node) -> Function:
    slope = slope_of(node)
    return "tz_leaky_relu" + "_negated" * (slope < 0), leaky_struct(node, abs(slope), 0)


def check_prelu(node: Node) -> list[str]:
    source, alpha = node.inputs
    problems = [text for tensor in (source, node.output) for text in quantized(tensor, "int8", "int16")]
    problems += quantized(alpha, "int8")
    if problems or source.dtype != node.output.dtype:
        return problems or [f"{source.describe()} to {node.output.describe()}"]
    if source.shape != node.output.shape:
        return [f"an alpha {alpha.describe()} for {source.describe()}"]
    return factor_problems(identity_factor(node), sloped_factor(node, alpha.scale))


def choose_prelu(node: Node) -> Function:
    alpha = node.inputs[1]
    return "tz_prelu", leaky_struct(node, alpha.scale, alpha.zero_point)


QUANTIZED = "int8 or int16, one scale per tensor"
ABS = Elementwise("ABS", f"{QUANTIZED}; int32", check_absolute, choose_absolute, (1, 1))
LEAKY_RELU = Elementwise("LEAKY_RELU", QUANTIZED, check_leaky_relu, choose_leaky_relu, (1, 1))
PRELU = Elementwise("PRELU", f"{QUANTIZED}; slopes of int8, broadcast", check_prelu, choose_prelu)
