"""Random nodes of every operator that the compiler knows: the table ROWS. A new operator, or a new type, is a new row.

All draw from a seeded generator. A third of the scales are powers of two, because there are the ties of roundings.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from textzoo.compiler.fixedpoint import quantize_multiplier
from textzoo.compiler.operators.base import INTEGER_RANGES
from textzoo.compiler.single_op import ACTIVATIONS, Operation, Tensor

Random = np.random.Generator
NO_BOOL = ("int8", "int16", "int32", "int64", "float32")
ANY_TYPE = (*NO_BOOL, "bool")
INTEGERS = ("int8", "int16", "int32", "int64", "bool")
RANGES = {**INTEGER_RANGES, "int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1), "bool": (0, 1)}


@dataclass
class Case:
    """One node.

    Attributes:
        operation: For `single_op.build_all`.
        ranges: Smallest and largest value of those inputs that must not take every value of their type.
        states: Inputs and the outputs that take their place in the next run.
        counter: The input that is the number of the run.
        reals: Of inputs of float32, the step whose halves they come near, and how many steps they may reach.
    """

    operation: Operation
    ranges: dict[Tensor, tuple[int, int]] = field(default_factory=dict)
    states: dict[Tensor, Tensor] = field(default_factory=dict)
    counter: Tensor | None = None
    reals: dict[Tensor, tuple[float, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One operator.

    Attributes:
        operator: Its name.
        dtypes: Its types, of the first input or as `make` understands them.
        make: Makes a random node of one of the types.
        form: Tells rows of the same operator apart.
    """

    operator: str
    dtypes: tuple[str, ...]
    make: Callable[[Random, str], Case]
    form: str = ""

    def __str__(self) -> str:
        return f"{self.operator} {self.form}".strip()


# ---- what nodes are made of ----


def draw_scale(random: Random, low: float = -8.0, high: float = 1.0) -> float:
    """A scale, as float32, between powers of two."""
    exponent = random.uniform(low, high)
    return float(np.float32(2.0 ** (round(exponent) if random.random() < 0.3 else exponent)))


def draw_zero_point(random: Random, dtype: str) -> int:
    return int(random.integers(-128, 128)) if dtype == "int8" else 0


def draw_shape(random: Random, axes: tuple[int, int] = (1, 4), sizes: tuple[int, int] = (1, 7)) -> tuple[int, ...]:
    count = random.integers(axes[0], axes[1] + 1)
    return tuple(random.integers(sizes[0], sizes[1] + 1, count).tolist())


def draw_activation(random: Random) -> dict[str, int]:
    """None in half of the cases: the others hide most of what is negative."""
    name = "NONE" if random.random() < 0.5 else random.choice(list(ACTIVATIONS))
    return {"fusedActivationFunction": ACTIVATIONS[str(name)]}


def tensor(random: Random, shape: Sequence[int], dtype: str, scale: float | None = None) -> Tensor:
    """A tensor, quantized where its type is."""
    if dtype not in INTEGER_RANGES:
        return Tensor(shape, dtype)
    return Tensor(shape, dtype, draw_scale(random) if scale is None else scale, draw_zero_point(random, dtype))


def plain(values: Sequence[int] | int, dtype: str = "int32") -> Tensor:
    """A constant of indices or sizes."""
    array = np.array(values, dtype)
    return Tensor(array.shape, dtype, data=array)


def draw_values(random: Random, shape: Sequence[int], dtype: str, limits: tuple[int, int] | None = None) -> np.ndarray:
    """Uniform or narrow values, with some of the smallest and largest among them."""
    if dtype == "float32":
        return random.normal(0, 3, shape).astype(np.float32)
    low, high = limits or RANGES[dtype]
    uniform = random.integers(low, high, shape, dtype=np.int64, endpoint=True)
    narrow = np.clip(random.normal(0, (high - low) / 16, shape), low, high).astype(np.int64)
    extremes = random.choice([low, min(low + 1, high), max(high - 1, low), high], shape)
    chosen = uniform if random.random() < 0.5 else narrow
    return np.where(random.random(shape) < 0.1, extremes, chosen).astype(dtype)


def draw_reals(random: Random, shape: Sequence[int], step: float, reach: int) -> np.ndarray:
    """Multiples of half a step, as far as float32 holds them, and their neighbours in float32."""
    halves = (random.integers(-2 * reach, 2 * reach, shape, endpoint=True) * (step / 2)).astype(np.float32)
    directions = random.choice(np.array([-np.inf, np.inf], np.float32), shape)
    return np.where(random.random(shape) < 0.5, halves, np.nextafter(halves, directions))


def sometimes_constant(random: Random, operand: Tensor) -> Tensor:
    if random.random() < 0.3:
        operand.data = draw_values(random, operand.shape, operand.dtype)
    return operand


