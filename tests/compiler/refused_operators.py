"""Nodes that LiteRT does not compute, or not as one would expect, and those that the compiler does not know: REFUSED.

LiteRT ends the process at some of them, so nothing here is ever given to it.
"""

from dataclasses import dataclass

import numpy as np

from textzoo.compiler.tflite.single_operator import Operation, Tensor


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


def softmax(dtype, depth=4, scale=0.5, output=(1 / 256, -128), beta=1.0, output_dtype=None):
    result = quantized((1, depth), output_dtype or dtype, *output)
    return Operation("SOFTMAX", [quantized((1, depth), dtype, scale)], [result], {"beta": beta})


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
ROOTS = Operation("RSQRT", [quantized((2,), data=np.array([1, -1], np.int8))], [quantized((2,))])
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
UNKNOWN = Operation("TOPK_V2", [quantized((4,)), indices(2)], [quantized((2,)), Tensor((2,), "int32")])
COS = Operation("COS", [Tensor((4,), "float32")], [Tensor((4,), "float32")])
BIG = quantized((1, 600), "int16", 1.0)
BIG_WEIGHTS = quantized((2, 600), "int8", 1e-9, data=np.full((2, 600), 127, np.int8))
OVERFLOW = fully_connected("int16", source=BIG, weights=BIG_WEIGHTS, options={"quantizedBiasType": 2})
LONG_OVERFLOW = fully_connected("int16", bias=Tensor((2,), "int64", 0.001, data=np.full(2, 2**43)), output_scale=1e10)
HUGE_BIAS = fully_connected("int16", bias=Tensor((2,), "int64", 0.001, data=np.full(2, -(2**63))), output_scale=1e30)
FULL = fully_connected("int8", bias=Tensor((2,), "int32", 0.001, data=np.full(2, 2**31 - 1)), output_scale=1e9)
COMPUTED_WIDER = Operation("FULLY_CONNECTED", [quantized((1, 8)), quantized((2, 8))], [quantized((1, 2), "int16", 9.0)])
WIDE = quantized((2, 40000), "int8", 1e-9, zero_point=-128)
WIDE_PRODUCT = fully_connected("int8", source=quantized((1, 40000), "int8", 1.0, -128), weights=WIDE)
LONG_WEIGHTS = quantized((2, 2**18), "int16", 1e-9)
LONG_PRODUCT = fully_connected("int16", source=quantized((1, 2**18), "int16", 1.0), weights=LONG_WEIGHTS)
ONES = quantized((2, 8), "int8", 0.5, data=np.ones((2, 8), np.int8))
COMPUTED_BIAS = fully_connected("int8", bias=Tensor((2,), "int32", 0.001))
TRUTH = Tensor((2, 3), "bool")


def selected(condition=TRUTH, a=(2, 3), b=(2, 3)):
    return Operation("SELECT", [condition, quantized(a), quantized(b)], [quantized((2, 3))])


def rows_of(name, scale=0.1, output=(1 / 16, 127), columns=4, options=None):
    source = quantized((2, columns), "int8", scale, -128)
    return Operation(name, [source], [quantized((2, columns), "int8", *output)], options or {})


def divided(name, dtype="int32", divisor=None):
    divisor = Tensor((4,), dtype, data=np.array(divisor, dtype)) if divisor else Tensor((4,), dtype)
    return Operation(name, [Tensor((4,), dtype), divisor], [Tensor((4,), dtype)])


def real(dtype="int8", output_scale=0.5, output=None, data=None):
    output = output or quantized((4,), dtype, output_scale)
    return Operation("QUANTIZE", [Tensor((4,), "float32", data=data)], [output])


WORDS = Operation("LOGICAL_AND", [Tensor((4,), "int8"), Tensor((4,), "int8")], [Tensor((4,), "bool")])
LONG_ABS = Operation("ABS", [Tensor((4,), "int64")], [Tensor((4,), "int64")])
EXTREME = Operation("MAXIMUM", [Tensor((4,), "int32"), Tensor((4,), "int64")], [Tensor((4,), "int64")])
WIDE_SLOPES = Operation("PRELU", [quantized((1, 4)), quantized((2, 4))], [quantized((2, 4))])
LONG_SLOPES = Operation("PRELU", [quantized((4,), "int16"), quantized((4,), "int16")], [quantized((4,), "int16")])
MANY_SCALES = Tensor((4,), "int8", (0.5, 0.25, 0.5, 0.25))
NO_ROOTS = Operation("SQRT", [quantized((2,), data=np.array([1, -1], np.int8))], [quantized((2,))])

