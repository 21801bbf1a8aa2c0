"""Small graphs of several operators, for what happens between them: the table CHAINS."""

from collections.abc import Callable

import numpy as np
from operator_cases import (
    ACTIVATIONS,
    Case,
    Random,
    draw_activation,
    draw_scale,
    draw_shape,
    draw_values,
    plain,
    same,
    tensor,
)

from textzoo.compiler.tflite.single_operator import Operation, Tensor


def steps(*operations: Operation, ranges: dict[Tensor, tuple[int, int]] | None = None) -> list[Case]:
    return [Case(operation, ranges or {}) for operation in operations]


def narrowed(random: Random) -> list[Case]:
    """A value that its type cuts off, read again: as memory would hold it."""
    shape = draw_shape(random)
    source, other = Tensor(shape, "int32"), Tensor(shape, "int32")
    narrow, wide, output = Tensor(shape, "int8"), Tensor(shape, "int32"), Tensor(shape, "int32")
    return steps(
        Operation("CAST", [source], [narrow]),
        Operation("CAST", [narrow], [wide]),
        Operation("SUB", [wide, other], [output]),
    )


def of_64_bits(random: Random) -> list[Case]:
    """-2**63 is not 0, though its lower half is."""
    source = Tensor(draw_shape(random), "int64")
    copy, output = Tensor(source.shape, "int64"), Tensor(source.shape, "bool")
    return steps(Operation("CAST", [source], [copy]), Operation("CAST", [copy], [output]))


def dequantized(random: Random) -> list[Case]:
    """Floats are copied as floats."""
    a, b = tensor(random, (3, 4), "int8"), tensor(random, (4,), "int8")
    total = tensor(random, (3, 4), "int8", max(a.scale, b.scale))
    real, turned = Tensor((3, 4), "float32"), Tensor((4, 3), "float32")
    return steps(
        Operation("ADD", [a, b], [total]),
        Operation("DEQUANTIZE", [total], [real]),
        Operation("TRANSPOSE", [real, plain([1, 0])], [turned]),
        Operation("RESHAPE", [turned, plain([2, 6])], [Tensor((2, 6), "float32")]),
    )


def masked(random: Random) -> list[Case]:
    """Scores up to a position, the others replaced by the smallest one."""
    position, scores = Tensor((1,), "int32"), tensor(random, (2, 9), "int8")
    mask, live, lowest = Tensor((9,), "bool"), same(random, scores, (2, 9)), same(random, scores, (1,))
    lowest.data = np.array([-128], np.int8)
    return steps(
        Operation("LESS_EQUAL", [plain(range(9)), position], [mask]),
        Operation("SELECT_V2", [mask, scores, lowest], [live]),
        Operation("SOFTMAX", [live], [Tensor((2, 9), "int8", 1 / 256, -128)], {"beta": 1.0}),
        ranges={position: (0, 8)},
    )


def found_and_looked_up(random: Random) -> list[Case]:
    """ARG_MAX as the index of a row of a constant."""
    scores, table = tensor(random, (3, 7), "int8"), tensor(random, (7, 4), "int16")
    table.data = draw_values(random, table.shape, "int16")
    places = Tensor((3,), "int32")
    return steps(
        Operation("ARG_MAX", [scores, plain([1])], [places], {"outputType": 2}),
        Operation("GATHER", [table, places], [same(random, table, (3, 4))], {"axis": 0}),
    )


def constant_split(random: Random) -> list[Case]:
    """One part of a constant is an output, the other one is read where it lies."""
    whole = tensor(random, (2, 6), "int8")
    whole.data = draw_values(random, whole.shape, "int8")
    left, right, source = (same(random, whole, (1, 6)) for _ in range(3))
    return steps(
        Operation("SPLIT", [plain(0), whole], [left, right], {"numSplits": 2}),
        Operation("ADD", [source, left], [tensor(random, (1, 6), "int8", whole.scale)]),
    )


def equal_constants(random: Random) -> list[Case]:
    """Two tensors of the same content, which lies in flash once."""
    values = draw_values(random, (4, 3), "int8")
    cases = []
    for _ in range(2):
        table, place = Tensor((4, 3), "int8", 0.5, data=values), Tensor((2,), "int32")
        operation = Operation("GATHER", [table, place], [Tensor((2, 3), "int8", 0.5)], {"axis": 0})
        cases.append(Case(operation, {place: (0, 3)}))
    return cases


