"""A decode step is found in files with one signature, with several, with none; engine and compiler agree on it."""

import copy
import tempfile

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from textzoo.common.errors import UserError
from textzoo.compiler.compile import compile_file
from textzoo.compiler.operators.base import Target
from textzoo.compiler.tflite.file import parse_tflite
from textzoo.compiler.tflite.signatures import shortened
from textzoo.compiler.tflite.single_operator import Operation, Tensor, build_all
from textzoo.engines.opening import open_engine
from textzoo.targets.native import NativeModel


def unpacked(content):
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))


def without_signature(model):
    model.signatureDefs = []


def converter_names(model):
    """What TensorFlow's converter calls tensors: inputs after their signature, outputs by number."""
    (graph,) = model.subgraphs
    for place in graph.inputs:
        graph.tensors[place].name = b"serving_default_" + graph.tensors[place].name + b":0"
    for number, place in enumerate(graph.outputs):
        graph.tensors[place].name = f"StatefulPartitionedCall:{number}".encode()
    model.signatureDefs = []


def numbered_outputs(model):
    """What a function that returns a tuple is exported with."""
    model.signatureDefs[0].signatureKey = b"serving_default"
    for number, entry in enumerate(model.signatureDefs[0].outputs):
        entry.name = f"output_{number}".encode()


def second_signature(model):
    """A window graph in a subgraph of its own, before the decode step."""
    (signature,) = model.signatureDefs
    window = copy.copy(signature)
    window.signatureKey, window.subgraphIndex = b"forward", 0
    window.inputs, window.outputs = [renamed(signature.inputs[0], b"tokens")], signature.outputs[:1]
    graph = copy.copy(model.subgraphs[0])
    graph.inputs, graph.outputs = [entry.tensorIndex for entry in window.inputs], [window.outputs[0].tensorIndex]
    signature.subgraphIndex = 1
    model.subgraphs, model.signatureDefs = [graph, *model.subgraphs], [window, signature]


def twice_the_same(model):
    """Two signatures with the inputs of a decode step: the name decides."""
    other = copy.copy(model.signatureDefs[0])
    other.signatureKey = b"training"
    model.signatureDefs = [other, *model.signatureDefs]


def renamed(entry, name):
    entry = copy.copy(entry)
    entry.name = name
    return entry


FORMS = {form.__name__: form for form in (without_signature, converter_names, numbered_outputs)}
FORMS |= {form.__name__: form for form in (second_signature, twice_the_same)}


@pytest.mark.quick(2)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_engine_and_compiler_find_the_same_step(form, quantized_path, tmp_path):
    model = unpacked(quantized_path.read_bytes())
    form(model)
    path = tmp_path / "brought_along.tflite"
    path.write_bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    expected, engine = open_engine("litert_ref", quantized_path), open_engine("litert_ref", path)
    compiled = compile_file(path, Target())
    native = NativeModel.build(compiled, ("-std=c99", "-O0", "-fno-strict-aliasing"))
    assert engine.context_length == compiled.facts.context_length == 8
    for place, token in enumerate((1, 5, 12, 0, 7)):
        logits = expected.step_raw(token)
        np.testing.assert_array_equal(engine.step_raw(token), logits)
        native.library.model_step(token, place)
        np.testing.assert_array_equal(np.frombuffer(native.outputs["logits"], logits.dtype), logits)


def test_a_converted_file_with_two_signatures_is_read(tmp_path):
    """As TensorFlow itself writes it: one subgraph for each signature, the decode step second."""

    class Sums(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((1, 4), tf.int32, "tokens")])
        def forward(self, tokens):
            return {"logits": tf.cast(tokens, tf.float32)}

        @tf.function(
            input_signature=[tf.TensorSpec((1,), tf.int32, name) for name in ("token", "position")]
            + [tf.TensorSpec((1, 3), tf.float32, "memory")]
        )
        def step(self, token, position, memory):
            memory = memory + tf.cast(token + position, tf.float32)
            return {"logits": tf.concat([memory, memory], 1), "new_memory": memory}

    sums = Sums()
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(sums, folder, signatures={"a": sums.forward, "b": sums.step})
        content = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["a", "b"]).convert()
    model = unpacked(content)
    assert len(model.subgraphs) == 2
    model.description = "textzoo decode context_length=4"
    path = tmp_path / "sums.tflite"
    path.write_bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    engine = open_engine("litert_ref", path)
    assert engine.graph.signature == "b"
    assert [engine.step(2)[0], engine.step(5)[0]] == [2, 2 + 5 + 1]