REFUSED = {
    "unknown operator": Refused(UNKNOWN, "not in the table"),
    "operator of floats": Refused(COS, "for floats only"),
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
    "ADD int16 without one scale": Refused(binary("ADD", "int16", (0.5, (), 0.5)), "0 scales"),
    "ADD int16 without scales, with an activation": Refused(
        binary("ADD", "int16", ((), (), ()), options={"fusedActivationFunction": 1}), "a fused activation of int16"
    ),
    "SUB int16 without scales": Refused(binary("SUB", "int16", ((), (), ())), "0 scales"),
    "MUL int8 without scales": Refused(binary("MUL", "int8", ((), (), ())), "0 scales"),
    "ADD of several scales": Refused(binary("ADD", "int8", ((0.5,) * 4, 0.5, 0.5)), "4 scales instead of one"),
    "MUL int16 to int8": Refused(
        Operation("MUL", [quantized((4,), "int16"), quantized((4,), "int16")], [quantized((4,))]), "mixed types"
    ),
    "MUL that does not broadcast": Refused(binary("MUL", "int8", (1, 1, 1), ((3,), (4,), (4,))), "do not make"),
    "SQUARED_DIFFERENCE int16": Refused(binary("SQUARED_DIFFERENCE", "int16", (1, 1, 1)), "instead of int8"),
    "SQUARED_DIFFERENCE at the limit": Refused(
        binary("SQUARED_DIFFERENCE", "int8", (1, 1, 4 / 2**14)), "output scale too small or too large"
    ),
    "EQUAL to int32": Refused(binary("EQUAL", "int8", (0.5, 0.5, 1), output="int32"), "int8 4 and int8 4 to int32 4"),
    "LESS of floats": Refused(
        Operation("LESS", [Tensor((4,), "float32"), Tensor((4,), "float32")], [Tensor((4,), "bool")]), "float32 4"
    ),
    "DEQUANTIZE to int8": Refused(Operation("DEQUANTIZE", [quantized((4,))], [quantized((4,))]), "an output int8 4"),
    "DEQUANTIZE of several scales": Refused(
        Operation("DEQUANTIZE", [quantized((4,), scale=(0.5,) * 4)], [Tensor((4,), "float32")]), "4 scales instead"
    ),
    "RELU to another shape": Refused(
        Operation("RELU", [quantized((2, 4))], [quantized((4, 2))]), "input and output shapes differ"
    ),
    "LESS of a scale of 1": Refused(binary("LESS", "int8", (1.0, 0.5, 1), output="bool"), "a scale of 1 or more"),
    "EQUAL int16 of a scale of 1": Refused(
        binary("EQUAL", "int16", (1.5, 0.5, 1), output="bool"), "a scale of 1 or more"
    ),
    "NOT_EQUAL int16 without scales": Refused(UNWRITTEN, "int16 without scales"),
    "LESS of bool": Refused(TRUTHS, "bool 4 instead of"),
    "SUM int16": Refused(WIDE_SUM, "leaves half of the output unwritten"),
    "ARG_MAX int16": Refused(WIDE_PLACE, "int16 2x4 to int32 2"),
    "ARG_MAX of another type": Refused(OTHER_PLACE, "int8 2x4 to int32 2"),
    "SOFTMAX of another output": Refused(softmax("int8", output=(1 / 255, -128)), "an output of scale"),
    "SOFTMAX int16 of another output": Refused(softmax("int16", output=(1 / 32767.0 * 1.01, 0)), "an output of scale"),
    "SOFTMAX int8 to int16 of another output": Refused(
        softmax("int8", output=(1 / 32768, 0), output_dtype="int16"), "in which LiteRT writes"
    ),
    "SOFTMAX int16 to int8": Refused(softmax("int16", output_dtype="int8"), "int16 1x4 to int8 1x4"),
    "SOFTMAX of 512": Refused(softmax("int8", depth=512), "rows of 512, more than 511: LiteRT ends the process"),
    "SOFTMAX int8 to int16 of 4096": Refused(
        softmax("int8", 4096, output=(1 / 65536, -32768), output_dtype="int16"), "rows of 4096, more than 4095"
    ),
    "SOFTMAX int16 of 65536": Refused(softmax("int16", 65536, output=(1 / 32768, 0)), "rows of 65536, more than 65535"),
    "SOFTMAX of a tiny scale": Refused(softmax("int8", scale=1e-8), "input scale times beta"),
    "SOFTMAX without beta": Refused(softmax("int8", beta=0.0), "input scale times beta"),
    "SOFTMAX of a negative beta": Refused(softmax("int8", beta=-1.0), "input scale times beta"),
    "SOFTMAX int16 of a negative beta": Refused(softmax("int16", beta=-1.0, output=(1 / 32768, 0)), "beta of -0.5"),
    "SOFTMAX int16 of a huge scale": Refused(softmax("int16", scale=5e5, output=(1 / 32768, 0)), "shifts 32 bits"),
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
    "int16 with a zero point": Refused(unary("RELU", "int16", zero_point=3), "zero point 3 instead of 0"),
    "QUANTIZE int16 to int16 with a zero point": Refused(
        Operation("QUANTIZE", [quantized((4,), "int16")], [quantized((4,), "int16", 0.5, 3)]), "zero point 3 instead"
    ),
    "QUANTIZE of int32 without a scale": Refused(
        Operation("QUANTIZE", [Tensor((4,), "int32")], [quantized((4,))]), "0 scales instead of one"
    ),
    "GATHER outside": Refused(FAR, "constant indices outside"),
    "CONCATENATION of scales": Refused(CUTS, "another type or scale"),
    "PACK of scales": Refused(PILES, "another type or scale"),
    "SPLIT of another count": Refused(ODD, "2 outputs instead of 3"),
    "TRANSPOSE of 7 axes": Refused(HIGH, "7 axes"),
    "RESHAPE to another shape": Refused(SHORT, "does not make"),
    "TRANSPOSE by floats": Refused(TURNS, "the permutation: float32 2 instead of int32 or int64"),
    "STRIDED_SLICE by floats": Refused(STEPS, "every bound: float32 2 instead of int32"),
    "STRIDED_SLICE backwards to one": Refused(
        strided_slice((2, 0), (-1, 1), (6,), {"shrinkAxisMask": 1}), "a part of shape"
    ),
    "STRIDED_SLICE outside": Refused(strided_slice((9, 0), (1, 1), (6,), {"shrinkAxisMask": 1}), "a part of shape"),
    "BATCH_MATMUL int8 times int16": Refused(MIXED, "mixed types"),
    "BATCH_MATMUL int8 to int32 with a zero point": Refused(
        Operation("BATCH_MATMUL", [quantized((2, 3), zero_point=1), quantized((3, 2))], [Tensor((2, 2), "int32")]),
        "zero points, which LiteRT leaves out",
    ),
    "BATCH_MATMUL int8 to int16": Refused(
        Operation("BATCH_MATMUL", [quantized((2, 3)), quantized((3, 2))], [quantized((2, 2), "int16")]), "mixed types"
    ),
    "BATCH_MATMUL of scales of columns": Refused(
        Operation("BATCH_MATMUL", [quantized((2, 3)), quantized((3, 2), scale=(0.5, 0.5, 0.5))], [quantized((2, 2))]),
        "3 scales instead of one",
    ),
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
    "FULLY_CONNECTED of several bias scales": Refused(
        fully_connected("int8", bias=bias("int32", (0.001, 0.001)), output_scale=0.01), "a bias on the scale 0 instead"
    ),
    "FULLY_CONNECTED of a computed bias": Refused(COMPUTED_BIAS, "the bias must be a constant"),
    "FULLY_CONNECTED beyond 32 bits": Refused(fully_connected("int8", output_scale=1e-10), "steps of the output"),
    "FULLY_CONNECTED of an infinite factor": Refused(fully_connected("int8", output_scale=1e-45), "steps of"),
    "FULLY_CONNECTED of a full bias": Refused(FULL, "sums up to 2147484663, more than 2147483647"),
    "FULLY_CONNECTED of long rows": Refused(OVERFLOW, "sums up to"),
    "FULLY_CONNECTED of a long bias": Refused(LONG_OVERFLOW, "sums up to"),
    "FULLY_CONNECTED of a huge bias": Refused(HUGE_BIAS, "a bias beyond"),
    "FULLY_CONNECTED int16 to int8": Refused(
        Operation("FULLY_CONNECTED", [quantized((1, 8), "int16"), ONES], [quantized((1, 2))]), "int16 1x8 to int8"
    ),
    "FULLY_CONNECTED int8 to int16": Refused(COMPUTED_WIDER, "int8 1x8 times int8 2x8 with 1 scales"),
    "FULLY_CONNECTED of computed weights, long rows": Refused(WIDE_PRODUCT, "sums up to 2601000000, more than"),
    "FULLY_CONNECTED of int16 weights, long rows": Refused(LONG_PRODUCT, "sums up to 2814"),
    "FULLY_CONNECTED of int16 weights, upwards": Refused(
        fully_connected(weights=quantized((2, 8), "int16", 1.0), output_scale=1 / 256), "a factor of 256"
    ),
    "FULLY_CONNECTED int8 of int16 weights": Refused(
        fully_connected("int8", weights=quantized((2, 8), "int16", 1.0)), "int8 1x8 times int16 2x8"
    ),
    "FULLY_CONNECTED of lost columns": Refused(
        fully_connected("int8", source=quantized((2, 4)), options={"keepNumDims": True}), "does not make"
    ),
    "FULLY_CONNECTED of lost axes": Refused(
        fully_connected("int8", source=quantized((2, 3, 8)), shape=(2, 3, 2)), "does not make"
    ),
    "SELECT of a broadcast condition": Refused(selected(Tensor((3,), "bool")), "bool 3 with int8 2x3"),
    "SELECT of a column": Refused(selected(Tensor((2, 1), "bool")), "bool 2x1 with int8 2x3"),
    "SELECT of broadcast alternatives": Refused(selected(b=()), "and int8 scalar"),
    "SELECT by integers": Refused(selected(Tensor((2, 3), "int8")), "condition int8 2x3 instead of bool"),
    "QUANTIZE of floats to integers": Refused(real(output=Tensor((4,), "int32", 0.5)), "int32 4 instead of int8 or"),
    "QUANTIZE of floats by channel": Refused(real(output=MANY_SCALES), "with 4 scales"),
    "QUANTIZE of a tiny scale": Refused(real(output_scale=1e-35), "an output scale of 1e-35"),
    "MAXIMUM of two types": Refused(EXTREME, "mixed types"),
    "MAXIMUM of floats": Refused(
        Operation("MAXIMUM", [Tensor((4,), "float32")] * 2, [Tensor((4,), "float32")]), "float32 4 instead of"
    ),
    "NEG of truths": Refused(Operation("NEG", [TRUTH], [Tensor((2, 3), "bool")]), "bool 2x3 instead of"),
    "SIGN int8": Refused(unary("SIGN"), "int8 2x4 instead of int32"),
    "ABS int64": Refused(LONG_ABS, "int64 4 instead of int8 or int16"),
    "ABS of a huge scale": Refused(unary("ABS", scale=1e20, output_scale=1e-20), "must be finite"),
    "SQUARE": Refused(unary("SQUARE"), "for floats only"),
    "ELU": Refused(unary("ELU"), "for floats only"),
    "LEAKY_RELU of a slope that is no number": Refused(
        unary("LEAKY_RELU", options={"alpha": float("nan")}), "must be finite"
    ),
    "PRELU with more slopes than inputs": Refused(WIDE_SLOPES, "an alpha int8 2x4 for int8 1x4"),
    "PRELU with slopes of int16": Refused(LONG_SLOPES, "int16 4 instead of int8"),
    "HARD_SWISH int16": Refused(unary("HARD_SWISH", "int16"), "instead of int8"),
    "HARD_SWISH to a small scale": Refused(unary("HARD_SWISH", scale=1.0, output_scale=1 / 128), "more than 128 times"),
    "RELU_0_TO_1 int16": Refused(unary("RELU_0_TO_1", "int16"), "instead of int8"),
    "SQRT of a negative constant": Refused(NO_ROOTS, "a constant with negative values"),
    "SQRT to a tiny scale": Refused(unary("SQRT", output_scale=1e-12), "times the output's scale"),
    "SQRT of a tiny scale": Refused(unary("SQRT", "int16", scale=1e-38), "scales of 1e-38"),
    "EXP int32": Refused(Operation("EXP", [Tensor((4,), "int32")], [Tensor((4,), "int32")]), "int32 4 instead of"),
    "DIV of small quotients": Refused(binary("DIV", "int8", (1, 1, 1 / 63)), "shifts by 17 to 32 bits"),
    "DIV of large quotients": Refused(binary("DIV", "int8", (1, 1, 2**-23)), "shifts by -1 to 14 bits"),
    "DIV int16 of equal scales": Refused(binary("DIV", "int16", (2**-15,) * 3), "shifts by -1 to 30 bits"),
    "DIV by zero": Refused(divided("DIV", divisor=[1, 0, 2, 3]), "a constant divisor of zero"),
    "FLOOR_DIV by zero": Refused(divided("FLOOR_DIV", divisor=[1, 0, 2, 3]), "a constant divisor of zero"),
    "FLOOR_MOD int64": Refused(divided("FLOOR_MOD", "int64"), "int64 4 instead of int32"),
    "LOGICAL_AND of integers": Refused(WORDS, "int8 4 instead of bool"),
    "LOG_SOFTMAX of another output": Refused(rows_of("LOG_SOFTMAX", output=(1 / 16, 126)), "zero point 126, not"),
    "LOG_SOFTMAX int16": Refused(unary("LOG_SOFTMAX", "int16"), "instead of int8"),
    "LOG_SOFTMAX of 4096": Refused(rows_of("LOG_SOFTMAX", columns=4096), "rows of at most 4095"),
    "LOG_SOFTMAX of a tiny scale": Refused(rows_of("LOG_SOFTMAX", scale=2**-26), "an input scale of 1.49"),
    "L2_NORMALIZATION of another output": Refused(rows_of("L2_NORMALIZATION"), "zero point 127, not 0.0078125 and 0"),
    "L2_NORMALIZATION of 33026": Refused(
        rows_of("L2_NORMALIZATION", output=(1 / 128, 0), columns=33026), "squares of 33026 values"
    ),
    "L2_NORMALIZATION with an activation": Refused(
        rows_of("L2_NORMALIZATION", output=(1 / 128, 0), options={"fusedActivationFunction": 1}), "a fused activation"
    ),
}  # fmt: skip


