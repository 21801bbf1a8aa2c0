"""Nodes that LiteRT does not compute, or not as one would expect, and those that the compiler does not know: REFUSED.

LiteRT ends the process at some of them, so nothing here is ever given to it.
"""

from dataclasses import dataclass

import numpy as np

from textzoo.compiler.single_op import Operation, Tensor


@dataclass(frozen=True)
class Refused:
    """One node, and what the error must say about it."""

    operation: Operation
    reason: str


def quantized(shape, dtype="int8", scale=0.5, zero_point=0, data=None):
    return Tensor(shape, dtype, scale, zero_point, data=data)


def indices(*values):
    return Tensor((len(values),), "int32", data=np.array(values, np.int32))


def binary(name, dtype, scales, shapes=((4,), (4,), (4,)), options=None, output=None):
    a, b, result = (quantized(shape, dtype, scale) for shape, scale in zip(shapes, scales, strict=True))
    return Operation(name, [a, b], [Tensor(shapes[2], output) if output else result], options or {})


def unary(name, dtype="int8", scale=0.5, output_scale=0.5, options=None, zero_point=0):
    return Operation(
        name, [quantized((2, 4), dtype, scale)], [quantized((2, 4), dtype, output_scale, zero_point)], options or {}
    )


def fully_connected(dtype="int16", bias=None, output_scale=10.0, options=None, source=None, weights=None, shape=(1, 2)):
    source = source or quantized((1, 8), dtype, 1.0)
    weights = weights or quantized((2, 8), "int8", 0.001, data=np.ones((2, 8), np.int8))
    output = quantized(shape, dtype, output_scale)
    return Operation("FULLY_CONNECTED", [source, weights, bias], [output], options or {})


def softmax(dtype, depth=4, scale=0.5, output=(1 / 256, -128), beta=1.0):
    return Operation(
        "SOFTMAX", [quantized((1, depth), dtype, scale)], [quantized((1, depth), dtype, *output)], {"beta": beta}
    )


def bias(dtype, scale):
    return Tensor((2,), dtype, scale, data=np.ones(2, dtype))


def strided_slice(begin, step, shape, options):
    source = quantized((4, 6))
    bounds = [indices(*begin), indices(4, 6), indices(*step)]
    return Operation("STRIDED_SLICE", [source, *bounds], [quantized(shape)], options)


IS_GENERAL, OF_POWERS = {"potScaleInt16": False}, {"potScaleInt16": True}
ONE_INPUT = Operation("ADD", [quantized((4,))], [quantized((4,))])
FLOATS = Operation("MUL", [Tensor((4,), "float32"), Tensor((4,), "float32")], [Tensor((4,), "float32")])
SHORT = Operation("RESHAPE", [quantized((2, 6)), indices(4, 3)], [quantized((3, 4))])
MIXED = Operation("BATCH_MATMUL", [quantized((2, 3)), quantized((3, 2), "int16")], [quantized((2, 2))])
CUTS = Operation("CONCATENATION", [quantized((2,)), quantized((2,), scale=0.25)], [quantized((4,))], {"axis": 0})
PILES = Operation("PACK", [quantized((2,)), quantized((2,), scale=0.25)], [quantized((2, 2))], {"valuesCount": 2})
FAR = Operation("GATHER", [quantized((4,)), indices(4)], [quantized((1,))], {"axis": 0})
LONG = Operation("GATHER", [quantized((4,)), Tensor((1,), "int64")], [quantized((1,))], {"axis": 0})
ROOTS = Operation("RSQRT", [quantized((2,), data=np.array([1, -1], np.int8))], [quantized((2,))])
APART = Operation("MEAN", [quantized((2, 3, 4)), indices(0, 2)], [quantized((3,))])
REAL = Tensor((2,), "float32", data=np.array([1, 0], np.float32))
TURNS = Operation("TRANSPOSE", [quantized((4, 6)), REAL], [quantized((6, 4))])
STEPS = Operation("STRIDED_SLICE", [quantized((4, 6)), REAL, indices(4, 6), indices(1, 1)], [quantized((3, 6))])
WIDE_SUM = Operation("SUM", [quantized((2, 4), "int16"), indices(1)], [quantized((2,), "int16")])
WIDE_PLACE = Operation("ARG_MAX", [quantized((2, 4), "int16"), indices(1)], [Tensor((2,), "int32")], {"outputType": 2})
OTHER_PLACE = Operation("ARG_MAX", [quantized((2, 4)), indices(1)], [Tensor((2,), "int32")], {"outputType": 4})
HIGH = Operation("TRANSPOSE", [quantized((1,) * 7), indices(*range(7))], [quantized((1,) * 7)])
UNWRITTEN = Operation("NOT_EQUAL", [Tensor((4,), "int16"), Tensor((4,), "int16")], [Tensor((4,), "bool")])
TRUTHS = Operation("LESS", [Tensor((4,), "bool"), Tensor((4,), "bool")], [Tensor((4,), "bool")])
ODD = Operation("SPLIT", [indices(0), quantized((4,))], [quantized((2,)), quantized((2,))], {"numSplits": 3})
COS = Operation("COS", [Tensor((4,), "float32")], [Tensor((4,), "float32")])
BIG = quantized((1, 70000), "int16", 1.0)
BIG_WEIGHTS = quantized((2, 70000), "int8", 1e-9, data=np.full((2, 70000), 127, np.int8))
OVERFLOW = fully_connected("int16", source=BIG, weights=BIG_WEIGHTS)
TURNED = quantized((2, 8), "int8", 0.001, 3, data=np.ones((2, 8), np.int8))

