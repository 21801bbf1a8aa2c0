"""FULLY_CONNECTED: a matrix of weights, which are constant nearly always, times one or more vectors."""

from collections.abc import Iterable, Sequence

import numpy as np

from textzoo.compiler.ir.graph import Node, Tensor
from textzoo.compiler.ir.program import Call, Compute, Constant, Loop, Operand, Scratch, Shard, Statement, Struct
from textzoo.compiler.numerics.fixedpoint import Factor
from textzoo.compiler.numerics.requantization import exact_factors, precise_factors
from textzoo.compiler.operators.base import (
    INTEGER_RANGES,
    Operator,
    Target,
    activation_problems,
    constant,
    option,
    quantized,
)
from textzoo.compiler.operators.computed_weights import computed_layer, has_computed_form, problems_of_computed
from textzoo.compiler.operators.matrix_parts import (
    bias_problems,
    double_arrays,
    output_range,
    overflow_problems,
    plain_bias,
    row_constants,
    row_factors,
    shape_problems,
)
from textzoo.compiler.operators.second_core import in_shards
from textzoo.compiler.packing.choice import with_sparse
from textzoo.compiler.packing.registry import (
    FULLY_CONNECTED_S16,
    FULLY_CONNECTED_S16_LONG,
    MAX_SPARSE_COLUMNS,
    SPARSE,
    Packed,
    pack_fitting,
)

# Of the factors that tz_scale_precise_short takes.
MAX_SHORT_SHIFT = -2
# Variants whose kernels are faster where all rows have one shift, and the shifts that they take.
TAKE_ONE_SHIFT = ("dsp",)
ONE_SHIFT = range(-23, -1)
FAST_SHIFT = -7
# What folds a zero point into a bias at run time, where the pass folded_biases does not do it when compiling.
UNFOLDED = "tz_shifted_bias"
FOLDED = "input's zero point folded in"


class FullyConnected(Operator):
    """int8 or int16 (batch..., columns) times weights (rows, columns)."""

    name = "FULLY_CONNECTED"
    types = (
        "int8 or int16 activations; int8 weights, one scale per tensor or, where they are constant, per row; or int16 "
        "activations and weights; constant bias, int32 or int64"
    )
    arity = (2, 3)

    def problems(self, node: Node) -> list[str]:
        source, _, bias = (*node.inputs, None)[:3]
        problems = quantized(source, "int8", "int16") + quantized(node.output, "int8", "int16")
        problems += constant(bias, "the bias") if bias is not None else []
        return (
            problems
            or shape_problems(node)
            or bias_problems(node)
            or activation_problems(node.output, option(node, "fusedActivationFunction"))
            or (problems_of_computed(node) if has_computed_form(node) else problems_of_constant(node))
        )

    def macs(self, node: Node) -> int:
        return node.inputs[0].size * node.inputs[1].shape[0]

    def unpacks(self, node: Node, weights: Tensor) -> bool:
        """Return whether these are weights of int8 activations, which are packed anyway."""
        return node.inputs[1] is weights and str(node.inputs[0].dtype) == "int8"

    def lower(self, node: Node, target: Target) -> list[Statement]:
        if has_computed_form(node):
            return [repeated(node, computed_layer(node))]
        source, weights = node.operands()[:2]
        make = narrow_layer if str(source.dtype) == "int8" else wide_layer
        call, others = make(node, target)
        call.steps = (weights.shape[1], weights.shape[0])
        statements = [*unfolded_bias(node, call), repeated(node, call)] if len(others) < weights.shape[0] else []
        return statements + ([repeated(node, layer_of_rows(node, others))] if others.size else [])


def repeated(node: Node, call: Call) -> Call:
    """Return the call for every vector of the input."""
    call.repeats = node.inputs[0].size // node.inputs[1].shape[1]
    return call


def problems_of_constant(node: Node) -> list[str]:
    """Return the problems of constant int8 weights."""
    source, weights = node.inputs[:2]
    if source.dtype != node.output.dtype:
        return [f"{source.describe()} to {node.output.describe()}"]
    if str(weights.dtype) != "int8":
        return [f"weights {weights.describe()} instead of int8"]
    if len(weights.scales) not in (1, weights.shape[0]):
        return [f"weights with {len(weights.scales)} scales instead of 1 or {weights.shape[0]}"]
    return overflow_problems(node, largest_sums(node, folded_bias(node)), np.array(row_factors(node)))


def largest_sums(node: Node, bias: np.ndarray) -> np.ndarray:
    """Return a bound on the absolute values of all sums that can occur, (rows,)."""
    lowest, highest = sum_bounds(node, bias)
    return np.maximum(np.abs(lowest), np.abs(highest))