# ---- moving elements, and reductions ----


def one(name, inputs, outputs, options=None):
    """A node whose inputs and outputs are tensors, or shapes of int8 tensors of one scale."""
    tensors = [
        [quantized(given) if isinstance(given, tuple) else given for given in side] for side in (inputs, outputs)
    ]
    return Operation(name, *tensors, options or {})


def wide(*values):
    """Indices of 64 bits."""
    return Tensor((len(values),), "int64", data=np.array(values, np.int64))


def table_of(values):
    return Tensor(np.shape(values), "int32", data=np.array(values, np.int32))


def scalar(value, dtype="int32"):
    return Tensor((), dtype, data=np.array(value, dtype))


def whole(shape, masks):
    """All of an int8 tensor (4, 6), with as many bounds as `masks` needs."""
    bounds = [indices(*[value] * 3) for value in (0, 9, 1)]
    return one("STRIDED_SLICE", [(4, 6), *bounds], [shape], masks)


def one_hot(hot, on, axis=-1):
    """Of three indices on an axis of two places."""
    output = Tensor((3, 2) if axis == -1 else (2, 3), on.dtype, on.scale)
    return one("ONE_HOT", [hot, scalar(2), on, on], [output], {"axis": axis})


def bounds_of(dtype, *values, count=3):
    return one("RANGE", [scalar(value, dtype) for value in values], [Tensor((count,), dtype)])


