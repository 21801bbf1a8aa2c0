"""Small plain graphs as .tflite, for tests: name -> bytes."""

import numpy as np

from textzoo.compiler.tflite.single_operator import ACTIVATIONS, Operation, Tensor, build_all, build_named, constant

TANH = 4  # of the schema
RELU = {"fusedActivationFunction": ACTIVATIONS["RELU"]}
# int8 has zero points, int16 is symmetric.
TYPES = {"int8": (0.04, -3, "int32"), "int16": (0.0004, 0, "int64")}
VERSIONS = {"int8": 4, "int16": 11}


def layer(source: Tensor, width: int, dtype: str, options=None, name: str = "") -> tuple[Operation, Tensor]:
    """A fully connected layer of random weights behind a tensor, and its output."""
    random = np.random.default_rng(width)
    scale, zero_point, bias_type = TYPES[dtype]
    depth = source.shape[-1]
    weights = constant(random.integers(-127, 128, (width, depth)).astype(np.int8), 0.01)
    bias = constant(random.integers(-900, 900, width).astype(bias_type), source.scale * 0.01)
    output = Tensor((1, width), dtype, scale, zero_point, name=name)
    return Operation("FULLY_CONNECTED", [source, weights, bias], [output], options or {}, VERSIONS[dtype]), output


def dense(dtype: str = "int8", depth: int = 19, hidden: int = 24, classes: int = 5) -> bytes:
    """Two layers: features -> scores."""
    scale, zero_point, _ = TYPES[dtype]
    features = Tensor((1, depth), dtype, scale, zero_point, name="features")
    first, between = layer(features, hidden, dtype, RELU)
    second, _ = layer(between, classes, dtype, name="scores")
    return build_all([first, second])


def two() -> bytes:
    """Two inputs of several axes, two outputs: their sum, and the maximum of the sum and the second one."""
    left, right = (Tensor((1, 3, 2, 5), "int8", scale, point) for scale, point in ((0.5, 4), (0.25, -1)))
    total, largest = Tensor((1, 3, 2, 5), "int8", 0.75, 7), Tensor((1, 30), "int8", 0.25, -1)
    scaled = Tensor((1, 3, 2, 5), "int8", 0.25, -1)
    operations = [
        Operation("ADD", [left, right], [total]),
        Operation("MUL", [left, right], [scaled]),
        Operation("RESHAPE", [scaled, constant(np.array([1, 30], np.int32))], [largest]),
    ]
    names = {left: "a", right: "b", total: "sum", scaled: "p", largest: "product", operations[2].inputs[1]: "shape"}
    return build_named(operations, {"right": right, "left": left}, {"sum": total, "product": largest}, names)


def float_ends() -> bytes:
    """A float input that is quantized inside, as a converter makes it that keeps float at both ends."""
    features, codes = Tensor((1, 9), "float32"), Tensor((1, 9), "int8", 0.04, -3)
    operation, scores = layer(codes, 6, "int8")
    result = Tensor((1, 6), "float32")
    return build_all(
        [Operation("QUANTIZE", [features], [codes]), operation, Operation("DEQUANTIZE", [scores], [result], {}, 2)]
    )


def no_products() -> bytes:
    """One operator that multiplies nothing, and a row that is longer than any piece of the protocol."""
    source = Tensor((1, 700), "int8", 0.5, 3)
    return build_all([Operation("RELU", [source], [Tensor((1, 700), "int8", 0.5, 3)])])


def sequence(steps: int = 5, depth: int = 6, cells: int = 4) -> bytes:
    """An LSTM over a sequence, whose states are variables: every inference begins with them reset."""
    random = np.random.default_rng(8)
    source = Tensor((1, steps, depth), "int8", 0.02, 3, name="sequence")
    hidden = Tensor((1, cells), "int8", 2.0**-7, 0, is_variable=True)
    cell = Tensor((1, cells), "int16", 2.0**-11, is_variable=True)
    operands: list[Tensor | None] = [None] * 24
    operands[0], operands[18], operands[19] = source, hidden, cell
    for gate in range(4):
        operands[1 + gate] = constant(random.integers(-127, 128, (cells, depth)).astype(np.int8), 0.02)
        operands[5 + gate] = constant(random.integers(-127, 128, (cells, cells)).astype(np.int8), 0.02)
        operands[12 + gate] = constant(random.integers(-900, 900, cells).astype(np.int32), 0.02 * 0.02)
    between = [*(Tensor((0,), "int8") for _ in range(4)), Tensor((0,), "int8", hidden.scale, 0)]
    output = Tensor((1, steps, cells), "int8", hidden.scale, 0, name="features")
    options = {"fusedActivationFunction": TANH, "cellClip": 10.0}
    return build_all([Operation("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [output], options, intermediates=between)])


GRAPHS = {
    "dense_int8": dense(),
    "dense_int16": dense("int16"),
    "two_and_two": two(),
    "float_ends": float_ends(),
    "no_products": no_products(),
    "sequence": sequence(),
}
