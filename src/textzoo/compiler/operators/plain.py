"""Operators that take integers and truth values as they are: no scale and no zero point has a part in them."""

from collections.abc import Callable

import numpy as np

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.operators.elementwise import Elementwise, Function, kinds


def plain(
    name: str, functions: dict[str, str], inputs: int = 2, check: Callable[[Node], list[str]] = lambda _: []
) -> Elementwise:
    """Return an operator whose inputs and output have one and the same type.

    Args:
        name: Of the operator.
        functions: That type -> the function of the runtime.
        inputs: How many; two are broadcast.
        check: Further problems of a node.
    """

    def problems(node: Node) -> list[str]:
        wrong = [tensor.describe() for tensor in (*node.operands(), node.output) if str(tensor.dtype) not in functions]
        if wrong:
            return [f"{text} instead of {' or '.join(functions)}" for text in wrong]
        return check(node) if len(kinds(node)) == 1 else [f"mixed types {', '.join(sorted(kinds(node)))}"]

    def choose(node: Node) -> Function:
        return functions[str(node.output.dtype)], None

    is_quantized = "int8" in functions
    types = " or ".join(functions) + "; scales are ignored" * is_quantized + "; broadcast" * (inputs == 2)
    return Elementwise(name, types, problems, choose, (inputs, inputs))


def zero_divisor_problems(node: Node) -> list[str]:
    """Return the problems of a constant divisor, quantized or not: LiteRT refuses to divide by zero."""
    divisor = node.inputs[1]
    has_zero = divisor.is_constant and bool(np.any(divisor.value == divisor.zero_point))
    return ["a constant divisor of zero"] if has_zero else []


def of_width(name: str) -> dict[str, str]:
    """Return a function for up to 32 bits, and one for 64."""
    return {**dict.fromkeys(("int8", "int16", "int32"), name), "int64": f"{name}_long"}


MAXIMUM = plain("MAXIMUM", of_width("tz_maximum"))
MINIMUM = plain("MINIMUM", of_width("tz_minimum"))
NEGATIONS = {"int8": "tz_negate_s8", "int16": "tz_negate_s16", "int32": "tz_negate_s32", "int64": "tz_negate_s64"}
NEG = plain("NEG", NEGATIONS, 1)
SIGN = plain("SIGN", {"int32": "tz_sign"}, 1)
FLOOR_DIV = plain("FLOOR_DIV", {"int32": "tz_floor_divide"}, 2, zero_divisor_problems)
FLOOR_MOD = plain("FLOOR_MOD", {"int32": "tz_floor_modulo"}, 2, zero_divisor_problems)
LOGICAL_AND = plain("LOGICAL_AND", {"bool": "tz_and"})
LOGICAL_OR = plain("LOGICAL_OR", {"bool": "tz_or"})
LOGICAL_NOT = plain("LOGICAL_NOT", {"bool": "tz_not"}, 1)