AT_ONE, LAST = Tensor((3,), "int32"), indices(1)
NO_SCALES = {dtype: Tensor((2, 4), dtype) for dtype in ("int16", "int32", "int64", "bool")}
EQUAL_SCALES = [quantized((2, 4)), LAST]
OTHER_SCALE = quantized((2,), scale=0.25)

REFUSED |= {
    "MEAN over axes of 64 bits": Refused(one("MEAN", [(2, 4), wide(1)], [(2,)]), "the axes: int64 1 instead of int32"),
    "MEAN over axes of a run": Refused(one("MEAN", [(2, 4), Tensor((1,), "int32")], [(2,)]), "must be a constant"),
    "MEAN of bool": Refused(one("MEAN", [NO_SCALES["bool"], LAST], [Tensor((2,), "bool")]), "bool 2x4 to bool 2"),
    "MEAN over an axis outside": Refused(one("MEAN", [(2, 4), indices(2)], [(2,)]), "axes [2]"),
    "MEAN to another shape": Refused(one("MEAN", [(2, 4), LAST], [(4,)]), "int8 4 from axes [1]"),
    "REDUCE_MAX of another scale": Refused(one("REDUCE_MAX", EQUAL_SCALES, [OTHER_SCALE]), "another scale"),
    "REDUCE_MAX int16 with a zero point": Refused(
        one("REDUCE_MAX", [quantized((2, 4), "int16", 0.5, 3), LAST], [quantized((2,), "int16", 0.5, 3)]),
        "int16 2 with zero point 3 instead of 0",
    ),
    "REDUCE_ANY of int8": Refused(one("REDUCE_ANY", EQUAL_SCALES, [(2,)]), "instead of bool"),
    "REDUCE_PROD of a constant": Refused(
        one("REDUCE_PROD", [quantized((2, 4), data=np.ones((2, 4), np.int8)), LAST], [(2,)]), "optimized kernel"
    ),
    "REDUCE_PROD of a huge factor": Refused(
        one("REDUCE_PROD", [quantized((2, 4), scale=64.0), LAST], [quantized((2,), scale=0.0625)]), "per multiplication"
    ),
    "ARG_MIN int16": Refused(
        one("ARG_MIN", [NO_SCALES["int16"], LAST], [Tensor((2,), "int32")], {"outputType": 2}), "int16 2x4 to int32 2"
    ),
    "ARG_MAX int64": Refused(
        one("ARG_MAX", [NO_SCALES["int64"], LAST], [Tensor((2,), "int32")], {"outputType": 2}), "int64 2x4 to int32 2"
    ),
    "CUMSUM int8": Refused(one("CUMSUM", [(2, 4), indices(1)], [(2, 4)]), "instead of int32 or int64"),
    "CUMSUM along an axis of 64 bits": Refused(
        one("CUMSUM", [NO_SCALES["int32"], wide(1)], [Tensor((2, 4), "int32")]), "the axis: int64 1 instead of int32"
    ),
    "UNPACK int64": Refused(one("UNPACK", [NO_SCALES["int64"]], [Tensor((4,), "int64")] * 2, {"num": 2}), "not take"),
    "UNPACK of another scale": Refused(one("UNPACK", [(1, 2)], [OTHER_SCALE], {"num": 1}), "another type or scale"),
    "UNPACK of another count": Refused(one("UNPACK", [(2, 4)], [(4,), (4,)], {"num": 3}), "2 outputs from axis 0"),
    "SPLIT_V of bool": Refused(
        one("SPLIT_V", [NO_SCALES["bool"], indices(2), scalar(0)], [Tensor((2, 4), "bool")], {"numSplits": 1}),
        "does not take",
    ),
    "SPLIT_V of too much": Refused(
        one("SPLIT_V", [(2, 4), indices(3, 2), scalar(1)], [(2, 3), (2, 2)], {"numSplits": 2}), "sizes [3, 2] of axis 1"
    ),
    "SPLIT_V of two rests": Refused(
        one("SPLIT_V", [(2, 4), indices(-1, -1), scalar(1)], [(2, 2), (2, 2)], {"numSplits": 2}), "sizes [-1, -1]"
    ),
    "PAD of 6 axes": Refused(one("PAD", [(1,) * 6, table_of([[0, 1]] * 6)], [(2,) * 6]), "more than LiteRT's 5"),
    "PAD inwards": Refused(one("PAD", [(4,), table_of([[-1, 0]])], [(3,)]), "paddings [[-1, 0]]"),
    "PAD by a run": Refused(one("PAD", [(4,), Tensor((1, 2), "int32")], [(5,)]), "paddings must be a constant"),
    "PAD of another scale": Refused(one("PAD", [(1,), table_of([[1, 0]])], [OTHER_SCALE]), "another type or scale"),
    "PADV2 of another scale": Refused(
        one("PADV2", [(1,), table_of([[1, 0]]), quantized((), scale=0.25)], [(2,)]), "another type or scale"
    ),
    "PADV2 with several values": Refused(one("PADV2", [(1,), table_of([[1, 0]]), (2,)], [(2,)]), "as the only value"),
    "MIRROR_PAD of too much": Refused(
        one("MIRROR_PAD", [(4,), table_of([[4, 0]])], [(8,)], {"mode": 0}), "longer than what they mirror"
    ),
    "MIRROR_PAD of another mode": Refused(one("MIRROR_PAD", [(4,), table_of([[1, 0]])], [(5,)], {"mode": 2}), "mode 2"),
    "TILE to another shape": Refused(one("TILE", [(2, 3), indices(2, 1)], [(2, 6)]), "instead of (4, 3)"),
    "TILE of other axes": Refused(one("TILE", [(2, 3), indices(2)], [(4, 3)]), "multiples [2]"),
    "BROADCAST_TO to another shape": Refused(one("BROADCAST_TO", [(2,), indices(2, 3)], [(2, 3)]), "not broadcast"),
    "BROADCAST_TO of what is left": Refused(one("BROADCAST_TO", [(1, 3), indices(-1, 3)], [(2, 3)]), "(-1, 3)"),
    "FILL with a vector": Refused(one("FILL", [indices(2), (1,)], [(2,)]), "int8 1 and (2,)"),
    "FILL of another scale": Refused(one("FILL", [indices(2), ()], [OTHER_SCALE]), "another type or scale"),
    "REVERSE_V2 of distant axes": Refused(one("REVERSE_V2", [(2, 3, 4), indices(0, 2)], [(2, 3, 4)]), "side by side"),
    "REVERSE_V2 twice": Refused(one("REVERSE_V2", [(2, 3), indices(1, -1)], [(2, 3)]), "axes [1, 1]"),
    "REVERSE_V2 of axes of 64 bits": Refused(one("REVERSE_V2", [(2, 3), wide(1)], [(2, 3)]), "instead of int32"),
    "GATHER of 8 bits": Refused(one("GATHER", [(4,), (1,)], [(1,)]), "instead of int16 or int32 or int64"),
    "GATHER of other batches": Refused(
        one("GATHER", [(2, 4), Tensor((3, 1), "int32")], [(3, 1)], {"axis": 1, "batchDims": 1}), "1 batch dimensions"
    ),
    "GATHER of more batches than axes": Refused(
        one("GATHER", [(2, 4), Tensor((2, 4), "int32")], [(2,)], {"axis": 1, "batchDims": 2}), "2 batch dimensions"
    ),
    "GATHER_ND outside": Refused(one("GATHER_ND", [(4, 3), indices(3, 3)], [()]), "constant indices outside"),
    "GATHER_ND of too many axes": Refused(one("GATHER_ND", [(4,), indices(3, 3)], [()]), "indices int32 2 of int8 4"),
    "ONE_HOT int16": Refused(one_hot(AT_ONE, quantized((), "int16")), "int16 scalar, which LiteRT does not take"),
    "ONE_HOT of indices of 16 bits": Refused(one_hot(Tensor((3,), "int16"), quantized(())), "int32 or int64"),
    "ONE_HOT on another axis from the end": Refused(one_hot(AT_ONE, quantized(()), -2), "axis -2"),
    "SHAPE of no type": Refused(one("SHAPE", [(2, 4)], [Tensor((2,), "int32")]), "as the shape of int8 2x4"),
    "RANK of 64 bits": Refused(one("RANK", [(2, 4)], [Tensor((), "int64")]), "instead of int32 scalar"),
    "ZEROS_LIKE int8": Refused(one("ZEROS_LIKE", [(2, 4)], [(2, 4)]), "int8 2x4, which LiteRT does not take"),
    "RANGE of floats": Refused(bounds_of("float32", 0, 3, 1), "instead of int32 or int64"),
    "RANGE to nowhere": Refused(bounds_of("int32", 3, 0, 1), "from 3 to 0 by 1"),
    "RANGE without a step": Refused(bounds_of("int32", 0, 3, 0), "from 0 to 3 by 0"),
    "STRIDED_SLICE of an ellipsis for no axis": Refused(
        whole((4, 6), {"ellipsisMask": 1}), "an ellipsis that stands for no axis"
    ),
    "STRIDED_SLICE of two ellipses": Refused(whole((4, 6), {"ellipsisMask": 5}), "or several of them"),
    "STRIDED_SLICE of more new axes than bounds": Refused(
        whole((1, 1, 1, 4, 6), {"newAxisMask": 15}), "bounds or masks that do not fit"
    ),
    "STRIDED_SLICE of bounds of 64 bits": Refused(
        one("STRIDED_SLICE", [(4,), wide(0), wide(4), wide(1)], [(4,)]), "int64 1 instead of int32"
    ),
}  # fmt: skip


