"""What the forms of FULLY_CONNECTED share: shapes, biases, activations, and the limits of LiteRT's sums."""

from collections.abc import Mapping, Sequence

import numpy as np

from textzoo.compiler.ir.graph import Node, Tensor
from textzoo.compiler.ir.program import Constant
from textzoo.compiler.numerics.fixedpoint import double_parts, float32
from textzoo.compiler.operators.base import activation_range, option

# The schema's TensorType in the option quantizedBiasType: FLOAT32 (not set), INT32, INT64.
BIAS_TYPES = (0, 2, 4)
BIAS_IN_32_BITS, BIAS_IN_64_BITS = 2, 4
# Of the bias on the scale of the products, in steps of the output.
MAX_BIAS_ERROR = 0.02
# Far more than any sum: numbers below it can be added without a thought.
MAX_BIAS = 2**53
# What LiteRT brings to an integer, the output's zero point added, before it clamps it.
MAX_OUTPUT = 2**31 - 2**8
# Of sums: in 32 bits, and what tz_scale_as_double takes.
MAX_SUM, MAX_LONG_SUM = 2**31 - 1, 2**43 - 1


def shape_problems(node: Node) -> list[str]:
    """Return the problems of shapes that do not go together, and of options of other kernels."""
    source, weights = node.inputs[:2]
    if len(weights.shape) != 2:
        return [f"weights {weights.describe()} instead of (rows, columns)"]
    if source.size % weights.shape[1] or node.output.shape != result_shape(node):
        return [f"{source.describe()} times {weights.describe()} does not make {node.output.describe()}"]
    return ["shuffled weights"] if option(node, "weightsFormat") != 0 else []


def result_shape(node: Node) -> tuple[int, ...] | None:
    """Return the product's shape: all axes but the last are one, unless keepNumDims keeps those of the input."""
    source, (rows, columns) = node.inputs[0], node.inputs[1].shape
    if not option(node, "keepNumDims", False):
        return source.size // columns, rows
    return (*source.shape[:-1], rows) if source.shape[-1:] == (columns,) else None


def bias_problems(node: Node) -> list[str]:
    """Return the problems of a bias that LiteRT refuses, or reads as another type than it is."""
    source, weights, bias = (*node.inputs, None)[:3]
    if str(source.dtype) == "int16" and option(node, "quantizedBiasType") not in BIAS_TYPES:
        return [f"quantizedBiasType {option(node, 'quantizedBiasType')}"]
    if bias is None:
        return []
    if bias.size != weights.shape[0] or str(bias.dtype) != bias_type(node):
        return [f"bias {bias.describe()}, which LiteRT reads as {bias_type(node)} ({weights.shape[0]})"]
    if bias.value.min() < -MAX_BIAS or bias.value.max() > MAX_BIAS:
        return [f"a bias beyond {MAX_BIAS}"]
    product = float32(source.scale) * float32(weights.scale)
    # Only one scale counts.
    scale = bias.scale if len(bias.scales) == 1 else 0.0
    error = abs(product - float32(scale)) / float32(node.output.scale)
    is_off = len(weights.scales) == 1 and error > MAX_BIAS_ERROR
    return [f"a bias on the scale {scale:g} instead of {product:g}"] if is_off else []


def bias_type(node: Node) -> str:
    """Return the type as which LiteRT reads a bias."""
    source, weights = node.inputs[:2]
    of_32_bits = (BIAS_IN_32_BITS, 0) if str(weights.dtype) == "int16" else (BIAS_IN_32_BITS,)
    is_short = str(source.dtype) == "int8" or option(node, "quantizedBiasType") in of_32_bits
    return "int32" if is_short else "int64"


def largest_sum(node: Node) -> int:
    """Return the largest sum that LiteRT's kernel of int8 weights, and ours, hold."""
    is_short = str(node.inputs[0].dtype) == "int8" or option(node, "quantizedBiasType") == BIAS_IN_32_BITS
    return MAX_SUM if is_short else MAX_LONG_SUM


def overflow_problems(node: Node, largest: np.ndarray, reals: np.ndarray) -> list[str]:
    """Return the problems of the largest sums (rows,) and their factors: LiteRT's arithmetic overflows."""
    if largest.max() > largest_sum(node):
        return [f"sums up to {largest.max()}, more than {largest_sum(node)}"]
    with np.errstate(all="ignore"):
        highest = (largest * reals).max()
    return [] if highest <= MAX_OUTPUT else [f"sums up to {highest:g} steps of the output"]


def plain_bias(node: Node) -> np.ndarray:
    """Return the bias as the model has it, zeros where it has none: (rows,) int64."""
    bias: Tensor | None = node.inputs[2] if len(node.inputs) > 2 else None
    return bias.value.ravel().astype(np.int64) if bias is not None else np.zeros(node.inputs[1].shape[0], np.int64)


def output_range(node: Node) -> dict[str, int]:
    low, high = activation_range(node.output, option(node, "fusedActivationFunction"))
    return {"minimum": low, "maximum": high}


def row_factors(node: Node) -> list[float]:
    """Return the factor of each row's sum: input * weight / output scale, in double precision and this order."""
    source, weights = node.inputs[:2]
    first, output = float32(source.scale), float32(node.output.scale)
    scales = weights.scales if len(weights.scales) > 1 else weights.scales * weights.shape[0]
    return [first * float32(scale) / output for scale in scales]


def double_arrays(reals: Sequence[float]) -> dict[str, np.ndarray]:
    """Return the factors for tz_scale_as_double."""
    parts = [double_parts(real) for real in reals]
    return {
        "mantissas": np.array([mantissa for mantissa, _ in parts], np.int64),
        "exponents": np.array([exponent for _, exponent in parts], np.int16),
    }


def row_constants(symbol: str, arrays: Mapping[str, np.ndarray]) -> dict[str, Constant]:
    """Return arrays (rows,) each as constants that are called after their fields."""
    return {name: Constant(f"{symbol}_{name}", values, f"({len(values)})") for name, values in arrays.items()}
