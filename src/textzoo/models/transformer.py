"""What the Transformer architectures share: a block with norms where they are wanted, and the model around it."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

import keras
import numpy as np
from keras import ops

from textzoo.models.base import LanguageModel, StateSpec
from textzoo.models.layers import (
    PACKAGE,
    CausalSelfAttention,
    FeedForward,
    GammaLayerNorm,
    HashDropout,
    LayerNorm,
    PositionEmbedding,
    TokenEmbedding,
    cache_specs,
)

# What the exported graphs consist of; ReLU and biases are part of FULLY_CONNECTED.
COMMON_OPERATORS = {"ADD", "SUB", "MUL", "MEAN", "RSQRT", "FULLY_CONNECTED", "BATCH_MATMUL", "SOFTMAX", "SELECT_V2"}
COMMON_OPERATORS |= {"SPLIT", "RESHAPE", "GATHER"}
DECODE_OPERATORS = {"DYNAMIC_UPDATE_SLICE", "LESS_EQUAL", "CONCATENATION"}
FORWARD_OPERATORS = {"TRANSPOSE"}


@keras.saving.register_keras_serializable(package=PACKAGE)
class TransformerBlock(keras.layers.Layer):
    """Attention and a feed-forward part, each added to what goes into it: (batch, time, d_model) -> the same shape.

    Args:
        norms: Place -> name of the norm there. Places: before_attention, after_attention, before_feed_forward,
            after_feed_forward; the norms "after" see the sum of a branch and what went into it.
        n_heads: Attention heads.
        context_length: Places of the caches.
        hidden_factor: Width of the hidden layer, in d_model.
        dropout: Fraction dropped after each branch while training.
        activation: Of the hidden layer.
        use_bias: Whether projections have biases, and norms with them.
        norm_bias: Whether norms have offsets.
        rotary: Whether queries and keys are turned by their position.
        qk_norm: Whether queries and keys are normalized.
    """

    def __init__(
        self,
        norms: dict[str, str],
        n_heads: int,
        context_length: int,
        hidden_factor: int = 4,
        dropout: float = 0.0,
        activation: str = "gelu",
        use_bias: bool = False,
        norm_bias: bool = False,
        rotary: bool = False,
        qk_norm: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.norms = dict(norms)
        self.n_heads = n_heads
        self.hidden_factor = hidden_factor
        self.norm_bias = norm_bias
        self.attention = CausalSelfAttention(
            n_heads, context_length, use_bias, rotary=rotary, qk_norm=qk_norm, name="attention"
        )
        self.activation = activation
        self.use_bias = use_bias
        self.dropout = HashDropout(dropout, name="dropout")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.feed_forward = FeedForward(
            self.hidden_factor * input_shape[-1], self.activation, self.use_bias, name="feed_forward"
        )
        for name in self.norms.values():
            setattr(self, name, LayerNorm(name=name) if self.norm_bias else GammaLayerNorm(name=name))
        layers = (self.attention, self.feed_forward, *(getattr(self, name) for name in self.norms.values()))
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
        """(1, d_model) at `position` (1,) int32 and both caches -> (1, d_model) and the new caches."""
        caches = []

        def attend(x: Any) -> Any:
            with keras.name_scope("attention"):
                mixed, *updated = self.attention.decode_step(x, position, key_cache, value_cache)
            caches.extend(updated)
            return mixed

        return self._through(inputs, attend, self.feed_forward, self._norm_of_rows), *caches

    def window(self, inputs: Any) -> Any:
        """`call` for one window (time, d_model), written with the ops of the decode step."""

        def attend(x: Any) -> Any:
            with keras.name_scope("attention"):
                return self.attention.window(x)

        return self._through(inputs, attend, self.feed_forward, self._norm_of_rows)

    def equalize(self, inputs: np.ndarray) -> np.ndarray:
        """Equalize both branches; (n, time, d_model) -> what the next block sees.

        An offset of a norm that only a projection reads moves into the projection's bias, where it costs nothing.
        """
        seen: dict[str, np.ndarray] = {}

        def remembered(name: str, branch: Callable[[Any], Any]) -> Callable[[Any], Any]:
            def function(x: Any) -> Any:
                seen[name] = ops.convert_to_numpy(x)
                return branch(x)

            return function

        attend, feed = remembered("attention", self.attention), remembered("feed_forward", self.feed_forward)
        outputs = ops.convert_to_numpy(
            self._through(ops.convert_to_tensor(inputs), attend, feed, self._norm_of_windows)
        )
        self.attention.equalize(seen["attention"])
        self.feed_forward.equalize(seen["feed_forward"])
        for place, projection in (
            ("before_attention", self.attention.qkv),
            ("before_feed_forward", self.feed_forward.up),
        ):
            norm = getattr(self, self.norms[place]) if place in self.norms else None
            if isinstance(norm, LayerNorm) and projection.bias is not None:
                norm.move_offset(projection)
        return outputs

    def _through(self, x: Any, attend: Callable, feed: Callable, norm: Callable[[str, Any], Any]) -> Any:
        x = norm("after_attention", x + attend(norm("before_attention", x)))
        return norm("after_feed_forward", x + feed(norm("before_feed_forward", x)))

    def _norm_of_windows(self, place: str, x: Any) -> Any:
        return getattr(self, self.norms[place])(x) if place in self.norms else x

    def _norm_of_rows(self, place: str, x: Any) -> Any:
        if place not in self.norms:
            return x
        with keras.name_scope(self.norms[place]):
            return getattr(self, self.norms[place]).decode_step(x)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    @staticmethod
    def parameters_of(d_model: int, hidden_factor: int, use_bias: bool) -> int:
        """Numbers in the projections of both branches."""
        biases = (3 + 1 + hidden_factor + 1) * d_model if use_bias else 0
        return (4 + 2 * hidden_factor) * d_model * d_model + biases


class TransformerLanguageModel(LanguageModel):
    """Embeddings, blocks, logits: tokens (batch, time) int32, time <= context_length -> (batch, time, vocabulary_size).

    Args:
        config: The constructor's arguments, name included.
        blocks: The blocks, not built.
        learned_positions: Whether a learned vector per position is added.
        embedding_norm: Norm behind the embeddings, if any.
        final_norm: Norm before the logits, if any.
        tied: Whether the logits share the token embedding's weights.
    """

    # Factor of the hidden layers' width.
    HIDDEN_FACTOR: ClassVar[int] = 4

    def __init__(
        self,
        config: dict[str, Any],
        blocks: list[TransformerBlock],
        *,
        learned_positions: bool = True,
        embedding_norm: GammaLayerNorm | None = None,
        final_norm: GammaLayerNorm | None = None,
        tied: bool = True,
    ) -> None:
        vocabulary_size, context_length = config["vocabulary_size"], config["context_length"]
        token_embedding = TokenEmbedding(vocabulary_size, config["d_model"], name="token_embedding")
        position_embedding = PositionEmbedding(context_length, name="position_embedding") if learned_positions else None
        projection = None if tied else keras.layers.Dense(vocabulary_size, use_bias=False, name="output_projection")

        tokens = keras.Input((None,), dtype="int32", name="tokens")
        x = token_embedding(tokens)
        for layer in (position_embedding, embedding_norm):
            x = layer(x) if layer else x
        x = HashDropout(config["dropout"], name="embedding_dropout")(x)
        for block in blocks:
            x = block(x)
        x = final_norm(x) if final_norm else x
        logits = projection(x) if projection else token_embedding(x, reverse=True)

        super().__init__(inputs=tokens, outputs=logits, name=config["name"])
        self.config = config
        self.vocabulary_size = vocabulary_size
        self.context_length = context_length
        self.token_embedding = token_embedding
        self.position_embedding = position_embedding
        self.embedding_norm = embedding_norm
        self.blocks = blocks
        self.final_norm = final_norm
        self.projection = projection

    @classmethod
    def state_specs_of(cls, config: dict[str, Any]) -> list[StateSpec]:
        return cache_specs(config)

    def decode_step(self, token: Any, position: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        x = self.token_embedding(token)
        x = self.position_embedding.decode_step(x, position) if self.position_embedding else x
        x = self._normalized(self.embedding_norm, x)
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
        x = self._normalized(self.embedding_norm, x)
        for block in self.blocks:
            with keras.name_scope(block.name):
                x = block.window(x)
        return self._logits(x)

    def _normalized(self, norm: GammaLayerNorm | None, x: Any) -> Any:
        if norm is None:
            return x
        with keras.name_scope(norm.name):
            return norm.decode_step(x)

    def _logits(self, x: Any) -> Any:
        x = self._normalized(self.final_norm, x)
        return self.projection(x) if self.projection else self.token_embedding(x, reverse=True)

    def equalized(self, windows: np.ndarray) -> Self:
        twin = type(self).from_config(self.get_config())
        twin.set_weights(self.get_weights())
        x = twin.token_embedding(windows)
        for layer in (twin.position_embedding, twin.embedding_norm):
            x = layer(x) if layer else x
        x = ops.convert_to_numpy(x)
        for block in twin.blocks:
            x = block.equalize(x)
        return twin

    def export_operators(self, graph: str) -> frozenset[str]:
        names = COMMON_OPERATORS | (DECODE_OPERATORS if graph == "decode" else FORWARD_OPERATORS)
        if self.config["activation"] == "gelu":
            names |= {"GELU"}
        if self.position_embedding is None:  # rotary
            names |= {"CONCATENATION"}
        return frozenset(names)

    def get_config(self) -> dict[str, Any]:
        return dict(self.config)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        return cls(**config)
