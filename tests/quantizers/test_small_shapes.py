"""The smallest shapes of every architecture: exported, quantized, compiled, and the C equal to LiteRT."""

import numpy as np
import pytest
from test_quantize import make, tokens_for

from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.engines.native_engine import NativeEngine
from textzoo.models.registry import MODELS
from textzoo.quantizers.quantize import quantize_decode_step
from textzoo.quantizers.settings import QuantizationConfig

SMALLEST = {"vocabulary_size": 2, "n_layers": 1, "n_heads": 1, "d_model": 8, "context_length": 2}
RECURRENT = {key: value for key, value in SMALLEST.items() if key != "n_heads"}
GPT = {"name": "gpt", **SMALLEST, "activation": "gelu", "weight_tying": "tied"}
ROTARY = {**GPT, "positions": "rotary"}
SHAPES = {
    "pico_gpt": {"name": "pico_gpt", **SMALLEST},
    "gpt": GPT,
    "tiny_bert_generator": {"name": "tiny_bert_generator", **SMALLEST, "activation": "gelu", "use_bias": True},
    "tiny_lm": {"name": "tiny_lm", **RECURRENT},
    "lstm": {"name": "lstm", **RECURRENT},
    "rotary": {**ROTARY, "vocabulary_size": 7, "context_length": 6},
    "rotary, with all that gpt has": {**ROTARY, "use_bias": True, "weight_tying": "untied", "qk_norm": True},
    "rotary, heads of one pair": {**ROTARY, "n_heads": 4},
    "heads of one channel": {"name": "pico_gpt", **SMALLEST, "n_heads": 8},
}


def test_every_architecture_has_a_row():
    assert {shape["name"] for shape in SHAPES.values()} == set(MODELS.names())


@pytest.mark.quick(1)
@pytest.mark.parametrize("recipe", ["static_wi8_ai8", "static_wi8_ai16"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_the_compiled_c_gives_the_integers_of_litert(shape, recipe, tmp_path):
    model = make(shape)
    config = QuantizationConfig(recipe=recipe, calibration_windows=8, report_tokens=8)
    path = quantize_decode_step(model, tokens_for(model, 300), config, tmp_path)
    reference, native = LitertReferenceEngine(path), NativeEngine(path)
    for tokens in np.random.default_rng(1).integers(0, model.vocabulary_size, (4, model.context_length)):
        reference.reset()
        native.reset()
        for token in tokens:
            np.testing.assert_array_equal(native.step_raw(int(token)), reference.step_raw(int(token)))
