"""FULLY_CONNECTED: a matrix of constant weights times one or more vectors."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from textzoo.compiler.fixedpoint import Factor, float32
from textzoo.compiler.graph import Node, Tensor
from textzoo.compiler.operators.base import (
    INTEGER_RANGES,
    Operator,
    Target,
    activation_problems,
    activation_range,
    constant,
    factor_problems,
    option,
    quantized,
)
from textzoo.compiler.packing.choice import with_sparse
from textzoo.compiler.packing.registry import (
    FULLY_CONNECTED_S16,
    FULLY_CONNECTED_S16_LONG,
    MOST_SPARSE_COLUMNS,
    SPARSE,
    Packed,
    pack_fitting,
)
from textzoo.compiler.program import Call, Compute, Constant, Half, Loop, Operand, Scratch, Statement, Struct
from textzoo.compiler.requantization import exact_factors, precise_factors
from textzoo.compiler.second_core import in_halves

# The schema's TensorType in the option quantizedBiasType: FLOAT32 (not set), INT32, INT64.
BIAS_TYPES = (0, 2, 4)
BIAS_IN_32_BITS = 2
# Of the factors that tz_scale_precise_short takes.
LARGEST_SHORT_SHIFT = -2
# What folds a zero point into a bias at run time, where the pass folded_biases does not do it when compiling.
UNFOLDED = "tz_shifted_bias"
FOLDED = "input's zero point folded in"


class FullyConnected(Operator):
    """int8 or int16 (batch..., columns) times int8 weights (rows, columns), one scale per tensor or per row."""

    name = "FULLY_CONNECTED"
    types = "int8 or int16 activations; int8 weights, constant, one scale per tensor or row; bias int32 or int64"
    arity = (2, 3)

    def problems(self, node: Node) -> list[str]:
        source, weights, bias = (*node.inputs, None)[:3]
        problems = quantized(source, "int8", "int16") + quantized(node.output, "int8", "int16")
        problems += constant(weights, "weights") + (constant(bias, "the bias") if bias is not None else [])
        if problems:
            return problems
        return (
            self._form_problems(node, source, weights, bias)
            or bias_problems(node, source, weights, bias)
            or activation_problems(node.output, option(node, "fusedActivationFunction"))
            or factor_problems(*row_factors(node))
            or sum_problems(node)
        )

    def _form_problems(self, node: Node, source: Tensor, weights: Tensor, bias: Tensor | None) -> list[str]:
        if source.dtype != node.output.dtype:
            return [f"{source.describe()} to {node.output.describe()}"]
        if str(weights.dtype) != "int8" or len(weights.shape) != 2 or any(weights.zero_points):
            return [f"weights {weights.describe()} with zero points instead of symmetric int8 (rows, columns)"]
        rows, columns = weights.shape
        if source.size % columns or node.output.shape != result_shape(node):
            return [f"{source.describe()} times {weights.describe()} does not make {node.output.describe()}"]
        if len(weights.scales) not in (1, rows):
            return [f"weights with {len(weights.scales)} scales instead of 1 or {rows}"]
        if option(node, "weightsFormat") != 0:
            return ["shuffled weights"]
        return []

    def lower(self, node: Node, target: Target) -> list[Statement]:
        source, weights = node.operands()[:2]
        rows, columns = weights.shape
        make = narrow_layer if str(source.dtype) == "int8" else wide_layer
        call = make(node, target)
        call.repeats, call.steps = source.size // columns, (columns, rows)
        return [*unfolded_bias(node, call), call]


def result_shape(node: Node) -> tuple[int, ...]:
    """All axes but the last are one, unless keepNumDims."""
    source, (rows, columns) = node.inputs[0], node.inputs[1].shape
    is_kept = option(node, "keepNumDims", False) and source.shape[-1:] == (columns,)
    return (*(source.shape[:-1] if is_kept else (source.size // columns,)), rows)


def bias_problems(node: Node, source: Tensor, weights: Tensor, bias: Tensor | None) -> list[str]:
    """Problems of a bias that LiteRT refuses, or reads as another type than it is."""
    if option(node, "quantizedBiasType") not in BIAS_TYPES:
        return [f"quantizedBiasType {option(node, 'quantizedBiasType')}"]
    if bias is None:
        return []
    rows, read = weights.shape[0], "int32"
    if str(source.dtype) == "int16" and option(node, "quantizedBiasType") != BIAS_IN_32_BITS:
        read = "int64"
    if bias.size != rows or str(bias.dtype) != read:
        return [f"bias {bias.describe()}, which LiteRT reads as {read} ({rows})"]
    product = float32(source.scale) * float32(weights.scale)
    is_off = len(weights.scales) == 1 and abs(product - float32(bias.scale)) / float32(node.output.scale) > 0.02
    return [f"a bias on the scale {bias.scale:g} instead of {product:g}"] if is_off else []


def sum_problems(node: Node) -> list[str]:
    """Problems of sums that LiteRT's arithmetic, or the kernels', do not hold."""
    reals, largest = np.array(row_factors(node)), largest_sums(node, folded_bias(node))
    is_narrow = str(node.inputs[0].dtype) == "int8"
    limit = 2**31 if is_narrow or option(node, "quantizedBiasType") == BIAS_IN_32_BITS else 2**32
    if largest.max() >= limit:
        return [f"sums up to {largest.max()}, at least {limit}"]
    if (largest * reals).max() >= 2**31 - 1:
        return [f"sums up to {(largest * reals).max():g} steps of the output"]
    return [] if is_narrow else precision_problems(reals, largest)


def precision_problems(reals: np.ndarray, largest: np.ndarray) -> list[str]:
    """Problems of factors that tz_scale_precise does not hold: its product and what rounds it fit 64 bits."""
    problems = []
    for real, value in zip(reals.tolist(), largest.tolist(), strict=True):
        mantissa, shift = math.frexp(real)
        if shift < -31 or (value + 1) * (math.floor(mantissa * 2**31) + 2) + 2 ** (30 - shift) >= 2**63:
            problems.append(f"a factor of {real:g} for sums up to {value}")
    return problems[:1]


def largest_sums(node: Node, bias: np.ndarray) -> np.ndarray:
    """(rows,) of the absolute values of all sums that can occur."""
    lowest, highest = sum_bounds(node, bias)
    return np.maximum(np.abs(lowest), np.abs(highest))


def row_factors(node: Node) -> list[float]:
    """The factor of every row's sum to the output: input * weight / output, in double precision and this order."""
    source, weights = node.operands()[:2]
    first, output = float32(source.scale), float32(node.output.scale)
    scales = weights.scales if len(weights.scales) > 1 else weights.scales * weights.shape[0]
    return [first * float32(scale) / output for scale in scales]


