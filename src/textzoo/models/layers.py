"""Layers shared by the architectures. Each has `call` over a window and, where it keeps state, `decode_step`."""

from math import prod
from typing import Any

import keras
import numpy as np
from keras import ops

PACKAGE = "textzoo"
# Embeddings and kernels start as in nanoGPT: normal with this deviation.
INITIAL_DEVIATION = 0.02
# The score of a place that must not be looked at: finite, because calibration must be able to clip it.
DEAD_SCORE = -1e9


def normal_initializer(deviation: float = INITIAL_DEVIATION) -> keras.initializers.Initializer:
    """A fresh normal initializer that follows the global Keras seed."""
    return keras.initializers.RandomNormal(stddev=deviation)


def gather_rows(table: Any, indices: Any) -> Any:
    """The rows of `table` (n, width) at `indices`, in [0, n) -> (*indices.shape, width).

    `ops.take` also accepts negative indices, which leaves comparisons and selections in the exported graph.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.gather(ops.convert_to_tensor(table), indices)
    return ops.take(table, indices, axis=0)


def as_float64(weight: Any) -> np.ndarray:
    """A weight as an array, wide enough to rescale it without a second rounding."""
    return ops.convert_to_numpy(weight).astype(np.float64)


def bias_of(projection: keras.layers.Dense) -> np.ndarray:
    """(units,) the bias of a projection, or zeros where it has none."""
    return np.zeros(projection.units) if projection.bias is None else as_float64(projection.bias)


def channel_range(values: np.ndarray) -> np.ndarray:
    """(rows, channels) -> (channels,) largest absolute values; dead channels count as a thousandth of the largest."""
    ranges = np.abs(values).max(axis=0)
    return np.maximum(ranges, max(ranges.max(), 1e-6) * 1e-3)


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
        return gather_rows(self.embeddings, inputs)

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

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def decode_step(self, inputs: Any, position: Any) -> Any:
        """(1, d_model) at `position` (1,) int32 -> (1, d_model)."""
        return inputs + gather_rows(self.embeddings, position)

    def window(self, inputs: Any) -> Any:
        """(context_length, d_model) -> the same shape."""
        return inputs + self.embeddings

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "context_length": self.context_length}


def mixed_bits(numbers: Any) -> Any:
    """Hash int32 to int32, each bit of the result equally likely: Wellons' lowbias32, in signed arithmetic."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B - 2**32)):
        logical_shift = ops.bitwise_and(ops.right_shift(numbers, shift), 2 ** (32 - shift) - 1)
        numbers = ops.bitwise_xor(numbers, logical_shift) * factor
    return ops.bitwise_xor(numbers, ops.bitwise_and(ops.right_shift(numbers, 16), 0xFFFF))


