"""New states are computed where the old ones lie: of a cache only the new row is written, and nothing is carried."""

from textzoo.compiler.aliases import Lifetimes
from textzoo.compiler.graph import Graph, View


def run(graph: Graph) -> None:
    lifetimes = Lifetimes(graph)
    for state in graph.states:
        if lifetimes.may_be_updated(state):
            state.after.view = View(state.before)