def narrow_matrices(nodes: Iterable[Node]) -> list[np.ndarray]:
    """The weights (rows, columns) of all matrices that meet int8 activations."""
    layers = [node for node in nodes if node.operator == "FULLY_CONNECTED"]
    return [node.inputs[1].value for node in layers if str(node.inputs[0].dtype) == "int8"]


def narrow_layer(node: Node, target: Target) -> Call:
    """int8 activations."""
    source, weights = node.operands()[:2]
    rows, columns = weights.shape
    packed, halves = packed_for(node, target, narrow_kernels(node, target))
    bias = folded_bias(node)
    comment = f"int8 ({rows}, {columns}), packed: {packed.variant} {packed.kernel}"
    symbol = node.output.symbol
    fields = {
        "weights": Constant(f"{symbol}_weights", packed.values, comment, "weights"),
        "bias": Constant(f"{symbol}_bias", *stored_bias(node, packed.kernel)),
        **factor_constants(symbol, proved_factors(node, bias)),
        "rows": rows,
        "columns": columns,
        "output_zero_point": node.output.zero_point,
        **output_range(node),
    }
    struct = Struct("tz_fully_connected_s8_t", fields)
    call = Call(node.operator, node.name, packed.kernel, struct, [source], [node.output])
    call.scratch, call.variant, call.header = Scratch(packed.scratch_bytes), packed.variant, "fully_connected_s8"
    call.halves = halves
    return call


def narrow_kernels(node: Node, target: Target) -> tuple[str, ...]:
    """Kernels in the order in which they are tried.

    Where the smallest input means 0 there are none below, as behind a ReLU, which makes many of them 0.
    """
    source, weights = node.operands()[:2]
    is_positive = source.zero_point == INTEGER_RANGES["int8"][0]
    if is_positive and weights.shape[1] <= MOST_SPARSE_COLUMNS:
        return with_sparse(target.kernels, target.variant, target.weights)
    return target.kernels


def wide_layer(node: Node, target: Target) -> Call:
    """int16 activations."""
    source, weights = node.operands()[:2]
    rows, columns = weights.shape
    symbol, bias = node.output.symbol, folded_bias(node)
    factors = wide_factors(node, bias)
    is_short = sums_are_short(node, bias) and all(factor.shift <= LARGEST_SHORT_SHIFT for factor, _ in factors)
    packed, halves = packed_for(node, target, FULLY_CONNECTED_S16 if is_short else FULLY_CONNECTED_S16_LONG)
    comment = f"int8 ({rows}, {columns}), packed: {packed.variant} {packed.kernel}"
    fields = {
        "weights": Constant(f"{symbol}_weights", packed.values, comment, "weights"),
        "bias": Constant(f"{symbol}_bias", bias.astype(np.int32 if is_short else np.int64), f"({rows})"),
        **factor_constants(symbol, [factor for factor, _ in factors]),
        "rests": Constant(f"{symbol}_rests", np.array([rest for _, rest in factors], np.int32), f"({rows})"),
        "rows": rows,
        "columns": columns,
        **output_range(node),
    }
    call = Call(
        node.operator, node.name, packed.kernel, Struct(f"tz_{packed.kernel}_t", fields), [source], [node.output]
    )
    call.scratch, call.variant = Scratch(packed.scratch_bytes) if is_short else None, packed.variant
    call.halves = halves
    return call


