"""Random nodes of every operator that the compiler knows: the table ROWS. A new operator, or a new type, is a new row.

All draw from a seeded generator. A third of the scales are powers of two, because there are the ties of roundings.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from textzoo.compiler.numerics.fixedpoint import Factor, quantize_multiplier
from textzoo.compiler.numerics.requantization import exact_factors, rounded, thresholds_of
from textzoo.compiler.operators.base import INTEGER_RANGES
from textzoo.compiler.tflite.single_operator import ACTIVATIONS, Operation, Tensor

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


def plain_pair(name: str) -> Callable[[Random, str], Case]:
    """Two operands without scales, whose results wrap around."""

    def make(random: Random, dtype: str) -> Case:
        shapes = draw_broadcast(random)
        operands = [Tensor(shapes[0], dtype), sometimes_constant(random, Tensor(shapes[1], dtype))]
        return Case(Operation(name, operands, [Tensor(np.broadcast_shapes(*shapes), dtype)]))

    return make


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
        elif dtype == "int16":
            shift(random, a, b)
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
        if name == "GELU":
            shift(random, source, output)
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
    """`dtype`: from-to. int16 has zero points, too, except to int16."""
    source_type, target_type = dtype.split("-")
    scale, reach = draw_scale(random), 31 if source_type == "int32" else 9
    ratio = 1.0 if random.random() < 0.2 else draw_scale(random, -9, reach)
    source = Tensor(every_value(source_type), source_type, scale, draw_zero_point(random, source_type))
    output = Tensor(source.shape, target_type, scale * ratio, draw_zero_point(random, target_type))
    if dtype != "int16-int16":
        shift(random, source, output)
    return Case(Operation("QUANTIZE", [source], [output]))


def shift(random: Random, *tensors: Tensor) -> None:
    """Zero points for tensors of int16 and int32."""
    for shifted in tensors:
        if shifted.dtype != "int8" and random.random() < 0.7:
            shifted.zero_point = int(draw_values(random, (1,), shifted.dtype)[0])


def dequantization(random: Random, dtype: str) -> Case:
    source = tensor(random, every_value(dtype), dtype, draw_scale(random, -20, 3))
    return Case(Operation("DEQUANTIZE", [source], [Tensor(source.shape, "float32")]))


def cast(random: Random, dtype: str) -> Case:
    source = tensor(random, draw_shape(random, (0, 3), (1, 60)), dtype)
    return Case(Operation("CAST", [source], [Tensor(source.shape, str(random.choice(INTEGERS)))]))


def real_cast(random: Random, dtype: str) -> Case:
    """`dtype`: the integer; from or to float32. Whole numbers and halves of all sizes, also beyond the type."""
    shape = draw_shape(random, (0, 3), (1, 60))
    if dtype == "float32" or random.random() < 0.3:
        return Case(Operation("CAST", [tensor(random, shape, dtype)], [Tensor(shape, "float32")]))
    source, size = Tensor(shape, "float32"), 2.0 ** random.integers(0, 65)
    return Case(Operation("CAST", [source], [Tensor(shape, dtype)]), reals={source: (size / 2**10, 2**11)})


# ---- products and reductions ----

# The option quantizedBiasType.
BIAS_TYPES = {"int32": 2, "int64": 4}


def fully_connected(random: Random, dtype: str) -> Case:
    """With and without a bias, which LiteRT reads by the option quantizedBiasType; one scale or one per row.

    Often all scales are powers of two and the sums small: then many lie halfway between two outputs.
    """
    has_halves = bool(random.random() < 0.4)
    adjusted = nearest_power if has_halves else float
    batch, columns, rows = draw_shape(random, (1, 3), (1, 4)), *random.integers(1, 60, 2).tolist()
    source = tensor(random, (*batch, columns), dtype, adjusted(draw_scale(random)))
    scales = [adjusted(draw_scale(random)) for _ in range(rows if random.random() < 0.5 else 1)]
    if rows > 1 and len(scales) == rows and random.random() < 0.3:
        scales[int(random.integers(1, rows))] = 0.0  # as a channel of zeros may have
    weights = Tensor((rows, columns), "int8", scales, data=draw_values(random, (rows, columns), "int8"))
    bias, options = draw_bias(random, source, weights)
    keeps = bool(random.random() < 0.5)
    shape = (*batch, rows) if keeps else (int(np.prod(batch)), rows)
    spread = 8.0 if has_halves else columns**0.5 * 2.0 ** random.uniform(2, 6 if dtype == "int8" else 8)
    output = tensor(random, shape, dtype, adjusted(source.scale * float(np.mean(scales)) * spread))
    options |= {"keepNumDims": keeps, **draw_activation(random)}
    ranges = {source: (source.zero_point - 9, source.zero_point + 9)} if has_halves and dtype == "int16" else {}
    return Case(Operation("FULLY_CONNECTED", [source, weights, bias], [output], options), ranges)


def hard_rows(random: Random, dtype: str) -> Case:
    """Some rows have a factor, and sums that can occur, for which no integer multiplier is right."""
    source = tensor(random, (1, 256), dtype)
    source.zero_point = min(source.zero_point, 126)
    output = tensor(random, (1, 12), dtype)
    scales, biases, weights = hard_numbers(random, source, output) if dtype == "int8" else far_numbers(random, source)
    if dtype == "int16":
        output.scale = source.scale * scales[0] * 2.0 ** random.uniform(18, 36)
    products = [float(np.float32(source.scale) * np.float32(scale)) for scale in scales]
    bias = Tensor((12,), "int32" if dtype == "int8" else "int64", products, data=biases)
    operands = [source, Tensor((12, 256), "int8", scales, data=weights), bias]
    options = {"quantizedBiasType": BIAS_TYPES[bias.dtype], **draw_activation(random)}
    # At the zero point sums are what the biases are.
    ranges = {source: (source.zero_point, source.zero_point + 1)} if dtype == "int8" else {}
    return Case(Operation("FULLY_CONNECTED", operands, [output], options), ranges)


def hard_numbers(random: Random, source: Tensor, output: Tensor) -> tuple[list[float], np.ndarray, np.ndarray]:
    """Scales and biases (rows,), weights (rows, columns): biases lie where an output changes, some rows are hard.

    The first ones are those in which the nearest multiplier gives another output for the bias alone.
    """
    (_, rows), (_, columns), count = output.shape, source.shape, 1500
    low, high = -128 - output.zero_point, 127 - output.zero_point
    scales = (2.0 ** random.uniform(-24, -17, count) * output.scale / source.scale).astype(np.float32).astype(float)
    reals = source.scale * scales / output.scale
    levels = random.integers(low + 1, high + 1, count)
    biases = np.array([thresholds_of(reals[[row]], levels[[row]])[0, 0] for row in range(count)])
    biases -= random.integers(0, 2, count)
    weights = random.choice([-1, 1], (count, columns)) * random.integers(100, 128, (count, columns))
    reach = 256 * np.abs(weights).sum(axis=1)
    usual = np.flatnonzero(np.abs(biases) + reach < 2**30)
    sums = biases[usual] - reach[usual], biases[usual] + reach[usual]
    factors, hard = exact_factors(reals[usual], *sums, (low, high))
    outputs = rounded(biases[usual][:, None], reals[usual]).ravel()
    wrong = [row for row in hard if scaled(biases[usual[row]], factors[row]) != outputs[row]]
    chosen = usual[[*wrong, *hard, *range(rows)]][:rows]
    return scales[chosen].tolist(), biases[chosen].astype(np.int32), weights[chosen].astype(np.int8)


def scaled(value: int, factor: Factor) -> int:
    """tz_scale_single, in integers of any size."""
    total = 31 - factor.shift
    return (int(value) * factor.multiplier + (1 << (total - 1))) >> total


def far_numbers(random: Random, source: Tensor) -> tuple[list[float], np.ndarray, np.ndarray]:
    """The same for int16: sums of up to 2**42."""
    rows, columns = 12, source.shape[1]
    biases = (random.choice([-1, 1], rows) * 2.0 ** random.uniform(16, 42, rows)).astype(np.int64)
    weights = draw_values(random, (rows, columns), "int8")
    return [draw_scale(random)] * rows, biases, weights


def ratios(random: Random, dtype: str) -> Case:
    """Factors of 1 / n: double precision makes halves of some of their multiples and not of others; here often both."""
    divisor = float(random.choice([6, 98, 196, 206, 214, 322, 374, 392, 394]) if random.random() < 0.7 else 7)
    columns, scales = int(random.integers(1, 6)), 1.0 if random.random() < 0.5 else [1.0, 0.5] * 4 + [0.25]
    source = Tensor((4, columns), dtype, 1.0)
    weights = Tensor((9, columns), "int8", scales, data=draw_values(random, (9, columns), "int8", (-9, 9)))
    output = Tensor((4, 9), dtype, divisor)
    return Case(Operation("FULLY_CONNECTED", [source, weights, None], [output], {}), {source: (-128, 127)})


def computed_weights(random: Random, dtype: str) -> Case:
    """Weights that are computed, or constant, often with a zero point; `dtype`: of the input and the weights."""
    source_type, weights_type = dtype.split("-")
    batch, (columns, rows) = draw_shape(random, (1, 3), (1, 4)), random.integers(1, 60, 2).tolist()
    source = tensor(random, (*batch, columns), source_type)
    weights = sometimes_constant(random, tensor(random, (rows, columns), weights_type))
    if random.random() < 0.3:
        weights.scale, weights.zero_point = [weights.scale * draw_scale(random, -1, 1) for _ in range(rows)], 0
    bits = {"int8": 7, "int16": 15}
    spread = columns**0.5 * 2.0 ** random.uniform(2, 6 + bits[source_type] - 7 + bits[weights_type] - 7)
    bias, options = draw_bias(random, source, weights)
    keeps = bool(random.random() < 0.5)
    shape = (*batch, rows) if keeps else (int(np.prod(batch)), rows)
    output = tensor(random, shape, source_type, source.scale * float(np.mean(weights.scale)) * spread)
    options |= {"keepNumDims": keeps, **draw_activation(random)}
    return Case(Operation("FULLY_CONNECTED", [source, weights, bias], [output], options))


def nearest_power(scale: float) -> float:
    return 2.0 ** round(np.log2(scale))


def draw_bias(random: Random, source: Tensor, weights: Tensor) -> tuple[Tensor | None, dict[str, object]]:
    """A bias on the scale of the products, and the option that says its type."""
    if random.random() < 0.3:
        return None, {}
    dtype = "int32" if source.dtype == "int8" else str(random.choice(["int32", "int64"]))
    reach = int(2.0 ** random.uniform(4, 16))
    values = random.integers(-reach, reach, weights.shape[0]).astype(dtype)
    scales = [float(np.float32(source.scale) * np.float32(scale)) for scale in np.atleast_1d(weights.scale)]
    return Tensor(values.shape, dtype, scales, data=values), {"quantizedBiasType": BIAS_TYPES[dtype]}


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


def plain_matrix_product(random: Random, dtype: str) -> Case:
    """To int32: without zero points."""
    case = matrix_product()(random, dtype)
    (output,) = case.operation.outputs
    for operand in case.operation.inputs:
        operand.zero_point = 0
    output.dtype, output.scale, output.zero_point = "int32", (), 0
    return case


def reduction(name: str, keeps_scale: bool = False) -> Callable[[Random, str], Case]:
    """Over any axes, each named once or twice.

    Args:
        name: The operator.
        keeps_scale: Whether LiteRT demands the same scale of input and output.
    """

    def make(random: Random, dtype: str) -> Case:
        shape = draw_shape(random, (1, 6), (1, 4))
        source = tensor(random, shape, dtype)
        axes, kept, keeps = draw_axes(random, shape)
        output = same(random, source, kept)
        if dtype in INTEGER_RANGES and not keeps_scale:
            # With the same scale, means have halves.
            ratio = 1.0 if random.random() < 0.4 else draw_scale(random, -3, 4)
            output = tensor(random, kept, dtype, source.scale * ratio)
        # Few values, so that products of many do not vanish.
        ranges = {source: (-3, 3)} if dtype in ("int32", "int64") and random.random() < 0.5 else {}
        return Case(Operation(name, [source, plain(axes)], [output], {"keepDims": keeps}), ranges)

    return make


def draw_axes(random: Random, shape: tuple[int, ...]) -> tuple[list[int], list[int], bool]:
    """Axes to be reduced, in any order, the shape of what is left, and whether axes are kept."""
    count = int(random.integers(1, len(shape) + 1))
    axes, keeps = random.permutation(len(shape))[:count].tolist(), bool(random.random() < 0.5)
    kept = [1 if axis in axes else size for axis, size in enumerate(shape) if keeps or axis not in axes]
    again = axes[: int(random.integers(0, 2))]
    return [negative_sometimes(random, axis, len(shape)) for axis in axes + again], kept, keeps


def scaled_product(random: Random, dtype: str) -> Case:
    """REDUCE_PROD of up to 16 quantized values, on a scale that uses some of the output's range."""
    typical, reach = RANGES[dtype][1] / 4, random.uniform(-4, 4)
    source = tensor(random, draw_shape(random, (1, 4), (1, 2)), dtype, float(np.float32(2.0**reach / typical)))
    axes, kept, keeps = draw_axes(random, source.shape)
    count = int(np.prod(source.shape) / np.prod(kept))
    scale = float(np.float32(2.0 ** (reach * count + random.uniform(-3, 3)) / typical))
    output = tensor(random, kept, dtype, nearest_power(scale) if random.random() < 0.2 else scale)
    return Case(Operation("REDUCE_PROD", [source, plain(axes)], [output], {"keepDims": keeps}))