def tied_table(random: Random) -> list[Case]:
    """Rows of few values, looked up and multiplied with: they lie in flash once."""
    table = Tensor((16, 64), "int8", 0.5, data=draw_values(random, (16, 64), "int8", (-1, 1)))
    place, row = Tensor((1,), "int32"), Tensor((1, 64), "int8", 0.5)
    return steps(
        Operation("GATHER", [table, place], [row], {"axis": 0}),
        Operation("FULLY_CONNECTED", [row, table], [Tensor((1, 16), "int8", 3.7, -5)]),
        ranges={place: (0, 15)},
    )


def layers_of_any_weights(random: Random, dtype: str = "int8") -> list[Case]:
    """Weights that variants of the kernels take beside those that they do not: -128."""
    zero_points = (3, -5, 9) if dtype == "int8" else (0, 0, 0)
    first, second, last = (Tensor((1, 24), dtype, 0.7, zero_point) for zero_point in zero_points)
    narrow, wide = (Tensor((24, 24), "int8", 0.03, data=draw_values(random, (24, 24), "int8")) for _ in range(2))
    narrow.data = np.maximum(narrow.data, -127)
    wide.data[3, 4] = -128
    return steps(
        Operation("FULLY_CONNECTED", [first, narrow], [second]),
        Operation("FULLY_CONNECTED", [second, wide], [last]),
    )


def feed_forward(random: Random, last: int = 0) -> list[Case]:
    """A layer behind a ReLU, of whose inputs many are 0, for kernels that leave those out.

    It has so many rows; 0 for a random number.
    """
    columns, hidden, rows = random.integers(1, 90, 3).tolist()
    rows = last or rows
    source = tensor(random, (1, columns), "int8", 0.02)
    middle = Tensor((1, hidden), "int8", 0.005 * columns**0.5, -128)
    output = tensor(random, (1, rows), "int8", 0.01 * hidden**0.5)
    up, down = (random.integers(-127, 128, shape).astype(np.int8) for shape in ((hidden, columns), (rows, hidden)))
    bias = Tensor((rows,), "int32", middle.scale * 0.01, data=random.integers(-9999, 9999, rows).astype(np.int32))
    relu = {"fusedActivationFunction": ACTIVATIONS["RELU"]}
    return steps(
        Operation("FULLY_CONNECTED", [source, Tensor(up.shape, "int8", 0.01, data=up)], [middle], relu),
        Operation("FULLY_CONNECTED", [middle, Tensor(down.shape, "int8", 0.01, data=down), bias], [output]),
    )


def sums(random: Random) -> list[Case]:
    """Two vectors of one shape, as residuals are added: long enough for kernels that take many elements at once."""
    shape = (1, int(random.integers(1, 70)))
    first, second = (tensor(random, shape, "int8", draw_scale(random, -6, -2)) for _ in range(2))
    output = tensor(random, shape, "int8", draw_scale(random, -6, -1))
    return steps(Operation("ADD", [first, second], [output], draw_activation(random)))


def parts_of_parts(random: Random) -> list[Case]:
    """Slices of slices, backwards."""
    source = tensor(random, (5, 6, 4), "int16")
    middle, back, last = (same(random, source, shape) for shape in ((3, 6, 2), (3, 3, 2), (3, 2)))
    bounds = [plain(values) for values in ([0, 5, 0], [3, 0, 2], [1, -2, 1])]
    places = [plain(values) for values in ([0, 1], [0, 2], [1, 1])]
    masks = {"beginMask": 0b01, "endMask": 0b01, "shrinkAxisMask": 0b10}
    return steps(
        Operation("SLICE", [source, plain([1, 0, 1]), plain([3, -1, 2])], [middle]),
        Operation("STRIDED_SLICE", [middle, *bounds], [back], {"endMask": 0b010}),
        Operation("STRIDED_SLICE", [back, *places], [last], masks),
    )


