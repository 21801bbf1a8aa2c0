"""The sections of the configuration about running a model."""

from dataclasses import dataclass

from textzoo.common.settings import FILE_ONLY, setting
from textzoo.engines.registry import ENGINES
from textzoo.grammars.settings import MAX_DEPTH
from textzoo.text.settings import MAX_TOKENS, SamplingConfig

# The engines of a .tflite.
QUANTIZED = tuple(name for name in ENGINES if name != "keras")


@dataclass(frozen=True)
class EvaluationConfig:
    """The evaluation of models."""

    max_tokens: int = setting(20_000, "Validation tokens per model.", unit="tokens", low=1, high=MAX_TOKENS)
    max_commands: int = setting(
        700, "Commands that a model is tested with, for each number of typing mistakes.", low=1, high=10**6
    )
    engine: str = setting(
        "litert_ref",
        "Engine of quantized models: LiteRT's reference kernels, additionally its optimized kernels (litert), or the "
        "compiled C of the device (native: the same integers as the reference kernels, faster).",
        choices=QUANTIZED,
    )
    baselines: bool = setting(
        False,
        "Measure on the same text, too, what would do without a model: an n-gram model as large as each quantized one,"
        " xz and zstd.",
    )


@dataclass(frozen=True)
class PredictionConfig(SamplingConfig):
    """Text generation with a model."""

    engine: str = setting(
        "auto",
        "auto uses the quantized model with the reference kernels if there is one.",
        choices=("auto", *ENGINES),
    )
    grammar: str | None = setting(
        None,
        "File of what may be written: .gbnf, .json (a JSON Schema) or .txt (an allowed answer in each line); the text "
        "ends with the grammar's, or before prediction.stop; null for the model's own, which one of commands has.",
        path=FILE_ONLY,
    )
    own_grammar: bool = setting(True, "Whether a model of commands writes only what its grammar.json allows.")
    grammar_depth: int = setting(
        0,
        "How often a rule or definition of the grammar may contain itself, where that is not regular; 0 refuses it.",
        low=0,
        high=MAX_DEPTH,
    )
