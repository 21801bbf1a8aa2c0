"""The default model of the device benchmarks: pico_gpt's defaults, with random weights.

The cost of a token hardly depends on the weights; generated texts do. `--model FILE.tflite` measures a trained model.
"""

import argparse
import tempfile
from pathlib import Path

from textzoo.testing.random_models import random_decode_step

VOCABULARY = 65


def model_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, help="a quantized decode step in a folder with its tokenizer.json")
    parser.add_argument("--recipe", default="static_wi8_ai8", help="recipe of the default model")
    parser.add_argument("--context-length", type=int, default=128, help="context of the default model")


def default_model(folder: Path, recipe: str, context_length: int) -> Path:
    """Make and quantize the model; return its decode step."""
    from textzoo.models.files import build_model
    from textzoo.models.settings import ModelConfig

    section = ModelConfig(context_length=context_length)
    return random_decode_step(lambda: build_model(section, VOCABULARY), recipe, folder, windows=40)


def chosen_model(arguments: argparse.Namespace) -> Path:
    """Return the given model, or make the default one in a temporary folder."""
    if arguments.model is not None:
        return arguments.model
    folder = tempfile.mkdtemp(prefix="textzoo-benchmark-")
    return default_model(Path(folder), arguments.recipe, arguments.context_length)
