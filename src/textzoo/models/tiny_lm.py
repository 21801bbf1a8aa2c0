"""tiny_lm: embedding, GRU, logits by the embedding's weights; 41,344 parameters with bytes as tokens.

Its state is d_model numbers, however long the text: RAM that a KV cache needs for a single token.
"""

from typing import Any, ClassVar

import keras
from keras import ops

from textzoo.models.base import PACKAGE
from textzoo.models.configs import TinyLMConfig
from textzoo.models.recurrent import RecurrentLanguageModel, RecurrentLayer
from textzoo.models.scan import States


@keras.saving.register_keras_serializable(package=PACKAGE)
class GatedRecurrentUnit(RecurrentLayer):
    """Cho et al., 2014 (arXiv 1406.1078), as keras.layers.GRU with reset_after; gates in the order update, reset, new.

    Keras' bias (2, 3 * units) is `bias` above `recurrent_bias` here.
    """

    CONFIG: ClassVar[type[TinyLMConfig]] = TinyLMConfig

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        self.recurrent_bias = self.add_weight(
            name="recurrent_bias", shape=(self.CONFIG.GATES * self.units,), initializer="zeros"
        )

    def cell(self, states: States, from_input: Any, from_hidden: Any) -> States:
        (hidden,) = states
        input_update, input_reset, input_new = ops.split(from_input, 3, axis=-1)
        hidden_update, hidden_reset, hidden_new = ops.split(from_hidden, 3, axis=-1)
        update = ops.sigmoid(input_update + hidden_update)
        reset = ops.sigmoid(input_reset + hidden_reset)
        new = ops.tanh(input_new + reset * hidden_new)
        # update * hidden + (1 - update) * new, with one rounding less when it is quantized.
        return (new + update * (hidden - new),)


@keras.saving.register_keras_serializable(package=PACKAGE)
class TinyLM(RecurrentLanguageModel):
    """tokens (batch, time) int32 -> logits (batch, time, vocabulary_size)."""

    CONFIG: ClassVar[type[TinyLMConfig]] = TinyLMConfig
    NAME = "tiny_lm"
    LAYER = GatedRecurrentUnit

    def export_operators(self, graph: str) -> frozenset[str]:
        return frozenset(["GATHER", "FULLY_CONNECTED", "SPLIT", "ADD", "SUB", "MUL", "LOGISTIC", "TANH"])
