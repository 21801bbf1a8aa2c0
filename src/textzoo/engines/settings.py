"""The sections of the configuration about running a model."""

from dataclasses import dataclass

from textzoo.common.settings import setting
from textzoo.engines.registry import ENGINES
from textzoo.text.settings import MAX_TOKENS, SamplingConfig

# Those of a .tflite.
QUANTIZED = tuple(name for name in ENGINES if name != "keras")


@dataclass(frozen=True)
class EvaluationConfig:
    """How good a model is."""

    max_tokens: int = setting(20_000, "Validation tokens per model.", unit="tokens", low=1, high=MAX_TOKENS)
    engine: str = setting(
        "litert_ref",
        "What runs quantized models: LiteRT's reference kernels, beside them its optimized ones (litert), or the "
        "compiled C that goes to the device (native: the same integers as the reference, faster).",
        choices=QUANTIZED,
    )


@dataclass(frozen=True)
class PredictionConfig(SamplingConfig):
    """Talking to a model."""

    engine: str = setting(
        "auto",
        "auto takes the quantized model when there is one, with the reference kernels.",
        choices=("auto", *ENGINES),
    )
