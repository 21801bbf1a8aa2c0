"""Decode steps of models with random weights, and tokenizers for them.

What a token costs, and whether its integers are exact, hardly depends on what a model has learnt.
"""

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
CALIBRATION_WINDOWS = 8
FIRST_CHARACTER = 0x21


def random_decode_step(make: Callable[[], "LanguageModel"], recipe: str, folder: Path, windows: int) -> Path:
    """Quantize a model with random weights, shown that many windows of random tokens; return its decode step."""
    import keras  # seconds, which a given model does not need

    from textzoo.quantizers.quantize import quantize_decode_step
    from textzoo.quantizers.settings import QuantizationConfig

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


def tokenizer_for(path: Path, vocabulary_size: int) -> Tokenizer:
    """Return the tokenizer beside a model, or characters in a row for the default model."""
    beside = path.parent / "tokenizer.json"
    if beside.is_file():
        return load_tokenizer(beside)
    return CharacterTokenizer([chr(FIRST_CHARACTER + index) for index in range(vocabulary_size)])
