"""Damaged and hostile .tflite files: each is read, compiled or refused with a UserError, in little time and memory."""

import tracemalloc

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from fuzz_reader import outcome
from hostile_files import DAMAGES, damaged, small_decode_step
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from textzoo.common.errors import UserError
from textzoo.compiler.tflite.file import parse_tflite, read_tflite

SPARE_BYTES = 64 * 2**20


@pytest.fixture(scope="module")
def content():
    return small_decode_step()


@settings(max_examples=120, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(kinds=st.lists(st.sampled_from(sorted(DAMAGES)), min_size=1, max_size=3), seed=st.integers(0, 2**32 - 1))
def test_every_damaged_file_is_read_or_refused(content, kinds, seed):
    bad = damaged(content, kinds, seed)
    assume(bad is not None)
    assert outcome(bad) in ("refused", "read", "compiled")


LONG = 2**18
REPEATED = 4000
# Of fields that hold tables of one kind or another.
UNION_TYPES = {
    "builtin_options": {"builtin_options_type": schema.BuiltinOptions.ReshapeOptions},
    "builtin_options_2": {"builtin_options_2_type": schema.BuiltinOptions2.StablehloTransposeOptions},
}
# Table whose one entry is repeated -> its fields that are long.
AMPLIFIED = {
    "Tensor": ["name", "shape", "shape_signature", "quantization", "sparsity", "variant_tensors"],
    "Operator": ["inputs", "outputs", "intermediates", "custom_options", "mutating_variable_inputs", *UNION_TYPES],
    "SignatureDef": ["signature_key", "inputs"],
    "Buffer": ["data"],
    "Metadata": ["name"],
    "OperatorCode": ["custom_code"],
    "SubGraph": ["name", "tensors", "inputs"],
}


def amplified(table, field):
    """A file of some megabytes in which one table with a long field stands thousands of times: gigabytes unpacked."""
    builder = flatbuffers.Builder(2**21)
    long = {
        "text": builder.CreateString("x" * LONG),
        "numbers": builder.CreateNumpyVector(np.ones(LONG, np.int32)),
        "floats": builder.CreateNumpyVector(np.ones(LONG, np.float32)),
    }
    long["scales"] = written(builder, "QuantizationParameters", scale=long["floats"])
    long["tensors"] = repeated(builder, written(builder, "Tensor"), 2 * REPEATED)
    long["variant_tensors"] = repeated(builder, written(builder, "VariantSubType", shape=long["numbers"]), 2)
    long["builtin_options"] = written(builder, "ReshapeOptions", new_shape=long["numbers"])
    long["builtin_options_2"] = written(builder, "StablehloTransposeOptions", permutation=long["numbers"])
    indices = written(builder, "Int32Vector", values=long["numbers"])
    axis = written(
        builder, "DimensionMetadata", array_segments_type=schema.SparseIndexVector.Int32Vector, array_segments=indices
    )
    long["sparsity"] = written(builder, "SparsityParameters", dim_metadata=repeated(builder, axis, 2))
    kind = {"quantization": "scales"}.get(field, field)
    if kind not in long:
        kind = "text" if field in ("name", "signature_key", "custom_code") else "numbers"
    if (table, field) == ("SignatureDef", "inputs"):
        long["numbers"] = repeated(builder, written(builder, "TensorMap", name=long["text"]), 2)
    fields = {**UNION_TYPES.get(field, {}), field: long[kind]}
    many = repeated(builder, written(builder, table, **fields), 60 if table == "SubGraph" else REPEATED)
    if table in ("Tensor", "Operator"):
        many = repeated(builder, written(builder, "SubGraph", **{f"{table.lower()}s": many}), 1)
        table = "SubGraph"
    places = {"SubGraph": "subgraphs", "SignatureDef": "signature_defs", "OperatorCode": "operator_codes"}
    places |= {"Buffer": "buffers", "Metadata": "metadata"}
    fields = {places[table]: many}
    fields.setdefault("subgraphs", repeated(builder, written(builder, "SubGraph"), 1))
    builder.Finish(written(builder, "Model", **fields), b"TFL3")
    return bytes(builder.Output())


def written(builder, table, **fields):
    """A table with numbers and offsets as fields; its place."""
    getattr(schema, f"{table}Start")(builder)
    for name, place in fields.items():
        add = "".join(part.capitalize() for part in name.split("_"))
        getattr(schema, f"{table}Add{add}")(builder, place)
    return getattr(schema, f"{table}End")(builder)


def repeated(builder, place, count):
    """A vector that holds the same table again and again."""
    builder.StartVector(4, count, 4)
    for _ in range(count):
        builder.PrependUOffsetTRelative(place)
    return builder.EndVector()


@pytest.mark.parametrize(
    ("table", "field"), [(table, field) for table, fields in AMPLIFIED.items() for field in fields]
)
def test_files_that_unpack_to_more_than_they_are_cost_little_memory(table, field):
    content = amplified(table, field)
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match=r"more data than the file holds|items"):
            parse_tflite(content)
        assert tracemalloc.get_traced_memory()[1] < SPARE_BYTES
    finally:
        tracemalloc.stop()


