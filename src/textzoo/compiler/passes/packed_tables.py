"""Constant int8 tables whose values fit 4 or 2 bits lie packed in flash, and look-ups unpack what they find.

Nothing is lost. A look-up of one row costs a copy then, which a view would not: so it is done where it saves some
flash, and where nobody else wants the table as it is. FULLY_CONNECTED does not: its weights are packed anyway.
"""

from textzoo.compiler.ir.graph import Graph, Node, Tensor
from textzoo.compiler.operators.gather import Gather, PackedTable
from textzoo.compiler.operators.registry import operator_of
from textzoo.compiler.packing.registry import pack_table

WORTHWHILE = 256  # bytes: about as many as the kernels are long


def run(graph: Graph) -> None:
    """Let look-ups read packed tables."""
    for node in graph.nodes:
        operator = operator_of(node)
        if isinstance(operator, Gather) and can_be_packed(graph, operator.table(node)):
            packed = pack_table(operator.entries(node))
            node.attributes = PackedTable(packed) if packed else None


def can_be_packed(graph: Graph, table: Tensor) -> bool:
    """Whether all that read a constant table can do so, entries of one length, and it is not too small."""
    if not table.is_constant or str(table.dtype) != "int8" or table.view is not None or graph.leaves(table):
        return False
    readers = graph.consumers(table)
    lengths = {operator_of(node).sizes(node)[2] for node in readers if isinstance(operator_of(node), Gather)}
    return table.bytes >= 2 * WORTHWHILE and len(lengths) == 1 and all(unpacks(node, table) for node in readers)


def unpacks(node: Node, table: Tensor) -> bool:
    """Whether a node can read the table packed."""
    if node.operator == "FULLY_CONNECTED":
        return node.inputs[1] is table and str(node.inputs[0].dtype) == "int8"
    operator = operator_of(node)
    return isinstance(operator, Gather) and operator.table(node) is table
