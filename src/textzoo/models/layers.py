"""Layers shared by the architectures. Each has `call` over a window and, where it keeps state, `decode_step`."""

from typing import Any

import keras
from keras import ops

PACKAGE = "textzoo"
# Embeddings and kernels start as in nanoGPT: normal with this deviation.
INITIAL_DEVIATION = 0.02


def normal_initializer(deviation: float = INITIAL_DEVIATION) -> keras.initializers.Initializer:
    """A fresh normal initializer that follows the global Keras seed."""
    return keras.initializers.RandomNormal(stddev=deviation)


@keras.saving.register_keras_serializable(package=PACKAGE)
class TokenEmbedding(keras.layers.Layer):
    """Token embedding that, reversed, also gives the logits (tied weights).

    tokens (batch, time) int32 -> (batch, time, d_model); reversed: (batch, time, d_model) -> (batch, time, vocabulary).
    """

    def __init__(self, vocabulary_size: int, d_model: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.d_model = d_model

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.embeddings = self.add_weight(
            name="embeddings", shape=(self.vocabulary_size, self.d_model), initializer=normal_initializer()
        )

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        if reverse:
            return ops.matmul(inputs, ops.transpose(self.embeddings))
        return ops.take(self.embeddings, inputs, axis=0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size, "d_model": self.d_model}


@keras.saving.register_keras_serializable(package=PACKAGE)
class PositionEmbedding(keras.layers.Layer):
    """Adds a learned vector per position: (batch, time, d_model) -> the same shape; time <= context_length."""

    def __init__(self, context_length: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.context_length = context_length

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.embeddings = self.add_weight(
            name="embeddings", shape=(self.context_length, input_shape[-1]), initializer=normal_initializer()
        )

    def call(self, inputs: Any) -> Any:
        return inputs + self.embeddings[: ops.shape(inputs)[1]]

    def decode_step(self, inputs: Any, position: Any) -> Any:
        """(1, d_model) at `position` (1,) int32 -> (1, d_model)."""
        return inputs + ops.take(self.embeddings, position, axis=0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "context_length": self.context_length}


@keras.saving.register_keras_serializable(package=PACKAGE)
class GammaLayerNorm(keras.layers.Layer):
    """LayerNorm with a gain and no offset, over the last axis.

    Written with plain products because the quantizer keeps every one of these ops in integers, while the stock
    LayerNormalization turns into NEG and SQUARED_DIFFERENCE with float islands.
    """

    def __init__(self, epsilon: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.gamma = self.add_weight(name="gamma", shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs: Any) -> Any:
        centred = inputs - ops.mean(inputs, axis=-1, keepdims=True)
        variance = ops.mean(centred * centred, axis=-1, keepdims=True)
        return centred * ops.rsqrt(variance + self.epsilon) * self.gamma

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package=PACKAGE)
class CausalSelfAttention(keras.layers.Layer):
    """Multi-head causal attention with one combined kernel for queries, keys and values.

    (batch, time, d_model) -> (batch, time, d_model). `decode_step` keeps a key cache and a value cache of shape
    (n_heads, context_length, d_head) each.
    """

    def __init__(self, n_heads: int, context_length: int, use_bias: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n_heads = n_heads
        self.context_length = context_length
        self.use_bias = use_bias

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.d_model = input_shape[-1]
        self.d_head = self.d_model // self.n_heads
        self.qkv = keras.layers.Dense(
            3 * self.d_model, use_bias=self.use_bias, kernel_initializer=normal_initializer(), name="qkv"
        )
        self.output_projection = keras.layers.Dense(
            self.d_model, use_bias=self.use_bias, kernel_initializer=normal_initializer(), name="output_projection"
        )
        self.qkv.build(input_shape)
        self.output_projection.build(input_shape)

    def call(self, inputs: Any) -> Any:
        batch, time, _ = ops.shape(inputs)
        queries, keys, values = ops.split(self.qkv(inputs), 3, axis=-1)
        heads = (batch, time, self.n_heads, self.d_head)
        queries = ops.transpose(ops.reshape(queries, heads), (0, 2, 1, 3)) * self.d_head**-0.5
        keys = ops.transpose(ops.reshape(keys, heads), (0, 2, 3, 1))
        values = ops.transpose(ops.reshape(values, heads), (0, 2, 1, 3))
        scores = ops.matmul(queries, keys)  # (batch, n_heads, time, time)
        places = ops.arange(time)
        live = places[None, :] <= places[:, None]
        probabilities = ops.softmax(ops.where(live, scores, -1e9))
        mixed = ops.transpose(ops.matmul(probabilities, values), (0, 2, 1, 3))
        return self.output_projection(ops.reshape(mixed, (batch, time, self.d_model)))

    def decode_step(self, inputs: Any, position: Any, key_cache: Any, value_cache: Any) -> tuple[Any, Any, Any]:
        """(1, d_model) at `position` (1,) int32 and both caches -> (1, d_model) and the new caches."""
        queries, keys, values = ops.split(self.qkv(inputs), 3, axis=-1)
        heads = (self.n_heads, 1, self.d_head)
        queries = ops.reshape(queries, heads) * self.d_head**-0.5
        place = ops.stack([0, position[0], 0])
        key_cache = ops.slice_update(key_cache, place, ops.reshape(keys, heads))
        value_cache = ops.slice_update(value_cache, place, ops.reshape(values, heads))
        scores = ops.matmul(queries, ops.transpose(key_cache, (0, 2, 1)))  # (n_heads, 1, context_length)
        live = ops.arange(self.context_length) <= position
        probabilities = ops.softmax(ops.where(live, scores, -1e9))
        mixed = ops.reshape(ops.matmul(probabilities, value_cache), (1, self.d_model))
        return self.output_projection(mixed), key_cache, value_cache

    def get_config(self) -> dict[str, Any]:
        own = {"n_heads": self.n_heads, "context_length": self.context_length, "use_bias": self.use_bias}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package=PACKAGE)
class FeedForward(keras.layers.Layer):
    """Two projections around an activation: (..., d_model) -> (..., d_hidden) -> (..., d_model)."""

    def __init__(self, d_hidden: int, activation: str = "relu", use_bias: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.d_hidden = d_hidden
        self.activation = activation
        self.use_bias = use_bias

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.up = keras.layers.Dense(
            self.d_hidden,
            activation=self.activation,
            use_bias=self.use_bias,
            kernel_initializer=normal_initializer(),
            name="up",
        )
        self.down = keras.layers.Dense(
            input_shape[-1], use_bias=self.use_bias, kernel_initializer=normal_initializer(), name="down"
        )
        self.up.build(input_shape)
        self.down.build((*input_shape[:-1], self.d_hidden))

    def call(self, inputs: Any) -> Any:
        return self.down(self.up(inputs))

    def get_config(self) -> dict[str, Any]:
        own = {"d_hidden": self.d_hidden, "activation": self.activation, "use_bias": self.use_bias}
        return {**super().get_config(), **own}
