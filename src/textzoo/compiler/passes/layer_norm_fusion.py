"""LayerNorm as one kernel: mean, differences, sum of squares, reciprocal of the deviation, gain.

Comes after lut_fusion, which has made one table of epsilon and the reciprocal square root.
"""

from textzoo.compiler.ir.graph import Graph, Node, Tensor
from textzoo.compiler.ir.match import AnyTensor, Captures, Computed, Reshaped, fuse, readers_behind_reshapes
from textzoo.compiler.operators.base import option
from textzoo.compiler.operators.layer_norm import LayerNormParts, can_fuse
from textzoo.compiler.operators.reductions import reduced_axes


def is_constant(tensor: Tensor) -> bool:
    return tensor.is_constant


ROW = AnyTensor("row")
MEAN = Reshaped(Computed("MEAN", ROW, AnyTensor(), name="mean"))
DIFFERENCE = Reshaped(Computed("SUB", ROW, MEAN, name="difference"))
SQUARE = Reshaped(Computed("BATCH_MATMUL", DIFFERENCE, DIFFERENCE, name="square"))
TABLE = Reshaped(Computed("LOOK_UP", SQUARE, name="table"))
FACTOR = Computed("MUL", TABLE, AnyTensor("gain", check=is_constant), name="factor")
LAYER_NORM = Computed("MUL", DIFFERENCE, FACTOR, name="product")


def run(graph: Graph) -> None:
    fuse(graph, LAYER_NORM, fused)


def fused(graph: Graph, captures: Captures) -> Node | None:
    """Return LAYER_NORM, if what was found has the form that the kernel computes."""
    parts = LayerNormParts(**captures)
    if not fits_kernel(graph, parts):
        return None
    return Node("LAYER_NORM", [parts.row], [parts.product.output], attributes=parts)


def fits_kernel(graph: Graph, parts: LayerNormParts) -> bool:
    """Return whether one row of int8 goes through all of it, and only through it."""
    row, width = parts.row, parts.row.size
    one_mean = reduced_axes(parts.mean) == [len(row.shape) - 1]
    one_number = parts.square.output.size == parts.table.output.size == parts.mean.output.size == 1
    sizes = parts.gain.size == width == parts.product.output.size == row.shape[-1]
    nodes = (parts.mean, parts.difference, parts.square, parts.factor, parts.product)
    narrow = all(str(tensor.dtype) == "int8" for node in nodes for tensor in (node.inputs[0], node.output))
    plain = all(option(node, "fusedActivationFunction") == 0 for node in nodes)
    inner = [node.output for node in (*nodes[:-1], parts.table)]
    private = not any(graph.leaves(tensor) for tensor in inner) and only_read_inside(graph, parts)
    return one_mean and one_number and sizes and narrow and plain and private and can_fuse(parts)


def only_read_inside(graph: Graph, parts: LayerNormParts) -> bool:
    """Return whether nothing else reads the differences: they are not kept."""
    readers = readers_behind_reshapes(graph, parts.difference.output)
    return all(reader is parts.product or reader is parts.square for reader in readers)
