"""Random nodes that read what a draft has: the table NODES. A new operator is a new row.

PHRASES are several nodes at once, as models have them: caches, delay lines, norms, gates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from graph_draft import INDEX_TYPE, MOST_AXES, MOST_ELEMENTS, PROBABILITIES, Draft, NothingFitsError, goes_with, zero_of
from operator_cases import RANGES, draw_activation, draw_values, plain
from operator_chains import CHAINS, attention

from textzoo.compiler.opset import OPERATORS
from textzoo.compiler.single_op import Operation, Tensor

Make = Callable[[Draft], list[Operation]]
QUANTIZED = ("int8", "int16")
ARITHMETIC = (*QUANTIZED, "int32")
INTEGERS = (*ARITHMETIC, "int64", "bool")
NO_BOOL = (*ARITHMETIC, "int64", "float32")
ANY_TYPE = (*NO_BOOL, "bool")
# Drawn more often: those of every model.
MOVED = ("int8", "int8", "int8", *QUANTIZED, *ANY_TYPE)


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
        activation = draw_activation(draft.random) if interval is not None and draft.chance(0.3) else {}
        note_activation(draft, output, activation)
        return [Operation(name, [a, b], [output], {**options, **activation})]

    return make


def note_activation(draft: Draft, output: Tensor, activation: dict[str, int]) -> None:
    """Behind RELU and RELU6 nothing is below the real 0."""
    if activation.get("fusedActivationFunction") in (1, 3):
        draft.limit(output, zero_of(output), RANGES[output.dtype][1])


def extreme(name: str) -> Make:
    """MAXIMUM and MINIMUM: all of one format."""

    def make(draft: Draft) -> list[Operation]:
        a = draft.pick(ARITHMETIC)
        shape = [1 if draft.chance(0.2) else size for size in a.shape]
        b = draft.same_format(a, shape)
        ends = np.array([draft.range_of(a), draft.range_of(b)])
        output = Tensor(tuple(a.shape), a.dtype, a.scale, a.zero_point)
        low, high = (ends.max(0) if name == "MAXIMUM" else ends.min(0)).tolist()
        draft.limit(output, low, high)
        return [Operation(name, [a, b] if draft.chance(0.5) else [b, a], [output])]

    return make


def comparison(name: str, dtypes: Sequence[str] = ARITHMETIC) -> Make:
    def make(draft: Draft) -> list[Operation]:
        a, b = pair(draft, dtypes)
        return [Operation(name, [a, b], [Tensor(broadcast(a, b), "bool")])]

    return make


def select(name: str, is_broadcast: bool = True) -> Make:
    def make(draft: Draft) -> list[Operation]:
        condition = draft.pick(("bool",), accept=lambda tensor: np.prod(tensor.shape, dtype=int) > 1)
        a = draft.same_format(draft.pick((*ARITHMETIC, "bool")), condition.shape)
        b = draft.partner(a) if is_broadcast else draft.same_format(a, a.shape)
        output = Tensor(broadcast(condition, a, b), a.dtype, a.scale, a.zero_point)
        ends = np.array([draft.range_of(a), draft.range_of(b)])
        draft.limit(output, int(ends[:, 0].min()), int(ends[:, 1].max()))
        return [Operation(name, [condition, a, b], [output])]

    return make


def unary(
    name: str,
    dtypes: Sequence[str] = QUANTIZED,
    fixed: dict[str, tuple[float, int]] | None = None,
    is_same: bool = False,
    options: dict[str, object] | None = None,
    from_zero: bool = False,
    to_zero: bool = False,
) -> Make:
    """A function of one value.

    Args:
        name: The operator.
        dtypes: Its types.
        fixed: Type -> the only format of its output.
        is_same: Whether the output has the input's format.
        options: Of the operator.
        from_zero: Whether LiteRT computes it only for what is not negative.
        to_zero: Whether nothing that comes out is negative.
    """

    def make(draft: Draft) -> list[Operation]:
        source = draft.pick(dtypes, accept=lambda it: not from_zero or draft.range_of(it)[0] >= zero_of(it))
        given = (source.scale, source.zero_point) if is_same else (fixed or {}).get(source.dtype)
        output = draft.result(source.shape, source.dtype, given)
        if to_zero:
            draft.limit(output, zero_of(output), RANGES[output.dtype][1])
        return [Operation(name, [source], [output], options or {})]

    return make


def requantization(draft: Draft) -> list[Operation]:
    source = draft.pick(QUANTIZED)
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

    if draft.chance(0.3):
        try:
            return draft.find(fits)
        except NothingFitsError:
            pass
    rows = 96 if draft.chance(0.1) else draft.one_of(draft.sizes)
    limits = draft.one_of([(-1, 1), (-8, 7), (-127, 127), (-128, 127)])
    values = draw_values(draft.random, (rows, columns), "int8", limits)
    spread = columns**0.5 * limits[1] ** 0.5 * 2.0 ** draft.random.uniform(1, 4)
    scale = float(np.float32(output_scale / source.scale / spread))
    scales = [float(np.float32(scale * draft.random.uniform(0.5, 1))) for _ in range(rows)]
    return draft.constant(values, scales if draft.chance(0.4) else scale)


def layer_bias(draft: Draft, source: Tensor, weights: Tensor) -> tuple[Tensor | None, dict[str, object]]:
    if draft.chance(0.4):
        return None, {}
    dtype = "int32" if source.dtype == "int8" else draft.one_of(("int32", "int64"))
    values = draft.random.integers(-2000, 2000, weights.shape[0]).astype(dtype)
    scales = [float(np.float32(source.scale) * np.float32(scale)) for scale in np.atleast_1d(weights.scale)]
    return Tensor(values.shape, dtype, scales, data=values), {"quantizedBiasType": {"int32": 2, "int64": 4}[dtype]}


def matrix_product(draft: Draft) -> list[Operation]:
    """Of two tensors that fit, in one of four ways."""
    a = draft.pick(QUANTIZED, 2, 4)
    flags = {"adjX": draft.chance(0.3), "adjY": draft.chance(0.5)}
    rows, depth = a.shape[-2:][::-1] if flags["adjX"] else a.shape[-2:]

    def fits(b: Tensor) -> bool:
        if b.dtype != a.dtype or not 2 <= len(b.shape) <= 4 or not goes_with(a.shape[:-2], b.shape[:-2]):
            return False
        return (b.shape[-1] if flags["adjY"] else b.shape[-2]) == depth

    try:
        b = draft.find(fits) if draft.chance(0.8) else draft.find(lambda tensor: False)
    except NothingFitsError:
        inner = (depth, draft.one_of(draft.sizes))
        b = draft.fresh(a.dtype, (*a.shape[:-2], *(inner[::-1] if flags["adjY"] else inner)))
    columns = b.shape[-2] if flags["adjY"] else b.shape[-1]
    shape = (*np.broadcast_shapes(tuple(a.shape[:-2]), tuple(b.shape[:-2])), rows, columns)
    if np.prod(shape) > MOST_ELEMENTS:
        raise NothingFitsError
    natural = float(np.float32(a.scale * b.scale * depth**0.5 * 2.0 ** draft.random.uniform(2, 6)))
    zero_point = draft.formats[a.dtype][0][1]
    output = draft.result(shape, a.dtype, (natural, zero_point) if draft.chance(0.5) else None)
    return [Operation("BATCH_MATMUL", [a, b], [output], flags)]


def reduction(name: str, dtypes: Sequence[str], is_same: bool = False) -> Make:
    """Over axes that lie side by side; `is_same`: the output has the input's format."""

    def make(draft: Draft) -> list[Operation]:
        source = draft.pick(dtypes, 1, 4)
        rank, keeps = len(source.shape), draft.chance(0.5)
        first = draft.count(0, rank - 1)
        axes = range(first, draft.count(first, rank - 1) + 1)
        shape = [1 if axis in axes else size for axis, size in enumerate(source.shape) if keeps or axis not in axes]
        output = draft.like(source, shape) if is_same else draft.result(shape, source.dtype)
        return [Operation(name, [source, plain(list(axes))], [output], {"keepDims": keeps})]

    return make


