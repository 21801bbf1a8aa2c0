"""The model that the benchmarks of the device measure where none is given: pico_gpt's defaults, with random weights.

What a token costs hardly depends on the weights; what they say does. `--model FILE.tflite` measures a trained one.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from textzoo.text.character_tokenizer import CharacterTokenizer
from textzoo.text.tokenizers import Tokenizer, load_tokenizer

SEED = 1
DEVIATION = 0.05
FIRST_CHARACTER = 0x21


def model_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, help="a quantized decode step with tokenizer.json beside it")


def default_model(folder: Path) -> Path:
    """Make and quantize the model; return its decode step."""
    import keras  # seconds, which a given model does not need

    from textzoo.models.pico_gpt import PicoGPT
    from textzoo.quantizers.quantize import quantize
    from textzoo.schema import QuantizationConfig

    keras.utils.set_random_seed(SEED)
    random = np.random.default_rng(SEED)
    model = PicoGPT()
    for weight in model.weights:
        weight.assign(weight + DEVIATION * random.standard_normal(weight.shape))
    tokens = random.integers(0, model.vocabulary_size, 40 * model.context_length)
    config = QuantizationConfig(calibration_windows=8, report_tokens=model.context_length)
    return quantize(model, tokens, config, folder).decode_path


def chosen_model(path: Path | None) -> Path:
    """The model given, or the default one in a temporary folder that stays until the process ends."""
    if path is not None:
        return path
    folder = tempfile.mkdtemp(prefix="textzoo-benchmark-")
    return default_model(Path(folder))


def tokenizer_for(path: Path, vocabulary_size: int) -> Tokenizer:
    """The tokenizer beside a model, or characters in a row for the default model."""
    beside = path.parent / "tokenizer.json"
    if beside.is_file():
        return load_tokenizer(beside)
    return CharacterTokenizer([chr(FIRST_CHARACTER + index) for index in range(vocabulary_size)])
