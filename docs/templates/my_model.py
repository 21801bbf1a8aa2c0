"""my_model: a neural n-gram model, as a template for models of your own.

The last four tokens' embeddings side by side, one hidden layer, logits by the embedding's weights (Bengio et al.,
2003).
"""

from typing import Any

import keras
from keras import ops

from textzoo.models.base import LanguageModel, StateSpec
from textzoo.models.layers import PACKAGE, TokenEmbedding

ORDER = 4  # tokens that the model sees


@keras.saving.register_keras_serializable(package=PACKAGE)
class RecentTokens(keras.layers.Layer):
    """Each place with those before it: (batch, time, d_model) -> (batch, time, ORDER * d_model), zeros in front."""

    def call(self, inputs: Any) -> Any:
        time = ops.shape(inputs)[1]
        padded = ops.pad(inputs, [[0, 0], [ORDER - 1, 0], [0, 0]])
        return ops.concatenate([padded[:, index : index + time] for index in range(ORDER)], axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], ORDER * input_shape[-1])


@keras.saving.register_keras_serializable(package=PACKAGE)
class MyModel(LanguageModel):
    """tokens (batch, time) int32 -> logits (batch, time, vocabulary_size).

    Args:
        vocabulary_size: Number of tokens.
        d_model: Width of embeddings and of the hidden layer.
        context_length: Tokens of a training window.
    """

    def __init__(
        self, vocabulary_size: int = 65, d_model: int = 64, context_length: int = 128, name: str = "my_model"
    ) -> None:
        token_embedding = TokenEmbedding(vocabulary_size, d_model, name="token_embedding")
        hidden = keras.layers.Dense(d_model, activation="relu", name="hidden")

        # The training graph: a whole window at once.
        tokens = keras.Input((None,), dtype="int32", name="tokens")
        recent = RecentTokens(name="recent_tokens")(token_embedding(tokens))
        logits = token_embedding(hidden(recent), reverse=True)

        super().__init__(inputs=tokens, outputs=logits, name=name)
        self.config = {
            "vocabulary_size": vocabulary_size,
            "d_model": d_model,
            "context_length": context_length,
            "name": name,
        }
        self.vocabulary_size = vocabulary_size
        self.context_length = context_length
        self.token_embedding = token_embedding
        self.hidden = hidden

    @classmethod
    def parameters_of(cls, config: dict[str, Any]) -> int:
        d_model = config["d_model"]
        return config["vocabulary_size"] * d_model + ORDER * d_model * d_model + d_model

    @classmethod
    def state_specs_of(cls, config: dict[str, Any]) -> list[StateSpec]:
        return [StateSpec("recent", (1, (ORDER - 1) * config["d_model"]))]

    def decode_step(self, token: Any, position: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """What the device computes: one token, with the same layers."""
        recent = ops.concatenate([state["recent"], self.token_embedding(token)], axis=-1)
        logits = self.token_embedding(self.hidden(recent), reverse=True)
        return logits, {"recent": recent[:, self.config["d_model"] :]}

    def window(self, tokens: Any) -> Any:
        """The window graph, without a batch axis. Leave it out and set has_window_graph = False if there is none."""
        recent = RecentTokens()(self.token_embedding(tokens)[None])[0]
        return self.token_embedding(self.hidden(recent), reverse=True)

    def export_operators(self, graph: str) -> frozenset[str]:
        """All operators of the exported float graph: anything else is refused, so that nothing slips in unseen."""
        names = {"GATHER", "CONCATENATION", "STRIDED_SLICE", "FULLY_CONNECTED"}
        return frozenset(names if graph == "decode" else names | {"PAD", "RESHAPE"})

    def get_config(self) -> dict[str, Any]:
        return dict(self.config)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "MyModel":
        return cls(**config)
