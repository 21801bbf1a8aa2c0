"""Toy models and texts: seconds, not minutes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from textzoo.models.base import LanguageModel
from textzoo.models.files import build_model
from textzoo.models.settings import ModelConfig
from textzoo.training.layout import read_weights
from textzoo.training.settings import TrainingConfig
from textzoo.training.trainer import TrainingResult, train

VOCABULARY = 7
SEED = 11
CHANCE = np.log(VOCABULARY)


@dataclass
class ToyData:
    """A text in which every token follows from the one before: learnable within some dozens of steps."""

    train: np.ndarray = field(default_factory=lambda: (np.arange(600) % VOCABULARY).astype(np.uint16))
    validation: np.ndarray = field(default_factory=lambda: (np.arange(150) % VOCABULARY).astype(np.uint16))
    sha256: str = "toy"
    parts: tuple = ()
    documents: dict = field(default_factory=dict)


def toy_model(dropout: float = 0.1, seed: int = SEED, **changes: Any) -> LanguageModel:
    keras.utils.set_random_seed(seed)
    sizes = {"n_layers": 1, "n_heads": 2, "d_model": 8, "context_length": 8}
    return build_model(ModelConfig(**{**sizes, "dropout": dropout, **changes}), VOCABULARY)


def toy_config(**changes: Any) -> TrainingConfig:
    values = {
        "steps": 40,
        "batch_size": 4,
        "eval_interval": 10,
        "eval_tokens": 100,
        "warmup_steps": 5,
        "learning_rate": 1e-2,
    }
    return TrainingConfig(**{**values, **changes})


def run_toy(
    folder: Path,
    model: LanguageModel | None = None,
    data: ToyData | None = None,
    on_metrics: Any = None,
    deterministic: bool = False,
    resume: bool = False,
    **changes: Any,
) -> tuple[np.ndarray, TrainingResult]:
    """Train a toy; the model's weights afterwards as one vector, and the result."""
    model = model or toy_model()
    options = {"on_metrics": on_metrics} if on_metrics else {}
    options |= {"deterministic": deterministic, "resume": resume}
    config = toy_config(**changes)
    result = train(model, data or ToyData(), config, folder=folder, seed=SEED, **options)
    return read_weights(model), result


def stop_at(step: int, error: type[BaseException] = KeyboardInterrupt) -> Any:
    """A listener that ends the run at a step, like a user's Ctrl-C."""

    def on_metrics(current: int, metrics: dict[str, float]) -> None:
        if current >= step:
            raise error

    return on_metrics
