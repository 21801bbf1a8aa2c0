"""From a Keras model to quantized .tflite: op lists, scales of the state, ranges, reports. A new shape is a new row."""

import csv
import json
from functools import cache

import keras
import numpy as np
import pytest

from textzoo.common.errors import UserError
from textzoo.compiler.tflite.file import read_tflite
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.engines.metrics import evaluate
from textzoo.engines.opening import open_engine
from textzoo.models.files import build_model
from textzoo.models.settings import ModelConfig
from textzoo.quantizers.calibration import Ranges, calibrate_decode, merged, scale_groups, unify_ranges
from textzoo.quantizers.export import export_decode
from textzoo.quantizers.quantize import calibration_windows, quantize
from textzoo.quantizers.recipes import RECIPES
from textzoo.quantizers.settings import QuantizationConfig

SMALL = {"vocabulary_size": 23, "n_layers": 1, "n_heads": 2, "d_model": 32, "context_length": 16}
GPT = {"name": "gpt", **SMALL, "activation": "gelu", "weight_tying": "tied"}
# A new architecture or shape is a new row.
SHAPES = [
    {"vocabulary_size": 13, "n_layers": 2, "n_heads": 2, "d_model": 32, "context_length": 12},
    {"vocabulary_size": 103, "n_layers": 1, "n_heads": 3, "d_model": 96, "context_length": 64},
    {"vocabulary_size": 11, "n_layers": 1, "n_heads": 1, "d_model": 16, "context_length": 9, "use_bias": True},
    {"vocabulary_size": 17, "n_layers": 1, "n_heads": 2, "d_model": 24, "context_length": 10, "activation": "gelu"},
    GPT,
    {**GPT, "weight_tying": "untied", "use_bias": True, "positions": "rotary", "qk_norm": True},
    {**GPT, "activation": "relu_squared", "positions": "rotary", "use_bias": True},
    {"name": "tiny_bert_generator", **SMALL, "activation": "gelu", "use_bias": True},
    {"name": "tiny_lm", "vocabulary_size": 23, "n_layers": 2, "d_model": 24, "context_length": 20},
    {"name": "lstm", "vocabulary_size": 23, "n_layers": 2, "d_model": 24, "context_length": 20},
]

# Coarser weights have tests of their own: test_weight_grids.py.
EIGHT_BITS = sorted(name for name, recipe in RECIPES.items() if not recipe.has_low_bit_weights)


def make(shape, seed=3):
    """A model whose weights are large enough for its predictions to differ."""
    keras.utils.set_random_seed(seed)
    section = {key: value for key, value in shape.items() if key != "vocabulary_size"}
    model = build_model(ModelConfig(**section), shape["vocabulary_size"])
    random = np.random.default_rng(seed)
    for weight in model.weights:
        weight.assign(weight + 0.25 * random.standard_normal(weight.shape))
    return model


def tokens_for(model, count=600, seed=0):
    return np.random.default_rng(seed).integers(0, model.vocabulary_size, count)


def windows_for(model, count=6):
    tokens = tokens_for(model, count * model.context_length + 1, seed=9)
    shape = (count, model.context_length)
    return tokens[:-1].reshape(shape), tokens[1:].reshape(shape), np.ones(shape, np.float32)


@pytest.fixture(scope="module")
def model():
    return make(SHAPES[0])


@pytest.fixture(scope="module")
def quantized(tmp_path_factory):
    """A function: number of a shape, choices of the quantization -> the model and what became of it, made once."""

    @cache
    def run(number, **choices):
        model = make(SHAPES[number])
        config = QuantizationConfig(**{"calibration_windows": 8, **choices})
        return model, quantize(model, tokens_for(model), config, tmp_path_factory.mktemp("quantized"))

    return run


