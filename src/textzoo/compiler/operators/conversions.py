"""CAST and DEQUANTIZE: from one type to another."""

from textzoo.compiler.fixedpoint import float32
from textzoo.compiler.graph import Node
from textzoo.compiler.operators.base import quantized
from textzoo.compiler.operators.elementwise import Elementwise, Function
from textzoo.compiler.program import Struct

CASTS = {"int8": "tz_cast_s8", "int16": "tz_cast_s16", "int32": "tz_cast_s32", "bool": "tz_cast_bool", "int64": ""}


def check_cast(node: Node) -> list[str]:
    tensors = (node.inputs[0], node.output)
    return [f"{tensor.describe()}, which is no integer" for tensor in tensors if str(tensor.dtype) not in CASTS]


def choose_cast(node: Node) -> Function:
    return CASTS[str(node.output.dtype)], None


def check_dequantize(node: Node) -> list[str]:
    problems = quantized(node.inputs[0], "int8", "int16")
    return problems or ([] if str(node.output.dtype) == "float32" else [f"an output {node.output.describe()}"])


def choose_dequantize(node: Node) -> Function:
    source = node.inputs[0]
    return "tz_dequantize", Struct("tz_dequantize_t", {"zero_point": source.zero_point, "scale": float32(source.scale)})


CAST = Elementwise("CAST", "integers and bool; scales are ignored", check_cast, choose_cast, (1, 1))
DEQUANTIZE = Elementwise(
    "DEQUANTIZE", "int8 or int16 to float32, for outputs", check_dequantize, choose_dequantize, (1, 1)
)
