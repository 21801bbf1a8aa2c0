"""States that are other states' tensors: engines carry them as a model says that computes on plain arrays."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import OpResolverType
from ai_edge_litert.tools import flatbuffer_utils
from step_models import CONTEXT, MODELS, VOCABULARY, Parts, StepModel, zeros

from textzoo.common.errors import UserError
from textzoo.compiler.tflite.file import parse_tflite
from textzoo.compiler.tflite.single_operator import Operation, Tensor, constant
from textzoo.engines.litert_engine import (
    LitertEngine,
    LitertReferenceEngine,
    open_interpreter,
    step_by_signature,
    step_by_tensors,
)

TOKENS = [int(token) for token in np.random.default_rng(7).integers(0, VOCABULARY, CONTEXT)]
ENGINES = pytest.mark.parametrize("kind", [LitertReferenceEngine, LitertEngine])
# Whose outputs are recognized by their tensors' names and formats alone.
NAMED_BY_TENSORS = ("delayed_sum", "passed_through", "old_state_as_logits", "reshaped_state", "replaced_part")


def without_signature(content: bytes) -> bytes:
    """The same file, whose tensors have the signature's names; of an input that is an output too, the input's."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    model.signatureDefs = []
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def compare(engine, model):
    for _ in range(2):
        engine.reset()
        for place, (token, expected) in enumerate(zip(TOKENS, model.steps(TOKENS), strict=True)):
            np.testing.assert_array_equal(engine.step_raw(token), expected, err_msg=f"step {place}")


@pytest.mark.parametrize("dtype", ["float32", "int8", "int16"])
@ENGINES
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_states_are_carried_as_plain_arrays(make, kind, dtype):
    model = make(Parts(dtype))
    compare(kind(model.content()), model)


@ENGINES
@pytest.mark.parametrize("name", NAMED_BY_TENSORS)
def test_states_without_a_signature(name, kind):
    model = MODELS[name](Parts("int8"))
    engine = kind(without_signature(model.content()))
    assert not engine.graph.signature
    compare(engine, model)


@pytest.mark.parametrize("name", ["self", "signature_key", "interpreter"])
def test_a_state_may_have_any_name(name):
    model = MODELS["delayed_sum"](Parts("int8"))
    for values, prefix in ((model.inputs, ""), (model.outputs, "new_")):
        values[prefix + name] = values.pop(f"{prefix}b")
    compare(LitertReferenceEngine(model.content()), model)


@pytest.mark.parametrize("resolver", [OpResolverType.BUILTIN_REF, OpResolverType.AUTO])
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_tensors_one_by_one_are_the_signature(make, resolver):
    """Many runs on one interpreter, each with random states: nothing of an earlier run is left."""
    model, random = make(Parts("int8")), np.random.default_rng(3)
    graph = parse_tflite(model.content())
    runs = [
        make_run(open_interpreter(model.content(), "model", resolver), graph)
        for make_run in (step_by_signature, step_by_tensors)
    ]
    for position in range(CONTEXT):
        values = {
            name: random.integers(-128, 128, tensor.shape).astype(tensor.dtype) for name, tensor in model.inputs.items()
        }
        values |= {"token": np.array([position % VOCABULARY], np.int32), "position": np.array([position], np.int32)}
        expected = model.step(values)
        for run in runs:
            results = run(values)
            assert results.keys() == expected.keys()
            for name, value in results.items():
                np.testing.assert_array_equal(value, expected[name], err_msg=name)


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_kept_tensors_are_those_of_the_last_step(make):
    """What calibration and reports read: a state as it went in, not yet the next one."""
    model = make(Parts("float32"))
    engine = LitertReferenceEngine(model.content(), keep_tensors=True)
    state = {name: zeros(tensor) for name, tensor in model.inputs.items()}
    for position, token in enumerate(TOKENS):
        given = {**state, "token": np.array([token], np.int32), "position": np.array([position], np.int32)}
        expected = {**model.step(given), **given}
        engine.step_raw(token)
        for name, index in {**engine.graph.outputs, **engine.graph.inputs}.items():
            np.testing.assert_array_equal(engine.tensor(index), expected[name], err_msg=f"{name}, step {position}")
        state = {name: expected[f"new_{name}"] for name in state if f"new_{name}" in expected}


def other_shapes(parts: Parts) -> StepModel:
    """Logits of which the file says that they are fewer."""
    logits = Tensor((1, VOCABULARY - 1), "int8", 0.25, -3)
    parts.operations.append(Operation("ADD", [parts.a, parts.row], [logits]))
    return parts.model({"a": parts.a}, {"logits": logits, "new_a": parts.row})


def other_version(parts: Parts) -> StepModel:
    """A version of an operator that LiteRT does not have."""
    parts.operations[0].version = 99
    return parts.model({"a": parts.a}, {"logits": parts.row, "new_a": parts.row})


def other_kinds(parts: Parts) -> StepModel:
    """Inputs that LiteRT's kernel does not take."""
    total = Tensor((1, VOCABULARY), "int8", 0.25, -3)
    parts.operations.append(Operation("ADD", [parts.a, constant(np.ones(3, np.float32))], [total]))
    return parts.model({"a": parts.a}, {"logits": total, "new_a": parts.row})


@ENGINES
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (other_shapes, "the model computes other shapes than it declares; expected logits 1x4; received logits 1x5"),
        (other_version, "LiteRT cannot run the model; received .*GATHER"),
        (other_kinds, "LiteRT cannot run the model; received .*ADD|add.cc"),
    ],
)
def test_what_litert_does_not_run_is_refused(make, message, kind):
    with pytest.raises(UserError, match=message):
        kind(make(Parts("int8")).content())


@ENGINES
def test_a_table_that_is_too_short_is_told(kind):
    """LiteRT finds out in the step that looks beyond its end."""
    parts = Parts("int8")
    table = parts.operations[0].inputs[0]
    table.data, table.shape = table.data[:3], (3, VOCABULARY)
    engine = kind(parts.model({"a": parts.a}, {"logits": parts.row, "new_a": parts.a}).content())
    assert engine.step_raw(2).shape == (VOCABULARY,)
    with pytest.raises(UserError, match=r"LiteRT cannot run the model; received .*gather"):
        engine.step_raw(4)
