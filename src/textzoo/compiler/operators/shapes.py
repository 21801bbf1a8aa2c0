"""SHAPE, RANK, RANGE and ZEROS_LIKE: what they compute is known when compiling."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.ir.program import Statement
from textzoo.compiler.operators.base import Operator, Target, no_products, option
from textzoo.compiler.operators.movement import constant_indices, copy_loop, whole
from textzoo.compiler.operators.repetition import constant_of, fill_loop

# The schema's TensorType -> what SHAPE, ARG_MAX and ARG_MIN write.
INDEX_CODES = {2: "int32", 4: "int64"}
RANGE_LIMIT = 2**31


@dataclass(frozen=True)
class Known(Operator):
    """An operator whose output depends on shapes and constants only.

    Attributes:
        check: Problems of a node.
        value: The output's elements.
    """

    name: str
    types: str
    check: Callable[[Node], list[str]]
    value: Callable[[Node], np.ndarray]
    arity: tuple[int, int] = (1, 1)
    macs = no_products

    def problems(self, node: Node) -> list[str]:
        return self.check(node)

    def known_value(self, node: Node) -> np.ndarray:
        return self.value(node)

    def lower(self, node: Node, target: Target) -> list[Statement]:
        """Fill or copy the output, where a pass or an output wants it in memory."""
        output, values = node.output, self.value(node)
        if not values.any():
            return [fill_loop(node, constant_of(output, 0))]
        held = replace(output, symbol=f"{output.symbol}_known", value=values, view=None)
        return [copy_loop(node, output.shape, whole(output), whole(held))]


def check_shape(node: Node) -> list[str]:
    source, output = node.inputs[0], node.output
    written = INDEX_CODES.get(option(node, "outType"))
    fits = str(output.dtype) == written and output.shape == (len(source.shape),)
    return [] if fits else [f"{output.describe()} as the shape of {source.describe()}"]


def shape_of(node: Node) -> np.ndarray:
    return np.array(node.inputs[0].shape, node.output.dtype)


def check_rank(node: Node) -> list[str]:
    fits = str(node.output.dtype) == "int32" and node.output.shape == ()
    return [] if fits else [f"{node.output.describe()} instead of int32 scalar"]


def rank_of(node: Node) -> np.ndarray:
    return np.array(len(node.inputs[0].shape), np.int32)


def check_zeros(node: Node) -> list[str]:
    source, output = node.inputs[0], node.output
    if str(source.dtype) not in ("int32", "int64", "float32"):
        return [f"{source.describe()}, which LiteRT does not take"]
    fits = source.dtype == output.dtype and source.shape == output.shape
    return [] if fits else [f"{source.describe()} to {output.describe()}"]


def zeros_of(node: Node) -> np.ndarray:
    return np.zeros(node.output.shape, node.output.dtype)


def check_range(node: Node) -> list[str]:
    dtype = str(node.output.dtype)
    problems = [text for tensor in node.inputs for text in constant_indices(tensor, "every bound")]
    if problems or any(tensor.shape != () or str(tensor.dtype) != dtype for tensor in node.inputs):
        return problems or [f"bounds that are not {dtype} scalars"]
    start, limit, step = range_bounds(node)
    if step == 0 or (limit - start) * step < 0 or max(abs(start), abs(limit), abs(step)) >= RANGE_LIMIT / 2:
        return [f"from {start} to {limit} by {step}"]
    fits = node.output.shape == (len(range(start, limit, step)),)
    return [] if fits else [f"{node.output.describe()} from {start} to {limit} by {step}"]


def range_bounds(node: Node) -> tuple[int, ...]:
    """Return (start, limit, step)."""
    return tuple(int(tensor.value) for tensor in node.inputs)


def range_of(node: Node) -> np.ndarray:
    return np.arange(*range_bounds(node), dtype=node.output.dtype)


SHAPE = Known("SHAPE", "any type to int32 or int64; known when compiling", check_shape, shape_of)
RANK = Known("RANK", "any type to int32; known when compiling", check_rank, rank_of)
ZEROS_LIKE = Known("ZEROS_LIKE", "int32, int64 or float32", check_zeros, zeros_of)
RANGE = Known("RANGE", "int32 or int64; constant bounds, known when compiling", check_range, range_of, (3, 3))
