"""my_model: a neural n-gram model, as a template for models of your own.

The last four tokens' embeddings side by side, one hidden layer, logits by the embedding's weights (Bengio et al.,
2003).
"""

from typing import Any

import keras
from keras import ops
from textzoo.models.my_model_config import ORDER, MyModelConfig

from textzoo.models.base import PACKAGE, LanguageModel
from textzoo.models.layers.embeddings import TokenEmbedding


@keras.saving.register_keras_serializable(package=PACKAGE)
class RecentTokens(keras.layers.Layer):
    """Each position with those before it: (batch, time, d_model) -> (batch, time, ORDER * d_model), zeros in front."""

    def call(self, inputs: Any) -> Any:
        time = ops.shape(inputs)[1]
        padded = ops.pad(inputs, [[0, 0], [ORDER - 1, 0], [0, 0]])
        return ops.concatenate([padded[:, index : index + time] for index in range(ORDER)], axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], ORDER * input_shape[-1])


@keras.saving.register_keras_serializable(package=PACKAGE)
class MyModel(LanguageModel):
    """tokens (batch, time) int32 -> logits (batch, time, vocabulary_size)."""

    CONFIG = MyModelConfig
    NAME = "my_model"

    def __init__(self, config: MyModelConfig, name: str | None = None) -> None:
        token_embedding = TokenEmbedding(config.vocabulary_size, config.d_model, name="token_embedding")
        hidden = keras.layers.Dense(config.d_model, activation="relu", name="hidden")

        # The training graph: a whole window at once.
        tokens = keras.Input((None,), dtype="int32", name="tokens")
        recent = RecentTokens(name="recent_tokens")(token_embedding(tokens))
        logits = token_embedding(hidden(recent), reverse=True)

        super().__init__(config, tokens, logits, name)
        self.token_embedding = token_embedding
        self.hidden = hidden

    def decode_step(self, token: Any, position: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """What the device computes: one token, with the same layers."""
        recent = ops.concatenate([state["recent"], self.token_embedding(token)], axis=-1)
        logits = self.token_embedding(self.hidden(recent), reverse=True)
        return logits, {"recent": recent[:, self.config.d_model :]}

    def window(self, tokens: Any) -> Any:
        """The window graph, without a batch axis. Leave it out and set has_window_graph = False if there is none."""
        recent = RecentTokens()(self.token_embedding(tokens)[None])[0]
        return self.token_embedding(self.hidden(recent), reverse=True)

    def export_operators(self, graph: str) -> frozenset[str]:
        """All operators of the exported float graph: anything else is refused, so that nothing slips in unseen."""
        names = {"GATHER", "CONCATENATION", "STRIDED_SLICE", "FULLY_CONNECTED"}
        return frozenset(names if graph == "decode" else names | {"PAD", "RESHAPE"})
