"""Nodes with constant inputs only are computed now, by LiteRT's reference kernels."""

from textzoo.compiler.ir.graph import Graph, Node
from textzoo.compiler.tflite.single_operator import Tensor, build, run_reference


def run(graph: Graph) -> None:
    for node in list(graph.nodes):
        foldable = node.operands() and all(operand.is_constant for operand in node.operands())
        if foldable and not any(graph.leaves(output) for output in node.outputs):
            fold(node)
            graph.nodes.remove(node)


def fold(node: Node) -> None:
    """Give the node's outputs their values."""
    options = {key: value for key, value in node.options.items() if value is not None}
    inputs = [None if tensor is None else single(tensor) for tensor in node.inputs]
    model = build(node.operator, options, inputs, [single(tensor) for tensor in node.outputs])
    for output, value in zip(node.outputs, run_reference(model), strict=True):
        output.value = value.reshape(output.shape)


def single(tensor) -> Tensor:
    """Return a tensor for a model of one operator.

    Several scales belong to the first axis that has so many elements: of kernels that take them, LiteRT asks only that.
    """
    axis = tensor.shape.index(len(tensor.scales)) if len(tensor.scales) > 1 else 0
    quantization = {"zero_point": tensor.zero_points or 0, "quantized_dimension": axis}
    return Tensor(tensor.shape, str(tensor.dtype), tensor.scales, data=tensor.value, **quantization)
