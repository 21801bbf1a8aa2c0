"""Random nodes that compute with tensors of a draft: the table NODES. A new operator is a new row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from graph_draft import (
    ARITHMETIC,
    INDEX_TYPE,
    INTEGERS,
    PROBABILITIES,
    QUANTIZED,
    WIDE,
    Draft,
    Make,
    NothingFitsError,
    goes_with,
    zero_of,
)
from graph_moves import MOVES, checked, joined_range
from operator_cases import BIAS_TYPES, RANGES, draw_activation, draw_values, plain

from textzoo.compiler.tflite.single_operator import Operation, Tensor


@dataclass(frozen=True)
class Node:
    """One operator.

    Attributes:
        operator: Its name.
        make: Makes a node of what a draft has, and what else it needs; NothingFitsError where it cannot.
        group: What kind of operator it is: profiles draw some groups more often.
        weight: How often it is drawn, beside the others of its group.
    """

    operator: str
    make: Make
    group: str
    weight: float = 1.0


# ---- element by element ----


def broadcast(*tensors: Tensor) -> tuple[int, ...]:
    return np.broadcast_shapes(*(tuple(tensor.shape) for tensor in tensors))


def pair(draft: Draft, dtypes: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Two tensors that are broadcast, in any order."""
    a = draft.pick(dtypes)
    b = draft.partner(a)
    return (a, b) if draft.chance(0.5) else (b, a)


def arithmetic(
    name: str, interval: Callable[..., list[int]] | None = None, dtypes: Sequence[str] = ARITHMETIC, **options: object
) -> Make:
    """ADD and its kin.

    Args:
        name: The operator.
        interval: Of int32: what becomes of the ends of both ranges.
        dtypes: Its types.
        options: Beside an activation, which only quantized sums and products have.
    """

    def make(draft: Draft) -> list[Operation]:
        a, b = pair(draft, dtypes)
        output = draft.result(broadcast(a, b), a.dtype)
        if a.dtype == "int32" and interval is not None:
            ends = [interval(low, high) for low in draft.range_of(a) for high in draft.range_of(b)]
            draft.limit(output, min(ends), max(ends))
            return [Operation(name, [a, b], [output], options)]
        if a.dtype != "int32" and not is_held(name, a, b, output):
            raise NothingFitsError
        activation = draw_activation(draft.random) if interval is not None and draft.chance(0.3) else {}
        note_activation(draft, output, activation)
        return [Operation(name, [a, b], [output], {**options, **activation})]

    return make


# Bits by which LiteRT raises what it adds or squares.
RAISED = {("ADD", "int8"): 20, ("SUB", "int8"): 20, ("ADD", "int16"): 15, ("SUB", "int16"): 15}


def is_held(name: str, a: Tensor, b: Tensor, output: Tensor) -> bool:
    """Whether the output's scale is large enough for the inputs': LiteRT ends the process where it is not."""
    twice = 2.0 * max(a.scale, b.scale)
    if name == "SQUARED_DIFFERENCE":
        return twice**2 / 2.0**14 < 0.99 * output.scale
    return twice / 2.0 ** RAISED.get((name, a.dtype), 100) < 0.99 * output.scale


def note_activation(draft: Draft, output: Tensor, activation: dict[str, int]) -> None:
    """Behind RELU and RELU6 nothing is below the real 0."""
    if activation.get("fusedActivationFunction") in (1, 3):
        draft.limit(output, zero_of(output), RANGES[output.dtype][1])


def extreme(name: str) -> Make:
    """MAXIMUM and MINIMUM: scales are ignored."""

    def make(draft: Draft) -> list[Operation]:
        a, b = pair(draft, (*ARITHMETIC, "int64"))
        output = Tensor(broadcast(a, b), a.dtype, a.scale, a.zero_point)
        choose = max if name == "MAXIMUM" else min
        draft.limit(output, *(choose(*ends) for ends in zip(draft.range_of(a), draft.range_of(b), strict=True)))
        return [Operation(name, [a, b], [output])]

    return make