# ---- windows over images ----

KERNEL_OF_ONES = np.ones((2, 3, 3, 4), np.int8)
STEPS_OF_ONE = {"strideH": 1, "strideW": 1, "padding": 0}


def convolved(source=(1, 5, 5, 4), weights=None, bias=(2,), output=(1, 5, 5, 2), name="CONV_2D", **options):
    """A convolution by constant weights, all of whose attributes LiteRT takes where nothing else is given."""
    weights = weights if weights is not None else quantized((2, 3, 3, 4), data=KERNEL_OF_ONES)
    given = Tensor(bias, "int32", 0.25, data=np.zeros(bias, np.int32)) if isinstance(bias, tuple) else bias
    return one(name, [source, weights, given], [output], STEPS_OF_ONE | options)


def by_channel(weights=(1, 3, 3, 4), output=(1, 5, 5, 4), **options):
    """The same for each channel."""
    given = quantized(weights, data=np.ones(weights, np.int8)) if isinstance(weights, tuple) else weights
    options.setdefault("bias", (4,))
    return convolved(weights=given, output=output, name="DEPTHWISE_CONV_2D", **options)


def pooled(name="AVERAGE_POOL_2D", source=(1, 5, 5, 4), output=(1, 5, 5, 4), **options):
    return one(name, [source], [output], STEPS_OF_ONE | {"filterHeight": 2, "filterWidth": 2} | options)


