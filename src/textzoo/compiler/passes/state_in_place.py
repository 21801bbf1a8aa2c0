"""States are updated where they lie: only the new row of a cache is written, nothing is carried from step to step."""

from textzoo.compiler.graph import Graph, State, View


def run(graph: Graph) -> None:
    for state in graph.states:
        if updates_in_place(graph, state):
            state.after.view = View(state.before)


def updates_in_place(graph: Graph, state: State) -> bool:
    """Whether the new state is the old one with a part replaced, and nobody reads the old one later."""
    update = graph.producer(state.after)
    if update is None or update.operator != "DYNAMIC_UPDATE_SLICE" or update.inputs[0] is not state.before:
        return False
    place = graph.nodes.index(update)
    readers = [
        index
        for index, node in enumerate(graph.nodes)
        if any(operand.storage is state.before for operand in node.operands())
    ]
    return max(readers) == place and state.after.view is None