# States (shape, dtype, scale), names of inputs and outputs, and what the outputs are taken for.
NARROW, WIDE = ((1, 4), "int8", 0.5), ((1, 6), "int8", 0.5)
UNNAMED = ["token", "position", "a", "b", "x:0", "x:1", "x:2"]
OUTPUTS = {
    "one state of a format": ([NARROW, WIDE], UNNAMED, ["logits", "new_a", "new_b"]),
    "names before formats": ([NARROW, NARROW], [*UNNAMED[:4], "x", "new_b", "new_a"], ["logits", "new_b", "new_a"]),
    "one name is enough": ([NARROW, NARROW], [*UNNAMED[:4], "x", "new_b", "y"], ["logits", "new_b", "new_a"]),
    "two states of a format": ([NARROW, NARROW], UNNAMED, ["x:0", "x:1", "x:2"]),
    "new names only": ([NARROW, NARROW], [*UNNAMED[:4], "new_x", "new_b", "new_a"], ["logits", "new_b", "new_a"]),
    "new names behind a prefix": (
        [NARROW, NARROW],
        [*UNNAMED[:4], "step_new_logits:0", "step_new_b:0", "step_new_a:0"],
        ["logits", "new_b", "new_a"],
    ),
    "a prefix of all": (
        [NARROW, NARROW],
        ["state_token", "state_position", "state_a", "state_b", "state_logits", "state_new_b", "state_new_a"],
        ["logits", "new_b", "new_a"],
    ),
    "a prefix of inputs within the names of outputs": (
        [NARROW, NARROW],
        ["state_token:0", "state_position:0", "state_a:0", "state_b:0", "logits", "new_state_b", "new_state_a"],
        ["logits", "new_b", "new_a"],
    ),
    "a path": (
        [NARROW, NARROW],
        ["step_1/token", "step_1/position", "step_1/a", "step_1/b", "step_1/logits", "step_1/new_b", "step_1/new_a"],
        ["logits", "new_b", "new_a"],
    ),
    "states of one beginning": (
        [NARROW, NARROW],
        ["token", "position", "new_1", "new_2", "new_new_x", "new_new_2", "new_new_1"],
        ["logits", "new_new_2", "new_new_1"],
    ),
    "no state": ([], ["token", "position", "serving_default_anything:0"], ["logits"]),
    "no step": ([NARROW, WIDE], ["tokens", *UNNAMED[1:]], ["x:0", "x:1", "x:2"]),
}


def step_of(states, names):
    """A graph without a signature: token, position and states go in, sums come out."""
    inputs = [Tensor((1,), "int32"), Tensor((1,), "int32"), *(Tensor(*form) for form in states)]
    operations = [Operation("ADD", inputs[:2], [Tensor((1,), "int32")])]
    operations += [
        Operation("ADD", [state, state], [Tensor(*form)]) for state, form in zip(inputs[2:], states, strict=True)
    ]
    model = unpacked(build_all(operations))
    model.signatureDefs, (graph,) = [], model.subgraphs
    for place, name in zip([*graph.inputs, *graph.outputs], names, strict=True):
        graph.tensors[place].name = name.encode()
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


@pytest.mark.parametrize(("states", "names", "outputs"), OUTPUTS.values(), ids=OUTPUTS.keys())
def test_outputs_are_recognized_where_only_one_answer_is_possible(states, names, outputs):
    assert list(parse_tflite(step_of(states, names)).outputs) == outputs


def test_what_is_undecided_is_named(tmp_path):
    path = tmp_path / "step.tflite"
    path.write_bytes(step_of([NARROW, NARROW], UNNAMED))
    with pytest.raises(UserError, match=r"step\.tflite has no decode step.*no signature.*a, b; outputs x:0, x:1, x:2"):
        open_engine("litert_ref", path)


@pytest.mark.parametrize("keys", [["a", "b"], ["decode", "decode"]], ids="+".join)
def test_several_steps_without_a_name_are_refused(keys, quantized_path, tmp_path):
    model = unpacked(quantized_path.read_bytes())
    model.signatureDefs = [copy.copy(model.signatureDefs[0]) for _ in keys]
    for signature, key in zip(model.signatureDefs, keys, strict=True):
        signature.signatureKey = key.encode()
    path = tmp_path / "several.tflite"
    path.write_bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    for read in (lambda: open_engine("litert_ref", path), lambda: compile_file(path, Target())):
        with pytest.raises(
            UserError, match=rf"(?s)several\.tflite has 2 signatures, and 2 of them.*signature '{keys[0]}' \("
        ) as error:
            read()
        assert error.value.received.count("-> logits, new_") == 2


def test_several_signatures_without_a_step_are_refused(quantized_path):
    model = unpacked(quantized_path.read_bytes())
    second_signature(model)
    model.signatureDefs[1].inputs[0].name = b"tokens"
    for entry in model.signatureDefs[1].inputs:
        entry.name = b"x_" + entry.name
    with pytest.raises(UserError, match=r"(?s)brought has 2 signatures, and none of them.*'forward' \(tokens -> "):
        parse_tflite(bytes(flatbuffer_utils.convert_object_to_bytearray(model)), "brought")


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["serving_default_token:0", "serving_default_key_cache_0:0"], ["token", "key_cache_0"]),
        (["decode_token", "decode_position"], ["token", "position"]),
        (["token", "token_position"], ["token", "token_position"]),
        (["x_1"], ["x_1"]),
        (["step_1/token", "step_1/position"], ["token", "position"]),
        (["model.step.token", "model.step.position"], ["token", "position"]),
        (["x_", "x_y"], ["x_", "x_y"]),
        ([], []),
    ],
)
def test_names_of_tensors_are_shortened(names, short):
    assert shortened(names) == short


def test_tensors_of_the_same_name_are_numbered():
    names = ["token", "position", "a", "a", "a_2", "a_2", "a"]
    file = parse_tflite(step_of([NARROW, WIDE], names))
    assert list(file.inputs) == ["token", "position", "a", "a_2"]
    assert list(file.outputs) == ["logits", "new_a", "new_a_2"]