def split_and_joined(random: Random) -> list[Case]:
    """Parts computed where they belong, one of them read twice."""
    source = tensor(random, (4, 6), "int8")
    left, right, product, joined = (same(random, source, (4, size)) for size in (3, 3, 3, 9))
    return steps(
        Operation("SPLIT", [plain(-1), source], [left, right], {"numSplits": 2}),
        Operation("SUB", [left, right], [product]),
        Operation("CONCATENATION", [product, left, product], [joined], {"axis": 1}),
        Operation("PACK", [joined, joined], [same(random, joined, (2, 4, 9))], {"valuesCount": 2, "axis": 0}),
    )


def computed_in_place(random: Random) -> list[Case]:
    """What is computed, transposed or split right into the tensor that joins it; twice over."""
    source = tensor(random, (4, 4), "int8")
    other, total, turned = (same(random, source, (4, 4)) for _ in range(3))
    upper, lower = (same(random, source, (2, 4)) for _ in range(2))
    joined, piled = same(random, source, (10, 4)), same(random, source, (2, 10, 4))
    return steps(
        Operation("ADD", [source, other], [total]),
        Operation("TRANSPOSE", [total, plain([1, 0])], [turned]),
        Operation("SPLIT", [plain(0), other], [upper, lower], {"numSplits": 2}),
        Operation("CONCATENATION", [total, lower, turned], [joined], {"axis": 0}),
        Operation("PACK", [joined, joined], [piled], {"valuesCount": 2, "axis": 0}),
        Operation("MUL", [upper, lower], [same(random, source, (2, 4))]),
    )


def scalars(random: Random) -> list[Case]:
    """Tensors of one element, with no axis or several."""
    a, b, c = tensor(random, (), "int8"), tensor(random, (1, 1), "int8"), tensor(random, (1,), "int8")
    scale = 2 * max(a.scale, b.scale, c.scale)
    first, second = tensor(random, (1, 1), "int8", scale), tensor(random, (1, 1), "int8", scale)
    return steps(Operation("ADD", [a, b], [first]), Operation("SUB", [first, c], [second]))


def random_graph(random: Random) -> list[Case]:
    """Element-wise operators, reshapes and transpositions that read what earlier ones have computed, in any order."""
    shape = (3, 4)
    known = [tensor(random, size, "int8", draw_scale(random, -3, 0)) for size in (shape, shape, (1, 4), ())]
    known[2].data = draw_values(random, (1, 4), "int8")
    cases = []
    for _ in range(12):
        operation = random_operation(random, known, shape)
        known += operation.outputs
        cases += steps(operation)
    return cases


def random_operation(random: Random, known: list[Tensor], shape: tuple[int, ...]) -> Operation:
    """One more operator whose output has `shape`."""
    full = [operand for operand in known if tuple(operand.shape) == shape]
    source, other = full[int(random.integers(0, len(full)))], known[int(random.integers(0, len(known)))]
    name = str(random.choice(["ADD", "SUB", "MUL", "QUANTIZE", "TANH", "RELU6", "RESHAPE", "STRIDED_SLICE"]))
    output = tensor(random, shape, "int8", draw_scale(random, -3, 0))
    if name in ("ADD", "SUB", "MUL"):
        operands = [source, other] if random.random() < 0.5 else [other, source]
        return Operation(name, operands, [output], draw_activation(random))
    if name == "RESHAPE":
        return Operation(name, [source, plain(shape)], [same(random, source, shape)])
    if name == "STRIDED_SLICE":
        bounds = plain([-1, 0]), plain([0, 4]), plain([-1, 1])
        return Operation(name, [source, *bounds], [same(random, source, shape)], {"endMask": 1})
    return Operation(name, [source], [output])