def largest_place(draft: Draft) -> list[Operation]:
    source = draft.pick(("int8",), 1, 4)
    axis, dtype = draft.count(0, len(source.shape) - 1), "int64" if draft.chance(0.1) else INDEX_TYPE
    output = Tensor((*source.shape[:axis], *source.shape[axis + 1 :]), dtype)
    draft.limit(output, 0, source.shape[axis] - 1)
    return [Operation("ARG_MAX", [source, plain([axis])], [output], {"outputType": {"int32": 2, "int64": 4}[dtype]})]


def softmax(draft: Draft) -> list[Operation]:
    source = draft.pick(QUANTIZED, 1, 4)
    output = draft.result(source.shape, source.dtype, PROBABILITIES[source.dtype])
    return [Operation("SOFTMAX", [source], [output], {"beta": 1.0})]


# ---- moving elements ----


def moved(make: Callable[[Draft, Tensor], list[Operation]], low: int = 1, dtypes: Sequence[str] = MOVED) -> Make:
    """Nodes that move the elements of one tensor of at least `low` axes."""
    return lambda draft: make(draft, draft.pick(dtypes, low, MOST_AXES))


def reshape(draft: Draft, source: Tensor) -> list[Operation]:
    size = int(np.prod(source.shape))
    shapes = [(size,), (1, size), (size, 1), (1, *source.shape), tuple(source.shape[::-1]), (*source.shape, 1)]
    shapes += [tuple(tensor.shape) for tensor in draft.pool if np.prod(tensor.shape, dtype=int) == size] * 2
    shape = draft.one_of([shape for shape in shapes if len(shape) <= MOST_AXES])
    return [Operation("RESHAPE", [source, plain(shape)], [draft.like(source, shape)])]


