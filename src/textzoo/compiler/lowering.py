"""From a graph to a program: every node becomes statements, in order."""

from textzoo.compiler.graph import Graph, Node, State, Tensor
from textzoo.compiler.operators.base import Target
from textzoo.compiler.operators.movement import whole
from textzoo.compiler.opset import operator_of
from textzoo.compiler.program import Compute, Loop, Program, Statement


def lower(graph: Graph, target: Target) -> Program:
    """The statements of all nodes, then the copies of those states that are not updated in place."""
    statements: list[Statement] = []
    for node in graph.nodes:
        if node.operator == "DYNAMIC_UPDATE_SLICE" or not all(lies_in_input(node, output) for output in node.outputs):
            statements += statements_of(node, target)
    statements += [carry(state) for state in graph.states if state.after.storage is not state.before]
    return Program(statements)


def lies_in_input(node: Node, output: Tensor) -> bool:
    """Whether an output needs no computation: it is a part of an input. A view of anything else is computed there."""
    return output.view is not None and any(output.view.base is operand for operand in node.operands())


def statements_of(node: Node, target: Target) -> list[Statement]:
    """A node's statements. Those of FULLY_CONNECTED are kept: they take time, and no pass changes them."""
    if node.operator != "FULLY_CONNECTED":
        return operator_of(node).lower(node, target)
    node.lowered = node.lowered or operator_of(node).lower(node, target)
    return node.lowered


def carry(state: State) -> Statement:
    """Copy a new state to where the next step reads it."""
    return copy(state.after, state.before, f"carry {state.name}")


def copy(source: Tensor, target: Tensor, name: str) -> Statement:
    return Loop("COPY", name, source.shape, [Compute(whole(target), "", [whole(source)])])
