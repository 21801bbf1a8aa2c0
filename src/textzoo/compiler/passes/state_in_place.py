"""New states are computed where the old ones lie: of a cache only the new row is written, and nothing is carried."""

from textzoo.compiler.ir.graph import Graph, View
from textzoo.compiler.operators.aliases import Lifetimes


def run(graph: Graph) -> None:
    lifetimes = Lifetimes(graph)
    for state in graph.states:
        if lifetimes.may_be_updated(state):
            state.after.view = View(state.before)
