"""Open an engine by its name."""

from pathlib import Path
from typing import Any

from textzoo.engines.base import Engine
from textzoo.engines.registry import ENGINES


def open_engine(name: str, model: Any) -> Engine:
    """Open an engine.

    Args:
        name: "keras", "litert_ref", "litert" or "native".
        model: A LanguageModel or the path of a .keras/.h5 for keras; the path of a decode .tflite for the others.
    """
    engine = ENGINES.get(name)
    if name == "keras" and isinstance(model, str | Path):
        from textzoo.models.files import load_float_model

        model = load_float_model(Path(model))
    return engine(model)
