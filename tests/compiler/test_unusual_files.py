"""Sound files with unusual parts: those that change nothing are read, all others are named, with their names."""

import copy

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from hostile_files import small_decode_step
from operator_cases import Case
from running import Model, differences, run_litert

from textzoo.common.errors import UserError
from textzoo.compiler.compile import compile_bytes
from textzoo.compiler.operators.base import Target
from textzoo.compiler.tflite.file import parse_tflite
from textzoo.compiler.tflite.single_operator import Operation, Tensor, build_all, constant
from textzoo.compiler.tflite.support import MAX_NAMES
from textzoo.engines.litert_engine import LitertEngine, LitertReferenceEngine

TOKENS = (1, 5, 10, 0, 3)
DATA = np.arange(6, dtype=np.uint8)


@pytest.fixture(scope="module")
def content():
    return small_decode_step()


def logits_of(engine):
    return np.stack([engine.step_raw(token) for token in TOKENS])


def changed(content, change):
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    change(model, model.subgraphs[0])
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def added_tensor(model, graph, data=None, **fields):
    """A tensor behind all others, its place."""
    tensor = schema.TensorT()
    tensor.name, tensor.shape = "left over", np.array([2, 3], np.int32)
    model.buffers.append(schema.BufferT())
    tensor.buffer, model.buffers[-1].data = len(model.buffers) - 1, data
    for name, value in fields.items():
        setattr(tensor, name, value)
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def added_operator(model, graph, code, inputs, **fields):
    """An operator behind all others, whose output nobody reads."""
    model.operatorCodes.append(schema.OperatorCodeT())
    for name, value in {"builtinCode": code, "deprecatedBuiltinCode": min(code, 127), "version": 1, **fields}.items():
        setattr(model.operatorCodes[-1], name, value)
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs = len(model.operatorCodes) - 1, inputs
    source = graph.tensors[inputs[0]]
    fields = {name: getattr(source, name) for name in ("shape", "type", "quantization")}
    operator.outputs = [added_tensor(model, graph, **fields, name="unread")]
    graph.operators.append(operator)
    return operator


def left_over_tensors(model, graph):
    """Types that are not read, variables, sizes that are not known: of tensors that nobody reads."""
    for code in (schema.TensorType.STRING, schema.TensorType.RESOURCE, schema.TensorType.INT4):
        added_tensor(model, graph, type=code)
    added_tensor(model, graph, isVariable=True)
    added_tensor(model, graph, shape=np.array([0, 3], np.int32))
    added_tensor(model, graph, shapeSignature=np.array([-1, 3], np.int32))


def same_names(model, graph):
    for tensor in graph.tensors:
        tensor.name = b"x"


def unread_operator(model, graph):
    """What it computes is read by nobody."""
    added_operator(model, graph, schema.BuiltinOperator.RELU, [graph.operators[4].outputs[0]])


def unread_code(model, graph):
    """A code that LiteRT has no kernel of, and no operator has."""
    model.operatorCodes.append(schema.OperatorCodeT())
    model.operatorCodes[-1].builtinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes[-1].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes[-1].customCode = b"NobodysOperator"


def further_output(model, graph):
    """An output of the graph that the signature does not have."""
    graph.outputs = [*graph.outputs, graph.operators[2].outputs[0]]


def only_in_signature(model, graph):
    """Outputs that only the signature has, as AI Edge Quantizer leaves them."""
    graph.outputs = [graph.operators[2].outputs[0]]


def further_input(model, graph):
    """An input that nobody reads, and that the signature does not have."""
    graph.inputs = [*graph.inputs, added_tensor(model, graph)]


def any_number_of_windows(model, graph):
    for place in graph.inputs[:2]:
        graph.tensors[place].shapeSignature = np.array([-1], np.int32)
    graph.tensors[graph.operators[4].outputs[0]].shapeSignature = np.array([-1, 16], np.int32)


READ = (
    left_over_tensors,
    same_names,
    unread_operator,
    unread_code,
    further_output,
    only_in_signature,
    further_input,
    any_number_of_windows,
)


