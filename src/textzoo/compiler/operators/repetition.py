"""TILE, BROADCAST_TO and FILL: every output element is one of fewer input elements."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from textzoo.compiler.ir.graph import Node, Tensor
from textzoo.compiler.ir.program import Loop, Operand, Statement
from textzoo.compiler.operators.base import Target, broadcast_walk, unshifted
from textzoo.compiler.operators.movement import (
    ANY,
    Moving,
    Rearrangement,
    constant_indices,
    copy_loop,
    whole,
)


def constant_of(like: Tensor, value: int) -> Tensor:
    """Return a constant of one element, of the type of another tensor; loops have it as a literal."""
    values = np.array([value], like.dtype)
    return replace(like, name=f"{value}", symbol=f"{like.symbol}_value", shape=(1,), value=values, view=None)


def fill_loop(node: Node, value: Tensor) -> Loop:
    """Fill the node's output with the only element of a tensor."""
    return copy_loop(node, (node.output.size,), Operand(node.output, (1,)), Operand(value, (0,)))


def along_axes(
    node: Node, sizes: dict[int, int], step: Callable[[Node, Tensor, Tensor, int], list[Statement]]
) -> list[Statement]:
    """Make some axes of the first input longer, one after the other, the last one first.

    Args:
        node: Its output is what comes out.
        sizes: axis -> its new size.
        step: (node, source, output, axis) -> the statements that make one axis longer.
    """
    statements, source = [], node.inputs[0]
    for axis in sorted(sizes, reverse=True):
        shape = (*source.shape[:axis], sizes[axis], *source.shape[axis + 1 :])
        symbol = f"{node.output.symbol}_axis_{axis}"
        output = replace(node.output, name=f"{node.name}, axis {axis}", symbol=symbol, shape=shape, view=None)
        output = node.output if axis == min(sizes) else output
        statements += step(node, source, output, axis)
        source = output
    return statements or [copy_loop(node, node.output.shape, whole(node.output), whole(source))]


class Tile(Moving):
    name = "TILE"
    types = f"{ANY}; constant multiples"
    arity = (2, 2)
    same_scale = slice(1)

    def shape_problems(self, node: Node) -> list[str]:
        source, multiples = node.inputs
        if problems := constant_indices(multiples, "the multiples"):
            return problems
        counts = self.multiples(node)
        if len(counts) != len(source.shape) or min(counts) < 1:
            return [f"multiples {counts} of {source.describe()}"]
        expected = tuple(size * count for size, count in zip(source.shape, counts, strict=True))
        fits = expected == node.output.shape
        return [] if fits else [f"{node.output.describe()} instead of {expected}"]

    def multiples(self, node: Node) -> list[int]:
        return [int(count) for count in node.inputs[1].value.ravel()]

    def lower(self, node: Node, target: Target) -> list[Statement]:
        longer = {axis: node.output.shape[axis] for axis, count in enumerate(self.multiples(node)) if count > 1}
        return along_axes(node, longer, tiled)


def tiled(node: Node, source: Tensor, output: Tensor, axis: int) -> list[Statement]:
    """Repeat one axis as often as it fits the output's."""
    outer, block = int(np.prod(source.shape[:axis])), int(np.prod(source.shape[axis:]))
    count = output.size // source.size
    into = Operand(output, (count * block, block, 1))
    return [copy_loop(node, (outer, count, block), into, Operand(source, (block, 0, 1)))]


class BroadcastTo(Rearrangement):
    name = "BROADCAST_TO"
    types = f"{ANY}; constant shape"
    arity = (2, 2)
    same_scale = slice(1)

    def shape_problems(self, node: Node) -> list[str]:
        source, given = node.inputs
        if problems := constant_indices(given, "the shape"):
            return problems
        shape = tuple(int(size) for size in given.value.ravel())
        if shape != node.output.shape or len(given.shape) != 1:
            return [f"{node.output.describe()} instead of {shape}"]
        last = shape[len(shape) - len(source.shape) :]
        fits = len(source.shape) <= len(shape) and all(
            size in (1, wanted) for size, wanted in zip(source.shape, last, strict=True)
        )
        return [] if fits else [f"{source.describe()} does not broadcast to {shape}"]

    def copies(self, node: Node) -> list[Loop]:
        shape = node.output.shape
        return [copy_loop(node, shape, whole(node.output), broadcast_walk(node.inputs[0], shape))]


class Fill(Moving):
    name = "FILL"
    types = f"{ANY}; constant shape"
    arity = (2, 2)
    same_scale = slice(1, 2)

    def shape_problems(self, node: Node) -> list[str]:
        given, value = node.inputs
        if problems := constant_indices(given, "the shape"):
            return problems
        shape = tuple(int(size) for size in given.value.ravel())
        if shape != node.output.shape or len(given.shape) != 1 or value.shape != ():
            return [f"{value.describe()} and {shape} to {node.output.describe()}"]
        return []

    def problems(self, node: Node) -> list[str]:
        return super().problems(node) or unshifted(node.inputs[1])

    def lower(self, node: Node, target: Target) -> list[Statement]:
        return [fill_loop(node, node.inputs[1])]


TILE = Tile()
BROADCAST_TO = BroadcastTo()
FILL = Fill()