@pytest.fixture(scope="module")
def result(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reported")
    config = QuantizationConfig(calibration_windows=4, report_tokens=60)
    return quantize(model, tokens_for(model), config, folder, validation_tokens=tokens_for(model, 100, seed=4))


@pytest.mark.quick(1)
@pytest.mark.parametrize("number", range(len(SHAPES)))
@pytest.mark.parametrize("recipe", ["static_wi8_ai8", "dynamic_wi8_afp32"], ids=["equalized", "as_it_is"])
def test_exported_graphs_give_the_logits_of_the_model(number, recipe, quantized):
    """Static recipes equalize the model before they export it, dynamic ones do not."""
    model, result = quantized(number, recipe=recipe)
    window = tokens_for(model, model.context_length).astype("int32")
    expected = keras.ops.convert_to_numpy(model(window[None]))[0]
    if model.has_window_graph:
        source = model.equalized(window[None]) if recipe.startswith("static") else model
        forward = keras.ops.convert_to_numpy(source.window(window))
        np.testing.assert_allclose(forward, expected, atol=2e-4, rtol=1e-4)
        assert result.float_decode_path.with_name("forward.tflite").is_file()
    engine = open_engine("litert_ref", result.float_decode_path)
    assert engine.context_length == model.context_length
    logits = np.stack([engine.step(int(token)) for token in window])
    np.testing.assert_allclose(logits, expected, atol=2e-4, rtol=1e-4)


@pytest.mark.quick(1)
@pytest.mark.parametrize("number", range(len(SHAPES)))
def test_exported_graphs_have_all_operators_of_their_architecture(number, quantized):
    """So that a converter that changes its mind is noticed."""
    model, result = quantized(number, recipe="static_wi8_ai8")
    for graph in ["decode", "forward"] if model.has_window_graph else ["decode"]:
        file = read_tflite(result.float_decode_path.with_name(f"{graph}.tflite"))
        assert file.operator_names() == sorted(model.export_operators(graph))


def test_other_operators_than_the_architectures_are_refused(model, tmp_path, monkeypatch):
    allowed = model.export_operators("decode")
    monkeypatch.setattr(type(model), "export_operators", lambda self, graph: allowed - {"SOFTMAX"})
    with pytest.raises(UserError, match="SOFTMAX"):
        export_decode(model, tmp_path / "decode.tflite")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.quick(1)
@pytest.mark.parametrize("recipe", EIGHT_BITS)
@pytest.mark.parametrize("number", range(len(SHAPES)))
def test_quantized_model_predicts_nearly_like_the_float_one(number, recipe, quantized):
    model, result = quantized(number, recipe=recipe)
    windows = windows_for(model)
    expected = evaluate(open_engine("keras", model), *windows).loss_nats
    loss = evaluate(open_engine("litert_ref", result.decode_path), *windows).loss_nats
    # Random weights predict random tokens: the losses are around ln(vocabulary_size) or above.
    assert loss == pytest.approx(expected, abs=0.15 if recipe == "static_wi8_ai8" else 0.05)
    assert result.file_bytes == result.decode_path.stat().st_size
    assert result.seconds > 0


@pytest.mark.quick("probabilities")
@pytest.mark.parametrize(
    "choices", [{"recipe": "static_wi8_ai8", "probabilities": "int8"}, {"recipe": "static_wi8_ai16"}], ids=str
)
def test_static_graphs_are_integers_and_keep_the_scale_of_their_state(choices, quantized):
    model, result = quantized(0, **choices)
    for path in (result.decode_path, result.forward_path):
        graph = read_tflite(path)
        assert all(tensor.dtype.kind in "ib" for tensor in graph.tensors)
        assert "QUANTIZE" not in graph.operator_names()
    graph = read_tflite(result.decode_path)
    for spec in model.state_specs():
        before, after = graph.tensors[graph.inputs[spec.name]], graph.tensors[graph.outputs[f"new_{spec.name}"]]
        assert (before.scales, before.zero_points, before.shape) == (after.scales, after.zero_points, spec.shape)


@pytest.mark.slow
def test_probabilities_in_int16_where_they_are_asked_for(quantized):
    results = {choice: quantized(0, recipe="static_wi8_ai8", probabilities=choice)[1] for choice in ("int8", "int16")}
    assert softmax_types(results["int8"].decode_path) == ["int8", "int8"]
    assert softmax_types(results["int16"].decode_path) == ["int16", "int16"]
    graph = read_tflite(results["int16"].decode_path)
    for operator in graph.operators:
        if operator.name == "QUANTIZE":
            before, after = (graph.tensors[index] for index in (operator.inputs[0], operator.outputs[0]))
            if after.dtype == np.int16:  # widening is lossless
                assert before.scale == after.scale
    assert {str(graph.tensors[index].dtype) for index in graph.outputs.values()} == {"int8"}


def softmax_types(path):
    graph = read_tflite(path)
    return [str(graph.tensors[op.outputs[0]].dtype) for op in graph.operators if op.name == "SOFTMAX"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", [number for number, shape in enumerate(SHAPES) if shape.get("name") in ("tiny_lm", "lstm")]
)
def test_states_that_add_up_are_int16_and_matrices_stay_int8(number, quantized):
    for choices, expected in (({}, "int16"), ({"states": "int8"}, "int8")):
        model, result = quantized(number, recipe="static_wi8_ai8", **choices)
        graph = read_tflite(result.decode_path)
        states = [graph.inputs[spec.name] for spec in model.state_specs()]
        assert {str(graph.tensors[index].dtype) for index in states} == {expected}
        matrices = [op.outputs[0] for op in graph.operators if op.name == "FULLY_CONNECTED"]
        assert {str(graph.tensors[index].dtype) for index in matrices} == {"int8"}
        assert (result.forward_path, result.forward_bytes) == (None, None)


def test_broad_attention_is_found():
    ranges = Ranges()
    ranges.observe_probabilities("broad", np.full((2, 1, 100), 0.01))
    peaked = np.zeros((2, 1, 100))
    peaked[..., 3], peaked[..., 50] = 0.7, 0.3
    ranges.observe_probabilities("peaked", peaked)
    assert ranges.high_entropy_softmaxes() == {"broad"}


def test_masked_places_cost_no_range(model, tmp_path):
    graph = export_decode(model, tmp_path / "decode.tflite")
    windows = calibration_windows(tokens_for(model), model.context_length, 3)
    ranges = calibrate_decode((tmp_path / "decode.tflite").read_bytes(), windows)
    unify_ranges(graph, ranges, margin=12.0)
    scores = [op for op in graph.operators if op.name == "SELECT_V2"]
    assert len(scores) == 2
    for operator in scores:
        live, masked = graph.tensors[operator.inputs[1]].name, graph.tensors[operator.outputs[0]].name
        assert ranges.low[masked] >= ranges.lowest_row_maximum[masked] - 12.0
        assert (ranges.low[live], ranges.high[live]) == (ranges.low[masked], ranges.high[masked])


def test_ranges_are_true_minima_and_maxima_over_all_positions(model, tmp_path):
    graph = export_decode(model, tmp_path / "decode.tflite")
    windows = calibration_windows(tokens_for(model), model.context_length, 3)
    ranges = calibrate_decode((tmp_path / "decode.tflite").read_bytes(), windows)
    logits = keras.ops.convert_to_numpy(model(windows))
    assert ranges.low["logits"] == pytest.approx(logits.min(), abs=1e-4)
    assert ranges.high["logits"] == pytest.approx(logits.max(), abs=1e-4)
    unify_ranges(graph, ranges)
    for spec in model.state_specs():
        assert ranges.low[spec.name] == ranges.low[f"new_{spec.name}"]
        assert ranges.high[spec.name] == ranges.high[f"new_{spec.name}"]


def test_ties_become_groups(model, tmp_path):
    assert sorted(map(sorted, merged([(1, 2), (3, 4), (2, 3), (7, 8)]))) == [[1, 2, 3, 4], [7, 8]]
    graph = export_decode(model, tmp_path / "decode.tflite")
    groups = scale_groups(graph)
    names = [{graph.tensors[index].name for index in group} for group in groups]
    assert any({"key_cache_0", "new_key_cache_0"} <= group for group in names)
    assert not any({"key_cache_0", "key_cache_1"} <= group for group in names)
    assert sum(len(group) for group in groups) == len(set().union(*groups))


def test_equalizing_leaves_the_model_itself_alone(model):
    before = [keras.ops.convert_to_numpy(weight) for weight in model.weights]
    model.equalized(windows_for(model)[0].astype("int32"))
    for weight, old in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), old)