def expand_dims(draft: Draft, source: Tensor) -> list[Operation]:
    if len(source.shape) == MOST_AXES:
        raise NothingFitsError
    axis = draft.count(0, len(source.shape))
    shape = (*source.shape[:axis], 1, *source.shape[axis:])
    return [Operation("EXPAND_DIMS", [source, plain(axis)], [draft.like(source, shape)])]


def squeeze(draft: Draft, source: Tensor) -> list[Operation]:
    shape = [size for size in source.shape if size != 1]
    options = {"squeezeDims": np.array([], np.int32)}
    return [Operation("SQUEEZE", [source], [draft.like(source, shape)], options)]


def split(draft: Draft, source: Tensor) -> list[Operation]:
    axis = draft.count(0, len(source.shape) - 1)
    counts = [count for count in range(1, 6) if source.shape[axis] % count == 0]
    count = draft.one_of(counts[-2:])
    shape = [size // count if place == axis else size for place, size in enumerate(source.shape)]
    outputs = [draft.like(source, shape) for _ in range(count)]
    return [Operation("SPLIT", [plain(axis), source], outputs, {"numSplits": count})]


def split_v(draft: Draft, source: Tensor) -> list[Operation]:
    axis = draft.count(0, len(source.shape) - 1)
    if source.shape[axis] < 2:
        raise NothingFitsError
    first = draft.count(1, source.shape[axis] - 1)
    sizes = [first, source.shape[axis] - first]
    shapes = [(*source.shape[:axis], size, *source.shape[axis + 1 :]) for size in sizes]
    outputs = [draft.like(source, shape) for shape in shapes]
    return [Operation("SPLIT_V", [source, plain(sizes), plain(axis)], outputs, {"numSplits": 2})]


def unpack(draft: Draft, source: Tensor) -> list[Operation]:
    axis = draft.count(0, len(source.shape) - 1)
    if source.shape[axis] > 5:
        raise NothingFitsError
    shape = (*source.shape[:axis], *source.shape[axis + 1 :])
    outputs = [draft.like(source, shape) for _ in range(source.shape[axis])]
    return [Operation("UNPACK", [source], outputs, {"num": len(outputs), "axis": axis})]


def joined_range(draft: Draft, output: Tensor, sources: Sequence[Tensor]) -> Tensor:
    ends = np.array([draft.range_of(source) for source in sources])
    if output.dtype != "float32":
        draft.limit(output, int(ends[:, 0].min()), int(ends[:, 1].max()))
    return output


def concatenation(draft: Draft, source: Tensor) -> list[Operation]:
    """Tensors of one format, the same one twice among them."""
    axis, sources = draft.count(0, len(source.shape) - 1), [source]
    for _ in range(draft.count(1, 3)):
        size = draft.one_of([source.shape[axis], draft.one_of(draft.sizes)])
        sources.append(draft.same_format(source, (*source.shape[:axis], size, *source.shape[axis + 1 :])))
    draft.random.shuffle(sources)
    total = sum(part.shape[axis] for part in sources)
    output = draft.like(source, (*source.shape[:axis], total, *source.shape[axis + 1 :]))
    if np.prod(output.shape) > MOST_ELEMENTS:
        raise NothingFitsError
    return [Operation("CONCATENATION", sources, [joined_range(draft, output, sources)], {"axis": axis})]


def pack(draft: Draft, source: Tensor) -> list[Operation]:
    if len(source.shape) == MOST_AXES:
        raise NothingFitsError
    axis = draft.count(0, len(source.shape))
    sources = [source, *(draft.same_format(source, source.shape) for _ in range(draft.count(1, 2)))]
    draft.random.shuffle(sources)
    output = draft.like(source, (*source.shape[:axis], len(sources), *source.shape[axis:]))
    options = {"valuesCount": len(sources), "axis": axis}
    return [Operation("PACK", sources, [joined_range(draft, output, sources)], options)]


def transpose(draft: Draft, source: Tensor) -> list[Operation]:
    """Often one that changes nothing, or moves only an axis of size 1."""
    order = list(range(len(source.shape)))
    if draft.chance(0.7):
        draft.random.shuffle(order)
    output = draft.like(source, [source.shape[axis] for axis in order])
    return [Operation("TRANSPOSE", [source, plain(order)], [output])]


def slice_(draft: Draft, source: Tensor) -> list[Operation]:
    """Often whole rows."""
    begin, sizes = [0] * len(source.shape), list(source.shape)
    for axis in range(len(source.shape)):
        if axis == 0 or draft.chance(0.3):
            begin[axis] = draft.count(0, source.shape[axis] - 1)
            sizes[axis] = draft.count(1, source.shape[axis] - begin[axis])
    return [Operation("SLICE", [source, plain(begin), plain(sizes)], [draft.like(source, sizes)])]


def strided_slice(draft: Draft, source: Tensor) -> list[Operation]:
    """A row, rows from one on, every second one, or all of them backwards."""
    size = source.shape[0]
    start = draft.count(0, size - 1)
    begin, end, step, mask, shrink = draft.one_of(
        [(start, start + 1, 1, 0, 1), (start, size, 1, 0, 0), (start - size, size, 2, 0, 0), (0, 0, -1, 3, 0)]
    )
    kept = np.arange(size)[None if mask else begin : None if mask else end : step]
    shape = source.shape[1:] if shrink else (len(kept), *source.shape[1:])
    rest = [[0] * (len(source.shape) - 1), list(source.shape[1:]), [1] * (len(source.shape) - 1)]
    bounds = [plain([first, *others]) for first, others in zip((begin, end, step), rest, strict=True)]
    options = {"beginMask": mask & 1, "endMask": mask & 1, "shrinkAxisMask": shrink}
    return [Operation("STRIDED_SLICE", [source, *bounds], [draft.like(source, shape)], options)]


def gather(draft: Draft, source: Tensor) -> list[Operation]:
    axis = 0 if draft.chance(0.7) else draft.count(0, len(source.shape) - 1)
    indices = draft.indices(draft.one_of([(), (1,), (1,), (2,), (1, 1), (3, 1)]), source.shape[axis])
    shape = (*source.shape[:axis], *indices.shape, *source.shape[axis + 1 :])
    if len(shape) > MOST_AXES or np.prod(shape, dtype=int) > MOST_ELEMENTS:
        raise NothingFitsError
    return [Operation("GATHER", [source, indices], [draft.like(source, shape)], {"axis": axis})]


def embedding_lookup(draft: Draft, source: Tensor) -> list[Operation]:
    indices = draft.indices((draft.count(1, 3),), source.shape[0])
    output = draft.like(source, (*indices.shape, *source.shape[1:]))
    return [Operation("EMBEDDING_LOOKUP", [indices, source], [output])]


def packed_look_up(draft: Draft) -> list[Operation]:
    """A row of a constant of few values, large enough to be packed, which a layer may share."""
    width = draft.one_of(draft.sizes)
    places = -(-600 // width)
    values = draw_values(draft.random, (places, width), "int8", draft.one_of([(-1, 1), (-8, 7)]))
    table = draft.constant(values, draft.formats["int8"][0][0])
    indices = draft.indices((draft.count(1, 2),), places)
    return [Operation("GATHER", [table, indices], [draft.like(table, (*indices.shape, width))], {"axis": 0})]


def update(draft: Draft, source: Tensor) -> list[Operation]:
    """A row, some rows, or everything, at a place that is an input, a constant, a state or computed."""
    shape = list(source.shape)
    for axis in range(len(shape)):
        if (axis == max(0, len(shape) - 2) and draft.chance(0.8)) or draft.chance(0.1):
            shape[axis] = draft.count(1, shape[axis])
    part = draft.same_format(source, shape)
    output = joined_range(draft, draft.like(source, source.shape), [source, part])
    operations, starts = starts_of(draft, source)
    return [*operations, Operation("DYNAMIC_UPDATE_SLICE", [source, part, starts], [output])]


def starts_of(draft: Draft, source: Tensor) -> tuple[list[Operation], Tensor]:
    """Where an update begins, and what computes it."""
    rank = len(source.shape)
    if draft.chance(0.5):
        return [], draft.indices((rank,), max(source.shape) + 2)
    axis = max(0, rank - 2)
    place = draft.indices((1,), source.shape[axis] + 1)
    parts = [place if number == axis else plain([0]) for number in range(rank)]
    starts = Tensor((rank,), INDEX_TYPE)
    draft.limit(starts, 0, max(draft.range_of(place)[1], 0))
    return [Operation("CONCATENATION", parts, [starts], {"axis": 0})], starts


def pad(draft: Draft, source: Tensor) -> list[Operation]:
    before = [draft.count(0, 2) for _ in source.shape]
    after = [draft.count(0, 1) for _ in source.shape]
    shape = [size + low + high for size, low, high in zip(source.shape, before, after, strict=True)]
    if np.prod(shape) > MOST_ELEMENTS:
        raise NothingFitsError
    widths = plain(list(zip(before, after, strict=True)))
    output = draft.like(source, shape)
    low, high = draft.range_of(source)
    if source.dtype != "float32":
        draft.limit(output, min(low, zero_of(source)), max(high, zero_of(source)))
    return [Operation("PAD", [source, widths], [output])]


def tile(draft: Draft, source: Tensor) -> list[Operation]:
    counts = [draft.one_of([1, 1, 2, 3]) for _ in source.shape]
    shape = [size * count for size, count in zip(source.shape, counts, strict=True)]
    if np.prod(shape) > MOST_ELEMENTS:
        raise NothingFitsError
    return [Operation("TILE", [source, plain(counts)], [draft.like(source, shape)])]


def broadcast_to(draft: Draft, source: Tensor) -> list[Operation]:
    shape = [draft.one_of(draft.sizes) if size == 1 else size for size in source.shape]
    shape = [*([draft.one_of(draft.sizes)] if len(shape) < 4 and draft.chance(0.5) else []), *shape]
    if np.prod(shape) > MOST_ELEMENTS:
        raise NothingFitsError
    return [Operation("BROADCAST_TO", [source, plain(shape)], [draft.like(source, shape)])]


def one_hot(draft: Draft) -> list[Operation]:
    depth = draft.one_of(draft.sizes[1:])
    indices = draft.indices(draft.one_of([(), (1,), (2,)]), depth)
    on, off = (Tensor((), "int8", *draft.formats["int8"][0], data=np.array(value, np.int8)) for value in (99, -3))
    output = draft.like(on, (*indices.shape, depth))
    return [Operation("ONE_HOT", [indices, plain(depth), on, off], [output], {"axis": -1})]


ORDERED = ("LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")
RELU_OF_ZERO = {"to_zero": True}
IS_GENERAL = {"potScaleInt16": False}
LOG_PROBABILITIES = {"int8": (16 / 256, 127), "int16": (16 / 32768, 0)}
UNIT = {"int8": (1 / 128, 0)}
ALL_NODES = [
    Node("ADD", arithmetic("ADD", lambda a, b: a + b, **IS_GENERAL), "arithmetic", 4),
    Node("SUB", arithmetic("SUB", lambda a, b: a - b, **IS_GENERAL), "arithmetic", 3),
    Node("MUL", arithmetic("MUL", lambda a, b: a * b), "arithmetic", 4),
    Node("SQUARED_DIFFERENCE", arithmetic("SQUARED_DIFFERENCE", dtypes=("int8",)), "arithmetic"),
    Node("MAXIMUM", extreme("MAXIMUM"), "arithmetic"),
    Node("MINIMUM", extreme("MINIMUM"), "arithmetic"),
    *[Node(name, comparison(name), "comparisons") for name in ORDERED],
    *[Node(name, comparison(name, (*ARITHMETIC, "bool")), "comparisons") for name in ("EQUAL", "NOT_EQUAL")],
    Node("SELECT_V2", select("SELECT_V2"), "comparisons", 4),
    Node("SELECT", select("SELECT", is_broadcast=False), "comparisons", 2),
    Node("QUANTIZE", requantization, "conversions", 2),
    Node("DEQUANTIZE", dequantization, "conversions", 0.3),
    Node("CAST", cast, "conversions", 2),
    Node("RSQRT", unary("RSQRT", from_zero=True), "functions", 2),
    Node("LOGISTIC", unary("LOGISTIC", fixed=PROBABILITIES), "functions", 2),
    Node("TANH", unary("TANH", fixed={"int16": PROBABILITIES["int16"]}), "functions", 2),
    Node("GELU", unary("GELU"), "functions"),
    Node("RELU", unary("RELU", **RELU_OF_ZERO), "functions", 2),
    Node("RELU6", unary("RELU6", **RELU_OF_ZERO), "functions"),
    Node("RELU_N1_TO_1", unary("RELU_N1_TO_1", ("int8",)), "functions"),
    Node("EXP", unary("EXP", to_zero=True), "functions"),
    Node("SQRT", unary("SQRT", ("int8",), from_zero=True, to_zero=True), "functions"),
    Node("ABS", unary("ABS", to_zero=True), "functions"),
    Node("NEG", unary("NEG", ("int8",), is_same=True), "functions"),
    Node("SQUARE", unary("SQUARE", ("int8",), to_zero=True), "functions"),
    Node("LEAKY_RELU", unary("LEAKY_RELU", options={"alpha": 0.1}), "functions"),
    Node("HARD_SWISH", unary("HARD_SWISH", ("int8",)), "functions"),
    Node("LOG_SOFTMAX", unary("LOG_SOFTMAX", ("int8",), LOG_PROBABILITIES), "functions"),
    Node("L2_NORMALIZATION", unary("L2_NORMALIZATION", ("int8",), UNIT), "functions"),
    Node("FULLY_CONNECTED", fully_connected, "products", 3),
    Node("BATCH_MATMUL", matrix_product, "products", 2),
    Node("MEAN", reduction("MEAN", QUANTIZED), "reductions", 2),
    Node("SUM", reduction("SUM", ("int8",)), "reductions"),
    Node("REDUCE_MAX", reduction("REDUCE_MAX", QUANTIZED, is_same=True), "reductions"),
    Node("ARG_MAX", largest_place, "reductions"),
    Node("SOFTMAX", softmax, "reductions"),
    Node("RESHAPE", moved(reshape, 0), "movement", 3),
    Node("EXPAND_DIMS", moved(expand_dims, 0), "movement"),
    Node("SQUEEZE", moved(squeeze), "movement"),
    Node("SPLIT", moved(split, dtypes=NO_BOOL), "movement", 2),
    Node("SPLIT_V", moved(split_v, dtypes=NO_BOOL), "movement"),
    Node("UNPACK", moved(unpack, dtypes=NO_BOOL), "movement"),
    Node("CONCATENATION", moved(concatenation), "movement", 3),
    Node("PACK", moved(pack, 0, NO_BOOL), "movement", 2),
    Node("TRANSPOSE", moved(transpose), "movement", 2),
    Node("SLICE", moved(slice_), "movement", 2),
    Node("STRIDED_SLICE", moved(strided_slice), "movement", 2),
    Node("GATHER", moved(gather), "look-ups", 3),
    Node("GATHER", packed_look_up, "look-ups"),
    Node("EMBEDDING_LOOKUP", moved(embedding_lookup, 2, QUANTIZED), "look-ups"),
    Node("DYNAMIC_UPDATE_SLICE", moved(update), "updates"),
    Node("PAD", moved(pad, dtypes=QUANTIZED), "movement"),
    Node("TILE", moved(tile), "movement"),
    Node("BROADCAST_TO", moved(broadcast_to), "movement"),
    Node("ONE_HOT", one_hot, "look-ups"),
]  # fmt: skip
# Rows of operators that the compiler does not know wait here until it does.
NODES = [node for node in ALL_NODES if node.operator in OPERATORS.names()]


# ---- several nodes at once ----


def delay_line(draft: Draft) -> list[Operation]:
    """A window that moves on by a row: of the last inputs, as a short convolution has it."""
    entry = draft.pick(QUANTIZED, 2, 3, lambda tensor: tensor.shape[0] == 1)
    places, rest = draft.count(1, 4), tuple(entry.shape[1:])
    before, tail, after = (draft.like(entry, (size, *rest)) for size in (places + 1, places, places + 1))
    begin = plain([1] + [0] * len(rest))
    if draft.chance(0.5):
        cut = Operation("SLICE", [before, begin, plain([places, *rest])], [tail])
    else:
        bounds = [begin, plain([places + 1, *rest]), plain([1] * (len(rest) + 1))]
        cut = Operation("STRIDED_SLICE", [before, *bounds], [tail])
    draft.states[before] = after
    draft.pool.append(before)
    return [cut, Operation("CONCATENATION", [tail, entry], [after], {"axis": 0})]


def last_input(draft: Draft) -> list[Operation]:
    """What an input was in the step before, mixed with what it is now: RWKV's token shift."""
    entry = draft.pick(QUANTIZED, 1, 3)
    before = draft.like(entry, entry.shape)
    draft.states[before] = entry
    draft.pool.append(before)
    share = draft.fresh(entry.dtype, entry.shape[-1:])
    difference, part, mixed = (draft.result(entry.shape, entry.dtype) for _ in range(3))
    return [
        Operation("SUB", [entry, before], [difference], IS_GENERAL),
        Operation("MUL", [difference, share], [part]),
        Operation("ADD", [part, before], [mixed], IS_GENERAL),
    ]


def gated_state(draft: Draft) -> list[Operation]:
    """A recurrent unit: new_h = h + z * (c - h), z = sigmoid(x + h), c = tanh(x * h)."""
    entry = draft.pick(("int8",), 1, 3)
    before = draft.result(entry.shape, "int8")
    after = draft.like(before, before.shape)
    draft.states[before] = after
    draft.pool.append(before)
    total, product, change, share = (draft.result(entry.shape, "int8") for _ in range(4))
    gate, candidate = draft.result(entry.shape, "int8", PROBABILITIES["int8"]), draft.result(entry.shape, "int8")
    return [
        Operation("ADD", [entry, before], [total]),
        Operation("LOGISTIC", [total], [gate]),
        Operation("MUL", [entry, before], [product]),
        Operation("TANH", [product], [candidate]),
        Operation("SUB", [candidate, before], [change]),
        Operation("MUL", [gate, change], [share]),
        Operation("ADD", [before, share], [after]),
    ]


def layer_norm(draft: Draft) -> list[Operation]:
    """One row: its mean, the differences, their squares, the reciprocal of the deviation, a gain."""
    row = draft.pick(("int8",), 2, 3, lambda it: np.prod(it.shape) == it.shape[-1] > 1)
    width, ones = row.shape[-1], (1,) * len(row.shape)
    mean, difference = draft.result(ones, "int8"), draft.result(row.shape, "int8")
    square_scale = float(np.float32(difference.scale**2 * width * 8))
    square, raised = (draft.result(ones, "int8", (square_scale, -128)) for _ in range(2))
    root, factor = draft.result(ones, "int8", (0.05, -128)), draft.result((*ones[:-1], width), "int8")
    output, epsilon = draft.result(row.shape, "int8"), Tensor((1,), "int8", square_scale, -128)
    epsilon.data = np.array([-127], np.int8)
    gain = draft.constant(draw_values(draft.random, (width,), "int8"), 0.01)
    draft.limit(raised, -128, 127)
    return [
        Operation("MEAN", [row, plain([len(ones) - 1])], [mean], {"keepDims": True}),
        Operation("SUB", [row, mean], [difference]),
        Operation("BATCH_MATMUL", [difference, difference], [square], {"adjY": True}),
        Operation("ADD", [square, epsilon], [raised]),
        Operation("RSQRT", [raised], [root]),
        Operation("MUL", [root, gain], [factor]),
        Operation("MUL", [difference, factor], [output]),
    ]


def attention_over_cache(dtype: str, softmax_type: str) -> Make:
    """Keys and values in caches, of places up to a position that counts the steps, or of any."""

    def make(draft: Draft) -> list[Operation]:
        cases = attention(dtype, softmax_type)(draft.random)
        position = next(case.counter for case in cases if case.counter is not None)
        caches = {before: after for case in cases for before, after in case.states.items()}
        draft.states |= caches
        draft.limits[position] = (0, next(iter(caches)).shape[1] - 1)
        operations = [case.operation for case in cases]
        if draft.counters and (not draft.has_inputs or draft.chance(0.5)):
            counter = draft.one_of(sorted(draft.counters, key=draft.pool.index))
            operations = [reading(operation, position, counter) for operation in operations]
        elif draft.chance(0.7):
            draft.counters.add(position)
        return entered(draft, operations)

    return make


def reading(operation: Operation, old: Tensor, new: Tensor) -> Operation:
    """The same operation, reading another tensor in the place of an old one."""
    return replace(operation, inputs=[new if tensor is old else tensor for tensor in operation.inputs])


def entered(draft: Draft, operations: Sequence[Operation]) -> list[Operation]:
    """The same operations; what none of them computes are inputs, states or constants that others may read."""
    known = {*draft.pool, *(output for operation in operations for output in operation.outputs)}
    read = dict.fromkeys(tensor for operation in operations for tensor in operation.inputs if tensor is not None)
    for tensor in read:
        if tensor in known or tensor.data is not None or tensor in draft.states or tensor in draft.counters:
            draft.pool += [tensor] if tensor not in known else []
        else:
            draft.entered(tensor)
    return list(operations)


def chain(name: str) -> Make:
    """One of the table CHAINS."""

    def make(draft: Draft) -> list[Operation]:
        cases = CHAINS[name](draft.random)
        for case in cases:
            draft.limits |= case.ranges
        return entered(draft, [case.operation for case in cases])

    return make


PHRASES = {
    "delay line": Node("", delay_line, "phrases", 3),
    "last input": Node("", last_input, "phrases", 3),
    "gated state": Node("", gated_state, "phrases", 2),
    "layer norm": Node("", layer_norm, "phrases", 2),
    "attention": Node("", attention_over_cache("int8", "int8"), "attention", 2),
    "attention of 15 bits": Node("", attention_over_cache("int8", "int16"), "attention"),
    "attention int16": Node("", attention_over_cache("int16", "int16"), "attention"),
    "masked": Node("", chain("masked"), "phrases"),
    "feed forward": Node("", chain("feed_forward"), "phrases"),
    "split and joined": Node("", chain("split_and_joined"), "phrases", 0.5),
    "computed in place": Node("", chain("computed_in_place"), "phrases", 0.5),
}
