"""States are updated where they lie: only the new row of a cache is written, nothing is carried from step to step."""

from textzoo.compiler.aliases import Lifetimes
from textzoo.compiler.graph import Graph, View


def run(graph: Graph) -> None:
    lifetimes = Lifetimes(graph)
    for state in graph.states:
        if lifetimes.may_be_updated(state):
            state.after.view = View(state.before)