@pytest.mark.slow
def test_tensor_report_is_complete_and_readable(result):
    json_path, csv_path = result.tables[:2]
    rows = json.loads(json_path.read_text())
    with csv_path.open() as file:
        assert [row["name"] for row in csv.DictReader(file)] == [row["name"] for row in rows]
    by_name = {row["name"]: row for row in rows}
    assert by_name["logits"]["op"] == "FULLY_CONNECTED"
    assert by_name["logits"]["dtype"] == "int8"
    assert by_name["logits"]["minimum"] < 0 < by_name["logits"]["maximum"]
    assert 10 < by_name["logits"]["sqnr_db"] < 80
    assert {"SOFTMAX", "RSQRT", "constant", "DYNAMIC_UPDATE_SLICE"} <= {row["op"] for row in rows}
    kernels = [row for row in rows if row["op"] == "constant" and row["channels"] > 1]
    assert kernels
    assert all(row["sqnr_db"] > 35 for row in kernels)


def test_report_by_position_has_data_and_picture(model, result):
    assert set(result.loss_by_position) == {"float", "quantized"}
    assert len(result.loss_by_position["float"]) == model.context_length
    names = {path.name for path in result.tables + result.plots}
    assert names == {"tensors.json", "tensors.csv", "tensors.png", "loss_by_position.json", "loss_by_position.png"}
    for path in result.plots:
        assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_same_input_gives_the_same_file(model, result, tmp_path):
    again = quantize(model, tokens_for(model), QuantizationConfig(calibration_windows=4), tmp_path)
    assert again.decode_path.read_bytes() == result.decode_path.read_bytes()
    assert again.forward_path.read_bytes() == result.forward_path.read_bytes()