def narrow_matrices(nodes: Iterable[Node]) -> list[np.ndarray]:
    """Return the weights (rows, columns) of all matrices that meet int8 activations and are packed."""
    layers = [node for node in nodes if node.operator == "FULLY_CONNECTED" and not has_computed_form(node)]
    return [node.inputs[1].value for node in layers if str(node.inputs[0].dtype) == "int8"]


def narrow_layer(node: Node, target: Target) -> tuple[Call, np.ndarray]:
    """Return the call for int8 activations, and the rows that it does not compute like LiteRT, (n,)."""
    source, weights = node.operands()[:2]
    rows, columns = weights.shape
    packed, shards = packed_for(node, target, narrow_kernels(node, target))
    factors, others = proved_factors(node, folded_bias(node))
    alike = (
        None if others.size or packed.variant not in TAKE_ONE_SHIFT else factors_alike(node, folded_bias(node), factors)
    )
    comment = f"int8 ({rows}, {columns}), packed: {packed.variant} {packed.kernel}"
    symbol = node.output.symbol
    fields = {
        "weights": Constant(f"{symbol}_weights", packed.values, comment, "weights"),
        "bias": Constant(f"{symbol}_bias", *stored_bias(node, packed.kernel)),
        **factor_constants(symbol, alike or factors),
        "rows": rows,
        "columns": columns,
        "output_zero_point": node.output.zero_point,
        **output_range(node),
        **({"shift": alike[0].shift} if alike else {}),
    }
    struct = Struct("tz_fully_connected_s8_t", fields)
    call = Call(node.operator, node.name, packed.kernel, struct, [source], [node.output])
    call.scratch, call.variant, call.header = Scratch(packed.scratch_bytes), packed.variant, "fully_connected_s8"
    call.shards = shards
    return call, others


def narrow_kernels(node: Node, target: Target) -> tuple[str, ...]:
    """Return the kernels in the order in which they are tried.

    Where the smallest input means 0 there are none below, as behind a ReLU, which makes many of them 0.
    """
    source, weights = node.operands()[:2]
    is_positive = source.zero_point == INTEGER_RANGES["int8"][0]
    if is_positive and weights.shape[1] <= MAX_SPARSE_COLUMNS:
        return with_sparse(target.kernels, target.variant, target.weights)
    return target.kernels


def wide_layer(node: Node, target: Target) -> tuple[Call, np.ndarray]:
    """Return the call for int16 activations, and the rows that it does not compute like LiteRT, (n,)."""
    source, weights = node.operands()[:2]
    rows, columns = weights.shape
    symbol, bias = node.output.symbol, folded_bias(node)
    factors, others = wide_factors(node, bias)
    is_short = sums_are_short(node, bias) and all(factor.shift <= MAX_SHORT_SHIFT for factor, _ in factors)
    packed, shards = packed_for(node, target, FULLY_CONNECTED_S16 if is_short else FULLY_CONNECTED_S16_LONG)
    comment = f"int8 ({rows}, {columns}), packed: {packed.variant} {packed.kernel}"
    fields = {
        "weights": Constant(f"{symbol}_weights", packed.values, comment, "weights"),
        "bias": Constant(f"{symbol}_bias", bias.astype(np.int32 if is_short else np.int64), f"({rows})"),
        **factor_constants(symbol, [factor for factor, _ in factors]),
        "low_multipliers": Constant(
            f"{symbol}_low_multipliers", np.array([rest for _, rest in factors], np.int32), f"({rows})"
        ),
        "rows": rows,
        "columns": columns,
        **output_range(node),
    }
    header = "fully_connected_s16" if is_short else "fully_connected_s16_long"
    struct = Struct(f"tz_{header}_t", fields)
    call = Call(node.operator, node.name, packed.kernel, struct, [source], [node.output], header=header)
    call.scratch, call.variant = Scratch(packed.scratch_bytes) if is_short else None, packed.variant
    call.shards = shards
    return call, others


def layer_of_rows(node: Node, rows: np.ndarray) -> Call:
    """Return the call for some rows (n,) in double precision, over what the call for all rows has written."""
    source, weights = node.operands()[:2]
    symbol = f"{node.output.symbol}_rows"
    arrays = {
        "bias": folded_bias(node)[rows],
        **double_arrays(np.array(row_factors(node))[rows].tolist()),
        "output_rows": rows.astype(np.int32),
    }
    comment = f"int8 ({len(rows)}, {weights.shape[1]}), rows in double precision"
    fields = {
        "weights": Constant(f"{symbol}_weights", weights.value[rows].ravel(), comment, "weights"),
        **row_constants(symbol, arrays),
        "rows": len(rows),
        "columns": weights.shape[1],
        "output_zero_point": node.output.zero_point,
        **output_range(node),
    }
    kernel = f"fully_connected_{'s8' if str(source.dtype) == 'int8' else 's16'}_rows"
    struct = Struct("tz_fully_connected_rows_t", fields)
    call = Call(node.operator, node.name, kernel, struct, [source], [node.output], header="fully_connected_rows")
    call.steps = (weights.shape[1], weights.shape[0])
    return call