# Changes of a sound file, and what is said about them.
CHANGES = {
    "a constant shared by large tensors": (lambda model: share_constants(model), "constants of"),
    "axes": (lambda model: set_field(first_tensor(model), "shape", np.ones(9, np.int32)), "9 axes"),
    "no elements": (lambda model: set_field(first_tensor(model), "shape", np.array([-1], np.int32)), "shape"),
    "elements": (lambda model: set_field(first_tensor(model), "shape", np.full(2, 2**20, np.int32)), "elements"),
    "options": (lambda model: set_field(product_options(model), "quantSpec", np.ones(65, np.int32)), "option of 65"),
    "subgraph": (lambda model: set_field(model.signatureDefs[0], "subgraphIndex", 1), "a signature of subgraph 1"),
    "an operator of nobody's": (lambda model: set_code(model, 9999), "does not have, number 9999"),
    "a type of nobody's": (lambda model: set_field(first_tensor(model), "type", 99), "a type that there is not"),
    "too much data": (lambda model: set_field(constant(model), "shape", np.array([1, 1], np.int32)), "bytes of data"),
    "inputs of others": (lambda model: set_field(model.signatureDefs[0].inputs[0], "tensorIndex", 30), "other inputs"),
    "outputs of nobody": (lambda model: lose_an_operator(model), "reads too early|nothing computes"),
}


def set_field(owner, name, value):
    setattr(owner, name, value)


def first_tensor(model):
    return model.subgraphs[0].tensors[0]


def product_options(model):
    operators = model.subgraphs[0].operators
    return next(entry.builtinOptions for entry in operators if hasattr(entry.builtinOptions, "quantSpec"))


def set_code(model, code):
    model.operatorCodes[0].builtinCode, model.operatorCodes[0].deprecatedBuiltinCode = code, 0


def constant(model):
    """A tensor with values."""
    data = [model.buffers[tensor.buffer].data for tensor in model.subgraphs[0].tensors]
    return next(model.subgraphs[0].tensors[place] for place, values in enumerate(data) if np.size(values) > 4)


def lose_an_operator(model):
    del model.subgraphs[0].operators[3]


def share_constants(model):
    """A hundred tensors with the same large constant."""
    model.buffers.append(schema.BufferT())
    model.buffers[-1].data = np.zeros(2**17, np.uint8)
    for number in range(100):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = f"{number}", np.array([2**17], np.int32), len(model.buffers) - 1
        tensor.type = schema.TensorType.INT8
        model.subgraphs[0].tensors.append(tensor)


@pytest.mark.parametrize(("change", "reason"), CHANGES.values(), ids=CHANGES.keys())
def test_what_is_refused_says_why(content, change, reason):
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    change(model)
    with pytest.raises(UserError, match=f"truncated, damaged.*({reason})"):
        parse_tflite(bytes(flatbuffer_utils.convert_object_to_bytearray(model)))


@pytest.mark.parametrize(("size", "reason"), [(2**24, "is not a .tflite"), (2**29 + 1, "is too large for a .tflite")])
def test_a_file_is_read_up_to_512_mib(tmp_path, size, reason):
    path = tmp_path / "zeros.tflite"
    with path.open("wb") as file:
        file.truncate(size)
    with pytest.raises(UserError, match=reason):
        read_tflite(path)