def arg_extreme(name: str) -> Callable[[Random, str], Case]:
    """`dtype`: of input and output."""

    def make(random: Random, dtype: str) -> Case:
        shape, (source_type, target_type) = draw_shape(random), dtype.split("-")
        axis = int(random.integers(0, len(shape)))
        source = tensor(random, shape, source_type)
        given = plain([negative_sometimes(random, axis, len(shape))], str(random.choice(["int32", "int64"])))
        output = Tensor(shape[:axis] + shape[axis + 1 :], target_type)
        operation = Operation(name, [source, given], [output], {"outputType": {"int32": 2, "int64": 4}[target_type]})
        return Case(operation, {source: (-2, 2)} if source_type != "bool" and random.random() < 0.5 else {})

    return make


def cumsum(random: Random, dtype: str) -> Case:
    source = tensor(random, draw_shape(random), dtype)
    axis = plain(negative_sometimes(random, int(random.integers(0, len(source.shape))), len(source.shape)))
    options = {name: bool(random.random() < 0.5) for name in ("exclusive", "reverse")}
    return Case(Operation("CUMSUM", [source, axis], [same(random, source, source.shape)], options))


# Types of input and output -> the output's scale and zero point.
PROBABILITIES = {"int8-int8": (1 / 256, -128), "int8-int16": (1 / 65536, -32768), "int16-int16": (1 / 32768, 0)}


