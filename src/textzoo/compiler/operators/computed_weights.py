"""FULLY_CONNECTED whose weights are computed too, have a zero point, or are int16: textzoo/fully_connected_computed.h.

Nothing is known of the sums but how large they can be, so that no integer multiplier can be proved: they are scaled as
in double precision.
"""

import numpy as np

from textzoo.compiler.ir.graph import Node, Tensor
from textzoo.compiler.ir.program import Call, Constant, Struct
from textzoo.compiler.numerics.fixedpoint import float32, quantize_multiplier
from textzoo.compiler.operators.base import INTEGER_RANGES, factor_problems
from textzoo.compiler.operators.batch_matmul import MAX_WIDE_SHIFT
from textzoo.compiler.operators.matrix_parts import (
    double_arrays,
    output_range,
    overflow_problems,
    plain_bias,
    row_constants,
    row_factors,
)

# Types of the input, the weights and the output.
KERNELS = {
    ("int8", "int8", "int8"): "fully_connected_s8_computed",
    ("int16", "int8", "int16"): "fully_connected_s16_computed",
    ("int16", "int16", "int16"): "fully_connected_s16_s16_computed",
}
# What tz_scale_wide takes.
MAX_WIDE_SUM = 2**47 - 1


def has_computed_form(node: Node) -> bool:
    """Return whether the weights are not constant int8 without a zero point."""
    weights = node.inputs[1]
    return not weights.is_constant or weights_zero_point(weights) != 0 or str(weights.dtype) == "int16"


def weights_zero_point(weights: Tensor) -> int:
    """Return the zero point of weights; LiteRT takes 0 where there is one scale per row."""
    return weights.zero_point if len(weights.scales) == 1 else 0


def problems_of_computed(node: Node) -> list[str]:
    """Return why a node cannot be compiled, its shapes and bias left aside."""
    source, weights = node.inputs[:2]
    types = tuple(str(tensor.dtype) for tensor in (source, weights, node.output))
    if types not in KERNELS or len(weights.scales) not in (1, weights.shape[0]):
        return [f"{source.describe()} times {weights.describe()} with {len(weights.scales)} scales"]
    if types[1] == "int16":
        return wide_problems(node)
    reals = np.array(row_factors(node))
    return overflow_problems(node, np.full(len(reals), largest_sum_of(node)), reals)


def wide_problems(node: Node) -> list[str]:
    """Return the problems of int16 weights."""
    reals = wide_factors(node)
    if problems := factor_problems(*reals):
        return problems[:1]
    if quantize_multiplier(max(reals)).shift > MAX_WIDE_SHIFT:
        return [f"a factor of {max(reals):g} between the scales of int16"]
    largest = largest_sum_of(node)
    return [f"sums up to {largest}, more than {MAX_WIDE_SUM}"] if largest > MAX_WIDE_SUM else []


def wide_factors(node: Node) -> list[float]:
    """Return the factors of int16 weights, one per row: where there is one scale, LiteRT multiplies it in float32."""
    source, weights = node.inputs[:2]
    if len(weights.scales) > 1:
        return row_factors(node)
    with np.errstate(all="ignore"):
        product = float(np.float32(source.scale) * np.float32(weights.scale))
    return [product / float32(node.output.scale)] * weights.shape[0]


def largest_sum_of(node: Node) -> int:
    """Return a bound on the size of all sums."""
    source, weights = node.inputs[:2]
    bias = int(np.abs(plain_bias(node)).max())
    distances = largest_distance(source, source.zero_point) * largest_distance(weights, weights_zero_point(weights))
    return weights.shape[1] * distances + bias


def largest_distance(tensor: Tensor, zero_point: int) -> int:
    """Return the largest distance of a value from the zero point."""
    low, high = INTEGER_RANGES[str(tensor.dtype)]
    return max(high - zero_point, zero_point - low)


def computed_layer(node: Node) -> Call:
    """Return the call for one vector."""
    source, weights = node.inputs[:2]
    rows, columns = weights.shape
    fields = {
        "bias": Constant(f"{node.output.symbol}_bias", plain_bias(node), f"({rows})"),
        **factor_fields(node),
        "rows": rows,
        "columns": columns,
        "input_zero_point": source.zero_point,
        "weights_zero_point": weights_zero_point(weights),
        "output_zero_point": node.output.zero_point,
        **output_range(node),
    }
    kernel = KERNELS[tuple(str(tensor.dtype) for tensor in (source, weights, node.output))]
    struct = Struct("tz_fully_connected_computed_t", fields)
    call = Call(node.operator, node.name, kernel, struct, [source, weights], [node.output])
    call.header, call.steps = "fully_connected_computed", (columns, 0, rows)
    return call


def factor_fields(node: Node) -> dict[str, object]:
    """Return the factor of every row: in double precision, or for int16 weights as multiplier and shift."""
    no_arrays = dict.fromkeys(("mantissas", "exponents", "multipliers", "shifts"), 0)
    if str(node.inputs[1].dtype) == "int16":
        factors = [quantize_multiplier(real) for real in wide_factors(node)]
        arrays = {
            "multipliers": np.array([factor.reduced for factor in factors], np.int16),
            "shifts": np.array([factor.shift for factor in factors], np.int8),
        }
    else:
        arrays = double_arrays(row_factors(node))
    return no_arrays | row_constants(node.output.symbol, arrays)
