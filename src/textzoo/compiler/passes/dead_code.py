"""Nodes whose results are not read are removed."""

from textzoo.compiler.ir.graph import Graph


def run(graph: Graph) -> None:
    needed = {id(tensor) for tensor in graph.kept()}
    alive = []
    for node in reversed(graph.nodes):
        if any(id(output) in needed for output in node.outputs):
            needed.update(id(operand) for operand in node.operands())
            alive.append(node)
    graph.nodes = alive[::-1]