def packed_for(node: Node, target: Target, kernels: Sequence[str]) -> tuple[Packed, tuple[Half, ...]]:
    """The weights for the first of some kernels that takes them, and how two cores share one vector's product."""
    source, weights = node.operands()[:2]
    packed = pack_fitting(weights.value, target.variant, kernels)
    is_vector = source.size == weights.shape[1]
    return in_halves(packed, weights.value) if target.cores > 1 and is_vector else (packed, ())


def sums_are_short(node: Node, bias: np.ndarray) -> bool:
    """Whether 32 bits hold all sums that can occur, with the bias and without."""
    return bool(max(largest_sums(node, bias).max(), largest_sums(node, 0 * bias).max()) < 2**31)


def wide_factors(node: Node, bias: np.ndarray) -> list[tuple[Factor, int]]:
    """Factors of 62 bits, one per row, that round like LiteRT for every sum that can occur."""
    largest, highest_step = int(largest_sums(node, bias).max()), max(map(abs, output_range(node).values()))
    return precise_factors(np.array(row_factors(node)), largest, highest_step, node.name)


def unfolded_bias(node: Node, call: Call) -> list[Statement]:
    """A loop that folds the input's zero point into the biases at run time, which the call then reads from RAM.

    The pass folded_biases does the same when compiling. Where the zero point is 0, or the kernel takes it off, there is
    nothing to fold.
    """
    source, weights = node.operands()[:2]
    if source.zero_point == 0 or call.kernel == SPARSE:
        return []
    symbol, rows = node.output.symbol, weights.shape[0]
    sums = row_sums(node).astype(np.int32)
    operands = [
        Operand(node.inputs[2], (1,)) if len(node.operands()) > 2 else Operand(integers("no_bias", np.zeros(1)), (0,)),
        Operand(integers("zero_point", np.array([source.zero_point])), (0,)),
        Operand(integers(f"{symbol}_row_sums", sums), (1,)),
    ]
    target = Tensor(f"{node.name} bias", f"{symbol}_bias", (rows,), np.dtype("int32"))
    call.struct.fields["bias"] = target
    return [Loop(node.operator, node.name, (rows,), [Compute(Operand(target, (1,)), UNFOLDED, operands)])]


def integers(symbol: str, values: np.ndarray) -> Tensor:
    """(n,) numbers as a constant int32 tensor."""
    return Tensor(symbol, symbol, values.shape, np.dtype("int32"), value=values.astype(np.int32))


def plain_bias(node: Node) -> np.ndarray:
    """(rows,) int64: the bias as the model has it, zeros where it has none."""
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    return bias.value.ravel().astype(np.int64) if bias is not None else np.zeros(node.inputs[1].shape[0], np.int64)


def folded_bias(node: Node) -> np.ndarray:
    """(rows,) int64: the bias with the input's zero point folded in."""
    return plain_bias(node) - node.inputs[0].zero_point * row_sums(node)


def stored_bias(node: Node, kernel: str) -> tuple[np.ndarray, str]:
    """(rows,) int32 as the kernel wants it, and its comment; the sparse one takes the zero point off its inputs."""
    shape = f"({node.inputs[1].shape[0]})"
    if kernel == SPARSE:
        return plain_bias(node).astype(np.int32), shape
    return folded_bias(node).astype(np.int32), f"{shape}, {FOLDED}"


def row_sums(node: Node) -> np.ndarray:
    """(rows,) int64: what all weights of a row are in sum."""
    return node.inputs[1].value.astype(np.int64).sum(axis=1)


def sum_bounds(node: Node, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) smallest and largest sum that the inputs can give."""
    source, weights = node.inputs[0], node.inputs[1].value.astype(np.int64)
    low, high = INTEGER_RANGES[str(source.dtype)]
    positive, negative = np.maximum(weights, 0).sum(axis=1), np.minimum(weights, 0).sum(axis=1)
    return bias + low * positive + high * negative, bias + high * positive + low * negative


def proved_factors(node: Node, bias: np.ndarray) -> list[Factor]:
    """Multipliers that round like LiteRT for every sum that can occur."""
    low, high = output_range(node).values()
    steps = low - node.output.zero_point, high - node.output.zero_point
    return exact_factors(np.array(row_factors(node)), *sum_bounds(node, bias), steps, node.name)


def factor_constants(symbol: str, factors: list[Factor]) -> dict[str, Constant]:
    """Multipliers and shifts: one of each per row."""
    multipliers = np.array([factor.multiplier for factor in factors], np.int32)
    shifts = np.array([factor.shift for factor in factors], np.int8)
    return {
        "multipliers": Constant(f"{symbol}_multipliers", multipliers, f"({len(factors)})"),
        "shifts": Constant(f"{symbol}_shifts", shifts, f"({len(factors)})"),
    }


def output_range(node: Node) -> dict[str, int]:
    low, high = activation_range(node.output, option(node, "fusedActivationFunction"))
    return {"minimum": low, "maximum": high}


FULLY_CONNECTED = FullyConnected()
