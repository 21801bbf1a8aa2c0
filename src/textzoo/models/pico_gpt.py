"""pico_gpt: the GPT of the CIMv3 accelerator, small enough for any microcontroller.

Per block: x + attention(x), then LayerNorm(x + feed_forward(x)); there is no pre-norm. LayerNorm has a gain only,
nothing has a bias, the activation is ReLU, and the logits share the token embedding's weights.
"""

from typing import Any

import keras
import numpy as np

from textzoo.models.base import LanguageModel, StateSpec
from textzoo.models.layers import (
    PACKAGE,
    CausalSelfAttention,
    FeedForward,
    GammaLayerNorm,
    HashDropout,
    PositionEmbedding,
    TokenEmbedding,
)

# What the exported graphs consist of; ReLU and biases are part of FULLY_CONNECTED.
COMMON_OPERATORS = {"ADD", "SUB", "MUL", "MEAN", "RSQRT", "FULLY_CONNECTED", "BATCH_MATMUL", "SOFTMAX", "SELECT_V2"}
COMMON_OPERATORS |= {"SPLIT", "RESHAPE", "GATHER"}
DECODE_OPERATORS = {"DYNAMIC_UPDATE_SLICE", "LESS_EQUAL", "CONCATENATION"}
FORWARD_OPERATORS = {"TRANSPOSE"}


