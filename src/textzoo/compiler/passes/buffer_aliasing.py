"""Reshapes, splits, slices, concatenations and look-ups of one row become views: no copy, no memory of their own."""

import math

from textzoo.compiler.ir.graph import Graph, Tensor, View
from textzoo.compiler.ir.program import Loop, Operand
from textzoo.compiler.operators.aliases import Lifetimes
from textzoo.compiler.operators.base import row_major
from textzoo.compiler.operators.registry import operator_of


def run(graph: Graph) -> None:
    """Give views to every tensor that lies, or can be computed, inside another one."""
    lifetimes = Lifetimes(graph)
    for node in graph.nodes:
        operator = operator_of(node)
        look_into(lifetimes, node.output, operator.alias(node))
        for loop in operator.copies(node):
            share_memory(lifetimes, loop)


def share_memory(lifetimes: Lifetimes, loop: Loop) -> None:
    """Let what a loop copies be read where it lies, or else be computed where it belongs."""
    (compute,) = loop.body
    (source,) = compute.operands
    target = compute.target
    if is_whole(target, loop.shape):
        look_into(lifetimes, target.tensor, contiguous_part(source, loop.shape))
    if target.tensor.view is None and is_whole(source, loop.shape):
        compute_inside(lifetimes, source.tensor, contiguous_part(target, loop.shape))


def look_into(lifetimes: Lifetimes, tensor: Tensor, view: View | None) -> None:
    """Let a tensor be a view, if the memory that it would lie in lasts as long as it is read."""
    if view is not None and tensor.view is None and lifetimes.may_lie_in(tensor, view):
        tensor.view = view


def compute_inside(lifetimes: Lifetimes, tensor: Tensor, view: View | None) -> None:
    """Let a tensor be computed inside one that is made of it."""
    if view is not None and lifetimes.may_be_computed_inside(tensor):
        tensor.view = view


def is_whole(place: Operand, shape: tuple[int, ...]) -> bool:
    """Whether a walk goes straight over all elements of a tensor."""
    return math.prod(shape) == place.tensor.size and contiguous_part(place, shape) is not None


def contiguous_part(place: Operand, shape: tuple[int, ...]) -> View | None:
    """A walk as a view, if it goes straight on; axes of size 1 do not matter."""
    wanted = row_major(shape)
    straight = all(size == 1 or step == want for size, step, want in zip(shape, place.strides, wanted, strict=True))
    return View(place.tensor, place.offset) if straight else None