def test_forward_graph_predicts_like_the_decode_step(model, result):
    from ai_edge_litert.interpreter import OpResolverType

    from textzoo.engines.litert_engine import open_interpreter

    graph = read_tflite(result.forward_path)
    interpreter = open_interpreter(result.forward_path.read_bytes(), "forward", OpResolverType.BUILTIN_REF)
    window = tokens_for(model, model.context_length, seed=8).astype(np.int32)
    interpreter.set_tensor(graph.inputs["tokens"], window[None])
    interpreter.invoke()
    logits = graph.tensors[graph.outputs["logits"]]
    real = (interpreter.get_tensor(logits.index)[0].astype(float) - logits.zero_point) * logits.scale
    engine = LitertReferenceEngine(result.decode_path)
    decoded = np.stack([engine.step(int(token)) for token in window])
    assert np.abs(real - decoded).mean() < 0.05 * np.abs(decoded).mean() + 3 * logits.scale


def test_unknown_recipe_and_too_few_tokens_are_refused(model, tmp_path):
    with pytest.raises(UserError, match="Did you mean 'static_wi8_ai8'"):
        quantize(model, tokens_for(model), QuantizationConfig(recipe="static_wi8_ai9"), tmp_path)
    with pytest.raises(UserError, match="shorter than a window"):
        quantize(model, tokens_for(model, 5), QuantizationConfig(), tmp_path)
    assert list(tmp_path.iterdir()) == []