LARGE_BIAS = Tensor((2,), "int32", 0.25, data=np.full(2, 2**31 - 1, np.int32))
LONG_BIAS = Tensor((2,), "int64", 0.25, data=np.zeros(2, np.int64))
RUN_BIAS = Tensor((2,), "int32", 0.25)
SHIFTED_BIAS = Tensor((2,), "int32", 0.25, 3, data=np.zeros(2, np.int32))
SHIFTED = quantized((2, 3, 3, 4), zero_point=1, data=KERNEL_OF_ONES)
THREE_AXES = quantized((2, 3, 3), data=np.ones((2, 3, 3), np.int8))
THREE_CHANNELS = quantized((2, 3, 3, 3), data=np.ones((2, 3, 3, 3), np.int8))
OF_INPUTS = Tensor((2, 3, 3, 4), "int8", [0.5] * 4, quantized_dimension=3, data=KERNEL_OF_ONES)
BY_POSITION = Tensor((1, 3, 3, 4), "int8", [0.5] * 3, quantized_dimension=1, data=np.ones((1, 3, 3, 4), np.int8))
FACTOR = quantized((2, 3, 3, 4), scale=1e9, data=KERNEL_OF_ONES)
WIDE_IMAGE = (1, 300, 300, 1)
WIDE_TAPS = {"filterHeight": 300, "filterWidth": 300}
REFUSED |= {
    "CONV_2D without a bias": Refused(
        one("CONV_2D", [(1, 5, 5, 4), quantized((2, 3, 3, 4), data=KERNEL_OF_ONES)], [(1, 5, 5, 2)], STEPS_OF_ONE),
        "2 inputs",
    ),
    "CONV_2D int16": Refused(
        convolved(quantized((1, 5, 5, 4), "int16"), output=quantized((1, 5, 5, 2), "int16")), "int16 1x5x5x4 instead of"
    ),
    "CONV_2D of 3 axes": Refused(convolved((5, 5, 4)), "instead of (batch, height, width, channels)"),
    "CONV_2D by weights of 3 axes": Refused(convolved(weights=THREE_AXES), "instead of int8 with 4 axes"),
    "CONV_2D by computed weights": Refused(convolved(weights=quantized((2, 3, 3, 4))), "weights must be a constant"),
    "CONV_2D by weights with a zero point": Refused(convolved(weights=SHIFTED), "zero point 1 instead of 0"),
    "CONV_2D by other channels": Refused(convolved(weights=THREE_CHANNELS), "2 filters of 3 channels over 4 channels"),
    "CONV_2D of scales of inputs": Refused(convolved(weights=OF_INPUTS), "4 scales instead of 1 or 2"),
    "CONV_2D with a long bias": Refused(convolved(bias=LONG_BIAS), "bias int64 2 instead of int32 2"),
    "CONV_2D with a short bias": Refused(convolved(bias=(1,)), "bias int32 1 instead of int32 2"),
    "CONV_2D with a computed bias": Refused(convolved(bias=RUN_BIAS), "bias must be a constant"),
    "CONV_2D with a shifted bias": Refused(convolved(bias=SHIFTED_BIAS), "a bias with zero point 3"),
    "CONV_2D with a huge bias": Refused(convolved(bias=LARGE_BIAS), "sums up to"),
    "CONV_2D by a huge factor": Refused(convolved(weights=FACTOR, bias=(2,)), "steps of the output"),
    "CONV_2D without strides": Refused(convolved(strideH=0), "strides [0, 1]"),
    "CONV_2D of negative dilations": Refused(convolved(dilationWFactor=-1), "dilations [1, -1]"),
    "CONV_2D of huge dilations": Refused(convolved(dilationHFactor=2**30), "dilations [1073741824, 1]"),
    "CONV_2D of unknown padding": Refused(convolved(padding=2), "padding 2"),
    "CONV_2D to another shape": Refused(convolved(output=(1, 3, 3, 2)), "instead of (1, 5, 5, 2)"),
    "CONV_2D larger than the image": Refused(convolved(padding=1, dilationWFactor=9), "instead of (1, 3, -13, 2)"),
    "CONV_2D with tanh": Refused(convolved(fusedActivationFunction=4), "fused activation 4"),
    "DEPTHWISE_CONV_2D of other channels": Refused(
        by_channel((1, 3, 3, 6), (1, 5, 5, 6), bias=(6,)), "weights int8 1x3x3x6 for 4 channels"
    ),
    "DEPTHWISE_CONV_2D of two images": Refused(by_channel((2, 3, 3, 4)), "weights int8 2x3x3x4 for 4 channels"),
    "DEPTHWISE_CONV_2D of scales of positions": Refused(by_channel(BY_POSITION), "3 scales instead of 1 or 4"),
    "DEPTHWISE_CONV_2D without strides": Refused(by_channel(strideW=0), "strides [1, 0]"),
    "AVERAGE_POOL_2D of another scale": Refused(
        pooled(output=quantized((1, 5, 5, 4), scale=0.25)), "another type or scale"
    ),
    "AVERAGE_POOL_2D without taps": Refused(pooled(filterHeight=0), "a window of 0x2"),
    "AVERAGE_POOL_2D of too much": Refused(
        pooled(source=quantized(WIDE_IMAGE, "int16"), output=quantized(WIDE_IMAGE, "int16"), **WIDE_TAPS),
        "averages of up to 90000",
    ),
    "AVERAGE_POOL_2D of a huge window": Refused(pooled(filterWidth=2**30), "reaches over 2x1073741824 positions"),
    "MAX_POOL_2D int32": Refused(
        pooled("MAX_POOL_2D", *(Tensor((1, 5, 5, 4), "int32") for _ in range(2))), "instead of int8 or int16"
    ),
    "MAX_POOL_2D without strides": Refused(pooled("MAX_POOL_2D", strideH=0), "strides [0, 1]"),
}  # fmt: skip