def quotient(name: str, dtypes: Sequence[str]) -> Make:
    """The divisor on one side of zero, which is known of few tensors; of quantized values as far as LiteRT goes."""

    def make(draft: Draft) -> list[Operation]:
        a = draft.pick(dtypes)
        b = draft.apart_from_zero(a.dtype, a.shape)
        output = draft.result(a.shape, a.dtype)
        if a.dtype != "int32":
            reach = 2.0 ** draft.random.uniform(*((6.1, 12) if a.dtype == "int8" else (14.1, 14.9)))
            output.scale = float(np.float32(a.scale / b.scale / reach))
        if name == "FLOOR_MOD" and draft.range_of(a)[0] == -(2**31):
            raise NothingFitsError
        return [Operation(name, [a, b], [output])]

    return make


def logical(name: str) -> Make:
    def make(draft: Draft) -> list[Operation]:
        a, b = pair(draft, ("bool",))
        return [Operation(name, [a, b], [Tensor(broadcast(a, b), "bool")])]

    return make


def comparison(name: str, dtypes: Sequence[str] = ARITHMETIC) -> Make:
    def make(draft: Draft) -> list[Operation]:
        a, b = pair(draft, dtypes)
        if a.dtype in QUANTIZED and max(a.scale, b.scale) >= 1:
            raise NothingFitsError
        return [Operation(name, [a, b], [Tensor(broadcast(a, b), "bool")])]

    return make


def select(draft: Draft) -> list[Operation]:
    condition = draft.pick(("bool",), accept=lambda tensor: np.prod(tensor.shape, dtype=int) > 1)
    a = draft.same_format(draft.pick(INTEGERS), condition.shape)
    b = draft.partner(a)
    output = Tensor(broadcast(condition, a, b), a.dtype, a.scale, a.zero_point)
    return [Operation("SELECT_V2", [condition, a, b], [joined_range(draft, output, [a, b])])]


def old_select(draft: Draft) -> list[Operation]:
    """A condition for each element, each row, or all."""
    a = draft.pick(INTEGERS, 1)
    b = draft.same_format(a, a.shape)
    shape = draft.one_of([tuple(a.shape), tuple(a.shape[:1]), ()])
    condition = draft.pick(("bool",), len(shape), len(shape), accept=lambda tensor: tuple(tensor.shape) == shape)
    output = Tensor(tuple(a.shape), a.dtype, a.scale, a.zero_point)
    return [Operation("SELECT", [condition, a, b], [joined_range(draft, output, [a, b])])]


def unary(
    name: str,
    dtypes: Sequence[str] = QUANTIZED,
    fixed: dict[str, tuple[float, int]] | None = None,
    is_same: bool = False,
    options: dict[str, object] | None = None,
    from_zero: bool = False,
    to_zero: bool = False,
    low: int = 0,
) -> Make:
    """A function of one value, or of a row of them.

    Args:
        name: The operator.
        dtypes: Its types.
        fixed: Type -> the only format of its output.
        is_same: Whether the output has the input's format.
        options: Of the operator.
        from_zero: Whether LiteRT computes it only for what is not negative.
        to_zero: Whether nothing that comes out is negative.
        low: Fewest axes.
    """

    def make(draft: Draft) -> list[Operation]:
        source = draft.pick(dtypes, low, accept=lambda it: not from_zero or draft.range_of(it)[0] >= zero_of(it))
        given = (source.scale, source.zero_point) if is_same else (fixed or {}).get(source.dtype)
        output = draft.result(source.shape, source.dtype, given)
        if to_zero:
            draft.limit(output, zero_of(output), RANGES[output.dtype][1])
        return [Operation(name, [source], [output], options or {})]

    return make


def slopes(draft: Draft) -> list[Operation]:
    """PRELU."""
    source = draft.pick(QUANTIZED, 1)
    alpha = draft.pick(("int8",), accept=lambda it: tuple(it.shape) in (tuple(source.shape), tuple(source.shape[-1:])))
    return [Operation("PRELU", [source, alpha], [draft.result(source.shape, source.dtype)])]


def rounded_root(draft: Draft) -> list[Operation]:
    """SQRT, on a scale of which the roots use some range."""
    source = draft.pick(QUANTIZED, accept=lambda tensor: draft.range_of(tensor)[0] >= zero_of(tensor))
    bits = {"int8": 7, "int16": 15}[source.dtype]
    scale = float(np.float32((source.scale / 2**bits) ** 0.5 * 2.0 ** draft.random.uniform(-1, 3)))
    output = draft.result(source.shape, source.dtype, (scale, draft.formats[source.dtype][0][1]))
    draft.limit(output, zero_of(output), RANGES[output.dtype][1])
    return [Operation("SQRT", [source], [output])]


