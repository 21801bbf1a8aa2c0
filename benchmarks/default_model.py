"""The model that the benchmarks of the device measure where none is given: pico_gpt's defaults, with random weights.

What a token costs hardly depends on the weights; what they say does. `--model FILE.tflite` measures a trained one.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from textzoo.text.tokenizers.base import Tokenizer, load_tokenizer
from textzoo.text.tokenizers.character import CharacterTokenizer

if TYPE_CHECKING:
    from textzoo.models.base import LanguageModel

SEED = 1
DEVIATION = 0.05
VOCABULARY = 65
CALIBRATION_WINDOWS = 8
FIRST_CHARACTER = 0x21


def model_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, help="a quantized decode step with tokenizer.json beside it")
    parser.add_argument("--recipe", default="static_wi8_ai8", help="of the default model")
    parser.add_argument("--context-length", type=int, default=128, help="of the default model")


def default_model(folder: Path, recipe: str, context_length: int) -> Path:
    """Make and quantize the model; return its decode step."""
    from textzoo.config.schema import ModelConfig
    from textzoo.models.files import build_model

    section = ModelConfig(context_length=context_length)
    return random_decode_step(lambda: build_model(section, VOCABULARY), recipe, folder, windows=40)


def random_decode_step(make: Callable[[], "LanguageModel"], recipe: str, folder: Path, windows: int) -> Path:
    """Quantize a model with random weights, shown that many windows of random tokens; return its decode step."""
    import keras  # seconds, which a given model does not need

    from textzoo.config.schema import QuantizationConfig
    from textzoo.quantizers.quantize import quantize_decode_step

    keras.utils.set_random_seed(SEED)
    random = np.random.default_rng(SEED)
    model = make()
    for weight in model.weights:
        weight.assign(weight + DEVIATION * random.standard_normal(weight.shape))
    tokens = random.integers(0, model.vocabulary_size, windows * model.context_length)
    config = QuantizationConfig(
        recipe=recipe, calibration_windows=CALIBRATION_WINDOWS, report_tokens=model.context_length
    )
    return quantize_decode_step(model, tokens, config, folder)


def chosen_model(arguments: argparse.Namespace) -> Path:
    """The model given, or the default one in a temporary folder that stays until the process ends."""
    if arguments.model is not None:
        return arguments.model
    folder = tempfile.mkdtemp(prefix="textzoo-benchmark-")
    return default_model(Path(folder), arguments.recipe, arguments.context_length)


def tokenizer_for(path: Path, vocabulary_size: int) -> Tokenizer:
    """The tokenizer beside a model, or characters in a row for the default model."""
    beside = path.parent / "tokenizer.json"
    if beside.is_file():
        return load_tokenizer(beside)
    return CharacterTokenizer([chr(FIRST_CHARACTER + index) for index in range(vocabulary_size)])
