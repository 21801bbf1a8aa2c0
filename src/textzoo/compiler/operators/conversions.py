"""CAST and DEQUANTIZE: from one type to another."""

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.ir.program import Struct
from textzoo.compiler.numerics.fixedpoint import float32
from textzoo.compiler.operators.base import QUANTIZED_RANGES, quantized
from textzoo.compiler.operators.elementwise import Elementwise, Function

# Of a value that is no float; of two that are 32 bits or fewer nothing but the low bits counts.
CASTS = {
    "int8": "tz_cast_s8",
    "int16": "tz_cast_s16",
    "int32": "tz_cast_s32",
    "int64": "",
    "bool": "tz_cast_bool",
    "float32": "tz_cast_float",
}
REAL_CASTS = {"int64": "tz_cast_real_s64", "bool": "tz_cast_real_bool", "float32": ""}


def check_cast(node: Node) -> list[str]:
    source, output = node.inputs[0], node.output
    return [f"{tensor.describe()}" for tensor in (source, output) if str(tensor.dtype) not in CASTS]


def choose_cast(node: Node) -> Function:
    source, target = str(node.inputs[0].dtype), str(node.output.dtype)
    if source != "float32":
        return CASTS[target] + "_long" * (target == "float32" and source == "int64"), None
    if target in REAL_CASTS:
        return REAL_CASTS[target], None
    low, high = QUANTIZED_RANGES[target]
    return "tz_cast_real", Struct("tz_range_t", {"minimum": low, "maximum": high})


def check_dequantize(node: Node) -> list[str]:
    problems = quantized(node.inputs[0], "int8", "int16")
    return problems or ([] if str(node.output.dtype) == "float32" else [f"an output {node.output.describe()}"])


def choose_dequantize(node: Node) -> Function:
    source = node.inputs[0]
    return "tz_dequantize", Struct("tz_dequantize_t", {"zero_point": source.zero_point, "scale": float32(source.scale)})


CAST = Elementwise("CAST", "integers, bool and float32; scales are ignored", check_cast, choose_cast, (1, 1))
DEQUANTIZE = Elementwise(
    "DEQUANTIZE", "int8 or int16 to float32, for outputs", check_dequantize, choose_dequantize, (1, 1)
)
