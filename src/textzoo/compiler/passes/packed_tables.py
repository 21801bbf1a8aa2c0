"""Constant int8 tables whose values fit 4 or 2 bits are packed in flash, and look-ups unpack what they read.

Nothing is lost. A look-up of one row costs a copy then, which a view would not: so it is done where it saves some
flash, and where nothing else reads the table as it is. FULLY_CONNECTED does not: its weights are packed anyway.
"""

from textzoo.compiler.ir.graph import Graph, Tensor
from textzoo.compiler.operators.gather import PackedTable
from textzoo.compiler.operators.registry import operator_of
from textzoo.compiler.packing.registry import pack_table

WORTHWHILE = 256  # bytes: about as many as the kernels are long


def run(graph: Graph) -> None:
    """Let look-ups read packed tables."""
    for node in graph.nodes:
        operator = operator_of(node)
        table = operator.table_read(node)
        if table is not None and can_be_packed(graph, table):
            packed = pack_table(operator.entries(node))
            node.attributes = PackedTable(packed) if packed else None


def can_be_packed(graph: Graph, table: Tensor) -> bool:
    """Return whether all that read a constant table can do so, entries of one length, and it is not too small."""
    if not table.is_constant or str(table.dtype) != "int8" or table.view is not None or graph.leaves(table):
        return False
    if table.bytes < 2 * WORTHWHILE:
        return False
    readers = [(operator_of(node), node) for node in graph.consumers(table)]
    lengths = {operator.entries(node).shape[1] for operator, node in readers if operator.table_read(node) is table}
    return len(lengths) == 1 and all(operator.unpacks(node, table) for operator, node in readers)