def softmax(exponents: dict[str, tuple[float, float]]) -> Callable[[Random, str], Case]:
    """`dtype`: from-to.

    Args:
        exponents: Type of the input -> between which powers of two its scale lies.
    """

    def make(random: Random, dtype: str) -> Case:
        source_type, target_type = dtype.split("-")
        shape = (*draw_shape(random, (0, 3), (1, 5)), int(random.choice([1, 2, 3, 40, 130, 511])))
        source = tensor(random, shape, source_type, draw_scale(random, *exponents[source_type]))
        output = Tensor(shape, target_type, *PROBABILITIES[dtype])
        return Case(Operation("SOFTMAX", [source], [output], {"beta": float(random.choice([1.0, 0.5, 1.7]))}))

    return make


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


def split_v(random: Random, dtype: str) -> Case:
    shape, sizes = list(draw_shape(random)), random.integers(1, 5, int(random.integers(1, 5))).tolist()
    axis = int(random.integers(0, len(shape)))
    whole = [sum(sizes) if place == axis else size for place, size in enumerate(shape)]
    source = tensor(random, whole, dtype)
    given = list(sizes)
    if random.random() < 0.5:
        given[int(random.integers(0, len(given)))] = -1
    operands = [source, plain(given, str(random.choice(["int32", "int64"]))), plain(axis - len(shape))]
    outputs = [same(random, source, [*shape[:axis], size, *shape[axis + 1 :]]) for size in sizes]
    return Case(Operation("SPLIT_V", operands, outputs, {"numSplits": len(sizes)}))


def unpack(random: Random, dtype: str) -> Case:
    source = tensor(random, draw_shape(random), dtype)
    axis = int(random.integers(0, len(source.shape)))
    rest, count = source.shape[:axis] + source.shape[axis + 1 :], source.shape[axis]
    options = {"num": count, "axis": negative_sometimes(random, axis, len(source.shape))}
    return Case(Operation("UNPACK", [source], [same(random, source, rest) for _ in range(count)], options))


