"""What the Transformer architectures share: a block with the norms of its configuration, and the model around it."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

import keras
import numpy as np
from keras import ops

from textzoo.models.base import PACKAGE, LanguageModel
from textzoo.models.configs import TransformerConfig
from textzoo.models.layers.attention import CausalSelfAttention
from textzoo.models.layers.dropout import HashDropout
from textzoo.models.layers.embeddings import PositionEmbedding, TokenEmbedding
from textzoo.models.layers.feed_forward import FeedForward
from textzoo.models.layers.normalization import GammaLayerNorm, LayerNorm

# What the exported graphs consist of; ReLU and biases are part of FULLY_CONNECTED.
COMMON_OPERATORS = {"ADD", "SUB", "MUL", "MEAN", "RSQRT", "FULLY_CONNECTED", "BATCH_MATMUL", "SOFTMAX", "SELECT_V2"}
COMMON_OPERATORS |= {"SPLIT", "RESHAPE", "GATHER"}
DECODE_OPERATORS = {"DYNAMIC_UPDATE_SLICE", "LESS_EQUAL", "CONCATENATION"}
FORWARD_OPERATORS = {"TRANSPOSE"}


def norm_of(config: TransformerConfig, name: str) -> GammaLayerNorm:
    """Return a new norm as the architecture has them: with an offset, or with a gain only."""
    return LayerNorm(name=name) if config.has_norm_offsets else GammaLayerNorm(name=name)


def normalized_rows(norm: GammaLayerNorm | None, x: Any) -> Any:
    """Normalize rows (n, d_model) in the ops of the decode step; return them as they are without a norm."""
    if norm is None:
        return x
    with keras.name_scope(norm.name):
        return norm.decode_step(x)


@keras.saving.register_keras_serializable(package=PACKAGE)
class TransformerBlock(keras.layers.Layer):
    """Attention and a feed-forward part, each added to its input: (batch, time, d_model) -> the same shape.

    Args:
        config: Of the model that it belongs to; its NORMS say which norms the block has.
    """

    def __init__(self, config: TransformerConfig, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config
        self.attention = CausalSelfAttention(
            config.n_heads,
            config.context_length,
            config.use_bias,
            rotary=config.is_rotary,
            qk_norm=config.has_qk_norm,
            name="attention",
        )
        self.dropout = HashDropout(config.dropout, name="dropout")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        config = self.config
        self.feed_forward = FeedForward(
            config.HIDDEN_FACTOR * input_shape[-1], config.activation, config.use_bias, name="feed_forward"
        )
        for name in config.NORMS.values():
            setattr(self, name, norm_of(config, name))
        layers = (self.attention, self.feed_forward, *(getattr(self, name) for name in config.NORMS.values()))
        for layer in (*layers, self.dropout):
            layer.build(input_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self._through(
            inputs,
            lambda x: self.dropout(self.attention(x), training=training),
            lambda x: self.dropout(self.feed_forward(x), training=training),
            self._norm_of_windows,
        )

    def decode_step(self, inputs: Any, position: Any, key_cache: Any, value_cache: Any) -> tuple[Any, Any, Any]:
        """Compute one token: (1, d_model), `position` (1,) int32, both caches -> (1, d_model), the new caches."""
        caches = []

        def attend(x: Any) -> Any:
            with keras.name_scope("attention"):
                mixed, *updated = self.attention.decode_step(x, position, key_cache, value_cache)
            caches.extend(updated)
            return mixed

        return self._through(inputs, attend, self.feed_forward, self._norm_of_rows), *caches

    def window(self, inputs: Any) -> Any:
        """Compute `call` for one window (time, d_model), written with the ops of the decode step."""

        def attend(x: Any) -> Any:
            with keras.name_scope("attention"):
                return self.attention.window(x)

        return self._through(inputs, attend, self.feed_forward, self._norm_of_rows)

    def equalize(self, inputs: np.ndarray) -> np.ndarray:
        """Equalize both branches; (n, time, d_model) -> the outputs, which the next block takes.

        An offset of a norm that only a projection reads moves into the projection's bias, where it costs nothing.
        """
        observed: dict[str, np.ndarray] = {}

        def observing(name: str, branch: Callable[[Any], Any]) -> Callable[[Any], Any]:
            def function(x: Any) -> Any:
                observed[name] = ops.convert_to_numpy(x)
                return branch(x)

            return function

        attend, feed = observing("attention", self.attention), observing("feed_forward", self.feed_forward)
        outputs = ops.convert_to_numpy(
            self._through(ops.convert_to_tensor(inputs), attend, feed, self._norm_of_windows)
        )
        self.attention.equalize(observed["attention"])
        self.feed_forward.equalize(observed["feed_forward"])
        readers = {"before_attention": self.attention.qkv, "before_feed_forward": self.feed_forward.up}
        for position, projection in readers.items():
            norm = self._norm_at(position)
            if isinstance(norm, LayerNorm) and projection.bias is not None:
                norm.move_offset(projection)
        return outputs

    def _through(self, x: Any, attend: Callable, feed: Callable, norm: Callable[[str, Any], Any]) -> Any:
        x = norm("after_attention", x + attend(norm("before_attention", x)))
        return norm("after_feed_forward", x + feed(norm("before_feed_forward", x)))

    def _norm_at(self, position: str) -> GammaLayerNorm | None:
        name = self.config.NORMS.get(position)
        return getattr(self, name) if name else None

    def _norm_of_windows(self, position: str, x: Any) -> Any:
        norm = self._norm_at(position)
        return norm(x) if norm else x

    def _norm_of_rows(self, position: str, x: Any) -> Any:
        return normalized_rows(self._norm_at(position), x)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape


class TransformerLanguageModel(LanguageModel):
    """Embeddings, blocks, logits: tokens (batch, time) int32, time <= context_length -> (batch, time, vocabulary).

    An architecture is its configuration: that class says which norms, biases and positions there are.
    """

    CONFIG: ClassVar[type[TransformerConfig]]
    BLOCK: ClassVar[type[TransformerBlock]] = TransformerBlock
    config: TransformerConfig

    def __init__(self, config: TransformerConfig, name: str | None = None) -> None:
        # In this order: fresh weights and dropout follow from how many seeds were drawn before.
        blocks = [self.BLOCK(config, name=f"block_{index}") for index in range(config.n_layers)]
        embedding_norm = norm_of(config, "embedding_norm") if config.HAS_EMBEDDING_NORM else None
        final_norm = norm_of(config, "final_norm") if config.HAS_FINAL_NORM else None
        token_embedding = TokenEmbedding(config.vocabulary_size, config.d_model, name="token_embedding")
        position_embedding = projection = None
        if not config.is_rotary:
            position_embedding = PositionEmbedding(config.context_length, name="position_embedding")
        if not config.is_tied:
            projection = keras.layers.Dense(config.vocabulary_size, use_bias=False, name="output_projection")

        tokens = keras.Input((None,), dtype="int32", name="tokens")
        x = token_embedding(tokens)
        for layer in (position_embedding, embedding_norm):
            x = layer(x) if layer else x
        x = HashDropout(config.dropout, name="embedding_dropout")(x)
        for layer in (*blocks, final_norm):
            x = layer(x) if layer else x
        logits = projection(x) if projection else token_embedding(x, reverse=True)

        super().__init__(config, tokens, logits, name)
        self.token_embedding = token_embedding
        self.position_embedding = position_embedding
        self.embedding_norm = embedding_norm
        self.blocks = blocks
        self.final_norm = final_norm
        self.projection = projection

    def decode_step(self, token: Any, position: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        x = self.token_embedding(token)
        x = self.position_embedding.decode_step(x, position) if self.position_embedding else x
        x = normalized_rows(self.embedding_norm, x)
        new_state = {}
        for index, block in enumerate(self.blocks):
            caches = [f"key_cache_{index}", f"value_cache_{index}"]
            with keras.name_scope(block.name):
                x, *updated = block.decode_step(x, position, *(state[name] for name in caches))
            new_state.update(zip(caches, updated, strict=True))
        return self._logits(x), new_state

    def window(self, tokens: Any) -> Any:
        x = self.token_embedding(tokens)
        x = self.position_embedding.window(x) if self.position_embedding else x
        x = normalized_rows(self.embedding_norm, x)
        for block in self.blocks:
            with keras.name_scope(block.name):
                x = block.window(x)
        return self._logits(x)

    def _logits(self, x: Any) -> Any:
        x = normalized_rows(self.final_norm, x)
        return self.projection(x) if self.projection else self.token_embedding(x, reverse=True)

    def equalized(self, windows: np.ndarray) -> Self:
        copy = self.copy()
        x = copy.token_embedding(windows)
        for layer in (copy.position_embedding, copy.embedding_norm):
            x = layer(x) if layer else x
        x = ops.convert_to_numpy(x)
        for block in copy.blocks:
            x = block.equalize(x)
        return copy

    def export_operators(self, graph: str) -> frozenset[str]:
        names = COMMON_OPERATORS | (DECODE_OPERATORS if graph == "decode" else FORWARD_OPERATORS)
        if self.config.activation == "gelu":
            names |= {"GELU"}
        if self.config.is_rotary:
            names |= {"CONCATENATION"}
        return frozenset(names)