@pytest.mark.quick(3)
@pytest.mark.parametrize("change", READ, ids=lambda change: change.__name__)
def test_what_changes_nothing_is_read(change, content):
    unusual = changed(content, change)
    for kind in (LitertReferenceEngine, LitertEngine):
        np.testing.assert_array_equal(logits_of(kind(unusual)), logits_of(kind(content)))
    assert compile_bytes(unusual, Target()).facts.context_length == 8


def matrix(graph):
    """The weights of queries, keys and values."""
    found = next(tensor for tensor in graph.tensors if list(tensor.shape) == [48, 16])
    found.name = b"matrix"
    return found


def operators_of_others(model, graph):
    """Several of them, one twice."""
    source = [graph.operators[4].outputs[0]]
    for name in (b"Second", b"First", b"Second"):
        added_operator(model, graph, schema.BuiltinOperator.CUSTOM, source, customCode=name)
    added_operator(model, graph, schema.BuiltinOperator.STABLEHLO_CBRT, source)
    added_operator(model, graph, schema.BuiltinOperator.HASHTABLE, source)


def all_at_once(model, graph):
    operators_of_others(model, graph)
    for number, code in enumerate((schema.TensorType.UINT8, schema.TensorType.FLOAT16, schema.TensorType.UINT8)):
        place = added_tensor(model, graph, type=code, name=f"other_{number}", data=DATA)
        added_operator(model, graph, schema.BuiltinOperator.CAST, [place])


def variable(model, graph):
    """A tensor that nobody computes: a variable, as in fused recurrent layers."""
    place = added_tensor(model, graph, isVariable=True, name="cell")
    added_operator(model, graph, schema.BuiltinOperator.RELU, [place])


def sparse(model, graph):
    tensor = matrix(graph)
    tensor.sparsity = schema.SparsityParametersT()
    tensor.sparsity.traversalOrder = np.array([0, 1], np.int32)
    tensor.sparsity.dimMetadata = [schema.DimensionMetadataT(), schema.DimensionMetadataT()]


def in_blocks(model, graph):
    """Scales per block of a matrix."""
    tensor = matrix(graph)
    tensor.quantization = copy.copy(tensor.quantization)
    tensor.quantization.detailsType = schema.QuantizationDetails.BlockwiseQuantization
    tensor.quantization.details = schema.BlockwiseQuantizationT()


def elsewhere(model, graph):
    place = added_tensor(model, graph, externalBuffer=3, name="far weights")
    added_operator(model, graph, schema.BuiltinOperator.RELU, [place])


def left_out_input(model, graph):
    """An input that operators read, and that the signature does not have."""
    place = added_tensor(model, graph, name="mask")
    graph.inputs = [*graph.inputs, place]
    added_operator(model, graph, schema.BuiltinOperator.RELU, [place])


def strange_names(model, graph):
    """Of any length, and with characters that move a terminal's cursor."""
    for number in range(MAX_NAMES + 3):
        place = added_tensor(
            model, graph, type=schema.TensorType.UINT4, name="\x1b[2J\n" + f"{number} " * 200, data=DATA
        )
        added_operator(model, graph, schema.BuiltinOperator.CAST, [place])


OPERATORS = "operators: CUSTOM Second (2 times), CUSTOM First, STABLEHLO_CBRT, HASHTABLE"
NOT_SUPPORTED = {
    "operators": (operators_of_others, [OPERATORS]),
    "all at once": (
        all_at_once,
        [
            OPERATORS,
            "tensors of type float16: other_1 (float16 2x3), unread (float16 2x3)",
            "tensors of type uint8: other_0 (uint8 2x3), unread (uint8 2x3) (2 times), other_2 (uint8 2x3)",
        ],
    ),
    "a variable": (variable, ["tensors that keep their values between runs: cell (float32 2x3)"]),
    "a sparse tensor": (sparse, ["sparse tensors: matrix (int8 48x16)"]),
    "scales per block": (
        in_blocks,
        ["tensors quantized otherwise than by scales per tensor or per channel: matrix (int8 48x16)"],
    ),
    "weights elsewhere": (elsewhere, ["tensors whose values are in another file: far weights (float32 2x3)"]),
    "an input left out": (left_out_input, ["inputs that the signature leaves out: mask (float32 2x3)"]),
}


