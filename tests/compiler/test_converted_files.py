"""Files of converters: read and run as they are, or refused with all that they have and TextZoo does not."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from ai_edge_quantizer import quantizer, recipe
from converted_files import CONTEXT, NOT_SUPPORTED, READ, VOCABULARY, pictures

from textzoo.common.errors import UserError
from textzoo.compiler.tflite.file import parse_tflite
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.quantizers.apply import apply_recipe
from textzoo.quantizers.calibration import calibrate_decode, unify_ranges
from textzoo.quantizers.recipes import RECIPES

TOKENS = [int(token) for token in np.random.default_rng(5).integers(0, VOCABULARY, CONTEXT)]


@pytest.mark.quick(2)
@pytest.mark.parametrize("converted", READ.values(), ids=READ.keys())
def test_steps_compute_what_their_functions_compute(converted):
    engine = LitertReferenceEngine(converted.content())
    states = {name: np.zeros((1, *shape), np.float32) for name, shape in converted.states.items()}
    for position, token in enumerate(TOKENS):
        given = {"token": tf.constant([token], tf.int32), "position": tf.constant([position], tf.int32)}
        results = converted.step(**given, **states)
        np.testing.assert_allclose(engine.step_raw(token), results["logits"][0], rtol=1e-4, atol=1e-5)
        states = {name: results[f"new_{name}"] for name in states}


@pytest.mark.quick(2)
@pytest.mark.parametrize(("converted", "missing"), NOT_SUPPORTED.values(), ids=NOT_SUPPORTED.keys())
def test_all_that_is_missing_is_named_at_once(converted, missing):
    with pytest.raises(UserError, match=r"^brought is a \.tflite with parts that are not supported") as error:
        parse_tflite(converted.content(), "brought")
    assert error.value.received.splitlines()[1:] == [f"  {line}" for line in missing]


def test_scales_per_channel_of_biases_are_read():
    file = parse_tflite(pictures())
    biases = [tensor for tensor in file.tensors if str(tensor.dtype) == "int32" and len(tensor.scales) > 1]
    assert [(tensor.shape, len(tensor.scales)) for tensor in biases] == [((4,), 4), ((3,), 3), ((3,), 3)]


def test_bytes_at_the_ends_are_named():
    options = (("inference_input_type", tf.uint8), ("inference_output_type", tf.uint8))
    with pytest.raises(
        UserError, match=r"(?s)received \n  tensors of type uint8: .*\(uint8 \?x6x6x1\), .*\(uint8 \?x4\)\."
    ):
        parse_tflite(pictures(options))


def steps_of(content, states):
    """The raw logits of each step, by LiteRT's runner with the file as it is."""
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    run = interpreter.get_signature_runner("decode")
    details = run.get_input_details()
    held = {
        name: np.full(details[name]["shape"], details[name]["quantization"][1], details[name]["dtype"])
        for name in states
    }
    for position, token in enumerate(TOKENS):
        results = run(token=np.array([token], np.int32), position=np.array([position], np.int32), **held)
        held = {name: results[f"new_{name}"] for name in states}
        yield results["logits"][0]


SHARED = ["a delay line", "an exchange", "two states in one tensor"]


@pytest.mark.quick(1)
@pytest.mark.parametrize("recipe_name", ["static_wi8_ai8", "static_wi8_ai16"])
@pytest.mark.parametrize("name", SHARED)
def test_states_that_are_each_others_tensors_run_quantized(name, recipe_name):
    content = READ[name].content()
    ranges = calibrate_decode(content, np.array([TOKENS]))
    unify_ranges(parse_tflite(content), ranges)
    quantized = apply_recipe(content, ranges, RECIPES[recipe_name])
    engine = LitertReferenceEngine(quantized)
    for token, expected in zip(TOKENS, steps_of(quantized, READ[name].states), strict=True):
        np.testing.assert_array_equal(engine.step_raw(token), expected)


@pytest.mark.quick(3)
@pytest.mark.filterwarnings("ignore:Warning. Enabling `experimental_preserve_all_tensors`:UserWarning")
@pytest.mark.parametrize("operator", ["ADD", "MUL", "FULLY_CONNECTED", "INPUT", "OUTPUT"])
@pytest.mark.parametrize("name", SHARED)
def test_what_the_quantizer_writes_is_read(name, operator):
    """Some operators in int16: it then gives tensors the same name, and outputs that the signature does not have."""
    worker = quantizer.Quantizer(READ[name].content())
    worker.load_quantization_recipe(recipe.static_wi8_ai8())
    worker.add_static_config(".*", operator, activation_num_bits=16, weight_num_bits=8)
    random = np.random.default_rng(1)
    states = {name: random.normal(size=(1, *shape)).astype("float32") for name, shape in READ[name].states.items()}
    numbers = {"token": np.array([1], np.int32), "position": np.array([0], np.int32)}
    file = parse_tflite(bytes(worker.quantize(worker.calibrate({"decode": [{**numbers, **states}]})).quantized_model))
    assert set(file.outputs) == {"logits", "new_a", "new_b"}