REFUSED = {
    "unknown operator": Refused(COS, "not in the table"),
    "floats": Refused(FLOATS, "float32 4 instead of int8 or int16"),
    "too few inputs": Refused(ONE_INPUT, "1 inputs"),
    "ADD at the limit": Refused(binary("ADD", "int8", (1, 1, 2 / 2**20)), "output scale too small or too large"),
    "ADD int16 at the limit": Refused(
        binary("ADD", "int16", (1, 1, 2 / 2**15), options=IS_GENERAL), "output scale too small or too large"
    ),
    "SUB at the limit": Refused(binary("SUB", "int8", (1, 0.3, 2 / 2**20)), "output scale too small or too large"),
    "SUB of a huge output": Refused(binary("SUB", "int8", (1, 1, 3e38)), "output scale too small or too large"),
    "ADD of powers, broadcast": Refused(
        binary("ADD", "int16", (0.5, 0.5, 0.5), ((2, 3), (3,), (2, 3)), OF_POWERS), "broadcasting with potScaleInt16"
    ),
    "ADD of powers, upwards": Refused(
        binary("ADD", "int16", (0.5, 0.25, 0.25), options=OF_POWERS), "with potScaleInt16"
    ),
    "ADD of powers, far apart": Refused(
        binary("ADD", "int16", (0.5, 0.5 / 2**16, 0.5), options=OF_POWERS), "with potScaleInt16"
    ),
    "ADD of almost powers": Refused(
        binary("ADD", "int16", (0.5 * 2**0.001, 0.5, 0.5), options=OF_POWERS), "almost a power of two"
    ),
    "ADD with tanh": Refused(binary("ADD", "int8", (1, 1, 1), options={"fusedActivationFunction": 4}), "activation 4"),
    "ADD int16 without scales": Refused(binary("ADD", "int16", ((), (), ())), "0 scales"),
    "MUL int16 to int8": Refused(
        Operation("MUL", [quantized((4,), "int16"), quantized((4,), "int16")], [quantized((4,))]), "mixed types"
    ),
    "MUL that does not broadcast": Refused(binary("MUL", "int8", (1, 1, 1), ((3,), (4,), (4,))), "do not make"),
    "SQUARED_DIFFERENCE int16": Refused(binary("SQUARED_DIFFERENCE", "int16", (1, 1, 1)), "instead of int8"),
    "SQUARED_DIFFERENCE at the limit": Refused(
        binary("SQUARED_DIFFERENCE", "int8", (1, 1, 4 / 2**14)), "output scale too small or too large"
    ),
    "LESS of a scale of 1": Refused(binary("LESS", "int8", (1.0, 0.5, 1), output="bool"), "a scale of 1 or more"),
    "EQUAL int16 of a scale of 1": Refused(
        binary("EQUAL", "int16", (1.5, 0.5, 1), output="bool"), "a scale of 1 or more"
    ),
    "NOT_EQUAL int16 without scales": Refused(UNWRITTEN, "int16 without scales"),
    "LESS of bool": Refused(TRUTHS, "bool 4 instead of"),
    "SUM int16": Refused(WIDE_SUM, "instead of int8"),
    "MEAN over distant axes": Refused(APART, "do not lie side by side"),
    "ARG_MAX int16": Refused(WIDE_PLACE, "int16 2x4 to int32 2"),
    "ARG_MAX of another type": Refused(OTHER_PLACE, "int8 2x4 to int32 2"),
    "SOFTMAX of another output": Refused(softmax("int8", output=(1 / 255, -128)), "an output of scale"),
    "SOFTMAX int16 of another output": Refused(softmax("int16", output=(1 / 32767.0 * 1.01, 0)), "an output of scale"),
    "SOFTMAX of 512": Refused(softmax("int8", depth=512), "rows of at most 511"),
    "SOFTMAX int16 of 65536": Refused(softmax("int16", 65536, output=(1 / 32768, 0)), "rows of at most 65535"),
    "SOFTMAX of a tiny scale": Refused(softmax("int8", scale=1e-8), "input scale times beta"),
    "SOFTMAX without beta": Refused(softmax("int8", beta=0.0), "input scale times beta"),
    "SOFTMAX of a huge scale": Refused(softmax("int8", scale=32.0), "too large"),
    "SOFTMAX int16 of a huge scale": Refused(softmax("int16", scale=8.0, output=(1 / 32768, 0)), "scale times beta"),
    "LOGISTIC of another output": Refused(unary("LOGISTIC", output_scale=1 / 255), "an output scale"),
    "LOGISTIC int16 of another output": Refused(unary("LOGISTIC", "int16", output_scale=1 / 256), "an output scale"),
    "TANH int16 of another output": Refused(unary("TANH", "int16", output_scale=1 / 32000), "an output scale"),
    "LOGISTIC int16 of a tiny scale": Refused(
        unary("LOGISTIC", "int16", scale=1e-15, output_scale=1 / 32768), "an input scale of 1e-15"
    ),
    "TANH int16 of an almost power": Refused(
        unary("TANH", "int16", scale=2**-12 * 2**0.001, output_scale=1 / 32768), "almost a power of two"
    ),
    "RELU_N1_TO_1 int16": Refused(unary("RELU_N1_TO_1", "int16"), "instead of int8"),
    "RELU6 of a tiny scale": Refused(unary("RELU6", "int16", 1e-12, 1e-12), "an activation's bound"),
    "RSQRT of a negative constant": Refused(ROOTS, "a constant with negative values"),
    "int16 with a zero point": Refused(unary("GELU", "int16", zero_point=3), "zero point 3 instead of 0"),
    "CAST of floats": Refused(Operation("CAST", [Tensor((4,), "float32")], [Tensor((4,), "int32")]), "no integer"),
    "GATHER outside": Refused(FAR, "constant indices outside"),
    "GATHER of 64 bits": Refused(LONG, "instead of int32"),
    "CONCATENATION of scales": Refused(CUTS, "another type or scale"),
    "PACK of scales": Refused(PILES, "another type or scale"),
    "SPLIT of another count": Refused(ODD, "2 outputs instead of 3"),
    "TRANSPOSE of 7 axes": Refused(HIGH, "7 axes"),
    "RESHAPE to another shape": Refused(SHORT, "does not make"),
    "TRANSPOSE by floats": Refused(TURNS, "the permutation must be int32 or int64 instead of float32 2"),
    "STRIDED_SLICE by floats": Refused(STEPS, "every bound must be int32 or int64 instead of float32 2"),
    "STRIDED_SLICE backwards to one": Refused(
        strided_slice((2, 0), (-1, 1), (6,), {"shrinkAxisMask": 1}), "a part of shape"
    ),
    "STRIDED_SLICE outside": Refused(strided_slice((9, 0), (1, 1), (6,), {"shrinkAxisMask": 1}), "a part of shape"),
    "STRIDED_SLICE with an ellipsis": Refused(strided_slice((0, 0), (1, 1), (4, 6), {"ellipsisMask": 1}), "ellipsis"),
    "BATCH_MATMUL int8 times int16": Refused(MIXED, "mixed types"),
    "BATCH_MATMUL int16 upwards": Refused(
        binary("BATCH_MATMUL", "int16", (1, 1, 1 / 256), ((2, 2), (2, 2), (2, 2))), "a factor of 256"
    ),
    "FULLY_CONNECTED int16, bias of 32 bits": Refused(fully_connected(bias=bias("int32", 0.001)), "reads as int64"),
    "FULLY_CONNECTED int16, bias of 64 bits": Refused(
        fully_connected(bias=bias("int64", 0.001), options={"quantizedBiasType": 2}), "reads as int32"
    ),
    "FULLY_CONNECTED of another bias scale": Refused(
        fully_connected("int8", bias=bias("int32", 0.9), output_scale=1.0), "a bias on the scale 0.9"
    ),
    "FULLY_CONNECTED of an unknown bias": Refused(fully_connected(options={"quantizedBiasType": 5}), "BiasType 5"),
    "FULLY_CONNECTED int16 of a tiny factor": Refused(fully_connected(output_scale=1e9), "a factor of 1e-12"),
    "FULLY_CONNECTED beyond 32 bits": Refused(fully_connected("int8", output_scale=1e-10), "steps of the output"),
    "FULLY_CONNECTED of long rows": Refused(OVERFLOW, "sums up to"),
    "FULLY_CONNECTED of shifted weights": Refused(fully_connected("int8", weights=TURNED), "zero points"),
    "FULLY_CONNECTED of lost axes": Refused(
        fully_connected("int8", source=quantized((2, 3, 8)), shape=(2, 3, 2)), "does not make"
    ),
}  # fmt: skip
