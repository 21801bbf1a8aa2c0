"""LayerNorm as one kernel: mean, differences, sum of squares, reciprocal of the deviation, gain.

Comes after look_up_tables, which has made one table of epsilon and the reciprocal square root.
"""

from dataclasses import dataclass

from textzoo.compiler.ir.graph import Graph, Node, Tensor
from textzoo.compiler.operators.base import option
from textzoo.compiler.operators.layer_norm import can_fuse
from textzoo.compiler.operators.reductions import reduced_axes
from textzoo.compiler.passes.look_up_tables import before_reshapes


@dataclass
class Found:
    """The nodes of one LayerNorm."""

    mean: Node
    difference: Node
    square: Node
    table: Node
    factor: Node
    product: Node
    gain: Tensor


def run(graph: Graph) -> None:
    for node in list(graph.nodes):
        found = find(graph, node)
        if found is not None:
            place = graph.nodes.index(node)
            graph.nodes[place] = Node("LAYER_NORM", [found.mean.inputs[0]], [node.output], {"found": found})


def find(graph: Graph, product: Node) -> Found | None:
    """The LayerNorm whose last node this is, if it has the form that the kernel computes."""
    if product.operator != "MUL" or len(product.operands()) != 2:
        return None
    difference = before_reshapes(graph, product.inputs[0])
    factor = graph.producer(product.inputs[1])
    if factor is None or difference is None or (factor.operator, difference.operator) != ("MUL", "SUB"):
        return None
    table = before_reshapes(graph, factor.inputs[0])
    mean = before_reshapes(graph, difference.inputs[1])
    if table is None or mean is None or (table.operator, mean.operator) != ("LOOK_UP", "MEAN"):
        return None
    square = before_reshapes(graph, table.inputs[0])
    if square is None or square.operator != "BATCH_MATMUL" or not factor.inputs[1].is_constant:
        return None
    found = Found(mean, difference, square, table, factor, product, factor.inputs[1])
    return found if fits_kernel(graph, found) else None


def fits_kernel(graph: Graph, found: Found) -> bool:
    """Whether one row of int8 goes through all of it, and only through it."""
    row = found.mean.inputs[0]
    width = row.size
    same_row = found.difference.inputs[0] is row and reduced_axes(found.mean) == [len(row.shape) - 1]
    squares_itself = all(before_reshapes(graph, side) is found.difference for side in found.square.operands())
    one_number = found.square.output.size == 1 and found.table.output.size == 1 and found.mean.output.size == 1
    sizes = found.gain.size == width == found.product.output.size == row.shape[-1]
    nodes = (found.mean, found.difference, found.square, found.factor, found.product)
    narrow = all(str(tensor.dtype) == "int8" for node in nodes for tensor in (node.inputs[0], node.output))
    plain = all(option(node, "fusedActivationFunction") == 0 for node in nodes)
    inner = [node.output for node in (*nodes[:-1], found.table)]
    private = not any(graph.leaves(tensor) for tensor in inner) and only_read_inside(graph, found)
    return same_row and squares_itself and one_number and sizes and narrow and plain and private and can_fuse(found)


def only_read_inside(graph: Graph, found: Found) -> bool:
    """Whether nobody else reads the differences: they are not kept."""
    allowed = {id(found.product), id(found.square)}
    readers = list(graph.consumers(found.difference.output))
    while readers:
        reader = readers.pop()
        if reader.operator in ("RESHAPE", "EXPAND_DIMS", "SQUEEZE"):
            readers += graph.consumers(reader.output)
        elif id(reader) not in allowed:
            return False
    return True
