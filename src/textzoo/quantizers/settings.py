"""The section of the configuration about quantization."""

from dataclasses import dataclass

from textzoo.common.settings import FILE_OR_FOLDER, setting
from textzoo.quantizers.recipes import RECIPES
from textzoo.text.settings import MAX_TOKENS


@dataclass(frozen=True)
class QuantizationConfig:
    """The quantization of a float model to an integer .tflite."""

    recipe: str = setting(
        "static_wi8_ai8",
        "static_wi8_ai8 = weights int8, activations int8, ranges fixed by calibration; wi4 = weights in [-7, 7], "
        "wi2 = weights -1, 0 and 1, embeddings int8.",
        choices=tuple(RECIPES),
    )
    calibration_path: str | None = setting(None, "Text to calibrate on instead of training text.", path=FILE_OR_FOLDER)
    calibration_windows: int = setting(
        32, "Representative windows of context_length tokens.", unit="windows", low=1, high=65536
    )
    equalize: bool = setting(True, "Equalize channel ranges first; exact in float.")
    probabilities: str = setting(
        "auto",
        "Attention probabilities of static_wi8_ai8: int8 has steps of 1/256, too coarse for attention over a whole "
        "window; auto uses int16 for the blocks that need it.",
        choices=("auto", "int8", "int16"),
    )
    states: str = setting(
        "auto",
        "Accumulating states of static_wi8_ai8 (a GRU's, an LSTM's cell) and the arithmetic around them: auto and "
        "int16 keep small changes, which steps of int8 would lose.",
        choices=("auto", "int8", "int16"),
    )
    report_tokens: int = setting(
        16_384, "Validation tokens of the loss-by-position report.", unit="tokens", low=1, high=MAX_TOKENS
    )