def without_scale_sometimes(random: Random, source: Tensor) -> Tensor:
    return Tensor(source.shape, source.dtype) if random.random() < 0.2 else source


def draw_paddings(random: Random, shape: Sequence[int], most: Sequence[int]) -> tuple[list[list[int]], list[int]]:
    """Places before and after each axis, and the shape that they make."""
    pairs = [random.integers(0, limit + 1, 2).tolist() if random.random() < 0.7 else [0, 0] for limit in most]
    return pairs, [size + sum(pair) for size, pair in zip(shape, pairs, strict=True)]


def pad(name: str) -> Callable[[Random, str], Case]:
    """With the zero point, or with a value of its own, constant or not."""

    def make(random: Random, dtype: str) -> Case:
        source = without_scale_sometimes(random, tensor(random, draw_shape(random, (1, 5), (1, 3)), dtype))
        pairs, shape = draw_paddings(random, source.shape, [2] * len(source.shape))
        operands = [source, plain(pairs, str(random.choice(["int8", "int16", "int32", "int64"])))]
        if name == "PADV2":
            value = same(random, source, [1] * int(random.integers(0, 2)))
            operands.append(value if dtype == "float32" else sometimes_constant(random, value))
        return Case(Operation(name, operands, [same(random, source, shape)]))

    return make


def mirror_pad(random: Random, dtype: str) -> Case:
    source, mode = tensor(random, draw_shape(random, (1, 4), (1, 4)), dtype), int(random.integers(0, 2))
    pairs, shape = draw_paddings(random, source.shape, [size - 1 + mode for size in source.shape])
    operands = [source, plain(pairs, str(random.choice(["int32", "int64"])))]
    return Case(Operation("MIRROR_PAD", operands, [same(random, source, shape)], {"mode": mode}))


def tile(random: Random, dtype: str) -> Case:
    source = tensor(random, draw_shape(random, (1, 5), (1, 3)), dtype)
    multiples = random.choice([1, 1, 2, 3], len(source.shape)).tolist()
    shape = [size * count for size, count in zip(source.shape, multiples, strict=True)]
    operands = [source, plain(multiples, str(random.choice(["int32", "int64"])))]
    return Case(Operation("TILE", operands, [same(random, source, shape)]))


def broadcast_to(random: Random, dtype: str) -> Case:
    shape = draw_shape(random, (1, 6), (1, 4))
    last = shape[int(random.integers(0, len(shape) + 1)) :]
    source = tensor(random, [1 if random.random() < 0.4 else size for size in last], dtype)
    operands = [source, plain(shape, str(random.choice(["int32", "int64"])))]
    return Case(Operation("BROADCAST_TO", operands, [same(random, source, shape)]))


def fill(random: Random, dtype: str) -> Case:
    shape, value = draw_shape(random, (1, 5)), tensor(random, (), dtype)
    value = value if dtype == "float32" else sometimes_constant(random, value)
    operands = [plain(shape, str(random.choice(["int32", "int64"]))), value]
    return Case(Operation("FILL", operands, [same(random, value, shape)]))


def reverse(random: Random, dtype: str) -> Case:
    source = tensor(random, draw_shape(random, (1, 6), (1, 4)), dtype)
    first = int(random.integers(0, len(source.shape)))
    axes = random.permutation(np.arange(first, int(random.integers(first, len(source.shape))) + 1)).tolist()
    given = plain([negative_sometimes(random, axis, len(source.shape)) for axis in axes])
    return Case(Operation("REVERSE_V2", [source, given], [same(random, source, source.shape)]))


# ---- windows over images ----


@dataclass(frozen=True)
class Window:
    """What slides over one axis of an image."""

    size: int
    taps: int
    stride: int
    dilation: int

    def outputs(self, is_same: bool) -> int:
        """Their number, after LiteRT's ComputeOutSize; below 1 where the window does not fit."""
        reach = (self.taps - 1) * self.dilation + 1
        return (self.size + self.stride - (1 if is_same else reach)) // self.stride


def draw_windows(random: Random, dilated: bool = True) -> tuple[Window, Window, dict[str, int], tuple[int, int]]:
    """The windows of both axes, the options of an operator, and the output's height and width."""
    is_same = bool(random.random() < 0.6)
    while True:
        # Often more taps than positions, so that some see nothing of the image.
        axes = [
            Window(
                int(random.integers(1, 9)),
                int(random.integers(1, 6)),
                int(random.choice([1, 1, 2, 3, 7])),
                int(random.choice([1, 1, 2, 3])) if dilated else 1,
            )
            for _ in range(2)
        ]
        outputs = axes[0].outputs(is_same), axes[1].outputs(is_same)
        if min(outputs) >= 1:
            break
    options = {"padding": 0 if is_same else 1, "strideH": axes[0].stride, "strideW": axes[1].stride}
    return axes[0], axes[1], options, outputs


def convolution(random: Random, dtype: str) -> Case:
    """All attributes, groups, and one position without padding, which is a product of matrices."""
    height, width, options, outputs = draw_windows(random)
    groups, depth = int(random.choice([1, 1, 1, 2, 3])), int(random.choice([1, 2, 3, 4, 8, 13]))
    filters = groups * int(random.integers(1, 12))
    if random.random() < 0.25:
        height, width = Window(height.size, 1, 1, 1), Window(width.size, 1, 1, 1)
        outputs, options = (height.size, width.size), {"padding": 1, "strideH": 1, "strideW": 1}
    source = tensor(random, (int(random.integers(1, 3)), height.size, width.size, groups * depth), dtype)
    return filtered(
        random, "CONV_2D", source, (filters, height.taps, width.taps, depth), outputs, options, (height, width)
    )


