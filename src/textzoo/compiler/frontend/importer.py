"""From a file that was read to a graph that can be compiled."""

from textzoo.compiler.frontend.known_values import fold_known_values
from textzoo.compiler.ir.graph import Graph, build_graph
from textzoo.compiler.operators.registry import check_graph
from textzoo.compiler.tflite.file import TfliteFile


def graph_of(file: TfliteFile) -> Graph:
    """Return the graph of a file, with what follows from shapes as constants."""
    graph = build_graph(file)
    fold_known_values(graph)
    return graph


def checked_graph(file: TfliteFile, label: str) -> Graph:
    """Return the graph of a file; raise UserError with all nodes that cannot be compiled."""
    graph = graph_of(file)
    check_graph(graph, label)
    return graph
