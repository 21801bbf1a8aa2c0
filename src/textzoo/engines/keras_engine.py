"""The Keras engine: the float model itself."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from textzoo.engines.base import Engine, LogitsFormat
from textzoo.models.base import LanguageModel

BATCH_WINDOWS = 32


class KerasEngine(Engine):
    """A LanguageModel in float32: `step` uses its decode step, `window_logits` its forward pass."""

    name = "keras"

    def __init__(self, model: LanguageModel) -> None:
        self.model = model
        self.vocabulary_size = model.vocabulary_size
        self.context_length = model.context_length
        self.logits_format = LogitsFormat(np.dtype("float32"), 1.0, 0)
        self._decode = compiled(model.decode_step)
        self.reset()

    def reset(self) -> None:
        self.position = 0
        self._state: dict[str, Any] = self.model.initial_state()

    def step_raw(self, token: int) -> np.ndarray:
        self.check_step(token)
        tokens, position = (np.array([value], "int32") for value in (token, self.position))
        logits, self._state = self._decode(tokens, position, self._state)
        self.position += 1
        return keras.ops.convert_to_numpy(logits)[0]

    def window_logits(self, windows: np.ndarray, lengths: np.ndarray) -> Iterator[np.ndarray]:
        for start in range(0, len(windows), BATCH_WINDOWS):
            batch = np.asarray(windows[start : start + BATCH_WINDOWS], "int32")
            logits = keras.ops.convert_to_numpy(self.model(batch, training=False))
            for row, length in zip(logits, lengths[start : start + BATCH_WINDOWS], strict=True):
                yield row[:length]


def compiled(function: Callable) -> Callable:
    """Return the function as a graph with the TensorFlow backend; unchanged with other backends."""
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    return tf.function(function, reduce_retracing=True, autograph=False)