def depthwise_convolution(random: Random, dtype: str) -> Case:
    """All attributes, depth multipliers, with and without a bias."""
    height, width, options, outputs = draw_windows(random)
    channels, multiplier = int(random.choice([1, 2, 3, 4, 8, 13])), int(random.choice([1, 1, 1, 2, 3]))
    source = tensor(random, (int(random.integers(1, 3)), height.size, width.size, channels), dtype)
    options["depthMultiplier"] = multiplier
    shape = (1, height.taps, width.taps, channels * multiplier)
    return filtered(random, "DEPTHWISE_CONV_2D", source, shape, outputs, options, (height, width))


def filtered(
    random: Random,
    name: str,
    source: Tensor,
    shape: tuple[int, ...],
    outputs: tuple[int, int],
    options: dict[str, int],
    windows: tuple[Window, Window],
) -> Case:
    """A convolution by constant weights of a shape.

    Biases are small, or so large that nothing else counts; often all scales are powers of two, so that there are ties.
    """
    is_depthwise = name == "DEPTHWISE_CONV_2D"
    filters, adjusted = shape[-1 if is_depthwise else 0], nearest_power if random.random() < 0.4 else float
    source.scale = adjusted(source.scale)
    scales = [adjusted(draw_scale(random)) for _ in range(filters if random.random() < 0.6 else 1)]
    values = draw_values(random, shape, "int8", (-127, 127) if random.random() < 0.7 else None)
    weights = Tensor(shape, "int8", scales, quantized_dimension=3 if is_depthwise else 0, data=values)
    taps = float(np.prod(shape) / filters)
    spread = taps**0.5 * 2.0 ** random.uniform(1, 6)
    output = tensor(
        random,
        (source.shape[0], *outputs, filters),
        source.dtype,
        adjusted(source.scale * float(np.mean(scales)) * spread),
    )
    # Where the output's scale is smaller than the product's, a factor is above 1.
    if random.random() < 0.1:
        output.scale = source.scale * float(np.mean(scales)) * 2.0 ** random.uniform(-2, 0)
    reach = 2000 if random.random() < 0.8 else 2**20
    bias = Tensor((filters,), "int32", 1.0, data=random.integers(-reach, reach, filters).astype(np.int32))
    bias.scale = [source.scale * scale for scale in scales]
    dilations = {"dilationHFactor": windows[0].dilation, "dilationWFactor": windows[1].dilation}
    operands = [source, weights, *([] if is_depthwise and random.random() < 0.2 else [bias])]
    return Case(Operation(name, operands, [output], {**options, **dilations, **draw_activation(random)}))


def pooling(name: str) -> Callable[[Random, str], Case]:
    def make(random: Random, dtype: str) -> Case:
        height, width, options, outputs = draw_windows(random, dilated=False)
        batch, channels = int(random.integers(1, 3)), int(random.integers(1, 9))
        source = tensor(random, (batch, height.size, width.size, channels), dtype)
        taps = {"filterHeight": height.taps, "filterWidth": width.taps}
        output = same(random, source, (batch, *outputs, channels))
        return Case(Operation(name, [source], [output], {**options, **taps, **draw_activation(random)}))

    return make


# ---- sequences ----


