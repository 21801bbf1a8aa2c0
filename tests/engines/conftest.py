"""A tiny model and its decode steps, float and quantized."""

import keras
import numpy as np
import pytest

from artifacts import artifact
from textzoo.models.files import build_model
from textzoo.models.settings import ModelConfig
from textzoo.quantizers.export import export_decode
from textzoo.quantizers.quantize import quantize_decode_step
from textzoo.quantizers.settings import QuantizationConfig


@pytest.fixture(scope="session")
def model():
    return make_model()


def make_model():
    keras.utils.set_random_seed(3)
    model = build_model(ModelConfig(n_layers=2, n_heads=2, d_model=16, context_length=8), 13)
    random = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(weight + 0.3 * random.standard_normal(weight.shape))
    return model


@pytest.fixture(scope="session")
def decode_path():
    return artifact(make_decode_steps) / "decode.tflite"


@pytest.fixture(scope="session")
def quantized_path():
    return artifact(make_decode_steps) / "decode_static_wi8_ai8.tflite"


def make_decode_steps(folder):
    model = make_model()
    export_decode(model, folder / "decode.tflite")
    quantize_decode_step(model, np.random.default_rng(2).integers(0, 13, 300), QuantizationConfig(), folder)