def shapes_of_converters(random: Random) -> list[Case]:
    """A shape computed from another tensor's: its parts, their product, the axes in another order."""
    source = tensor(random, draw_shape(random, (3, 3)), "int8")
    rows, rest = source.shape[0], source.shape[1] * source.shape[2]
    shape, tail, sizes, axes, order = (Tensor((count,), "int32") for count in (3, 2, 2, 2, 2))
    first, product, rank = (Tensor((), "int32") for _ in range(3))
    flat, turned = same(random, source, (rows, rest)), same(random, source, (rest, rows))
    bounds = [plain([place]) for place in (1, 3, 1)]
    return steps(
        Operation("SHAPE", [source], [shape], {"outType": 2}),
        Operation("STRIDED_SLICE", [shape, *(plain([place]) for place in (0, 1, 1))], [first], {"shrinkAxisMask": 1}),
        Operation("STRIDED_SLICE", [shape, *bounds], [tail]),
        Operation("REDUCE_PROD", [tail, plain(0)], [product]),
        Operation("PACK", [first, product], [sizes], {"valuesCount": 2}),
        Operation("RESHAPE", [source, sizes], [flat]),
        Operation("RANK", [flat], [rank]),
        Operation("RANGE", [plain(0), rank, plain(1)], [axes]),
        Operation("REVERSE_V2", [axes, plain([0])], [order]),
        Operation("TRANSPOSE", [flat, order], [turned]),
    )


def filled_like_another(random: Random) -> list[Case]:
    """A constant of a shape that is known only from another tensor; positions counted by a sum of ones."""
    source = tensor(random, draw_shape(random), "int16")
    shape, wide = Tensor((len(source.shape),), "int64"), Tensor(source.shape, "int64")
    filled, places, output = (Tensor(source.shape, "int32") for _ in range(3))
    return steps(
        Operation("SHAPE", [source], [shape], {"outType": 4}),
        Operation("FILL", [shape, plain(1)], [filled]),
        Operation("CUMSUM", [filled, plain(-1)], [places], {"exclusive": True}),
        Operation("CAST", [source], [wide]),
        Operation("CAST", [wide], [output]),
        Operation("ADD", [output, places], [Tensor(source.shape, "int32")]),
    )


def hot_rows(random: Random) -> list[Case]:
    """The place of the largest value in 64 bits: as an index of a packed table, and as the only one of many."""
    scores, table = tensor(random, (3, 9), "int8"), Tensor((9, 70), "int8", 0.5)
    table.data = draw_values(random, table.shape, "int8", (-8, 7))
    places, hot = Tensor((3,), "int64"), Tensor((3, 9), "int32")
    return steps(
        Operation("ARG_MAX", [scores, plain([1])], [places], {"outputType": 4}),
        Operation("GATHER", [table, places], [same(random, table, (3, 70))], {"axis": 0}),
        Operation("ONE_HOT", [places, plain(9), plain(-7), plain(3)], [hot], {"axis": -1}),
        Operation("SUM", [hot, plain([0])], [Tensor((9,), "int32")]),
    )


def random_moves(random: Random) -> list[Case]:
    """Operators that move elements, each of what earlier ones have made, in any order."""
    source = tensor(random, (3, 4), "int8")
    known, cases = [source, same(random, source, (3, 4))], []
    for _ in range(10):
        moved, output = random.choice(len(known), 2), same(random, source, (3, 4))
        make = MOVES[int(random.integers(0, len(MOVES)))]
        cases += steps(*make(random, known[moved[0]], known[moved[1]], output))
        known.append(output)
    return cases


def reversed_(random: Random, source: Tensor, other: Tensor, output: Tensor) -> list[Operation]:
    axes = ([0], [1], [0, 1])[int(random.integers(0, 3))]
    return [Operation("REVERSE_V2", [source, plain(axes)], [output])]


def padded_and_cut(random: Random, source: Tensor, other: Tensor, output: Tensor) -> list[Operation]:
    """The inside of the padded tensor, or what lies half outside of it."""
    wide, start = same(random, source, (5, 7)), random.integers(0, 3, 2).tolist()
    return [
        Operation("PAD", [source, plain([[1, 1], [2, 1]])], [wide]),
        Operation("SLICE", [wide, plain(start), plain([3, 4])], [output]),
    ]


def mirrored(random: Random, source: Tensor, other: Tensor, output: Tensor) -> list[Operation]:
    middle = same(random, source, (2, 3))
    return [
        Operation("SLICE", [source, plain([1, 0]), plain([2, 3])], [middle]),
        Operation("MIRROR_PAD", [middle, plain([[1, 0], [0, 1]])], [output], {"mode": int(random.integers(0, 2))}),
    ]


