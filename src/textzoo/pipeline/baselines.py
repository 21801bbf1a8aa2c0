"""What would do without a model, on the text of its evaluation: an n-gram model of the same size, and compressors."""

from collections.abc import Mapping
from pathlib import Path

from textzoo.baselines.comparison import baselines_of
from textzoo.common.progress import working
from textzoo.compiler.artifacts.tokenizer_tables import tokenizer_tables
from textzoo.compiler.compile import compile_file
from textzoo.compiler.operators.base import Target
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.records.report import BaselineReport
from textzoo.targets.settings import DeploymentConfig
from textzoo.text.prepare import PreparedDataset
from textzoo.text.tokenizers.base import Tokenizer

# The kernels of Cortex-M4 and M7, whatever board is configured: a model has one size to be compared with.
VARIANT = "dsp"


def measured_baselines(data: PreparedDataset, decode_steps: Mapping[str, Path], tokens: int) -> list[BaselineReport]:
    """Measure the baselines of models.

    Args:
        data: The corpus as the models were trained and evaluated on it.
        decode_steps: Name of a model -> its .tflite; all have the same context.
        tokens: How many tokens the evaluation predicted.
    """
    if not decode_steps:
        return []
    context_length = LitertReferenceEngine(next(iter(decode_steps.values()))).context_length
    sizes = {name: flash_bytes(path, data.tokenizer) for name, path in decode_steps.items()}
    with working("n-gram models and compressors on the same text"):
        rows = baselines_of(data, context_length, tokens, sizes)
    return [
        BaselineReport(
            baseline=row.name,
            bits_per_character=rounded(row.bits_per_character),
            how=row.how,
            against=row.against or None,
            file_bytes=row.file_bytes,
            without_windows=rounded(row.without_windows),
        )
        for row in rows
    ]


def rounded(value: float | None) -> float | None:
    """Return a figure with as many digits as are the same on every machine."""
    return None if value is None else round(value, 4)


def flash_bytes(path: Path, tokenizer: Tokenizer) -> int:
    """Return the bytes of weights and tables that a decode step and its tokenizer take in the image."""
    compiled = compile_file(path, Target(VARIANT, DeploymentConfig().weights))
    return sum(compiled.flash.by_kind.values()) + tokenizer_tables(tokenizer).table_bytes