def hard_swish(draft: Draft) -> list[Operation]:
    source = draft.pick(("int8",))
    scale = float(np.float32(source.scale * 2.0 ** draft.random.uniform(-3, 2)))
    output = draft.result(source.shape, "int8", (scale, draft.formats["int8"][0][1]))
    return [Operation("HARD_SWISH", [source], [output])]


def log_softmax(draft: Draft) -> list[Operation]:
    source = draft.pick(("int8",), 1)
    return [Operation("LOG_SOFTMAX", [source], [draft.result(source.shape, "int8", LOG_PROBABILITIES)])]


def requantization(draft: Draft) -> list[Operation]:
    source = draft.pick((*QUANTIZED, *QUANTIZED, "float32"))
    return [Operation("QUANTIZE", [source], [draft.result(source.shape, draft.one_of(QUANTIZED))])]


def dequantization(draft: Draft) -> list[Operation]:
    source = draft.pick(QUANTIZED)
    return [Operation("DEQUANTIZE", [source], [Tensor(tuple(source.shape), "float32")])]


def cast(draft: Draft) -> list[Operation]:
    source = draft.pick(INTEGERS)
    output = draft.result(source.shape, draft.one_of(("int32", "int32", *INTEGERS)))
    if output.dtype != "bool":
        draft.limit(output, *draft.range_of(source))
    return [Operation("CAST", [source], [output])]


# ---- products and reductions ----


def fully_connected(draft: Draft) -> list[Operation]:
    """New weights, or those of another layer or table."""
    source = draft.pick(QUANTIZED, 1, 3)
    columns = source.shape[-1]
    output_format = draft.format(source.dtype)
    weights = layer_weights(draft, source, columns, output_format[0])
    keeps = draft.chance(0.7)
    rows = weights.shape[0]
    shape = (*source.shape[:-1], rows) if keeps else (int(np.prod(source.shape[:-1])), rows)
    bias, options = layer_bias(draft, source, weights)
    output = draft.result(shape, source.dtype, output_format)
    activation = draw_activation(draft.random) if draft.chance(0.3) else {}
    note_activation(draft, output, activation)
    operands = [source, weights, bias]
    return [Operation("FULLY_CONNECTED", operands, [output], {"keepNumDims": keeps, **options, **activation})]


def layer_weights(draft: Draft, source: Tensor, columns: int, output_scale: float) -> Tensor:
    """(rows, columns) int8: constants; few values, or any."""

    def fits(tensor: Tensor) -> bool:
        is_matrix = tensor.data is not None and tensor.dtype == "int8" and len(tensor.shape) == 2
        return is_matrix and tensor.shape[1] == columns and np.size(tensor.scale) == 1 and tensor.zero_point == 0

    known = draft.found(0.3, fits)
    if known is not None:
        return known
    rows = 96 if draft.chance(0.1) else draft.one_of(draft.sizes)
    limits = draft.one_of([(-1, 1), (-8, 7), (-127, 127), (-128, 127)])
    values = draw_values(draft.random, (rows, columns), "int8", limits)
    spread = columns**0.5 * limits[1] ** 0.5 * 2.0 ** draft.random.uniform(1, 4)
    scale = float(np.float32(output_scale / source.scale / spread))
    scales = [float(np.float32(scale * draft.random.uniform(0.5, 1))) for _ in range(rows)]
    return draft.constant(values, scales if draft.chance(0.4) else scale)


def computed_layer(draft: Draft) -> list[Operation]:
    """FULLY_CONNECTED of weights that are computed."""
    source = draft.pick(QUANTIZED, 1, 3)
    columns, types = source.shape[-1], ("int8",) if source.dtype == "int8" else QUANTIZED
    weights = draft.pick(types, 2, 2, lambda tensor: tensor.shape[1] == columns)
    bias, options = layer_bias(draft, source, weights)
    bits = sum({"int8": 7, "int16": 15}[tensor.dtype] for tensor in (source, weights)) - 14
    scale = float(np.float32(source.scale * weights.scale * columns**0.5 * 2.0 ** draft.random.uniform(2, 6 + bits)))
    rows = weights.shape[0]
    output = draft.result((*source.shape[:-1], rows), source.dtype, (scale, draft.formats[source.dtype][0][1]))
    return [Operation("FULLY_CONNECTED", [source, weights, bias], [output], {"keepNumDims": True, **options})]


