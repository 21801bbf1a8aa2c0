"""Reshapes, splits, slices, concatenations and look-ups of one row become views: no copy, no memory of their own."""

from textzoo.compiler.graph import Graph, Node, Tensor, View
from textzoo.compiler.operators.base import row_major
from textzoo.compiler.operators.movement import Concatenation, Gather, Pack, Slice, Split, StridedSlice
from textzoo.compiler.opset import operator_of
from textzoo.compiler.program import Loop, Operand

SAME_ORDER = {"RESHAPE", "EXPAND_DIMS", "SQUEEZE"}


def run(graph: Graph) -> None:
    """Give views to every tensor that lies, or can be computed, inside another one."""
    for node in graph.nodes:
        operator = operator_of(node)
        if node.operator in SAME_ORDER:
            look_into(graph, node.output, View(node.inputs[0]))
        elif isinstance(operator, Split):
            for output, place in operator.parts(node):
                look_into(graph, output, contiguous_part(place, output.shape))
        elif isinstance(operator, Slice | StridedSlice) or node.operator == "TRANSPOSE":
            look_into(graph, node.output, copied_part(node))
        elif isinstance(operator, Gather):
            look_into(graph, node.output, operator.view(node))
        elif isinstance(operator, Concatenation | Pack):
            compute_in_place(graph, node)


def look_into(graph: Graph, tensor: Tensor, view: View | None) -> None:
    """Let a tensor be a view, unless it is an output whose address must be known and writable."""
    fixed = graph.leaves(tensor) and (view is None or view.moves or view.base.storage.is_constant)
    if view is not None and not fixed:
        tensor.view = view


def contiguous_part(place: Operand, shape: tuple[int, ...]) -> View | None:
    """A walk as a view, if it goes straight on; axes of size 1 do not matter."""
    wanted = row_major(shape)
    straight = all(size == 1 or step == want for size, step, want in zip(shape, place.strides, wanted, strict=True))
    return View(place.tensor, place.offset) if straight else None


def copied_part(node: Node) -> View | None:
    """What a node copies, as a view."""
    (statement,) = operator_of(node).lower(node, None)
    assert isinstance(statement, Loop)
    return contiguous_part(statement.body[0].operands[0], statement.shape)


def compute_in_place(graph: Graph, node: Node) -> None:
    """Let the inputs of a concatenation be computed where they belong."""
    for statement in operator_of(node).lower(node, None):
        (compute,) = statement.body
        source = compute.operands[0].tensor
        view = contiguous_part(compute.target, statement.shape)
        movable = source.view is None and not source.is_constant and graph.producer(source) is not None
        if movable and view is not None and not graph.leaves(source):
            source.view = view