def packed_for(node: Node, target: Target, kernels: Sequence[str]) -> tuple[Packed, tuple[Shard, ...]]:
    """Pack the weights for the first of some kernels that takes them, and for two cores that share a product."""
    source, weights = node.operands()[:2]
    packed = pack_fitting(weights.value, target.variant, kernels)
    is_vector = source.size == weights.shape[1]
    return in_shards(packed, weights.value) if target.cores > 1 and is_vector else (packed, ())


def sums_are_short(node: Node, bias: np.ndarray) -> bool:
    """Return whether 32 bits hold all sums that can occur, with the bias and without."""
    return bool(max(largest_sums(node, bias).max(), largest_sums(node, 0 * bias).max()) < 2**31)


def wide_factors(node: Node, bias: np.ndarray) -> tuple[list[tuple[Factor, int]], np.ndarray]:
    """Find factors of 62 bits, one per row, that round like LiteRT for all possible sums; and the other rows (n,)."""
    highest_step = max(map(abs, output_range(node).values()))
    return precise_factors(np.array(row_factors(node)), largest_sums(node, bias), highest_step)


def unfolded_bias(node: Node, call: Call) -> list[Statement]:
    """Return a loop that folds the input's zero point into the biases at run time, which the call then reads from RAM.

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
    """Return numbers as a constant int32 tensor, (n,)."""
    return Tensor(symbol, symbol, values.shape, np.dtype("int32"), value=values.astype(np.int32))


def folded_bias(node: Node) -> np.ndarray:
    """Return the bias with the input's zero point folded in, (rows,) int64."""
    return plain_bias(node) - node.inputs[0].zero_point * row_sums(node)


def stored_bias(node: Node, kernel: str) -> tuple[np.ndarray, str]:
    """Return the bias for the kernel, (rows,) int32, and its comment; the sparse kernel adds 128 to the inputs."""
    shape = f"({node.inputs[1].shape[0]})"
    if kernel == SPARSE:
        return plain_bias(node).astype(np.int32), shape
    return folded_bias(node).astype(np.int32), f"{shape}, {FOLDED}"


def row_sums(node: Node) -> np.ndarray:
    """Return the sums of the weights of each row, (rows,) int64."""
    return node.inputs[1].value.astype(np.int64).sum(axis=1)


def sum_bounds(node: Node, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and the largest sum that the inputs can give, (rows,) each."""
    source, weights = node.inputs[0], node.inputs[1].value.astype(np.int64)
    low, high = INTEGER_RANGES[str(source.dtype)]
    positive, negative = np.maximum(weights, 0).sum(axis=1), np.minimum(weights, 0).sum(axis=1)
    return bias + low * positive + high * negative, bias + high * positive + low * negative


def proved_factors(node: Node, bias: np.ndarray) -> tuple[list[Factor], np.ndarray]:
    """Find multipliers that round like LiteRT for all sums that can occur; and the rows (n,) without one."""
    return exact_factors(np.array(row_factors(node)), *sum_bounds(node, bias), steps_of(node))


def steps_of(node: Node) -> tuple[int, int]:
    """Return the smallest and the largest output without the zero point."""
    low, high = output_range(node).values()
    return low - node.output.zero_point, high - node.output.zero_point


def factors_alike(node: Node, bias: np.ndarray, factors: list[Factor]) -> list[Factor] | None:
    """Find factors of one shift that round like LiteRT: the fastest, or the largest row's; None if there are none."""
    largest = max(factor.shift for factor in factors)
    for shift in (FAST_SHIFT, largest):
        if largest <= shift and shift in ONE_SHIFT:
            alike, others = exact_factors(np.array(row_factors(node)), *sum_bounds(node, bias), steps_of(node), shift)
            if not others.size:
                return alike
    return None


def factor_constants(symbol: str, factors: list[Factor]) -> dict[str, Constant]:
    """Return multipliers and shifts as constants: one of each per row."""
    multipliers = np.array([factor.multiplier for factor in factors], np.int32)
    shifts = np.array([factor.shift for factor in factors], np.int8)
    return {
        "multipliers": Constant(f"{symbol}_multipliers", multipliers, f"({len(factors)})"),
        "shifts": Constant(f"{symbol}_shifts", shifts, f"({len(factors)})"),
    }


FULLY_CONNECTED = FullyConnected()