def layer_bias(draft: Draft, source: Tensor, weights: Tensor) -> tuple[Tensor | None, dict[str, object]]:
    if draft.chance(0.4):
        return None, {}
    dtype = "int32" if source.dtype == "int8" else draft.one_of(("int32", "int64"))
    values = draft.random.integers(-2000, 2000, weights.shape[0]).astype(dtype)
    scales = [float(np.float32(source.scale) * np.float32(scale)) for scale in np.atleast_1d(weights.scale)]
    return Tensor(values.shape, dtype, scales, data=values), {"quantizedBiasType": BIAS_TYPES[dtype]}


def matrix_product(draft: Draft) -> list[Operation]:
    """Of two tensors that fit, in one of four ways."""
    a = draft.pick(QUANTIZED, 2, 4)
    flags = {"adjX": draft.chance(0.3), "adjY": draft.chance(0.5)}
    rows, depth = a.shape[-2:][::-1] if flags["adjX"] else a.shape[-2:]
    b = right_matrix(draft, a, depth, flags["adjY"])
    columns = b.shape[-2] if flags["adjY"] else b.shape[-1]
    shape = checked((*np.broadcast_shapes(tuple(a.shape[:-2]), tuple(b.shape[:-2])), rows, columns))
    natural = float(np.float32(a.scale * b.scale * depth**0.5 * 2.0 ** draft.random.uniform(2, 6)))
    zero_point = draft.formats[a.dtype][0][1]
    output = draft.result(shape, a.dtype, (natural, zero_point) if draft.chance(0.5) else None)
    return [Operation("BATCH_MATMUL", [a, b], [output], flags)]


def right_matrix(draft: Draft, a: Tensor, depth: int, is_transposed: bool) -> Tensor:
    """(batch..., depth, columns), or (batch..., columns, depth); beside int16 also of int8."""

    def fits(b: Tensor) -> bool:
        is_matrix = 2 <= len(b.shape) <= 4 and b.shape[-1 if is_transposed else -2] == depth
        is_alike = b.dtype == a.dtype or (b.dtype, b.zero_point) == ("int8", 0)
        return is_matrix and is_alike and goes_with(a.shape[:-2], b.shape[:-2])

    known = draft.found(0.8, fits)
    if known is not None:
        return known
    inner = (depth, draft.one_of(draft.sizes))
    return draft.fresh(a.dtype, (*a.shape[:-2], *(inner[::-1] if is_transposed else inner)))


# ---- windows over images ----


def image(draft: Draft, dtypes: Sequence[str]) -> Tensor:
    """(batch, height, width, channels)."""
    return draft.pick(dtypes, 4, 4)


