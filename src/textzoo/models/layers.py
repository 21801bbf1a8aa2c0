"""Layers shared by the architectures. Each has `call` over a window and, where it keeps state, `decode_step`."""

from math import prod
from typing import Any

import keras
import numpy as np
from keras import ops

from textzoo.models.base import StateSpec

PACKAGE = "textzoo"
# Embeddings and kernels start as in nanoGPT: normal with this deviation.
INITIAL_DEVIATION = 0.02
# The score of a place that must not be looked at: finite, because calibration must be able to clip it.
DEAD_SCORE = -1e9
RELU_SQUARED = "relu_squared"


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

    def centred(self, inputs: Any) -> Any:
        return inputs - ops.mean(inputs, axis=-1, keepdims=True)

    def call(self, inputs: Any) -> Any:
        centred = self.centred(inputs)
        variance = ops.mean(centred * centred, axis=-1, keepdims=True)
        return centred * ops.rsqrt(variance + self.epsilon) * self.gamma

    def decode_step(self, inputs: Any) -> Any:
        """`call` for rows (n, width), in ops that lose little when they are quantized.

        The sum of squares is a product of matrices, which adds up exactly in int32: squares of their own would be
        rounded to the step that the largest needs. And the inverse deviation meets the gain before it meets the rows,
        so that the normalized rows are rounded once.
        """
        width = inputs.shape[-1]
        centred = self.centred(inputs)
        columns = ops.reshape(centred, (-1, width, 1))
        squares = ops.reshape(ops.matmul(ops.reshape(centred, (-1, 1, width)), columns), (-1, 1))
        return centred * (ops.rsqrt(squares + width * self.epsilon) * (self.gamma * width**0.5))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package=PACKAGE)
class LayerNorm(GammaLayerNorm):
    """LayerNorm with a gain and an offset, over the last axis."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        self.beta = self.add_weight(name="beta", shape=(input_shape[-1],), initializer="zeros")
        self.offset_is_elsewhere = False  # set by `move_offset`

    def call(self, inputs: Any) -> Any:
        return super().call(inputs) + self.beta

    def decode_step(self, inputs: Any) -> Any:
        rows = super().decode_step(inputs)
        return rows if self.offset_is_elsewhere else rows + self.beta

    def move_offset(self, projection: keras.layers.Dense) -> None:
        """Let the bias of the only reader do the offset's work: (x + beta) @ kernel is x @ kernel + beta @ kernel."""
        projection.bias.assign(bias_of(projection) + as_float64(self.beta) @ as_float64(projection.kernel))
        self.beta.assign(np.zeros(self.beta.shape))
        self.offset_is_elsewhere = True


@keras.saving.register_keras_serializable(package=PACKAGE)
class RootMeanSquareNorm(GammaLayerNorm):
    """RMSNorm with a gain, over the last axis: the mean stays."""

    def centred(self, inputs: Any) -> Any:
        return inputs


