"""FULLY_CONNECTED whose weights are computed too, have a zero point, or are int16: textzoo/fully_connected_computed.h.

Nothing is known of the sums but how large they can be, so that no integer multiplier can be proved: they are scaled as
in double precision.
"""

import numpy as np

from textzoo.compiler.fixedpoint import double_parts, float32, quantize_multiplier
from textzoo.compiler.graph import Node, Tensor
from textzoo.compiler.operators.base import INTEGER_RANGES, factor_problems
from textzoo.compiler.operators.batch_matmul import LARGEST_WIDE_SHIFT
from textzoo.compiler.operators.matrix_parts import output_range, overflow_problems, plain_bias
from textzoo.compiler.program import Call, Constant, Struct

# Types of the input, the weights and the output.
KERNELS = {
    ("int8", "int8", "int8"): "fully_connected_s8_computed",
    ("int16", "int8", "int16"): "fully_connected_s16_computed",
    ("int16", "int16", "int16"): "fully_connected_s16_s16_computed",
}
# What tz_scale_wide takes.
LARGEST_WIDE_SUM = 2**47 - 1


def has_computed_form(node: Node) -> bool:
    """Whether the weights are not constant int8 without a zero point; with one scale per row LiteRT takes 0 for it."""
    weights = node.inputs[1]
    is_shifted = len(weights.scales) == 1 and weights.zero_point != 0
    return not weights.is_constant or is_shifted or str(weights.dtype) == "int16"


def problems_of_computed(node: Node) -> list[str]:
    """Why a node cannot be compiled, its shapes and bias left aside."""
    source, weights = node.inputs[:2]
    types = tuple(str(tensor.dtype) for tensor in (source, weights, node.output))
    if types not in KERNELS or len(weights.scales) != 1:
        return [f"{source.describe()} times {weights.describe()} with {len(weights.scales)} scales"]
    if types[1] == "int16":
        return wide_problems(node)
    return overflow_problems(node, np.array([largest_sum_of(node)]), np.array([double_factor(node)]))


def wide_problems(node: Node) -> list[str]:
    """Problems of int16 weights."""
    if problems := factor_problems(single_factor(node)):
        return problems
    if quantize_multiplier(single_factor(node)).shift > LARGEST_WIDE_SHIFT:
        return [f"a factor of {single_factor(node):g} between the scales of int16"]
    largest = largest_sum_of(node)
    return [f"sums up to {largest}, more than {LARGEST_WIDE_SUM}"] if largest > LARGEST_WIDE_SUM else []


def double_factor(node: Node) -> float:
    """input * weights / output, in double precision."""
    source, weights = node.inputs[:2]
    return float32(source.scale) * float32(weights.scale) / float32(node.output.scale)


def single_factor(node: Node) -> float:
    """The same with the product in float32, as LiteRT computes it for int16 weights."""
    source, weights = node.inputs[:2]
    with np.errstate(all="ignore"):
        return float(np.float32(source.scale) * np.float32(weights.scale)) / float32(node.output.scale)


def largest_sum_of(node: Node) -> int:
    """No sum can be larger in size."""
    source, weights = node.inputs[:2]
    bias = int(np.abs(plain_bias(node).astype(object)).max())
    return weights.shape[1] * largest_distance(source) * largest_distance(weights) + bias


def largest_distance(tensor: Tensor) -> int:
    """Of a value from the zero point."""
    low, high = INTEGER_RANGES[str(tensor.dtype)]
    return max(high - tensor.zero_point, tensor.zero_point - low)


def computed_layer(node: Node) -> Call:
    """The call for one vector."""
    source, weights = node.inputs[:2]
    rows, columns = weights.shape
    mantissa, exponent = double_parts(double_factor(node))
    is_wide = str(weights.dtype) == "int16"
    factor = quantize_multiplier(single_factor(node)) if is_wide else None
    fields = {
        "bias": Constant(f"{node.output.symbol}_bias", plain_bias(node), f"({rows})"),
        "mantissa": mantissa,
        "exponent": exponent,
        "multiplier": factor.reduced if factor else 0,
        "shift": factor.shift if factor else 0,
        "rows": rows,
        "columns": columns,
        "input_zero_point": source.zero_point,
        "weights_zero_point": weights.zero_point,
        "output_zero_point": node.output.zero_point,
        **output_range(node),
    }
    kernel = KERNELS[tuple(str(tensor.dtype) for tensor in (source, weights, node.output))]
    struct = Struct("tz_fully_connected_computed_t", fields)
    call = Call(node.operator, node.name, kernel, struct, [source, weights], [node.output])
    call.header, call.steps = "fully_connected_computed", (columns, 0, rows)
    return call