def lstm(random: Random, dtype: str) -> Case:
    """Sequences of any batch and order, with and without an input gate; states go on from run to run."""
    batches, steps, inputs, cells = (int(random.integers(1, most)) for most in (4, 6, 20, 14))
    is_time_first, has_input_gate = bool(random.random() < 0.3), bool(random.random() < 0.7)
    order = (steps, batches) if is_time_first else (batches, steps)
    source = tensor(random, (*order, inputs), dtype, draw_scale(random, -8, -2))
    hidden = Tensor((batches, cells), "int8", draw_scale(random, -8, -6), draw_zero_point(random, "int8"))
    cell = Tensor((batches, cells), "int16", 2.0 ** int(random.integers(-15, -8)), is_variable=True)
    hidden.is_variable = True
    between = [Tensor((0,), "int8") for _ in range(4)]
    between.append(Tensor((0,), "int8", hidden.scale, hidden.zero_point))
    # Gates from the curved part of their functions to where nothing changes.
    spread = 2.0 ** random.uniform(-2, 2)
    operands: list[Tensor | None] = [None] * 24
    operands[0], operands[18], operands[19] = source, hidden, cell
    for gate in range(0 if has_input_gate else 1, 4):
        operands[1 + gate] = layer_of(random, (cells, inputs), source.scale, spread)
        operands[5 + gate] = layer_of(random, (cells, cells), hidden.scale, spread)
        scale = source.scale * operands[1 + gate].scale
        values = np.clip(random.normal(0, spread / scale, cells), -(2**20), 2**20).astype(np.int32)
        operands[12 + gate] = Tensor((cells,), "int32", scale, data=values)
    output = Tensor((*source.shape[:-1], cells), "int8", hidden.scale, hidden.zero_point)
    options = {
        "fusedActivationFunction": 4,
        "cellClip": float(random.choice([0.0, 10.0, 0.5])),
        "timeMajor": is_time_first,
    }
    return Case(Operation("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [output], options, intermediates=between))


def layer_of(random: Random, shape: tuple[int, int], source_scale: float, spread: float) -> Tensor:
    """Weights whose products with an input of a scale are about as large as `spread`."""
    limits = (-127, 127) if random.random() < 0.8 else (-128, 127)
    scale = float(np.float32(spread / source_scale / shape[1] ** 0.5 / 4000))
    return Tensor(shape, "int8", scale, data=draw_values(random, shape, "int8", limits))


# ---- known when compiling ----


def shape_of(random: Random, dtype: str) -> Case:
    source, code = tensor(random, draw_shape(random, (1, 6), (1, 4)), dtype), int(random.choice([2, 4]))
    output = Tensor((len(source.shape),), {2: "int32", 4: "int64"}[code])
    return Case(Operation("SHAPE", [source], [output], {"outType": code}))


def rank_of(random: Random, dtype: str) -> Case:
    return Case(Operation("RANK", [tensor(random, draw_shape(random, (0, 6), (1, 4)), dtype)], [Tensor((), "int32")]))


def range_(random: Random, dtype: str) -> Case:
    step = int(random.choice([1, 2, 3, -1, -4]))
    start = int(random.integers(-(2**20), 2**20))
    limit = start + step * int(random.integers(1, 40)) - int(random.integers(0, abs(step))) * int(np.sign(step))
    operands = [plain(value, dtype) for value in (start, limit, step)]
    return Case(Operation("RANGE", operands, [Tensor((len(range(start, limit, step)),), dtype)]))


def zeros_like(random: Random, dtype: str) -> Case:
    source = Tensor(draw_shape(random), dtype)
    return Case(Operation("ZEROS_LIKE", [source], [Tensor(source.shape, dtype)]))


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


def strided_slice_of_new_axes(random: Random, dtype: str) -> Case:
    """New axes, axes taken away, and an ellipsis, anywhere among ranges; drawn until something is left."""
    while True:
        source = tensor(random, draw_shape(random, (1, 4)), dtype)
        marks = random.choice(["range", "range", "shrunk"], int(random.integers(0, len(source.shape)))).tolist()
        marks += ["new"] * int(random.integers(0, 3)) + ["ellipsis"] * int(random.integers(0, 2))
        random.shuffle(marks)
        if not marks:
            continue
        bounds = random.integers(-5, 7, (3, len(marks)))
        bounds[2] = random.choice([1, 1, 2, -1], len(marks))
        for place, mark in enumerate(marks):
            if mark == "shrunk":
                bounds[:, place] = random.choice([0, -1]), 0, 1
        masks = {mask: int(random.integers(0, 2 ** len(marks))) for mask in ("beginMask", "endMask")}
        index = tuple(index_of(mark, place, bounds[:, place].tolist(), masks) for place, mark in enumerate(marks))
        shape = np.empty(source.shape, bool)[index].shape
        names = {"ellipsisMask": "ellipsis", "newAxisMask": "new", "shrinkAxisMask": "shrunk"}
        for mask, name in names.items():
            masks[mask] = sum(1 << place for place, mark in enumerate(marks) if mark == name)
        if 0 not in shape:
            operands = [source, *(plain(column.tolist()) for column in bounds)]
            return Case(Operation("STRIDED_SLICE", operands, [same(random, source, shape)], masks))


def index_of(mark: str, place: int, bounds: list[int], masks: dict[str, int]) -> object:
    """What numpy takes for one triple of bounds."""
    begin, end, step = bounds
    first, last = masks["beginMask"] >> place & 1, masks["endMask"] >> place & 1
    if mark == "range":
        return slice(None if first else begin, None if last else end, step)
    return {"shrunk": 0 if first else begin, "new": np.newaxis, "ellipsis": Ellipsis}[mark]


def draw_indices(random: Random, shape: Sequence[int]) -> Tensor:
    return Tensor(shape, str(random.choice(["int16", "int32", "int32", "int64"])))


def gather(random: Random, dtype: str) -> Case:
    """Rows of a constant, or along any axis of a computed tensor."""
    table = tensor(random, draw_shape(random), dtype)
    axis = int(random.integers(0, len(table.shape)))
    indices = draw_indices(random, draw_shape(random, (0, 2), (1, 4)))
    if dtype != "float32" and random.random() < 0.5:
        table.data = draw_values(random, table.shape, dtype)
    output = same(random, table, (*table.shape[:axis], *indices.shape, *table.shape[axis + 1 :]))
    operation = Operation(
        "GATHER", [table, indices], [output], {"axis": negative_sometimes(random, axis, len(table.shape))}
    )
    return Case(operation, {indices: (0, table.shape[axis] - 1)})


def batched_gather(random: Random, dtype: str) -> Case:
    """Other indices for every one of the first axes."""
    table = tensor(random, draw_shape(random, (2, 4), (1, 5)), dtype)
    axis = int(random.integers(1, len(table.shape)))
    batch = int(random.integers(1, axis + 1))
    rest = draw_shape(random, (0, 2), (1, 4))
    indices = draw_indices(random, (*table.shape[:batch], *rest))
    output = same(random, table, (*table.shape[:axis], *rest, *table.shape[axis + 1 :]))
    options = {
        "axis": negative_sometimes(random, axis, len(table.shape)),
        # A batch of all axes of the indices cannot be counted from their end: that would be 0.
        "batchDims": negative_sometimes(random, batch, len(indices.shape)) if rest else batch,
    }
    return Case(Operation("GATHER", [table, indices], [output], options), {indices: (0, table.shape[axis] - 1)})


def gather_nd(random: Random, dtype: str) -> Case:
    """Constant and run-time indices of some or all axes."""
    table = tensor(random, draw_shape(random, (1, 5), (1, 5)), dtype)
    axes = int(random.integers(1, len(table.shape) + 1))
    indices = draw_indices(random, (*draw_shape(random, (0, 2), (1, 4)), axes))
    limit = min(table.shape[:axes]) - 1
    if random.random() < 0.3:
        drawn = [random.integers(0, size, indices.shape[:-1]) for size in table.shape[:axes]]
        indices.data = np.stack(drawn, -1).astype(indices.dtype)
    output = same(random, table, (*indices.shape[:-1], *table.shape[axes:]))
    return Case(Operation("GATHER_ND", [table, indices], [output]), {indices: (0, limit)})


def one_hot(random: Random, dtype: str) -> Case:
    """Indices outside of the new axis are among them, also such whose lower half is inside."""
    indices = Tensor(draw_shape(random, (0, 3), (1, 4)), str(random.choice(["int32", "int64"])))
    axis, depth = int(random.integers(0, len(indices.shape) + 1)), int(random.integers(1, 7))
    on = tensor(random, (), dtype)
    off = same(random, on, ())
    if dtype != "float32" and random.random() < 0.7:
        on.data, off.data = (draw_values(random, (), dtype) for _ in range(2))
    output = same(random, on, (*indices.shape[:axis], depth, *indices.shape[axis:]))
    given = -1 if axis == len(indices.shape) and random.random() < 0.5 else axis
    limits = (-2, depth + 1)
    if indices.dtype == "int64" and random.random() < 0.3:
        limits = (2**32 - 2, 2**32 + depth + 1)
    return Case(Operation("ONE_HOT", [indices, plain(depth), on, off], [output], {"axis": given}), {indices: limits})


def embedding_lookup(random: Random, dtype: str) -> Case:
    table = tensor(random, draw_shape(random, (2, 3), (1, 12)), dtype)
    table.data = draw_values(random, table.shape, dtype)
    indices = Tensor((int(random.integers(1, 5)),), "int32")
    output = same(random, table, (*indices.shape, *table.shape[1:]))
    return Case(Operation("EMBEDDING_LOOKUP", [indices, table], [output]), {indices: (0, table.shape[0] - 1)})


def packed_gather(random: Random, dtype: str) -> Case:
    """Entries of a constant of few values, large enough to be packed, along any axis, for one or several batches."""
    axis, places, inner = int(random.integers(0, 2)), int(random.integers(9, 20)), int(random.integers(61, 75))
    shape = (places, inner) if axis == 0 else (2, places, inner)
    table, limits = tensor(random, shape, dtype), (-8, 7) if random.random() < 0.5 else (-1, 1)
    table.data = draw_values(random, shape, dtype, limits)
    batch, rest = int(random.integers(0, axis + 1)), draw_shape(random, (0, 2), (1, 3))
    indices = draw_indices(random, (*shape[:batch], *rest))
    output = same(random, table, (*shape[:axis], *rest, inner))
    operation = Operation("GATHER", [table, indices], [output], {"axis": axis, "batchDims": batch})
    return Case(operation, {indices: (0, places - 1)})


def packed_embedding_lookup(random: Random, dtype: str) -> Case:
    places, inner = int(random.integers(9, 20)), int(random.integers(61, 75))
    table, limits = tensor(random, (places, inner), dtype), (-8, 7) if random.random() < 0.5 else (-1, 1)
    table.data = draw_values(random, table.shape, dtype, limits)
    indices = Tensor((int(random.integers(1, 5)),), "int32")
    output = same(random, table, (*indices.shape, inner))
    return Case(Operation("EMBEDDING_LOOKUP", [indices, table], [output]), {indices: (0, places - 1)})


def dynamic_update_slice(random: Random, dtype: str) -> Case:
    """Starts outside are clamped; constant ones may have 64 bits."""
    source = tensor(random, draw_shape(random, (1, 5)), dtype)
    update = same(random, source, [int(random.integers(1, size + 1)) for size in source.shape])
    starts = Tensor((len(source.shape),), "int32")
    if random.random() < 0.3:
        starts = plain(random.integers(-4, 10, len(source.shape)).tolist(), str(random.choice(["int32", "int64"])))
    output = same(random, source, source.shape)
    return Case(
        Operation("DYNAMIC_UPDATE_SLICE", [source, update, starts], [output]),
        {starts: (-4, 9)} if starts.data is None else {},
    )


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
        source = tensor(random, shape, dtype, draw_scale(random, -12, 7))
        case = Case(Operation(name, [source], [Tensor(shape, dtype, *output)]))
        if random.random() < 0.3:
            case.ranges[source] = (max(source.zero_point - 2, -128), min(source.zero_point + 2, 127))
        return case

    return make


QUANTIZED = ("int8", "int16")
WIDE = ("int32", "int64")
ARG_TYPES = ("int8-int32", "int8-int64", "int32-int32", "int32-int64", "bool-int32", "bool-int64")
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
    Row("ADD", EXTREMES[1:], plain_pair("ADD"), "of plain integers"),
    Row("SUB", WIDE, plain_pair("SUB"), "of plain integers"),
    Row("MUL", EXTREMES[1:], plain_pair("MUL"), "of plain integers"),
    Row("SQUARED_DIFFERENCE", ("int32",), plain_pair("SQUARED_DIFFERENCE"), "of plain integers"),
    Row("EQUAL", (*EXTREMES, "bool"), comparison("EQUAL")),
    Row("NOT_EQUAL", (*EXTREMES, "bool"), comparison("NOT_EQUAL")),
    Row("LESS", EXTREMES, comparison("LESS")),
    Row("LESS_EQUAL", EXTREMES, comparison("LESS_EQUAL")),
    Row("GREATER", EXTREMES, comparison("GREATER")),
    Row("GREATER_EQUAL", EXTREMES, comparison("GREATER_EQUAL")),
    Row("SELECT_V2", INTEGERS, select),
    Row("QUANTIZE", ("int8-int8", "int8-int16", "int16-int8", "int16-int16"), requantization),
    Row("QUANTIZE", ("int32-int8", "int32-int16"), requantization, "of int32"),
    Row("DEQUANTIZE", QUANTIZED, dequantization),
    Row("CAST", INTEGERS, cast),
    Row("CAST", ANY_TYPE, real_cast, "of floats"),
    Row("RSQRT", QUANTIZED, unary("RSQRT", between((-12, 3), (-20, -5)), between((-8, 3), (-16, 0)))),
    Row("LOGISTIC", QUANTIZED, unary("LOGISTIC", between((-8, 0), (-18, 4)), fixed(1 / 256, 1 / 32768))),
    Row("TANH", QUANTIZED, unary("TANH", between((-8, 0), (-18, 4)), fixed(None, 1 / 32768))),
    Row("GELU", QUANTIZED, unary("GELU", between((-9, 0), (-16, -8)), between((-9, 0), (-16, -8)), draw_gelu)),
    Row("RELU", QUANTIZED, unary("RELU", between((-8, 1), (-8, 1)), relative(-4, 4))),
    Row("RELU6", QUANTIZED, unary("RELU6", between((-8, 1), (-12, 1)), relative(-4, 4))),
    Row("RELU_N1_TO_1", ("int8",), unary("RELU_N1_TO_1", between((-8, 1), (-8, 1)), relative(-4, 4))),
    Row("FULLY_CONNECTED", ("int8",), fully_connected),
    Row("FULLY_CONNECTED", ("int16",), fully_connected, "int16"),
    Row("FULLY_CONNECTED", QUANTIZED, hard_rows, "of hard rows"),
    Row("FULLY_CONNECTED", ("int16",), ratios, "of ratios"),
    Row("FULLY_CONNECTED", ("int8-int8", "int16-int8", "int16-int16"), computed_weights, "of computed weights"),
    Row("CONV_2D", ("int8",), convolution),
    Row("DEPTHWISE_CONV_2D", ("int8",), depthwise_convolution),
    Row("AVERAGE_POOL_2D", QUANTIZED, pooling("AVERAGE_POOL_2D")),
    Row("MAX_POOL_2D", QUANTIZED, pooling("MAX_POOL_2D")),
    Row("UNIDIRECTIONAL_SEQUENCE_LSTM", ("int8",), lstm),
    Row("BATCH_MATMUL", QUANTIZED, matrix_product()),
    Row("BATCH_MATMUL", ("int16",), matrix_product(lambda dtype: "int8"), "int16 times int8"),
    Row("BATCH_MATMUL", ("int8",), plain_matrix_product, "to int32"),
    Row("MEAN", QUANTIZED, reduction("MEAN")),
    Row("MEAN", WIDE, reduction("MEAN"), "of plain integers"),
    Row("SUM", ("int8",), reduction("SUM")),
    Row("SUM", WIDE, reduction("SUM"), "of plain integers"),
    Row("REDUCE_MAX", INTEGERS, reduction("REDUCE_MAX", keeps_scale=True)),
    Row("REDUCE_MIN", INTEGERS, reduction("REDUCE_MIN", keeps_scale=True)),
    Row("REDUCE_ANY", ("bool",), reduction("REDUCE_ANY")),
    Row("REDUCE_ALL", ("bool",), reduction("REDUCE_ALL")),
    Row("REDUCE_PROD", WIDE, reduction("REDUCE_PROD")),
    Row("REDUCE_PROD", QUANTIZED, scaled_product, "of quantized values"),
    Row("ARG_MAX", ARG_TYPES, arg_extreme("ARG_MAX")),
    Row("ARG_MIN", ARG_TYPES, arg_extreme("ARG_MIN")),
    Row("CUMSUM", WIDE, cumsum),
    Row("SOFTMAX", tuple(PROBABILITIES), softmax({"int8": (-10, 3), "int16": (-18, 0)})),
    Row("SOFTMAX", tuple(PROBABILITIES), softmax({"int8": (3, 120), "int16": (0, 17)}), "of large scales"),
    Row("RESHAPE", ANY_TYPE, reshape),
    Row("EXPAND_DIMS", ANY_TYPE, expand_dims),
    Row("SQUEEZE", ANY_TYPE, squeeze),
    Row("SPLIT", NO_BOOL, split),
    Row("SPLIT_V", NO_BOOL, split_v),
    Row("UNPACK", ("int8", "int16", "int32", "float32", "bool"), unpack),
    Row("PAD", ANY_TYPE, pad("PAD")),
    Row("PADV2", ANY_TYPE, pad("PADV2")),
    Row("MIRROR_PAD", ANY_TYPE, mirror_pad),
    Row("TILE", ANY_TYPE, tile),
    Row("BROADCAST_TO", ANY_TYPE, broadcast_to),
    Row("FILL", ANY_TYPE, fill),
    Row("REVERSE_V2", ANY_TYPE, reverse),
    Row("SHAPE", ANY_TYPE, shape_of),
    Row("RANK", ANY_TYPE, rank_of),
    Row("RANGE", WIDE, range_),
    Row("ZEROS_LIKE", ("int32", "int64", "float32"), zeros_like),
    Row("CONCATENATION", ANY_TYPE, concatenation),
    Row("PACK", NO_BOOL, pack),
    Row("TRANSPOSE", ANY_TYPE, transpose),
    Row("SLICE", ANY_TYPE, slice_),
    Row("STRIDED_SLICE", ANY_TYPE, strided_slice),
    Row("STRIDED_SLICE", ANY_TYPE, strided_slice_of_new_axes, "with new axes"),
    Row("GATHER", ANY_TYPE, gather),
    Row("GATHER", ANY_TYPE, batched_gather, "batched"),
    Row("GATHER_ND", ANY_TYPE, gather_nd),
    Row("ONE_HOT", ("int8", "int32", "int64", "bool", "float32"), one_hot),
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
