"""What operators say of themselves: the scales that they tie, what they multiply, and whose memory they may take."""

import numpy as np
import pytest
from operator_cases import ROWS
from operator_chains import ATTENTIONS
from running import Model, model_of

from textzoo.compiler.compile import optimized
from textzoo.compiler.frontend.importer import graph_of
from textzoo.compiler.operators.base import Target
from textzoo.compiler.operators.computed_weights import has_computed_form
from textzoo.compiler.operators.fully_connected import narrow_matrices
from textzoo.compiler.operators.registry import FUSED, OPERATORS, operator_of
from textzoo.compiler.tflite.file import parse_tflite

SEEDS = range(3)
# Tied by the quantizer, so that no scale is changed between the alternatives; LiteRT ignores their scales.
NOT_DEMANDED = {"SELECT", "SELECT_V2"}
# The product of matrices of each operator that has one, as sizes of the node's tensors.
PRODUCTS = {
    "FULLY_CONNECTED": lambda node: node.output.size * node.inputs[1].shape[1],
    "CONV_2D": lambda node: node.output.size * int(np.prod(node.inputs[1].shape[1:])),
    "DEPTHWISE_CONV_2D": lambda node: node.output.size * int(np.prod(node.inputs[1].shape[1:3])),
    # Of each gate a product with the input and one with the hidden state, at every step.
    "UNIDIRECTIONAL_SEQUENCE_LSTM": lambda node: sum(
        node.output.size * weights.shape[1] for weights in node.inputs[1:9] if weights is not None
    ),
    "BATCH_MATMUL": lambda node: node.output.size * node.inputs[0].shape[-2 if node.options["adjX"] else -1],
}


def nodes_of(row):
    return [node for seed in SEEDS for node in graph_of(parse_tflite(model_of(row, seed).content)).nodes]


def test_there_is_a_row_for_every_operator():
    assert {row.operator for row in ROWS} | FUSED >= set(OPERATORS.names())


@pytest.mark.quick(20)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_macs_are_those_of_the_products(row):
    nodes = nodes_of(row)
    assert row.operator in {node.operator for node in nodes}
    for node in nodes:
        expected = PRODUCTS.get(node.operator, lambda node: 0)
        assert operator_of(node).macs(node) == expected(node)


@pytest.mark.parametrize("kernel", ATTENTIONS)
def test_a_fused_attention_multiplies_as_much_as_its_parts(kernel):
    random = np.random.default_rng(0)
    file = parse_tflite(Model(ATTENTIONS[kernel](random), random).content)
    parts, fused = graph_of(file), graph_of(file)
    optimized(fused, Target(), frozenset())
    assert "ATTENTION" in {node.operator for node in fused.nodes}
    macs = [sum(operator_of(node).macs(node) for node in graph.nodes) for graph in (parts, fused)]
    assert macs[0] == macs[1] > 0


def demanded_scales(node):
    """The inputs whose scale an operator refuses to see changed for being another one than the output's."""
    operator, demanded = operator_of(node), []
    for index, tensor in enumerate(node.inputs):
        if tensor is None:
            continue
        before, tensor.scales = tensor.scales, tuple(2 * scale for scale in tensor.scales)
        problems = operator.problems(node)
        tensor.scales = before
        if any("has another type or scale than the output" in text for text in problems):
            demanded.append(index)
    return demanded


@pytest.mark.quick(20)
@pytest.mark.parametrize("row", [row for row in ROWS if row.operator not in NOT_DEMANDED], ids=str)
def test_the_scales_that_are_tied_are_those_that_are_demanded(row):
    nodes = [node for node in nodes_of(row) if node.operator == row.operator and not operator_of(node).problems(node)]
    assert any(node.output.scales for node in nodes) or OPERATORS.get(row.operator).same_scale == slice(0)
    for node in nodes:
        tied = range(len(node.inputs))[operator_of(node).same_scale] if node.output.scales else ()
        assert demanded_scales(node) == list(tied)


def test_matrices_that_meet_int8_activations_are_the_narrow_ones():
    rows = [row for row in ROWS if row.operator == "FULLY_CONNECTED"]
    layers = [node for row in rows for node in nodes_of(row) if node.operator == row.operator]
    plain = [node for node in layers if not has_computed_form(node)]
    assert {str(node.inputs[0].dtype) for node in plain} == {"int8", "int16"}
    for node in plain:
        assert len(narrow_matrices([node])) == (str(node.inputs[0].dtype) == "int8")
