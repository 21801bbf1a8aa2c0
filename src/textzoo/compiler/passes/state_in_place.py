"""New states are computed in the memory of the old ones: of a cache only the new row is written, nothing is copied."""

from textzoo.compiler.ir.graph import Graph, View
from textzoo.compiler.operators.aliases import Lifetimes


def run(graph: Graph) -> None:
    lifetimes = Lifetimes(graph)
    for state in graph.states:
        if lifetimes.may_be_updated(state):
            state.after.view = View(state.before)
