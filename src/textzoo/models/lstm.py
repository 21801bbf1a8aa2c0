"""lstm: embedding, LSTM, logits by the embedding's weights; 49,408 parameters with bytes as tokens.

Its cell accumulates what it has read, so int8 is too coarse for it: docs/quantization.md.
"""

from typing import Any, ClassVar

import keras
from keras import ops

from textzoo.models.base import PACKAGE
from textzoo.models.configs import LSTMConfig
from textzoo.models.recurrent import RecurrentLanguageModel, RecurrentLayer
from textzoo.models.scan import States


@keras.saving.register_keras_serializable(package=PACKAGE)
class LongShortTermMemory(RecurrentLayer):
    """Hochreiter & Schmidhuber, 1997, as keras.layers.LSTM; gates in the order input, forget, new, output."""

    CONFIG: ClassVar[type[LSTMConfig]] = LSTMConfig

    def initial_bias(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        """Return 1 for the forget gate, so that a fresh cell remembers (Jozefowicz et al., 2015)."""
        ones, zeros = ops.ones((self.units,), dtype), ops.zeros((self.units,), dtype)
        return ops.concatenate([zeros, ones, zeros, zeros])

    def cell(self, states: States, from_input: Any, from_hidden: Any) -> States:
        _, cell = states
        parts = ops.split(from_input, 4, axis=-1)
        hidden_parts = ops.split(from_hidden, 4, axis=-1)
        take, forget, new, output = (a + b for a, b in zip(parts, hidden_parts, strict=True))
        cell = ops.sigmoid(forget) * cell + ops.sigmoid(take) * ops.tanh(new)
        return ops.sigmoid(output) * ops.tanh(cell), cell


@keras.saving.register_keras_serializable(package=PACKAGE)
class LSTM(RecurrentLanguageModel):
    """tokens (batch, time) int32 -> logits (batch, time, vocabulary_size)."""

    CONFIG: ClassVar[type[LSTMConfig]] = LSTMConfig
    NAME = "lstm"
    LAYER = LongShortTermMemory

    def export_operators(self, graph: str) -> frozenset[str]:
        return frozenset(["GATHER", "FULLY_CONNECTED", "SPLIT", "ADD", "MUL", "LOGISTIC", "TANH"])