def draw_window(draft: Draft, source: Tensor, dilated: bool = True) -> tuple[dict[str, int], list[int], list[int]]:
    """The options, the taps of height and width, and the output's height and width."""
    options, taps, sizes = {"padding": draft.count(0, 1)}, [], []
    for axis, letter in ((1, "H"), (2, "W")):
        size, stride = source.shape[axis], draft.one_of((1, 1, 2, 3))
        dilation = draft.one_of((1, 1, 2)) if dilated else 1
        most = 4 if options["padding"] == 0 else (size - 1) // dilation + 1
        taps.append(draft.count(1, min(most, 4)))
        covered = size if options["padding"] == 0 else size - (taps[-1] - 1) * dilation
        sizes.append(-(-covered // stride))
        options |= {f"stride{letter}": stride} | ({f"dilation{letter}Factor": dilation} if dilated else {})
    return options, taps, sizes


def convolution(draft: Draft) -> list[Operation]:
    source = image(draft, ("int8",))
    options, taps, sizes = draw_window(draft, source)
    filters = draft.one_of(draft.sizes)
    return filtered(draft, "CONV_2D", source, (filters, *taps, source.shape[3]), (filters, sizes, options))


def depthwise_convolution(draft: Draft) -> list[Operation]:
    source = image(draft, ("int8",))
    options, taps, sizes = draw_window(draft, source)
    multiplier = draft.one_of((1, 1, 2))
    filters = multiplier * source.shape[3]
    options["depthMultiplier"] = multiplier
    return filtered(draft, "DEPTHWISE_CONV_2D", source, (1, *taps, filters), (filters, sizes, options))


def filtered(
    draft: Draft, name: str, source: Tensor, shape: tuple[int, ...], drawn: tuple[int, list[int], dict[str, int]]
) -> list[Operation]:
    """A convolution by new weights of a shape; drawn: filters, height and width of the output, and options."""
    filters, sizes, options = drawn
    output = draft.result(checked((source.shape[0], *sizes, filters)), "int8")
    weights = draw_values(draft.random, shape, "int8", (-127, 127))
    spread = (np.prod(shape) / filters) ** 0.5 * 2.0 ** draft.random.uniform(4, 8)
    scale = float(np.float32(output.scale / source.scale / spread))
    scales = [float(np.float32(scale * draft.random.uniform(0.5, 1))) for _ in range(filters)]
    bias = draft.random.integers(-2000, 2000, filters).astype(np.int32)
    activation = draw_activation(draft.random) if draft.chance(0.3) else {}
    note_activation(draft, output, activation)
    axis = 3 if name == "DEPTHWISE_CONV_2D" else 0
    operands = [
        source,
        Tensor(shape, "int8", scales, quantized_dimension=axis, data=weights),
        Tensor((filters,), "int32", [source.scale * it for it in scales], data=bias),
    ]
    return [Operation(name, operands, [output], {**options, **activation})]


def pooling(name: str) -> Make:
    def make(draft: Draft) -> list[Operation]:
        source = image(draft, QUANTIZED)
        options, taps, sizes = draw_window(draft, source, dilated=False)
        output = draft.like(source, checked((source.shape[0], *sizes, source.shape[3])))
        return [Operation(name, [source], [output], {**options, "filterHeight": taps[0], "filterWidth": taps[1]})]

    return make


# ---- sequences ----


def lstm(draft: Draft) -> list[Operation]:
    """An LSTM whose states are variables, over one or several sequences."""
    source = draft.pick(("int8",), 3, 3)
    is_time_first = draft.chance(0.3)
    batches, cells = source.shape[1 if is_time_first else 0], draft.one_of(draft.sizes)
    output = draft.result(checked((*source.shape[:2], cells)), "int8")
    form = output.scale, output.zero_point
    hidden = Tensor((batches, cells), "int8", *form, is_variable=True)
    cell = Tensor((batches, cells), "int16", 2.0 ** draft.count(-15, -9), is_variable=True)
    operands: list[Tensor | None] = [None] * 24
    operands[0], operands[18], operands[19] = source, hidden, cell
    for gate in range(draft.one_of((0, 0, 1)), 4):
        operands[1 + gate] = gate_weights(draft, (cells, source.shape[2]), source.scale)
        operands[5 + gate] = gate_weights(draft, (cells, cells), hidden.scale)
        bias = draft.random.integers(-500, 500, cells).astype(np.int32)
        operands[12 + gate] = Tensor((cells,), "int32", source.scale * operands[1 + gate].scale, data=bias)
    between = [*(Tensor((0,), "int8") for _ in range(4)), Tensor((0,), "int8", *form)]
    options = {"fusedActivationFunction": 4, "cellClip": draft.one_of((0.0, 10.0)), "timeMajor": is_time_first}
    return [Operation("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [output], options, intermediates=between)]


def gate_weights(draft: Draft, shape: tuple[int, int], source_scale: float) -> Tensor:
    """Weights whose products with an input of a scale are neither all small nor all large."""
    scale = float(np.float32(2.0 ** draft.random.uniform(-2, 2) / source_scale / shape[1] ** 0.5 / 4000))
    return Tensor(shape, "int8", scale, data=draw_values(draft.random, shape, "int8", (-127, 127)))


def draw_axes(draft: Draft, source: Tensor) -> tuple[list[int], list[int], bool]:
    """Some axes, the shape of what is left, and whether axes are kept."""
    count, keeps = draft.count(1, len(source.shape)), draft.chance(0.5)
    axes = draft.random.permutation(len(source.shape))[:count].tolist()
    return axes, [1 if it in axes else size for it, size in enumerate(source.shape) if keeps or it not in axes], keeps


def reduction(name: str, dtypes: Sequence[str], is_same: bool = False) -> Make:
    """`is_same`: the output has the input's format."""

    def make(draft: Draft) -> list[Operation]:
        source = draft.pick(dtypes, 1)
        axes, shape, keeps = draw_axes(draft, source)
        output = draft.like(source, shape) if is_same else draft.result(shape, source.dtype)
        return [Operation(name, [source, plain(axes)], [output], {"keepDims": keeps})]

    return make


def scaled_product(draft: Draft) -> list[Operation]:
    """REDUCE_PROD of few quantized values, on a scale that uses some of the output's range."""
    source = draft.pick(QUANTIZED, 1)
    axes, shape, keeps = draw_axes(draft, source)
    count = int(np.prod(source.shape) / np.prod(shape))
    if count > 16:
        raise NothingFitsError
    typical = RANGES[source.dtype][1] / 4
    scale = float(np.float32((source.scale * typical) ** count / typical * 2.0 ** draft.random.uniform(-2, 2)))
    if not 1e-30 < scale < 1e30:
        raise NothingFitsError
    output = draft.result(shape, source.dtype, (scale, draft.formats[source.dtype][0][1]))
    return [Operation("REDUCE_PROD", [source, plain(axes)], [output], {"keepDims": keeps})]


def extreme_place(name: str) -> Make:
    """ARG_MAX and ARG_MIN."""

    def make(draft: Draft) -> list[Operation]:
        source = draft.pick(("int8", "int8", "int32", "bool"), 1)
        axis, dtype = draft.count(0, len(source.shape) - 1), "int64" if draft.chance(0.1) else INDEX_TYPE
        output = Tensor((*source.shape[:axis], *source.shape[axis + 1 :]), dtype)
        draft.limit(output, 0, source.shape[axis] - 1)
        return [Operation(name, [source, plain([axis])], [output], {"outputType": BIAS_TYPES[dtype]})]

    return make


def cumulative_sum(draft: Draft) -> list[Operation]:
    source = draft.pick(WIDE, 1)
    options = {name: draft.chance(0.5) for name in ("exclusive", "reverse")}
    operands = [source, plain(draft.count(0, len(source.shape) - 1))]
    return [Operation("CUMSUM", operands, [Tensor(tuple(source.shape), source.dtype)], options)]


def softmax(draft: Draft) -> list[Operation]:
    source = draft.pick(QUANTIZED, 1, 4)
    written, form = draft.one_of(SOFTMAX_FORMATS[source.dtype])
    output = draft.result(source.shape, written, form)
    return [Operation("SOFTMAX", [source], [output], {"beta": 1.0})]


ORDERED = ("LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")
IS_GENERAL = {"potScaleInt16": False}
LOG_PROBABILITIES = (16 / 256, 127)
UNIT = {"int8": (1 / 128, 0)}
SOFTMAX_FORMATS = {
    "int8": [("int8", PROBABILITIES["int8"])] * 3 + [("int16", (1 / 65536, -32768))],
    "int16": [("int16", PROBABILITIES["int16"])],
}
EXTREMES = (*ARITHMETIC, "int64")
NODES = [
    Node("ADD", arithmetic("ADD", lambda a, b: a + b, **IS_GENERAL), "arithmetic", 4),
    Node("SUB", arithmetic("SUB", lambda a, b: a - b, **IS_GENERAL), "arithmetic", 3),
    Node("MUL", arithmetic("MUL", lambda a, b: a * b), "arithmetic", 4),
    Node("DIV", quotient("DIV", ARITHMETIC), "arithmetic"),
    Node("FLOOR_DIV", quotient("FLOOR_DIV", ("int32",)), "arithmetic", 0.5),
    Node("FLOOR_MOD", quotient("FLOOR_MOD", ("int32",)), "arithmetic", 0.5),
    Node("SQUARED_DIFFERENCE", arithmetic("SQUARED_DIFFERENCE", dtypes=("int8",)), "arithmetic"),
    Node("MAXIMUM", extreme("MAXIMUM"), "arithmetic"),
    Node("MINIMUM", extreme("MINIMUM"), "arithmetic"),
    *[Node(name, comparison(name), "comparisons") for name in ORDERED],
    *[Node(name, comparison(name, (*ARITHMETIC, "bool")), "comparisons") for name in ("EQUAL", "NOT_EQUAL")],
    Node("SELECT_V2", select, "comparisons", 4),
    Node("SELECT", old_select, "comparisons", 2),
    Node("LOGICAL_AND", logical("LOGICAL_AND"), "comparisons"),
    Node("LOGICAL_OR", logical("LOGICAL_OR"), "comparisons"),
    Node("LOGICAL_NOT", unary("LOGICAL_NOT", ("bool",)), "comparisons"),
    Node("QUANTIZE", requantization, "conversions", 2),
    Node("DEQUANTIZE", dequantization, "conversions", 0.5),
    Node("CAST", cast, "conversions", 2),
    Node("RSQRT", unary("RSQRT", from_zero=True), "functions", 2),
    Node("SQRT", rounded_root, "functions"),
    Node("LOGISTIC", unary("LOGISTIC", fixed=PROBABILITIES), "functions", 2),
    Node("TANH", unary("TANH", fixed={"int16": PROBABILITIES["int16"]}), "functions", 2),
    Node("GELU", unary("GELU"), "functions"),
    Node("RELU", unary("RELU", to_zero=True), "functions", 2),
    Node("RELU6", unary("RELU6", to_zero=True), "functions"),
    Node("RELU_N1_TO_1", unary("RELU_N1_TO_1", ("int8",)), "functions"),
    Node("RELU_0_TO_1", unary("RELU_0_TO_1", ("int8",), to_zero=True), "functions"),
    Node("LEAKY_RELU", unary("LEAKY_RELU", options={"alpha": 0.1}), "functions"),
    Node("PRELU", slopes, "functions"),
    Node("HARD_SWISH", hard_swish, "functions"),
    Node("EXP", unary("EXP", to_zero=True), "functions"),
    Node("LOG", unary("LOG"), "functions"),
    Node("ABS", unary("ABS", ARITHMETIC), "functions"),
    Node("NEG", unary("NEG", EXTREMES), "functions"),
    Node("SIGN", unary("SIGN", ("int32",)), "functions"),
    Node("LOG_SOFTMAX", log_softmax, "functions"),
    Node("L2_NORMALIZATION", unary("L2_NORMALIZATION", ("int8",), UNIT, low=1), "functions"),
    Node("FULLY_CONNECTED", fully_connected, "products", 3),
    Node("FULLY_CONNECTED", computed_layer, "products", 1),
    Node("BATCH_MATMUL", matrix_product, "products", 2),
    Node("CONV_2D", convolution, "windows", 2),
    Node("DEPTHWISE_CONV_2D", depthwise_convolution, "windows", 2),
    Node("AVERAGE_POOL_2D", pooling("AVERAGE_POOL_2D"), "windows"),
    Node("MAX_POOL_2D", pooling("MAX_POOL_2D"), "windows"),
    Node("UNIDIRECTIONAL_SEQUENCE_LSTM", lstm, "windows", 2),
    Node("MEAN", reduction("MEAN", (*QUANTIZED, *QUANTIZED, *WIDE)), "reductions", 2),
    Node("SUM", reduction("SUM", ("int8", "int8", *WIDE)), "reductions", 2),
    Node("REDUCE_MAX", reduction("REDUCE_MAX", INTEGERS, is_same=True), "reductions"),
    Node("REDUCE_MIN", reduction("REDUCE_MIN", INTEGERS, is_same=True), "reductions"),
    Node("REDUCE_ANY", reduction("REDUCE_ANY", ("bool",)), "reductions"),
    Node("REDUCE_ALL", reduction("REDUCE_ALL", ("bool",)), "reductions"),
    Node("REDUCE_PROD", reduction("REDUCE_PROD", WIDE), "reductions", 0.5),
    Node("REDUCE_PROD", scaled_product, "reductions", 0.5),
    Node("ARG_MAX", extreme_place("ARG_MAX"), "reductions"),
    Node("ARG_MIN", extreme_place("ARG_MIN"), "reductions", 0.5),
    Node("CUMSUM", cumulative_sum, "reductions"),
    Node("SOFTMAX", softmax, "reductions", 2),
    *[Node(*row) for row in MOVES],
]  # fmt: skip
