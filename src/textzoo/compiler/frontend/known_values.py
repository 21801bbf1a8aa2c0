"""What follows from shapes and constants, computed before the graph is checked: shapes as converters leave them.

SHAPE, a part of it, a product, PACK, and then RESHAPE, which takes a constant only: integers that have no scale. A node
is folded only where it could be compiled, too: LiteRT ends the process at some others.
"""

from textzoo.compiler.ir.graph import Graph, Node
from textzoo.compiler.operators.registry import operator_of, problems_of
from textzoo.compiler.passes.constant_folding import fold


def fold_known_values(graph: Graph) -> None:
    """Make constants of integers that depend on shapes and constants only, except of the graph's outputs."""
    mark_known(graph)
    for node in list(graph.nodes):
        if is_index(node) and not any(graph.leaves(output) for output in node.outputs) and make_constant(node):
            graph.nodes.remove(node)


def mark_known(graph: Graph) -> None:
    """Tell which nodes depend on constants only, if on anything."""
    known: set[int] = set()
    for node in graph.nodes:
        operands = node.operands()
        node.is_known = bool(operands) and all(operand.is_constant or id(operand) in known for operand in operands)
        known.update(id(output) for output in node.outputs if node.is_known)


def is_index(node: Node) -> bool:
    """Return whether all that a node computes are integers without scales."""
    return all(str(output.dtype) in ("int32", "int64") and not output.scales for output in node.outputs)


def make_constant(node: Node) -> bool:
    """Give the outputs their values; False where these are not known."""
    if problems_of(node):
        return False
    value = operator_of(node).known_value(node)
    if value is not None:
        node.output.value = value
        return True
    is_known = bool(node.operands()) and all(operand.is_constant for operand in node.operands())
    if is_known:
        fold(node)
    return is_known
