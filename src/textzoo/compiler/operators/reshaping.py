"""RESHAPE, EXPAND_DIMS and SQUEEZE: the same elements in the same order, in another shape."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.ir.program import Loop, Operand
from textzoo.compiler.operators.base import option
from textzoo.compiler.operators.movement import (
    ANY,
    Rearrangement,
    constant_indices,
    copy_loop,
    normal_axis,
)


@dataclass(frozen=True)
class Reshape(Rearrangement):
    """RESHAPE, EXPAND_DIMS, SQUEEZE: the same elements in the same order.

    Attributes:
        shape: The output's shape by the node's constants and options; None where that is not a shape.
    """

    name: str
    shape: Callable[[Node], tuple[int, ...] | None]
    arity: tuple[int, int] = (1, 1)
    same_scale = slice(1)
    types = f"{ANY}; constant axes and shapes"

    def shape_problems(self, node: Node) -> list[str]:
        source = node.inputs[0]
        if len(node.inputs) > 1 and (problems := constant_indices(node.inputs[1], "the second input")):
            return problems
        if self.shape(node) != node.output.shape or source.size != node.output.size:
            return [f"{source.describe()} does not make {node.output.describe()}"]
        return []

    def copies(self, node: Node) -> list[Loop]:
        shape = (node.output.size,)
        return [copy_loop(node, shape, Operand(node.output, (1,)), Operand(node.operands()[0], (1,)))]


def reshaped(node: Node) -> tuple[int, ...] | None:
    """Return the sizes that the second input or the option gives; one of them may be -1: what is left."""
    given = node.inputs[1].value if len(node.inputs) > 1 else option(node, "newShape", ())
    sizes = [int(size) for size in np.ravel(given)]
    if sizes.count(-1) == 1:
        known = -int(np.prod(sizes))
        sizes[sizes.index(-1)] = node.inputs[0].size // known if known > 0 else 0
    return tuple(sizes)


def expanded(node: Node) -> tuple[int, ...] | None:
    shape, axis = list(node.inputs[0].shape), int(node.inputs[1].value.ravel()[0])
    position = normal_axis(axis, len(shape) + 1)
    return (*shape[:position], 1, *shape[position:]) if 0 <= position <= len(shape) else None


def squeezed(node: Node) -> tuple[int, ...] | None:
    """Return the shape without the axes that the option names, or without all of size 1 where it names none."""
    shape = node.inputs[0].shape
    named = {normal_axis(int(axis), len(shape)) for axis in np.ravel(option(node, "squeezeDims", ()))}
    if any(not 0 <= axis < len(shape) or shape[axis] != 1 for axis in named):
        return None
    gone = named or {axis for axis, size in enumerate(shape) if size == 1}
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


RESHAPE = Reshape("RESHAPE", reshaped, (1, 2))
EXPAND_DIMS = Reshape("EXPAND_DIMS", expanded, (2, 2))
SQUEEZE = Reshape("SQUEEZE", squeezed)