@pytest.mark.parametrize(("change", "missing"), NOT_SUPPORTED.values(), ids=NOT_SUPPORTED.keys())
def test_what_is_not_supported_is_named_at_once(change, missing, content):
    with pytest.raises(UserError, match=r"^brought is a \.tflite with parts that are not supported") as error:
        parse_tflite(changed(content, change), "brought")
    assert error.value.received.splitlines()[1:] == [f"  {line}" for line in missing]


def test_names_are_short_and_printable(content):
    with pytest.raises(UserError, match=r"tensors of type uint4: \\x1b\[2J\\n0 0 .*\.\.\. \(uint4 2x3\), ") as error:
        parse_tflite(changed(content, strange_names), "brought")
    assert str(error.value).count("(uint4 2x3)") == MAX_NAMES
    assert "and 4 more" in str(error.value)
    assert len(str(error.value)) < 4000


NOTHING = constant(np.zeros(0, np.int32))


def int8(*shape):
    return Tensor(shape, scale=0.5, zero_point=3)


# Operators whose lists of no axes, sizes or places stand for a scalar.
SCALARS = {
    "RESHAPE": Operation("RESHAPE", [int8(1, 1), NOTHING], [int8()]),
    "SLICE": Operation("SLICE", [int8(), NOTHING, NOTHING], [int8()]),
    "STRIDED_SLICE": Operation("STRIDED_SLICE", [int8(), NOTHING, NOTHING, NOTHING], [int8()]),
    "DYNAMIC_UPDATE_SLICE": Operation("DYNAMIC_UPDATE_SLICE", [int8(), int8(), NOTHING], [int8()]),
}
# Operators on which they mean nothing, or end LiteRT's process; and tensors without elements that are computed.
EMPTY = {
    "TRANSPOSE": Operation("TRANSPOSE", [int8(), NOTHING], [int8()]),
    "SPLIT": Operation("SPLIT", [NOTHING, int8(2, 3)], [int8(1, 3), int8(1, 3)], {"numSplits": 2}),
    "EXPAND_DIMS": Operation("EXPAND_DIMS", [int8(), NOTHING], [int8(1)]),
    "CONCATENATION": Operation("CONCATENATION", [Tensor((2,), "int32"), NOTHING], [Tensor((2,), "int32")]),
    "GATHER": Operation("GATHER", [int8(2, 3), NOTHING], [int8(0, 3)]),
    "ADD": Operation("ADD", [Tensor((1,), "int32"), NOTHING], [Tensor((0,), "int32")]),
    "RESHAPE of nothing": Operation("RESHAPE", [int8(0, 3), NOTHING], [int8()]),
}


@pytest.mark.parametrize("operation", SCALARS.values(), ids=SCALARS.keys())
def test_lists_of_nothing_make_scalars(operation, tmp_path):
    assert differences(Model([Case(operation)], np.random.default_rng(0)), tmp_path) == []


@pytest.mark.parametrize("operation", EMPTY.values(), ids=EMPTY.keys())
def test_other_tensors_without_elements_are_named(operation):
    with pytest.raises(UserError, match=r"(?s)not supported.*\n  tensors without elements: \w+ \(int(8|32) 0(x3)?\)"):
        parse_tflite(build_all([operation]))


def without_options(model, graph):
    for operator in graph.operators:
        operator.builtinOptions, operator.builtinOptionsType = None, schema.BuiltinOptions.NONE


def test_options_that_are_not_there_are_those_of_litert(tmp_path):
    """The axes of FULLY_CONNECTED's input become one."""
    weights = Tensor((2, 4), scale=0.25, data=np.arange(8, dtype=np.int8))
    bias = Tensor((2,), "int32", 0.125, data=np.array([5, -7], np.int32))
    operation = Operation("FULLY_CONNECTED", [int8(1, 3, 4), weights, bias], [int8(3, 2)])
    model = Model([Case(operation)], np.random.default_rng(0))
    model.content = changed(model.content, without_options)
    model.expected = run_litert(model.content, model.runs)
    assert differences(model, tmp_path) == []
