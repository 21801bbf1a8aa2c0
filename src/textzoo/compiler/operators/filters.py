"""What CONV_2D and DEPTHWISE_CONV_2D share: constant filters, their biases, and LiteRT's way from sums to outputs."""

import numpy as np

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.ir.program import Constant
from textzoo.compiler.numerics.fixedpoint import Factor, float32, quantize_multiplier
from textzoo.compiler.operators.base import (
    INTEGER_RANGES,
    activation_problems,
    constant,
    factor_problems,
    option,
    quantized,
)
from textzoo.compiler.operators.matrix_parts import MAX_OUTPUT, MAX_SUM, output_range
from textzoo.compiler.operators.windows import window_problems, window_struct


def filter_problems(node: Node, filters: int) -> list[str]:
    """Return the problems of a convolution with so many filters but for their shape, which has 4 axes."""
    source, weights = node.inputs[:2]
    return (
        quantized(source, "int8")
        or quantized(node.output, "int8")
        or weights_problems(node, filters)
        or bias_problems(node, filters)
        or window_problems(node, weights.shape[1:3], filters)
        or activation_problems(node.output, option(node, "fusedActivationFunction"))
    )


def weights_problems(node: Node, filters: int) -> list[str]:
    """Return the problems of weights that are no constant int8 of 4 axes, or have neither one scale nor `filters`."""
    weights = node.inputs[1]
    if str(weights.dtype) != "int8" or len(weights.shape) != 4:
        return [f"weights {weights.describe()} instead of int8 with 4 axes"]
    if len(weights.scales) not in (1, filters):
        return [f"weights with {len(weights.scales)} scales instead of 1 or {filters}"]
    if any(weights.zero_points):
        return [f"weights with zero point {next(filter(None, weights.zero_points))} instead of 0"]
    return constant(weights, "the weights")


def bias_problems(node: Node, filters: int) -> list[str]:
    """Return the problems of a bias; its scale is not looked at, by LiteRT either."""
    bias = (*node.inputs, None)[2]
    if bias is None:
        return []
    if str(bias.dtype) != "int32" or bias.shape != (filters,):
        return [f"bias {bias.describe()} instead of int32 {filters}"]
    return constant(bias, "the bias") or ([f"a bias with zero point {bias.zero_point}"] if bias.zero_point else [])


def sum_problems(node: Node, matrix: np.ndarray) -> list[str]:
    """Return the problems of sums and factors that LiteRT's arithmetic, or ours, does not hold.

    Args:
        node: A convolution without other problems.
        matrix: (filters, weights) int8.
    """
    reals = filter_factors(node, len(matrix))
    if problems := factor_problems(*reals):
        return problems[:1]
    largest = np.maximum(largest_sums(node, matrix), largest_sums(node, matrix, with_bias=False))
    if largest.max() > MAX_SUM:
        return [f"sums up to {largest.max()}, more than {MAX_SUM}"]
    highest = (largest * np.array(reals)).max()
    return [] if highest <= MAX_OUTPUT else [f"sums up to {highest:g} steps of the output"]


def largest_sums(node: Node, matrix: np.ndarray, with_bias: bool = True) -> np.ndarray:
    """Return a bound on the absolute values of all sums that can occur, (filters,) int64.

    It holds on the way, too: every product may be 0.
    """
    low, high = INTEGER_RANGES["int8"]
    weights = matrix.astype(np.int64)
    positive, negative = np.maximum(weights, 0).sum(axis=1), np.minimum(weights, 0).sum(axis=1)
    bias = folded_bias(node, matrix) if with_bias else 0
    ends = [bias + low * positive + high * negative, bias + high * positive + low * negative]
    return np.abs(ends).max(axis=0)


def folded_bias(node: Node, matrix: np.ndarray) -> np.ndarray:
    """Return the bias with the input's zero point folded in, (filters,) int64."""
    bias = (*node.inputs, None)[2]
    plain = np.zeros(len(matrix), np.int64) if bias is None else bias.value.astype(np.int64)
    return plain - node.inputs[0].zero_point * matrix.astype(np.int64).sum(axis=1)


def filter_factors(node: Node, filters: int) -> list[float]:
    """Return the factor of each filter's sum: input * weight / output scale, in double precision and this order."""
    source, weights = node.inputs[:2]
    scales = weights.scales if len(weights.scales) > 1 else weights.scales * filters
    return [float32(source.scale) * float32(scale) / float32(node.output.scale) for scale in scales]


def quantized_factors(node: Node, filters: int) -> list[Factor]:
    """Return the same as the integers that the kernels multiply with."""
    return [quantize_multiplier(real) for real in filter_factors(node, filters)]


def filter_fields(node: Node, weights: Constant, matrix: np.ndarray) -> dict[str, object]:
    """Return the fields that the structs of both kernels have.

    Args:
        node: A convolution without problems.
        weights: In the order of the kernel.
        matrix: (filters, weights) int8.
    """
    symbol, filters = node.output.symbol, len(matrix)
    factors = quantized_factors(node, filters)
    arrays = {
        "bias": folded_bias(node, matrix).astype(np.int32),
        "multipliers": np.array([factor.multiplier for factor in factors], np.int32),
        "shifts": np.array([factor.shift for factor in factors], np.int8),
    }
    return {
        "window": window_struct(node, node.inputs[1].shape[1:3]),
        "weights": weights,
        **{name: Constant(f"{symbol}_{name}", values, f"({filters})") for name, values in arrays.items()},
        "channels": node.inputs[0].shape[3],
        "rows": filters,
        "input_zero_point": node.inputs[0].zero_point,
        "output_zero_point": node.output.zero_point,
        **output_range(node),
    }