# ---- sequences ----


def gated(source=(1, 3, 2), output=(1, 3, 2), changes=None, between=None, **options):
    """An LSTM of two cells, all of whose parts LiteRT takes where nothing is changed; changes: input -> tensor."""
    operands = [None] * 24
    operands[0] = quantized(source) if isinstance(source, tuple) else source
    for place in range(1, 9):
        operands[place] = quantized((2, 2), scale=0.001, data=np.ones((2, 2), np.int8))
    for place in range(12, 16):
        operands[place] = Tensor((2,), "int32", 0.0005, data=np.zeros(2, np.int32))
    operands[18] = Tensor((1, 2), "int8", 0.5, is_variable=True)
    operands[19] = Tensor((1, 2), "int16", 2.0**-12, is_variable=True)
    for place, tensor in (changes or {}).items():
        operands[place] = tensor
    given = {"fusedActivationFunction": 4, **options}
    intermediates = [*(Tensor((0,), "int8") for _ in range(4)), Tensor((0,), "int8", 0.5)]
    intermediates = intermediates if between is None else between
    result = quantized(output) if isinstance(output, tuple) else output
    return Operation("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [result], given, intermediates=intermediates)


OTHER_SCALE_OF_CELLS = quantized((1, 3, 2), scale=0.25)
COLUMN = Tensor((2,), "int16", 0.001, data=np.ones(2, np.int16))
SQUARE = np.ones((2, 2), np.int8)
HELD = Tensor((1, 2), "int16", 0.0003, is_variable=True)
FAR = Tensor((1, 2), "int16", 2.0**-8, is_variable=True)
OTHER_STATE = Tensor((3, 2), "int8", 0.5, is_variable=True)
REFUSED |= {
    "LSTM with peephole connections": Refused(gated(changes={9: COLUMN}), "peephole connections"),
    "LSTM with a projection": Refused(gated(changes={16: quantized((2, 2), data=SQUARE)}), "a projection"),
    "LSTM with layer normalization": Refused(gated(changes={20: COLUMN}), "layer normalization"),
    "LSTM with a part of an input gate": Refused(gated(changes={1: None}), "a part of an input gate"),
    "LSTM of floats": Refused(gated(Tensor((1, 3, 2), "float32")), "float32 1x3x2 instead of int8"),
    "LSTM of int16": Refused(gated(quantized((1, 3, 2), "int16")), "int16 1x3x2 instead of int8"),
    "LSTM of a single step": Refused(gated((1, 2), (1, 2)), "int8 1x2 and weights"),
    "LSTM to another scale": Refused(gated(output=OTHER_SCALE_OF_CELLS), "another scale than its state's"),
    "LSTM with states of other batches": Refused(gated(changes={18: OTHER_STATE}), "instead of 1x2"),
    "LSTM of plain inputs as states": Refused(gated(changes={18: quantized((1, 2))}), "no variables"),
    "LSTM of computed weights": Refused(gated(changes={2: quantized((2, 2))}), "weights of the forget gate must be"),
    "LSTM of weights for each row": Refused(
        gated(changes={3: Tensor((2, 2), "int8", [0.5, 0.25], data=SQUARE)}), "2 scales instead of one"
    ),
    "LSTM of shifted weights": Refused(
        gated(changes={4: quantized((2, 2), zero_point=1, data=SQUARE)}), "zero point 1 as weights"
    ),
    "LSTM of other weights": Refused(
        gated(changes={7: quantized((2, 3), data=np.ones((2, 3), np.int8))}), "instead of (2, 2)"
    ),
    "LSTM with a short bias": Refused(
        gated(changes={13: Tensor((1,), "int32", 0.5, data=np.zeros(1, np.int32))}), "bias int32 1 instead of int32 2"
    ),
    "LSTM of cells on an odd scale": Refused(gated(changes={19: HELD}), "no power of two"),
    "LSTM of cells on a large scale": Refused(gated(changes={19: FAR}), "no power of two from 2**-15 to 2**-9"),
    "LSTM without intermediates": Refused(gated(between=[]), "no scale of the hidden state"),
    "LSTM without a scale of its hidden state": Refused(
        gated(between=[Tensor((0,), "int8") for _ in range(5)]), "no scale of the hidden state"
    ),
    "LSTM with another activation": Refused(gated(fusedActivationFunction=1), "fused activation 1"),
    "LSTM of diagonal weights": Refused(gated(diagonalRecurrentTensors=True), "diagonal recurrent weights"),
    "LSTM with a negative clip": Refused(gated(cellClip=-1.0), "cellClip -1.0"),
    "LSTM with huge factors": Refused(
        gated(changes={2: quantized((2, 2), scale=1e9, data=SQUARE)}), "between two tensors is too large"
    ),
    "LSTM with huge biases": Refused(
        gated(changes={13: Tensor((2,), "int32", 0.0005, data=np.full(2, 2**31 - 1, np.int32))}), "sums up to"
    ),
}  # fmt: skip