@keras.saving.register_keras_serializable(package=PACKAGE)
class HashDropout(keras.layers.Layer):
    """Dropout whose random numbers are a hash of the place: any shape -> the same shape.

    The generators behind keras.layers.Dropout take a quarter of a training step on a CPU; this takes next to nothing.

    Args:
        rate: Fraction of the numbers set to 0 while training, in [0, 1); the others are scaled by 1 / (1 - rate).
    """

    def __init__(self, rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator() if rate else None

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.seed_generator is None:
            return inputs
        seed = ops.cast(self.seed_generator.next(), "int32")
        shape = ops.shape(inputs)
        places = ops.reshape(ops.arange(prod(shape), dtype="int32"), shape)
        bits = mixed_bits(places + mixed_bits(seed[0] + mixed_bits(seed[1])))
        kept = ops.bitwise_and(bits, 2**31 - 1) >= int(self.rate * 2**31)
        return ops.where(kept, inputs * (1.0 / (1.0 - self.rate)), 0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate}


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

    def decode_step(self, inputs: Any) -> Any:
        """`call` for rows (n, width), in ops that lose little when they are quantized.

        The sum of squares is a product of matrices, which adds up exactly in int32: squares of their own would be
        rounded to the step that the largest needs. And the inverse deviation meets the gain before it meets the rows,
        so that the normalized rows are rounded once.
        """
        width = inputs.shape[-1]
        centred = inputs - ops.mean(inputs, axis=-1, keepdims=True)
        columns = ops.reshape(centred, (-1, width, 1))
        squares = ops.reshape(ops.matmul(ops.reshape(centred, (-1, 1, width)), columns), (-1, 1))
        return centred * (ops.rsqrt(squares + width * self.epsilon) * (self.gamma * width**0.5))

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
        # Set while training: weight of the mean square of the live scores in the loss, which keeps their range small.
        self.score_penalty = 0.0

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.d_model = input_shape[-1]
        self.d_head = self.d_model // self.n_heads
        self.qkv = keras.layers.Dense(
            3 * self.d_model, use_bias=self.use_bias, kernel_initializer=normal_initializer(), name="qkv"
        )
        self.output_projection = keras.layers.Dense(
            self.d_model, use_bias=self.use_bias, kernel_initializer=normal_initializer(), name="output_projection"
        )
        self.score_scale = self.d_head**-0.5  # 1 after `equalize`
        self.qkv.build(input_shape)
        self.output_projection.build(input_shape)

    def call(self, inputs: Any) -> Any:
        batch, time, _ = ops.shape(inputs)
        queries, keys, values = ops.split(self.qkv(inputs), 3, axis=-1)
        heads = (batch, time, self.n_heads, self.d_head)
        queries = ops.transpose(ops.reshape(queries, heads), (0, 2, 1, 3)) * self.score_scale
        keys = ops.transpose(ops.reshape(keys, heads), (0, 2, 3, 1))
        values = ops.transpose(ops.reshape(values, heads), (0, 2, 1, 3))
        scores = ops.matmul(queries, keys)  # (batch, n_heads, time, time)
        places = ops.arange(time)
        live = places[None, :] <= places[:, None]
        if self.score_penalty:
            self.add_loss(self.score_penalty * ops.mean(ops.square(ops.where(live, scores, 0.0))))
        probabilities = ops.softmax(ops.where(live, scores, DEAD_SCORE))
        mixed = ops.transpose(ops.matmul(probabilities, values), (0, 2, 1, 3))
        return self.output_projection(ops.reshape(mixed, (batch, time, self.d_model)))

    def decode_step(self, inputs: Any, position: Any, key_cache: Any, value_cache: Any) -> tuple[Any, Any, Any]:
        """(1, d_model) at `position` (1,) int32 and both caches -> (1, d_model) and the new caches."""
        heads = (self.n_heads, 1, self.d_head)
        queries, keys, values = (ops.reshape(part, heads) for part in self._project(inputs))
        zero = np.zeros(1, "int32")
        place = ops.concatenate([zero, position, zero])
        key_cache = ops.slice_update(key_cache, place, keys)
        value_cache = ops.slice_update(value_cache, place, values)
        live = ops.less_equal(np.arange(self.context_length, dtype="int32"), position)
        mixed = ops.reshape(self._attend(queries, key_cache, value_cache, live), (1, self.d_model))
        return self.output_projection(mixed), key_cache, value_cache

    def window(self, inputs: Any) -> Any:
        """`call` for one window (time, d_model), written with the ops of the decode step."""
        time = inputs.shape[0]
        queries, keys, values = self._project(inputs)
        by_head = [
            ops.transpose(ops.reshape(part, (time, self.n_heads, self.d_head)), (1, 0, 2))
            for part in (queries, keys, values)
        ]
        places = np.arange(time)
        mixed = self._attend(*by_head, places[None, :] <= places[:, None])
        return self.output_projection(ops.reshape(ops.transpose(mixed, (1, 0, 2)), (time, self.d_model)))

    def _project(self, inputs: Any) -> list[Any]:
        """(time, d_model) -> queries, keys, values, (time, d_model) each."""
        return ops.split(self.qkv(inputs), 3, axis=-1)

    def _attend(self, queries: Any, keys: Any, values: Any, live: Any) -> Any:
        """Queries (n_heads, time, d_head) over keys and values (n_heads, places, d_head) -> (n_heads, time, d_head).

        Places that are not live get the lowest score that can be represented instead of a mask added to them, so that
        masking takes nothing from the range of the scores.
        """
        if self.score_scale != 1.0:
            queries = queries * self.score_scale
        scores = ops.matmul(queries, ops.transpose(keys, (0, 2, 1)))
        probabilities = ops.softmax(ops.where(live, scores, DEAD_SCORE))
        return ops.matmul(probabilities, values)

    def equalize(self, inputs: np.ndarray) -> None:
        """Rescale channels so that they quantize well; the outputs stay the same up to float rounding.

        * 1/sqrt(d_head) goes into the queries.
        * Channel i of the keys is divided by s_i and channel i of the queries multiplied: both then have one range.
        * Channels of the values are rescaled against the output projection, up to the range of queries and keys,
          half way (as in SmoothQuant, arXiv 2211.10438): all of it would roughen the projection's weights.

        Args:
            inputs: (n, time, d_model) what the layer sees of representative windows.
        """
        kernels = np.split(as_float64(self.qkv.kernel), 3, axis=1)
        biases = np.split(bias_of(self.qkv), 3)
        rows = inputs.reshape(-1, self.d_model).astype(np.float64)
        ranges = [channel_range(rows @ kernel + bias) for kernel, bias in zip(kernels, biases, strict=True)]
        query_range = ranges[0] * self.score_scale
        balance = np.sqrt(ranges[1] / query_range)
        gain = np.sqrt(ranges[2].max() / ranges[2])
        gain *= (query_range * balance).max() / (ranges[2] * gain).max()
        factors = (self.score_scale * balance, 1 / balance, gain)
        self.score_scale = 1.0
        self.qkv.kernel.assign(np.concatenate([k * f for k, f in zip(kernels, factors, strict=True)], axis=1))
        if self.qkv.bias is not None:
            self.qkv.bias.assign(np.concatenate([b * f for b, f in zip(biases, factors, strict=True)]))
        self.output_projection.kernel.assign(as_float64(self.output_projection.kernel) / gain[:, None])

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

    def equalize(self, inputs: np.ndarray) -> None:
        """Bring the ranges of the hidden channels together; exact because ReLU commutes with positive factors.

        Args:
            inputs: (n, time, d_model) what the layer sees of representative windows.
        """
        if self.activation != "relu":
            return
        kernel = as_float64(self.up.kernel)
        hidden = inputs.reshape(-1, len(kernel)).astype(np.float64) @ kernel + bias_of(self.up)
        ranges = channel_range(np.maximum(hidden, 0.0))
        gain = np.sqrt(ranges.max() / ranges)
        self.up.kernel.assign(kernel * gain)
        if self.up.bias is not None:
            self.up.bias.assign(bias_of(self.up) * gain)
        self.down.kernel.assign(as_float64(self.down.kernel) / gain[:, None])

    def get_config(self) -> dict[str, Any]:
        own = {"d_hidden": self.d_hidden, "activation": self.activation, "use_bias": self.use_bias}
        return {**super().get_config(), **own}