@keras.saving.register_keras_serializable(package=PACKAGE)
class PicoGPT(LanguageModel):
    """tokens (batch, time) int32, time <= context_length -> logits (batch, time, vocabulary_size).

    Args:
        vocabulary_size: Number of tokens.
        n_layers: Number of blocks.
        n_heads: Attention heads per block; divides d_model.
        d_model: Width of the residual stream.
        context_length: Tokens that the model can look back on, itself included.
        dropout: Fraction dropped after the embeddings and after each branch while training, in [0, 1).
        activation: Activation of the feed-forward part.
        use_bias: Whether the projections have biases (CIMv3: no).
    """

    def __init__(
        self,
        vocabulary_size: int = 65,
        n_layers: int = 3,
        n_heads: int = 2,
        d_model: int = 128,
        context_length: int = 128,
        dropout: float = 0.0,
        activation: str = "relu",
        use_bias: bool = False,
        name: str = "pico_gpt",
    ) -> None:
        config = {
            "vocabulary_size": vocabulary_size,
            "n_layers": n_layers,
            "n_heads": n_heads,
            "d_model": d_model,
            "context_length": context_length,
            "dropout": dropout,
            "activation": activation,
            "use_bias": use_bias,
            "name": name,
        }
        token_embedding = TokenEmbedding(vocabulary_size, d_model, name="token_embedding")
        position_embedding = PositionEmbedding(context_length, name="position_embedding")
        blocks = [
            PicoBlock(n_heads, context_length, dropout, activation, use_bias, name=f"block_{index}")
            for index in range(n_layers)
        ]
        final_norm = GammaLayerNorm(name="final_norm")

        tokens = keras.Input((None,), dtype="int32", name="tokens")
        x = position_embedding(token_embedding(tokens))
        x = HashDropout(dropout, name="embedding_dropout")(x)
        for block in blocks:
            x = block(x)
        logits = token_embedding(final_norm(x), reverse=True)

        super().__init__(inputs=tokens, outputs=logits, name=name)
        self.config = config
        self.vocabulary_size = vocabulary_size
        self.context_length = context_length
        self.token_embedding = token_embedding
        self.position_embedding = position_embedding
        self.blocks = blocks
        self.final_norm = final_norm

    @classmethod
    def parameters_of(cls, config: dict[str, Any]) -> int:
        d_model, d_hidden = config["d_model"], 2 * config["d_model"]
        kernels = d_model * (3 * d_model + d_model) + 2 * d_model * d_hidden
        biases = (3 * d_model + d_model + d_hidden + d_model) if config.get("use_bias") else 0
        block = kernels + biases + d_model
        return config["n_layers"] * block + d_model * (1 + config["vocabulary_size"] + config["context_length"])

    def state_specs(self) -> list[StateSpec]:
        return [
            StateSpec(f"{kind}_cache_{index}", (block.n_heads, self.context_length, block.attention.d_head))
            for index, block in enumerate(self.blocks)
            for kind in ("key", "value")
        ]

    def decode_step(self, token: Any, position: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        x = self.position_embedding.decode_step(self.token_embedding(token), position)
        new_state = {}
        for index, block in enumerate(self.blocks):
            caches = [f"key_cache_{index}", f"value_cache_{index}"]
            with keras.name_scope(block.name):
                x, *updated = block.decode_step(x, position, *(state[name] for name in caches))
            new_state.update(zip(caches, updated, strict=True))
        return self._logits(x), new_state

    def window(self, tokens: Any) -> Any:
        x = self.position_embedding.window(self.token_embedding(tokens))
        for block in self.blocks:
            with keras.name_scope(block.name):
                x = block.window(x)
        return self._logits(x)

    def _logits(self, x: Any) -> Any:
        with keras.name_scope("final_norm"):
            normalized = self.final_norm.decode_step(x)
        return self.token_embedding(normalized, reverse=True)

    def equalized(self, windows: np.ndarray) -> "PicoGPT":
        twin = type(self).from_config(self.get_config())
        twin.set_weights(self.get_weights())
        x = keras.ops.convert_to_numpy(twin.position_embedding(twin.token_embedding(windows)))
        for block in twin.blocks:
            x = block.equalize(x)
        return twin

    def export_operators(self, graph: str) -> frozenset[str]:
        names = set(COMMON_OPERATORS)
        names |= DECODE_OPERATORS if graph == "decode" else FORWARD_OPERATORS
        if self.config["activation"] == "gelu":
            names.add("GELU")
        return frozenset(names)

    def get_config(self) -> dict[str, Any]:
        return dict(self.config)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "PicoGPT":
        return cls(**config)


@keras.saving.register_keras_serializable(package=PACKAGE)
class PicoBlock(keras.layers.Layer):
    """x + attention(x), then LayerNorm(x + feed_forward(x)): (batch, time, d_model) -> the same shape."""

    def __init__(
        self,
        n_heads: int,
        context_length: int,
        dropout: float = 0.0,
        activation: str = "relu",
        use_bias: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.n_heads = n_heads
        self.context_length = context_length
        self.dropout_rate = dropout
        self.activation = activation
        self.use_bias = use_bias

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        d_model = input_shape[-1]
        self.attention = CausalSelfAttention(self.n_heads, self.context_length, self.use_bias, name="attention")
        self.feed_forward = FeedForward(2 * d_model, self.activation, self.use_bias, name="feed_forward")
        self.norm = GammaLayerNorm(name="norm")
        self.dropout = HashDropout(self.dropout_rate, name="dropout")
        for layer in (self.attention, self.feed_forward, self.norm, self.dropout):
            layer.build(input_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        x = inputs + self.dropout(self.attention(inputs), training=training)
        return self.norm(x + self.dropout(self.feed_forward(x), training=training))

    def decode_step(self, inputs: Any, position: Any, key_cache: Any, value_cache: Any) -> tuple[Any, Any, Any]:
        with keras.name_scope("attention"):
            mixed, key_cache, value_cache = self.attention.decode_step(inputs, position, key_cache, value_cache)
        return self._finish(inputs + mixed), key_cache, value_cache

    def window(self, inputs: Any) -> Any:
        """`call` for one window (time, d_model), written with the ops of the decode step."""
        with keras.name_scope("attention"):
            mixed = self.attention.window(inputs)
        return self._finish(inputs + mixed)

    def equalize(self, inputs: np.ndarray) -> np.ndarray:
        """Equalize both branches; (n, time, d_model) -> what the next block sees."""
        outputs = keras.ops.convert_to_numpy(self(inputs))
        middle = inputs + keras.ops.convert_to_numpy(self.attention(inputs))
        self.attention.equalize(inputs)
        self.feed_forward.equalize(middle)
        return outputs

    def _finish(self, x: Any) -> Any:
        x = x + self.feed_forward(x)
        with keras.name_scope("norm"):
            return self.norm.decode_step(x)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "n_heads": self.n_heads,
            "context_length": self.context_length,
            "dropout": self.dropout_rate,
            "activation": self.activation,
            "use_bias": self.use_bias,
        }