def draw_broadcast(random: Random, count: int = 2) -> list[tuple[int, ...]]:
    """Shapes that go together; one of them may have fewer axes, and some axes have the size 1."""
    full = draw_shape(random, (1, 5))
    shapes = [tuple(1 if random.random() < 0.25 else size for size in full) for _ in range(count)]
    shapes[-1] = shapes[-1][int(random.integers(0, len(full))) :] if random.random() < 0.3 else shapes[-1]
    random.shuffle(shapes)
    return shapes


def negative_sometimes(random: Random, axis: int, rank: int) -> int:
    return axis - rank if random.random() < 0.3 else axis


# ---- arithmetic ----


def draw_pair(random: Random, dtype: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes; now and then those that bring every int8 value together with every other one, or many of int16."""
    if dtype != "int32" and random.random() < 0.2:
        return (256, 1), (1, 256)
    return tuple(draw_broadcast(random))


def binary(
    name: str, random: Random, dtype: str, scales: tuple[float, float, float], options: dict[str, object]
) -> Case:
    shapes = draw_pair(random, dtype)
    a, b = (tensor(random, shape, dtype, scale) for shape, scale in zip(shapes, scales, strict=False))
    output = tensor(random, np.broadcast_shapes(*shapes), dtype, scales[2])
    return Case(Operation(name, [a, sometimes_constant(random, b)], [output], options))


def sum_of(name: str) -> Callable[[Random, str], Case]:
    def make(random: Random, dtype: str) -> Case:
        a, b = draw_scale(random), draw_scale(random)
        scales = (a, b, max(a, b) * draw_scale(random, -3, 3))
        # In a file the flag is usually set; here all three scales might be powers of two, which is another row.
        options = {"potScaleInt16": False} | (draw_activation(random) if dtype != "int32" else {})
        return binary(name, random, dtype, scales, options)

    return make


def sum_of_powers(name: str) -> Callable[[Random, str], Case]:
    """All scales powers of two, or so near that LiteRT takes them for that; ADD does not broadcast here."""

    def make(random: Random, dtype: str) -> Case:
        exponent, lower = int(random.integers(-12, -2)), int(random.integers(0, 16))
        exponents = [*random.permutation([exponent, exponent - lower]).tolist(), exponent]
        scales = [float(np.float32(2.0**power * random.choice([1, 1.0005, 0.9995]))) for power in exponents]
        shape = draw_shape(random)
        shapes = draw_broadcast(random) if name == "SUB" else [shape, shape]
        operands = [tensor(random, *given) for given in zip(shapes, (dtype, dtype), scales, strict=False)]
        output = tensor(random, np.broadcast_shapes(*shapes), dtype, scales[2])
        return Case(Operation(name, operands, [output], {"potScaleInt16": True, **draw_activation(random)}))

    return make


def product(random: Random, dtype: str) -> Case:
    """Also with factors above 1, where int16 products wrap around; otherwise outputs that use the whole range."""
    a, b = draw_scale(random), draw_scale(random)
    scales = (a, b, a * b * 2.0 ** random.uniform(-2, 9 if dtype == "int8" else 17))
    return binary("MUL", random, dtype, scales, draw_activation(random) if dtype != "int32" else {})


def full_range_product(random: Random, dtype: str) -> Case:
    """Many pairs whose products use the output's whole range: they tell in which precision the factor was computed."""
    a, b, bits = draw_scale(random), draw_scale(random), 7 if dtype == "int8" else 15
    left, right = tensor(random, (256, 1), dtype, a), tensor(random, (1, 256), dtype, b)
    output = tensor(random, (256, 256), dtype, a * b * 2.0 ** random.uniform(bits - 1, bits))
    return Case(Operation("MUL", [left, right], [output]))


def squared_difference(random: Random, dtype: str) -> Case:
    a, b = draw_scale(random), draw_scale(random)
    return binary("SQUARED_DIFFERENCE", random, dtype, (a, b, max(a, b) ** 2 * 2.0 ** random.uniform(-6, 9)), {})


def comparison(name: str) -> Callable[[Random, str], Case]:
    """Two scales below 1, often the same."""

    def make(random: Random, dtype: str) -> Case:
        shapes = draw_pair(random, dtype)
        scales = [draw_scale(random, -8, -0.6)] * 2 if random.random() < 0.5 else [draw_scale(random, -8, -0.6), 0.37]
        a, b = (tensor(random, shape, dtype, scale) for shape, scale in zip(shapes, scales, strict=True))
        if dtype == "int16" and name != "NOT_EQUAL" and random.random() < 0.5:
            a.scale = b.scale = ()
        operands, output = [a, sometimes_constant(random, b)], Tensor(np.broadcast_shapes(*shapes), "bool")
        # Few values, so that some are equal.
        ranges = {operand: (-3, 3) for operand in operands if dtype != "bool" and random.random() < 0.4}
        return Case(Operation(name, operands, [output]), ranges)

    return make


def select(random: Random, dtype: str) -> Case:
    shapes = draw_broadcast(random, 3)
    tensors = [Tensor(shapes[0], "bool"), *(tensor(random, shape, dtype) for shape in shapes[1:])]
    tensors[2] = sometimes_constant(random, tensors[2])
    return Case(Operation("SELECT_V2", tensors, [tensor(random, np.broadcast_shapes(*shapes), dtype)]))


# ---- one operand ----


def every_value(dtype: str) -> tuple[int, ...]:
    """A shape that has room for every value of a type."""
    return {"int8": (256,), "int16": (256, 256)}.get(dtype, (300,))


def unary(name: str, input_scale: Callable, output_scale: Callable, options: Callable = lambda _: {}) -> Callable:
    """A function of one value.

    Args:
        name: The operator.
        input_scale: (random, dtype) -> scale.
        output_scale: (random, dtype, input's scale) -> scale.
        options: (random) -> the operator's options.
    """

    def make(random: Random, dtype: str) -> Case:
        scale = input_scale(random, dtype)
        source = tensor(random, every_value(dtype), dtype, scale)
        output = tensor(random, source.shape, dtype, output_scale(random, dtype, scale))
        ranges = {source: (source.zero_point, RANGES[dtype][1])} if name in ("RSQRT", "SQRT") else {}
        return Case(Operation(name, [source], [output], options(random)), ranges)

    return make


def between(narrow: tuple[float, float], wide: tuple[float, float]) -> Callable:
    """A scale between powers of two, other ones for int8 and int16."""
    return lambda random, dtype, *_: draw_scale(random, *(narrow if dtype == "int8" else wide))


def relative(low: float, high: float) -> Callable:
    """A scale that has to do with the input's: often the same."""
    return lambda random, dtype, scale: scale * (1.0 if random.random() < 0.2 else draw_scale(random, low, high))


def fixed(narrow: float | None, wide: float) -> Callable:
    """The only output scale that LiteRT takes; None: any for int8."""
    return lambda random, dtype, *_: wide if dtype == "int16" else narrow or draw_scale(random, -9, -5)


def draw_gelu(random: Random) -> dict[str, bool]:
    return {"approximate": bool(random.random() < 0.5)}


def requantization(random: Random, dtype: str) -> Case:
    """`dtype`: from-to."""
    source_type, target_type = dtype.split("-")
    source = tensor(random, every_value(source_type), source_type)
    ratio = 1.0 if random.random() < 0.2 else draw_scale(random, -9, 9)
    return Case(Operation("QUANTIZE", [source], [tensor(random, source.shape, target_type, source.scale * ratio)]))


def dequantization(random: Random, dtype: str) -> Case:
    source = tensor(random, every_value(dtype), dtype, draw_scale(random, -20, 3))
    return Case(Operation("DEQUANTIZE", [source], [Tensor(source.shape, "float32")]))


def cast(random: Random, dtype: str) -> Case:
    source = tensor(random, draw_shape(random, (0, 3), (1, 60)), dtype)
    return Case(Operation("CAST", [source], [Tensor(source.shape, str(random.choice(INTEGERS)))]))


# ---- products and reductions ----


def fully_connected(random: Random, dtype: str) -> Case:
    """With and without a bias, which LiteRT reads by the option quantizedBiasType; one scale or one per row.

    Often all scales are powers of two and the sums small: then many lie halfway between two outputs.
    """
    has_halves = bool(random.random() < 0.4)
    adjusted = nearest_power if has_halves else float
    batch, columns, rows = draw_shape(random, (1, 3), (1, 4)), *random.integers(1, 60, 2).tolist()
    source = tensor(random, (*batch, columns), dtype, adjusted(draw_scale(random)))
    scales = [adjusted(draw_scale(random)) for _ in range(rows if random.random() < 0.5 else 1)]
    weights = Tensor((rows, columns), "int8", scales, data=draw_values(random, (rows, columns), "int8"))
    bias, options = draw_bias(random, source, weights)
    keeps = bool(random.random() < 0.5)
    shape = (*batch, rows) if keeps else (int(np.prod(batch)), rows)
    spread = 8.0 if has_halves else columns**0.5 * 2.0 ** random.uniform(2, 6 if dtype == "int8" else 8)
    output = tensor(random, shape, dtype, adjusted(source.scale * float(np.mean(scales)) * spread))
    options |= {"keepNumDims": keeps, **draw_activation(random)}
    ranges = {source: (source.zero_point - 9, source.zero_point + 9)} if has_halves and dtype == "int16" else {}
    return Case(Operation("FULLY_CONNECTED", [source, weights, bias], [output], options), ranges)


def nearest_power(scale: float) -> float:
    return 2.0 ** round(np.log2(scale))


def draw_bias(random: Random, source: Tensor, weights: Tensor) -> tuple[Tensor | None, dict[str, object]]:
    """A bias on the scale of the products, and the option that says its type."""
    if random.random() < 0.3:
        return None, {}
    dtype = "int32" if source.dtype == "int8" else str(random.choice(["int32", "int64"]))
    reach = int(2.0 ** random.uniform(4, 16))
    values = random.integers(-reach, reach, weights.shape[0]).astype(dtype)
    scales = [float(np.float32(source.scale) * np.float32(scale)) for scale in weights.scale]
    return Tensor(values.shape, dtype, scales, data=values), {"quantizedBiasType": {"int32": 2, "int64": 4}[dtype]}


def product_scales(random: Random, spread: float, is_decisive: bool) -> tuple[float, float, float]:
    """Two scales and the output's, if wanted such that 16 bits of their factor tell float32 from double precision."""
    while True:
        a, b = draw_scale(random), draw_scale(random)
        output = float(np.float32(a * b * spread * 2.0 ** random.uniform(-0.5, 0.5)))
        single, double = float(np.float32(a) * np.float32(b)) / output, a * b / output
        if not is_decisive or quantize_multiplier(single).reduced != quantize_multiplier(double).reduced:
            return a, b, output


def matrix_product(right_type: Callable[[str], str] = str) -> Callable[[Random, str], Case]:
    """Transposed or not, batches broadcast, up to three axes of them."""

    def make(random: Random, dtype: str) -> Case:
        rows, depth, columns = random.integers(1, 24, 3).tolist()
        batches = [batch[-3:] for batch in draw_broadcast(random)] if random.random() < 0.8 else [(), ()]
        left, right = [*batches[0], rows, depth], [*batches[1], depth, columns]
        transposed = [bool(random.random() < 0.5) for _ in range(2)]
        shape = (*np.broadcast_shapes(left[:-2], right[:-2]), rows, columns)
        for sizes, flag in zip((left, right), transposed, strict=True):
            sizes[-2:] = sizes[-2:][::-1] if flag else sizes[-2:]
        spread = depth**0.5 * 2.0 ** random.uniform(1, 6 if dtype == "int8" else 14)
        scales = product_scales(random, spread, is_decisive=dtype == "int16" and random.random() < 0.3)
        a = tensor(random, left, dtype, scales[0])
        b = sometimes_constant(random, tensor(random, right, right_type(dtype), scales[1]))
        b.zero_point = b.zero_point if dtype == "int8" else 0
        output = tensor(random, shape, dtype, scales[2])
        return Case(Operation("BATCH_MATMUL", [a, b], [output], dict(zip(("adjX", "adjY"), transposed, strict=True))))

    return make


def reduction(name: str) -> Callable[[Random, str], Case]:
    """Over axes that lie side by side; axes of size 1 may lie anywhere."""

    def make(random: Random, dtype: str) -> Case:
        shape = draw_shape(random, (1, 5), (1, 9))
        first = int(random.integers(0, len(shape)))
        axes = set(range(first, int(random.integers(first, len(shape))) + 1))
        axes |= {axis for axis, size in enumerate(shape) if size == 1 and random.random() < 0.5}
        keeps = bool(random.random() < 0.5)
        kept = [1 if axis in axes else size for axis, size in enumerate(shape) if keeps or axis not in axes]
        source = tensor(random, shape, dtype)
        # With the same scale, means have halves.
        ratio = 1.0 if random.random() < 0.4 else draw_scale(random, -3, 4)
        output = tensor(random, kept, dtype, source.scale * ratio)
        given = [negative_sometimes(random, axis, len(shape)) for axis in axes]
        return Case(Operation(name, [source, plain(given)], [output], {"keepDims": keeps}))

    return make


def arg_max(random: Random, dtype: str) -> Case:
    """`dtype`: of the output."""
    shape = draw_shape(random)
    axis = int(random.integers(0, len(shape)))
    source = tensor(random, shape, "int8")
    given = plain([negative_sometimes(random, axis, len(shape))], str(random.choice(["int32", "int64"])))
    output = Tensor(shape[:axis] + shape[axis + 1 :], dtype)
    operation = Operation("ARG_MAX", [source, given], [output], {"outputType": {"int32": 2, "int64": 4}[dtype]})
    return Case(operation, {source: (-2, 2)} if random.random() < 0.5 else {})


def softmax(random: Random, dtype: str) -> Case:
    shape = (*draw_shape(random, (0, 3), (1, 5)), int(random.choice([1, 2, 3, 40, 130, 511])))
    source = tensor(random, shape, dtype, draw_scale(random, *((-10, 3) if dtype == "int8" else (-18, 0))))
    output = Tensor(shape, dtype, *((1 / 256, -128) if dtype == "int8" else (1 / 32768, 0)))
    return Case(Operation("SOFTMAX", [source], [output], {"beta": float(random.choice([1.0, 0.5, 1.7]))}))


# ---- moving elements ----


def same(random: Random, source: Tensor, shape: Sequence[int]) -> Tensor:
    """A tensor of the same format and another shape."""
    return Tensor(shape, source.dtype, source.scale, source.zero_point)


def reshape(random: Random, dtype: str) -> Case:
    """The shape as an operand, with and without -1, or as an option."""
    source = tensor(random, draw_shape(random), dtype)
    shape = random.permutation(source.shape).tolist()
    given = list(shape)
    if random.random() < 0.5:
        given[int(random.integers(0, len(given)))] = -1
    if random.random() < 0.3:
        operands, options = [source], {"newShape": np.array(given, np.int32)}
    else:
        operands, options = [source, plain(given)], {}
    return Case(Operation("RESHAPE", operands, [same(random, source, shape)], options))


def expand_dims(random: Random, dtype: str) -> Case:
    source = tensor(random, draw_shape(random), dtype)
    axis = int(random.integers(0, len(source.shape) + 1))
    given = plain(negative_sometimes(random, axis, len(source.shape) + 1))
    output = same(random, source, (*source.shape[:axis], 1, *source.shape[axis:]))
    return Case(Operation("EXPAND_DIMS", [source, given], [output]))


def squeeze(random: Random, dtype: str) -> Case:
    shape = draw_shape(random, (1, 5), (1, 3))
    source, ones = tensor(random, shape, dtype), [axis for axis, size in enumerate(shape) if size == 1]
    named = ones[: int(random.integers(0, len(ones) + 1))]
    gone = named or ones
    output = same(random, source, [size for axis, size in enumerate(shape) if axis not in gone])
    given = [negative_sometimes(random, axis, len(shape)) for axis in named]
    return Case(Operation("SQUEEZE", [source], [output], {"squeezeDims": np.array(given, np.int32)}))


def split(random: Random, dtype: str) -> Case:
    shape, count = list(draw_shape(random)), int(random.integers(1, 5))
    axis = int(random.integers(0, len(shape)))
    whole = [size * count if place == axis else size for place, size in enumerate(shape)]
    source = tensor(random, whole, dtype)
    given = plain(negative_sometimes(random, axis, len(shape)))
    outputs = [same(random, source, shape) for _ in range(count)]
    return Case(Operation("SPLIT", [given, source], outputs, {"numSplits": count}))


def concatenation(random: Random, dtype: str) -> Case:
    shape, count = list(draw_shape(random)), int(random.integers(1, 5))
    axis, first = int(random.integers(0, len(shape))), tensor(random, shape, dtype)
    sizes = random.integers(1, 5, count).tolist()
    operands = [same(random, first, [*shape[:axis], size, *shape[axis + 1 :]]) for size in sizes]
    if dtype != "float32" and count > 1:
        operands[-1] = sometimes_constant(random, operands[-1])
    output = same(random, first, [*shape[:axis], sum(sizes), *shape[axis + 1 :]])
    return Case(Operation("CONCATENATION", operands, [output], {"axis": negative_sometimes(random, axis, len(shape))}))


def pack(random: Random, dtype: str) -> Case:
    first, count = tensor(random, draw_shape(random, (0, 3)), dtype), int(random.integers(1, 5))
    operands = [same(random, first, first.shape) for _ in range(count)]
    if dtype != "float32" and count > 1:
        operands[-1] = sometimes_constant(random, operands[-1])
    axis, rank = int(random.integers(0, len(first.shape) + 1)), len(first.shape) + 1
    output = same(random, first, [*first.shape[:axis], count, *first.shape[axis:]])
    options = {"valuesCount": count, "axis": negative_sometimes(random, axis, rank)}
    return Case(Operation("PACK", operands, [output], options))


def transpose(random: Random, dtype: str) -> Case:
    source = tensor(random, draw_shape(random, (1, 6), (1, 4)), dtype)
    order = random.permutation(len(source.shape)).tolist()
    output = same(random, source, [source.shape[axis] for axis in order])
    return Case(Operation("TRANSPOSE", [source, plain(order)], [output]))


def slice_(random: Random, dtype: str) -> Case:
    source = tensor(random, draw_shape(random), dtype)
    begin = [int(random.integers(0, size)) for size in source.shape]
    sizes = [int(random.integers(1, size - start + 1)) for size, start in zip(source.shape, begin, strict=True)]
    ends = zip(source.shape, begin, sizes, strict=True)
    given = [-1 if start + size == end and random.random() < 0.5 else size for end, start, size in ends]
    index_type = str(random.choice(["int32", "int64"]))
    operands = [source, plain(begin, index_type), plain(given, index_type)]
    return Case(Operation("SLICE", operands, [same(random, source, sizes)]))


def strided_slice(random: Random, dtype: str) -> Case:
    """Negative bounds and steps, masks, and fewer bounds than axes; drawn until something is left."""
    while True:
        source = tensor(random, draw_shape(random, (1, 5)), dtype)
        given = int(random.integers(1, len(source.shape) + 1))
        begin, end = random.integers(-9, 10, (2, given))
        step = random.choice([1, 1, 2, 3, -1, -2], given)
        begin_mask, end_mask, shrink = (int(random.integers(0, 2**given)) * (random.random() < 0.5) for _ in range(3))
        index: list[slice | int] = []
        for axis in range(given):
            is_first, is_last = begin_mask >> axis & 1, end_mask >> axis & 1
            if shrink >> axis & 1:
                begin[axis], step[axis] = random.integers(-source.shape[axis], source.shape[axis]), abs(step[axis])
                index.append(0 if is_first else int(begin[axis]))
            else:
                bounds = None if is_first else int(begin[axis]), None if is_last else int(end[axis])
                index.append(slice(*bounds, int(step[axis])))
        shape = np.empty(source.shape, bool)[tuple(index)].shape
        if 0 not in shape:
            masks = {"beginMask": begin_mask, "endMask": end_mask, "shrinkAxisMask": shrink}
            operands = [source, *(plain(bounds.tolist()) for bounds in (begin, end, step))]
            return Case(Operation("STRIDED_SLICE", operands, [same(random, source, shape)], masks))


def gather(random: Random, dtype: str) -> Case:
    """Rows of a constant, or along any axis of a computed tensor."""
    table = tensor(random, draw_shape(random), dtype)
    axis = int(random.integers(0, len(table.shape)))
    indices = Tensor(draw_shape(random, (0, 2), (1, 4)), "int32")
    if dtype != "float32" and random.random() < 0.5:
        table.data = draw_values(random, table.shape, dtype)
    output = same(random, table, (*table.shape[:axis], *indices.shape, *table.shape[axis + 1 :]))
    operation = Operation(
        "GATHER", [table, indices], [output], {"axis": negative_sometimes(random, axis, len(table.shape))}
    )
    return Case(operation, {indices: (0, table.shape[axis] - 1)})


def embedding_lookup(random: Random, dtype: str) -> Case:
    table = tensor(random, draw_shape(random, (2, 3), (1, 12)), dtype)
    table.data = draw_values(random, table.shape, dtype)
    indices = Tensor((int(random.integers(1, 5)),), "int32")
    output = same(random, table, (*indices.shape, *table.shape[1:]))
    return Case(Operation("EMBEDDING_LOOKUP", [indices, table], [output]), {indices: (0, table.shape[0] - 1)})


def packed_gather(random: Random, dtype: str) -> Case:
    """Entries of a constant of few values, large enough to be packed, along any axis."""
    axis, places, inner = int(random.integers(0, 2)), int(random.integers(9, 20)), int(random.integers(61, 75))
    shape = (places, inner) if axis == 0 else (2, places, inner)
    table, limits = tensor(random, shape, dtype), (-8, 7) if random.random() < 0.5 else (-1, 1)
    table.data = draw_values(random, shape, dtype, limits)
    indices = Tensor(draw_shape(random, (0, 2), (1, 3)), "int32")
    output = same(random, table, (*shape[:axis], *indices.shape, inner))
    return Case(Operation("GATHER", [table, indices], [output], {"axis": axis}), {indices: (0, places - 1)})


def packed_embedding_lookup(random: Random, dtype: str) -> Case:
    places, inner = int(random.integers(9, 20)), int(random.integers(61, 75))
    table, limits = tensor(random, (places, inner), dtype), (-8, 7) if random.random() < 0.5 else (-1, 1)
    table.data = draw_values(random, table.shape, dtype, limits)
    indices = Tensor((int(random.integers(1, 5)),), "int32")
    output = same(random, table, (*indices.shape, inner))
    return Case(Operation("EMBEDDING_LOOKUP", [indices, table], [output]), {indices: (0, places - 1)})


def dynamic_update_slice(random: Random, dtype: str) -> Case:
    """Starts outside are clamped."""
    source = tensor(random, draw_shape(random, (1, 5)), dtype)
    update = same(random, source, [int(random.integers(1, size + 1)) for size in source.shape])
    starts = Tensor((len(source.shape),), "int32")
    output = same(random, source, source.shape)
    return Case(Operation("DYNAMIC_UPDATE_SLICE", [source, update, starts], [output]), {starts: (-4, 9)})


# ---- element by element, the others ----


def real_quantization(random: Random, dtype: str) -> Case:
    """From float32, with halves and their neighbours, beyond the range as well."""
    source, output = Tensor((600,), "float32"), tensor(random, (600,), dtype, draw_scale(random, -28, 10))
    reach = (300 if dtype == "int8" else 40000) * int(random.choice([1, 1, 1000]))
    return Case(Operation("QUANTIZE", [source], [output]), reals={source: (output.scale, reach)})


def old_select(random: Random, dtype: str) -> Case:
    """A condition per element, per row, or for all; or single elements with any number of axes."""
    if random.random() < 0.1:
        shapes = [(1,) * int(random.integers(0, 4)) for _ in range(4)]
    else:
        shape = draw_shape(random, (0, 4))
        shapes = [random.choice(np.array([shape, shape[:1], ()], object)), shape, shape, shape]
    operands = [Tensor(shapes[0], "bool"), *(tensor(random, shape, dtype) for shape in shapes[1:3])]
    operands[2] = sometimes_constant(random, operands[2])
    return Case(Operation("SELECT", operands, [tensor(random, shapes[3], dtype)]))


def pair(name: str) -> Callable[[Random, str], Case]:
    """Two operands of any scales."""

    def make(random: Random, dtype: str) -> Case:
        return binary(name, random, dtype, tuple(draw_scale(random) for _ in range(3)), {})

    return make


def root_scale(random: Random, dtype: str, scale: float) -> float:
    """With which the roots use some of the output's range; or the input's, which is often a square."""
    bits = 7 if dtype == "int8" else 15
    return scale if random.random() < 0.2 else (scale / 2**bits) ** 0.5 * draw_scale(random, -2, 5)


def draw_slope(random: Random) -> dict[str, float]:
    return {"alpha": float(random.choice([0.0, 0.01, 0.2, 0.25, 0.3, 0.5, 1.0, 1.7, -0.01, -0.25, -0.3, -1.0, -2.5]))}


def prelu(random: Random, dtype: str) -> Case:
    shape = every_value(dtype) if random.random() < 0.3 else draw_shape(random, (1, 5))
    slopes = tuple(1 if random.random() < 0.5 else size for size in shape)[int(random.integers(0, len(shape))) :]
    source, alpha = tensor(random, shape, dtype), sometimes_constant(random, tensor(random, slopes, "int8"))
    output = tensor(random, shape, dtype, source.scale * draw_scale(random, -3, 3))
    return Case(Operation("PRELU", [source, alpha], [output]))


def quotient(name: str) -> Callable[[Random, str], Case]:
    """The divisor on one side of zero; of quantized values as far as LiteRT's shifts go."""

    def make(random: Random, dtype: str) -> Case:
        a, b = draw_scale(random), draw_scale(random)
        reach = 2.0 ** random.uniform(*((6.1, 12) if dtype == "int8" else (14.1, 14.9)))
        case = binary(name, random, dtype, (a, b, a / b / reach), draw_activation(random) if dtype != "int32" else {})
        dividend, divisor = case.operation.inputs
        divisor.data = None
        # The remainder of the smallest integer by -1 ends LiteRT's process.
        case.ranges = {dividend: (-(2**31) + 1, 2**31 - 1)} if name == "FLOOR_MOD" else {}
        case.ranges[divisor] = draw_side(random, divisor)
        for operand in (dividend, divisor):
            if random.random() < 0.2:
                operand.data = draw_values(random, operand.shape, dtype, case.ranges.get(operand))
        return case

    return make


def draw_side(random: Random, divisor: Tensor) -> tuple[int, int]:
    """Smallest and largest value above or below the zero point; of int32 often small ones."""
    low, high = (-99, 99) if divisor.dtype == "int32" and random.random() < 0.7 else RANGES[divisor.dtype]
    above, below = (divisor.zero_point + 1, high), (low, divisor.zero_point - 1)
    is_above = divisor.zero_point == low or (divisor.zero_point < high and random.random() < 0.5)
    return above if is_above else below


def rows_of(name: str, lengths: Sequence[int], output: tuple[float, int]) -> Callable[[Random, str], Case]:
    """An operator over the last axis whose output has one format only."""

    def make(random: Random, dtype: str) -> Case:
        shape = (*draw_shape(random, (0, 3), (1, 4)), int(random.choice(lengths)))
        source = tensor(random, shape, dtype, draw_scale(random, -12, 3.4))
        case = Case(Operation(name, [source], [Tensor(shape, dtype, *output)]))
        if random.random() < 0.3:
            case.ranges[source] = (max(source.zero_point - 2, -128), min(source.zero_point + 2, 127))
        return case

    return make


QUANTIZED = ("int8", "int16")
ARITHMETIC = ("int8", "int16", "int32")
EXTREMES = ("int8", "int16", "int32", "int64")
ROWS = [
    Row("ADD", ARITHMETIC, sum_of("ADD")),
    Row("ADD", ("int16",), sum_of_powers("ADD"), "of powers of two"),
    Row("SUB", ARITHMETIC, sum_of("SUB")),
    Row("SUB", ("int16",), sum_of_powers("SUB"), "of powers of two"),
    Row("MUL", ARITHMETIC, product),
    Row("MUL", ("int8", "int16"), full_range_product, "using the full range"),
    Row("SQUARED_DIFFERENCE", ("int8",), squared_difference),
    Row("EQUAL", (*ARITHMETIC, "bool"), comparison("EQUAL")),
    Row("NOT_EQUAL", (*ARITHMETIC, "bool"), comparison("NOT_EQUAL")),
    Row("LESS", ARITHMETIC, comparison("LESS")),
    Row("LESS_EQUAL", ARITHMETIC, comparison("LESS_EQUAL")),
    Row("GREATER", ARITHMETIC, comparison("GREATER")),
    Row("GREATER_EQUAL", ARITHMETIC, comparison("GREATER_EQUAL")),
    Row("SELECT_V2", INTEGERS, select),
    Row("QUANTIZE", ("int8-int8", "int8-int16", "int16-int8", "int16-int16"), requantization),
    Row("DEQUANTIZE", QUANTIZED, dequantization),
    Row("CAST", INTEGERS, cast),
    Row("RSQRT", QUANTIZED, unary("RSQRT", between((-12, 3), (-20, -5)), between((-8, 3), (-16, 0)))),
    Row("LOGISTIC", QUANTIZED, unary("LOGISTIC", between((-8, 0), (-18, 4)), fixed(1 / 256, 1 / 32768))),
    Row("TANH", QUANTIZED, unary("TANH", between((-8, 0), (-18, 4)), fixed(None, 1 / 32768))),
    Row("GELU", QUANTIZED, unary("GELU", between((-9, 0), (-16, -8)), between((-9, 0), (-16, -8)), draw_gelu)),
    Row("RELU", QUANTIZED, unary("RELU", between((-8, 1), (-8, 1)), relative(-4, 4))),
    Row("RELU6", QUANTIZED, unary("RELU6", between((-8, 1), (-12, 1)), relative(-4, 4))),
    Row("RELU_N1_TO_1", ("int8",), unary("RELU_N1_TO_1", between((-8, 1), (-8, 1)), relative(-4, 4))),
    Row("FULLY_CONNECTED", ("int8",), fully_connected),
    Row("FULLY_CONNECTED", ("int16",), fully_connected, "int16"),
    Row("BATCH_MATMUL", QUANTIZED, matrix_product()),
    Row("BATCH_MATMUL", ("int16",), matrix_product(lambda dtype: "int8"), "int16 times int8"),
    Row("MEAN", QUANTIZED, reduction("MEAN")),
    Row("SUM", ("int8",), reduction("SUM")),
    Row("ARG_MAX", ("int32", "int64"), arg_max),
    Row("SOFTMAX", QUANTIZED, softmax),
    Row("RESHAPE", ANY_TYPE, reshape),
    Row("EXPAND_DIMS", ANY_TYPE, expand_dims),
    Row("SQUEEZE", ANY_TYPE, squeeze),
    Row("SPLIT", NO_BOOL, split),
    Row("CONCATENATION", ANY_TYPE, concatenation),
    Row("PACK", NO_BOOL, pack),
    Row("TRANSPOSE", ANY_TYPE, transpose),
    Row("SLICE", ANY_TYPE, slice_),
    Row("STRIDED_SLICE", ANY_TYPE, strided_slice),
    Row("GATHER", ANY_TYPE, gather),
    Row("GATHER", ("int8",), packed_gather, "packed"),
    Row("EMBEDDING_LOOKUP", ("int8", "int16"), embedding_lookup),
    Row("EMBEDDING_LOOKUP", ("int8",), packed_embedding_lookup, "packed"),
    Row("DYNAMIC_UPDATE_SLICE", ANY_TYPE, dynamic_update_slice),
    Row("QUANTIZE", QUANTIZED, real_quantization, "of floats"),
    Row("SELECT", INTEGERS, old_select),
    Row("MAXIMUM", EXTREMES, pair("MAXIMUM")),
    Row("MINIMUM", EXTREMES, pair("MINIMUM")),
    Row("ABS", ARITHMETIC, unary("ABS", between((-8, 1), (-8, 1)), relative(-4, 4))),
    Row("NEG", EXTREMES, unary("NEG", between((-8, 1), (-8, 1)), relative(-4, 4))),
    Row("SIGN", ("int32",), unary("SIGN", between((-8, 1), (-8, 1)), relative(-4, 4))),
    Row("LEAKY_RELU", QUANTIZED, unary("LEAKY_RELU", between((-8, 1), (-8, 1)), relative(-4, 4), draw_slope)),
    Row("PRELU", QUANTIZED, prelu),
    Row("RELU_0_TO_1", ("int8",), unary("RELU_0_TO_1", between((-8, 1), (-8, 1)), relative(-4, 4))),
    Row("HARD_SWISH", ("int8",), unary("HARD_SWISH", between((-9, 1), (-9, 1)), relative(-6.49, 4))),
    Row("EXP", QUANTIZED, unary("EXP", between((-9, -1), (-18, -8)), between((-9, 4), (-17, 0)))),
    Row("LOG", QUANTIZED, unary("LOG", between((-10, 2), (-18, 0)), between((-8, 0), (-15, -8)))),
    Row("SQRT", QUANTIZED, unary("SQRT", between((-12, 3), (-20, 3)), root_scale)),
    Row("DIV", ARITHMETIC, quotient("DIV")),
    Row("FLOOR_DIV", ("int32",), quotient("FLOOR_DIV")),
    Row("FLOOR_MOD", ("int32",), quotient("FLOOR_MOD")),
    Row("LOGICAL_AND", ("bool",), pair("LOGICAL_AND")),
    Row("LOGICAL_OR", ("bool",), pair("LOGICAL_OR")),
    Row("LOGICAL_NOT", ("bool",), unary("LOGICAL_NOT", between((-8, 1), (-8, 1)), relative(-4, 4))),
    Row("LOG_SOFTMAX", ("int8",), rows_of("LOG_SOFTMAX", (1, 2, 3, 40, 130, 511, 4095), (1 / 16, 127))),
    Row("L2_NORMALIZATION", ("int8",), rows_of("L2_NORMALIZATION", (1, 2, 3, 40, 130, 5000), (1 / 128, 0))),
]  # fmt: skip
