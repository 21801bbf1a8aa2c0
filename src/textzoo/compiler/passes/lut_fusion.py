"""int8 functions of one value become look-up tables (LUT) that LiteRT itself fills; chains become one table.

A node counts where all but one of its inputs are single constants. Tables cost flash: a node gets one where it has one
anyway (RSQRT, TANH, ...), where it joins a neighbour's, or where it has many elements.
"""

import numpy as np

from textzoo.compiler.ir.graph import Graph, Node, Tensor
from textzoo.compiler.ir.match import SAME_ORDER, before_reshapes, readers_behind_reshapes
from textzoo.compiler.operators.lut import Lut
from textzoo.compiler.operators.registry import operator_of
from textzoo.compiler.tflite.single_operator import Tensor as SingleTensor
from textzoo.compiler.tflite.single_operator import build, run_reference

UNARY = {"ADD", "SUB", "MUL", "QUANTIZE", "SQUARED_DIFFERENCE", "ABS", "NEG", "LEAKY_RELU", "MAXIMUM", "MINIMUM"}
MANY_ELEMENTS = 64
INPUTS = np.arange(-128, 128).astype(np.int8)


def run(graph: Graph) -> None:
    for node in graph.nodes:
        source = only_variable(node)
        if source is not None and (has_table(node) or node.output.size >= MANY_ELEMENTS or has_neighbour(graph, node)):
            node.attributes = Lut(table_of(node, source))
            node.operator, node.inputs, node.options = "LOOK_UP", [source], {}
    for node in graph.nodes:
        while join(graph, node):
            pass


def only_variable(node: Node) -> Tensor | None:
    """Return the one input that is not constant, if a table can replace the node."""
    variables = [tensor for tensor in node.operands() if not tensor.is_constant]
    if len(variables) != 1 or not (has_table(node) or node.operator in UNARY):
        return None
    constants = [tensor for tensor in node.operands() if tensor.is_constant]
    fits = all(tensor.size == 1 for tensor in constants) and variables[0].size == node.output.size
    return variables[0] if fits and all(str(t.dtype) == "int8" for t in (*node.operands(), node.output)) else None


def has_table(node: Node) -> bool:
    return operator_of(node).has_table(node)


def has_neighbour(graph: Graph, node: Node) -> bool:
    """Return whether what comes before or after is a table."""
    before = graph.producer(before_reshapes(graph, only_variable(node)))
    neighbours = [*([before] if before else []), *readers_behind_reshapes(graph, node.output)]
    return any(has_table(other) or other.operator == "LOOK_UP" for other in neighbours)


def table_of(node: Node, source: Tensor) -> np.ndarray:
    """Return the node's outputs for the inputs -128 to 127, (256,) int8."""
    if has_table(node):
        return operator_of(node).table_s8(node)
    operands = [
        SingleTensor((256,), "int8", source.scale, source.zero_point)
        if tensor is source
        else SingleTensor((1,), "int8", tensor.scale, tensor.zero_point, data=tensor.value.reshape(1))
        for tensor in node.operands()
    ]
    output = SingleTensor((256,), "int8", node.output.scale, node.output.zero_point)
    options = {key: value for key, value in node.options.items() if value is not None}
    return run_reference(build(node.operator, options, operands, [output]), INPUTS)[0]


def join(graph: Graph, node: Node) -> bool:
    """Replace a table and the one before it by a single table, if nothing else reads the values in between."""
    before = graph.producer(before_reshapes(graph, node.inputs[0])) if node.operator == "LOOK_UP" else None
    if before is None or before.operator != "LOOK_UP" or not is_private(graph, before.output, node):
        return False
    node.attributes = node.attributes.after(before.attributes)
    node.inputs = list(before.inputs)
    return True


def is_private(graph: Graph, tensor: Tensor, reader: Node) -> bool:
    """Return whether only one node reads a tensor, through reshapes or not."""
    if graph.leaves(tensor):
        return False
    (consumer, *others) = graph.consumers(tensor)
    if others:
        return False
    return consumer is reader or (consumer.operator in SAME_ORDER and is_private(graph, consumer.output, reader))
