"""Buffer aliasing: reshapes, splits, slices, concatenations and look-ups of one row without a copy or memory."""

import math

from textzoo.compiler.ir.graph import Graph, Tensor, View
from textzoo.compiler.ir.program import Loop, Operand
from textzoo.compiler.operators.aliases import Lifetimes
from textzoo.compiler.operators.base import row_major
from textzoo.compiler.operators.registry import operator_of


def run(graph: Graph) -> None:
    """Give views to every tensor that is, or can be computed, inside another one."""
    lifetimes = Lifetimes(graph)
    for node in graph.nodes:
        operator = operator_of(node)
        read_inside(lifetimes, node.output, operator.alias(node))
        for loop in operator.copies(node):
            share_memory(lifetimes, loop)


def share_memory(lifetimes: Lifetimes, loop: Loop) -> None:
    """Let what a loop copies be read at its source, or else be computed at its target."""
    (compute,) = loop.body
    (source,) = compute.operands
    target = compute.target
    if is_whole(target, loop.shape):
        read_inside(lifetimes, target.tensor, contiguous_part(source, loop.shape))
    if target.tensor.view is None and is_whole(source, loop.shape):
        compute_inside(lifetimes, source.tensor, contiguous_part(target, loop.shape))


def read_inside(lifetimes: Lifetimes, tensor: Tensor, view: View | None) -> None:
    """Let a tensor be read inside another one, if that memory keeps its values as long as it is read."""
    if view is not None and tensor.view is None and lifetimes.may_lie_in(tensor, view):
        tensor.view = view


def compute_inside(lifetimes: Lifetimes, tensor: Tensor, view: View | None) -> None:
    """Let a tensor be computed inside one that is made of it."""
    if view is not None and lifetimes.may_be_computed_inside(tensor):
        tensor.view = view


def is_whole(walk: Operand, shape: tuple[int, ...]) -> bool:
    """Return whether a walk goes straight over all elements of a tensor."""
    return math.prod(shape) == walk.tensor.size and contiguous_part(walk, shape) is not None


def contiguous_part(walk: Operand, shape: tuple[int, ...]) -> View | None:
    """Return a walk as a view, if it goes straight on; axes of size 1 do not matter."""
    wanted = row_major(shape)
    straight = all(size == 1 or step == want for size, step, want in zip(shape, walk.strides, wanted, strict=True))
    return View(walk.tensor, walk.offset) if straight else None