def largest_everywhere(random: Random, source: Tensor, other: Tensor, output: Tensor) -> list[Operation]:
    largest, smallest, tiled = (same(random, source, shape) for shape in ((1, 4), (3, 1), (3, 4)))
    spread = same(random, source, (3, 4))
    return [
        Operation("REDUCE_MAX", [source, plain([0])], [largest], {"keepDims": True}),
        Operation("TILE", [largest, plain([3, 1])], [tiled]),
        Operation("REDUCE_MIN", [other, plain([1])], [smallest], {"keepDims": True}),
        Operation("BROADCAST_TO", [smallest, plain([3, 4])], [spread]),
        Operation("ADD", [tiled, spread], [output]),
    ]


def unpacked_and_packed(random: Random, source: Tensor, other: Tensor, output: Tensor) -> list[Operation]:
    rows, total = [same(random, source, (4,)) for _ in range(3)], same(random, source, (4,))
    return [
        Operation("UNPACK", [source], rows, {"num": 3, "axis": 0}),
        Operation("ADD", [rows[0], rows[2]], [total]),
        Operation("PACK", [rows[2], total, rows[1]], [output], {"valuesCount": 3, "axis": 0}),
    ]


def split_and_turned(random: Random, source: Tensor, other: Tensor, output: Tensor) -> list[Operation]:
    left, middle, right = (same(random, source, (3, size)) for size in (1, 2, 1))
    return [
        Operation("SPLIT_V", [source, plain([1, -1, 1]), plain(1)], [left, middle, right], {"numSplits": 3}),
        Operation("CONCATENATION", [right, middle, left], [output], {"axis": 1}),
    ]


MOVES = (reversed_, padded_and_cut, mirrored, largest_everywhere, unpacked_and_packed, split_and_turned)


def functions_of_one_value(random: Random) -> list[Case]:
    """Each of one int8 value: they become one table."""
    shape = draw_shape(random)
    values = [tensor(random, shape, "int8", draw_scale(random, -5, -1)) for _ in range(8)]
    bounds = [same(random, values[0], ()) for _ in range(2)]
    for bound in bounds:
        bound.data = draw_values(random, (), "int8")
    operands = [[], [], [bounds[0]], [], [], [bounds[1]], []]
    names = ("EXP", "ABS", "MAXIMUM", "LEAKY_RELU", "NEG", "MINIMUM", "HARD_SWISH")
    options = [{"alpha": 0.3} if name == "LEAKY_RELU" else {} for name in names]
    return steps(
        *(
            Operation(name, [values[place], *operands[place]], [values[place + 1]], options[place])
            for place, name in enumerate(names)
        )
    )


def from_floats_to_floats(random: Random) -> list[Case]:
    """Floats come in and go out; what lies between is integers."""
    real, condition, other = Tensor((5, 6), "float32"), Tensor((5,), "bool"), tensor(random, (5, 6), "int8", 0.05)
    narrow, chosen = same(random, other, (5, 6)), same(random, other, (5, 6))
    return steps(
        Operation("QUANTIZE", [real], [narrow]),
        Operation("SELECT", [condition, narrow, other], [chosen]),
        Operation("DEQUANTIZE", [chosen], [Tensor((5, 6), "float32")]),
        Operation("QUANTIZE", [real], [tensor(random, (5, 6), "int16")]),
    )


PROBABILITIES = {"int8": (1 / 256, -128), "int16": (1 / 32768, 0)}
# Exponents of the scale of scores, and of what the products of a query and a key are divided by.
SCORES = {"int8": ((-5, 0), (4, 9)), "int16": ((-13, -6), (9, 16))}
# The same where the scores reach as far as a mask that is added.
FAR_SCORES = {"int8": ((2, 18), (4, 9)), "int16": ((0, 17), (9, 16))}