def rotary_tables(context_length: int, d_head: int, base: float = 10_000.0) -> tuple[np.ndarray, np.ndarray]:
    """(context_length, d_head) cosines, and sines with the sign that `rotated` needs; d_head even, channel i turns with
    channel i + d_head / 2 (arXiv 2104.09864)."""
    frequencies = base ** (-np.arange(d_head // 2) / (d_head // 2))
    angles = np.arange(context_length)[:, None] * frequencies
    cosines, sines = np.cos(angles), np.sin(angles)
    return np.hstack([cosines, cosines]).astype(np.float32), np.hstack([-sines, sines]).astype(np.float32)


def rotated(rows: Any, cosines: Any, sines: Any) -> Any:
    """Turn pairs of channels: rows (..., time, d_head), tables (time, d_head) -> the same shape as rows."""
    first, second = ops.split(rows, 2, axis=-1)
    return rows * cosines + ops.concatenate([second, first], axis=-1) * sines


def cache_specs(config: dict[str, Any]) -> list[StateSpec]:
    """The key cache and the value cache of every block, from n_layers, n_heads, d_model and context_length."""
    shape = (config["n_heads"], config["context_length"], config["d_model"] // config["n_heads"])
    return [
        StateSpec(f"{kind}_cache_{index}", shape) for index in range(config["n_layers"]) for kind in ("key", "value")
    ]


@keras.saving.register_keras_serializable(package=PACKAGE)
class CausalSelfAttention(keras.layers.Layer):
    """Multi-head causal attention with one combined kernel for queries, keys and values.

    (batch, time, d_model) -> (batch, time, d_model). `decode_step` keeps a key cache and a value cache of shape
    (n_heads, context_length, d_head) each; keys are cached as they are compared: normalized and turned.

    Args:
        n_heads: Divides d_model.
        context_length: Places of the caches.
        use_bias: Whether the projections have biases.
        rotary: Whether queries and keys are turned by their position; d_head is then even.
        qk_norm: Whether queries and keys are normalized per head.
    """

    def __init__(
        self,
        n_heads: int,
        context_length: int,
        use_bias: bool = False,
        rotary: bool = False,
        qk_norm: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.n_heads = n_heads
        self.context_length = context_length
        self.use_bias = use_bias
        self.rotary = rotary
        self.qk_norm = qk_norm
        # Set while training: weight of the mean square of the live scores in the loss, which keeps their range small.
        self.score_penalty = 0.0

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.d_model = input_shape[-1]
        self.d_head = self.d_model // self.n_heads
        if self.d_model % self.n_heads:
            raise ValueError(f"{self.n_heads} heads do not divide {self.d_model} channels")
        if self.rotary and self.d_head % 2:
            raise ValueError(f"heads of {self.d_head} channels cannot be turned in pairs")
        self.qkv = keras.layers.Dense(
            3 * self.d_model, use_bias=self.use_bias, kernel_initializer=normal_initializer(), name="qkv"
        )
        self.output_projection = keras.layers.Dense(
            self.d_model, use_bias=self.use_bias, kernel_initializer=normal_initializer(), name="output_projection"
        )
        self.score_scale = self.d_head**-0.5  # 1 after `equalize`
        self.qkv.build(input_shape)
        self.output_projection.build(input_shape)
        if self.rotary:
            self.cosines, self.sines = rotary_tables(self.context_length, self.d_head)
        if self.qk_norm:
            self.query_norm, self.key_norm = (RootMeanSquareNorm(name=f"{name}_norm") for name in ("query", "key"))
            for norm in (self.query_norm, self.key_norm):
                norm.build((None, self.d_head))

    def call(self, inputs: Any) -> Any:
        batch, time, _ = ops.shape(inputs)
        queries, keys, values = ops.split(self.qkv(inputs), 3, axis=-1)
        heads = (batch, time, self.n_heads, self.d_head)
        queries, keys = (ops.transpose(ops.reshape(part, heads), (0, 2, 1, 3)) for part in (queries, keys))
        queries, keys = self._compared(queries, keys)
        queries = queries * self.score_scale
        keys = ops.transpose(keys, (0, 1, 3, 2))
        values = ops.transpose(ops.reshape(values, heads), (0, 2, 1, 3))
        scores = ops.matmul(queries, keys)  # (batch, n_heads, time, time)
        places = ops.arange(time)
        live = places[None, :] <= places[:, None]
        if self.score_penalty:
            self.add_loss(self.score_penalty * ops.mean(ops.square(ops.where(live, scores, 0.0))))
        probabilities = ops.softmax(ops.where(live, scores, DEAD_SCORE))
        mixed = ops.transpose(ops.matmul(probabilities, values), (0, 2, 1, 3))
        return self.output_projection(ops.reshape(mixed, (batch, time, self.d_model)))

    def _compared(self, queries: Any, keys: Any) -> tuple[Any, Any]:
        """Queries and keys (batch, n_heads, time, d_head) as they are compared: normalized and turned."""
        if self.qk_norm:
            queries, keys = self.query_norm(queries), self.key_norm(keys)
        if self.rotary:
            time = ops.shape(queries)[2]
            tables = self.cosines[:time], self.sines[:time]
            queries, keys = rotated(queries, *tables), rotated(keys, *tables)
        return queries, keys

    def _compared_rows(self, rows: Any, norm_name: str, tables: tuple[Any, Any] | None) -> Any:
        """The same for queries or keys (n_heads, time, d_head), in the ops of the decode step."""
        if self.qk_norm:
            with keras.name_scope(norm_name):
                normalized = getattr(self, norm_name).decode_step(ops.reshape(rows, (-1, self.d_head)))
            rows = ops.reshape(normalized, rows.shape)
        return rotated(rows, *tables) if tables else rows

    def decode_step(self, inputs: Any, position: Any, key_cache: Any, value_cache: Any) -> tuple[Any, Any, Any]:
        """(1, d_model) at `position` (1,) int32 and both caches -> (1, d_model) and the new caches."""
        heads = (self.n_heads, 1, self.d_head)
        queries, keys, values = (ops.reshape(part, heads) for part in self._project(inputs))
        turns = tuple(gather_rows(table, position) for table in (self.cosines, self.sines)) if self.rotary else None
        queries = self._compared_rows(queries, "query_norm", turns)
        keys = self._compared_rows(keys, "key_norm", turns)
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
        turns = (self.cosines, self.sines) if self.rotary else None
        by_head[0] = self._compared_rows(by_head[0], "query_norm", turns)
        by_head[1] = self._compared_rows(by_head[1], "key_norm", turns)
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
        queries, keys, values = (rows @ kernel + bias for kernel, bias in zip(kernels, biases, strict=True))
        query_range = self.compared_range(queries, "query_norm") * self.score_scale
        balance = np.sqrt(self.compared_range(keys, "key_norm") / query_range)
        value_range = channel_range(values)
        gain = np.sqrt(value_range.max() / value_range)
        gain *= (query_range * balance).max() / (value_range * gain).max()
        query_factor, key_factor = self.score_scale * balance, 1 / balance
        self.score_scale = 1.0
        if self.qk_norm:  # factors before a norm would be lost
            for norm, factor in ((self.query_norm, query_factor), (self.key_norm, key_factor)):
                norm.gamma.assign(as_float64(norm.gamma) * factor[: self.d_head])
            query_factor = key_factor = np.ones(self.d_model)
        factors = (query_factor, key_factor, gain)
        self.qkv.kernel.assign(np.concatenate([k * f for k, f in zip(kernels, factors, strict=True)], axis=1))
        if self.qkv.bias is not None:
            self.qkv.bias.assign(np.concatenate([b * f for b, f in zip(biases, factors, strict=True)]))
        self.output_projection.kernel.assign(as_float64(self.output_projection.kernel) / gain[:, None])

    def compared_range(self, rows: np.ndarray, norm_name: str) -> np.ndarray:
        """(d_model,) the ranges of queries or keys (n, d_model) as they are compared.

        Equal where only equal factors change nothing: for both channels of a pair that turns, for all heads of a norm.
        """
        by_head = rows.reshape(-1, self.n_heads, self.d_head)
        if self.qk_norm:
            norm = getattr(self, norm_name)
            by_head = by_head / np.sqrt((by_head**2).mean(axis=-1, keepdims=True) + norm.epsilon)
            by_head = by_head * as_float64(norm.gamma)
        if self.rotary:  # a pair may turn to where all of it lies in one channel
            first, second = np.split(by_head, 2, axis=-1)
            by_head = np.concatenate([np.hypot(first, second)] * 2, axis=-1)
        ranges = channel_range(by_head.reshape(-1, self.d_model))
        return np.tile(ranges.reshape(self.n_heads, -1).max(axis=0), self.n_heads) if self.qk_norm else ranges

    def get_config(self) -> dict[str, Any]:
        names = ("n_heads", "context_length", "use_bias", "rotary", "qk_norm")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


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
            activation="relu" if self.activation == RELU_SQUARED else self.activation,
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
        hidden = self.up(inputs)
        return self.down(hidden * hidden if self.activation == RELU_SQUARED else hidden)

    def equalize(self, inputs: np.ndarray) -> None:
        """Bring the ranges of the hidden channels together; exact because ReLU commutes with positive factors.

        Args:
            inputs: (n, time, d_model) what the layer sees of representative windows.
        """
        if self.activation not in ("relu", RELU_SQUARED):
            return
        kernel = as_float64(self.up.kernel)
        hidden = inputs.reshape(-1, len(kernel)).astype(np.float64) @ kernel + bias_of(self.up)
        ranges = channel_range(np.maximum(hidden, 0.0))
        gain = np.sqrt(ranges.max() / ranges)
        self.up.kernel.assign(kernel * gain)
        if self.up.bias is not None:
            self.up.bias.assign(bias_of(self.up) * gain)
        felt = gain**2 if self.activation == RELU_SQUARED else gain
        self.down.kernel.assign(as_float64(self.down.kernel) / felt[:, None])

    def get_config(self) -> dict[str, Any]:
        own = {"d_hidden": self.d_hidden, "activation": self.activation, "use_bias": self.use_bias}
        return {**super().get_config(), **own}