def attention(
    dtype: str, softmax: str, heads: int = 0, ranges: dict[str, tuple] | None = None
) -> Callable[[Random], list[Case]]:
    """One query per run against caches that grow by a place per run, up to the last one and beyond: a decode step.

    What would be the token is the query.

    Args:
        dtype: Of the scores.
        softmax: Of the probabilities.
        heads: So many; 0 for a random number.
        ranges: SCORES, or FAR_SCORES.
    """
    ranges = ranges or SCORES

    def make(random: Random) -> list[Case]:
        some, context, width = (int(random.integers(1, most)) for most in (4, 9, 40))
        shape = (heads or some, 1, width)
        key, value = (tensor(random, shape, dtype, draw_scale(random, -9, -5)) for _ in range(2))
        (scale, spread), (keys, values) = ranges[dtype], (cached(random, new, context) for new in (key, value))
        scores = tensor(random, (shape[0], 1, context), dtype, draw_scale(random, *scale))
        query = tensor(random, key.shape, dtype, scores.scale / key.scale / draw_scale(random, *spread) / width**0.5)
        position, place = Tensor((1,), "int32", name="position"), Tensor((3,), "int32")
        query.name = "token"
        updates = steps(
            Operation("CONCATENATION", [plain([0]), position, plain([0])], [place]),
            Operation("DYNAMIC_UPDATE_SLICE", [keys[0], key, place], [keys[1]]),
            Operation("DYNAMIC_UPDATE_SLICE", [values[0], value, place], [values[1]]),
            Operation("BATCH_MATMUL", [query, keys[1]], [scores], {"adjY": True}),
        )
        updates[0].counter, updates[0].states = position, dict([keys, values])
        return updates + weighted_values(random, position, scores, values[1], softmax)

    make.__name__ = f"attention_of_{dtype}_with_{softmax}_softmax{'_of_large_scales' * (ranges is FAR_SCORES)}"
    return make


def cached(random: Random, new: Tensor, context: int) -> tuple[Tensor, Tensor]:
    """A cache before and after a run."""
    heads, _, width = new.shape
    return same(random, new, (heads, context, width)), same(random, new, (heads, context, width))


def weighted_values(random: Random, position: Tensor, scores: Tensor, values: Tensor, softmax: str) -> list[Case]:
    """The scores up to a position become probabilities, by which the values are weighted."""
    live, dead = Tensor(scores.shape[-1:], "bool"), same(random, scores, (1,))
    dead.data = draw_values(random, (1,), dead.dtype)
    masked, weights = same(random, scores, scores.shape), Tensor(scores.shape, softmax, *PROBABILITIES[softmax])
    output = tensor(random, (values.shape[0], 1, values.shape[2]), softmax, values.scale * draw_scale(random, -2, 1))
    output.name = "logits"
    cases = steps(
        Operation("LESS_EQUAL", [plain(range(scores.shape[-1])), position], [live]),
        Operation("SELECT_V2", [live, scores, dead], [masked]),
    )
    if softmax != scores.dtype:
        wide = [Tensor(narrow.shape, softmax, narrow.scale) for narrow in (masked, values)]
        cases += steps(Operation("QUANTIZE", [masked], wide[:1]), Operation("QUANTIZE", [values], wide[1:]))
        masked, values = wide
    return cases + steps(
        Operation("SOFTMAX", [masked], [weights], {"beta": 1.0}),
        Operation("BATCH_MATMUL", [weights, values], [output]),
    )


# Kernel -> a graph that it computes.
FORMS = {"attention_s8": ("int8", "int8"), "attention_s8_p16": ("int8", "int16"), "attention_s16": ("int16", "int16")}
ATTENTIONS = {kernel: attention(*form) for kernel, form in FORMS.items()}
FAR_ATTENTIONS = [attention(*form, ranges=FAR_SCORES) for form in FORMS.values()]

CHAINS: dict[str, Callable[[Random], list[Case]]] = {
    function.__name__: function
    for function in (
        narrowed,
        of_64_bits,
        dequantized,
        masked,
        found_and_looked_up,
        constant_split,
        equal_constants,
        tied_table,
        feed_forward,
        parts_of_parts,
        split_and_joined,
        computed_in_place,
        scalars,
        random_graph,
        shapes_of_converters,
        filled_like_another,
        hot_rows,
        random_moves,
        functions_of_one_value,
        from_floats_to_floats,
        *ATTENTIONS.values(),
        *FAR_ATTENTIONS,
    )
}
