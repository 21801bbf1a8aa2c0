"""Causal self-attention."""

from typing import Any

import keras
import numpy as np
from keras import ops

from textzoo.models.base import PACKAGE
from textzoo.models.layers.embeddings import gather_rows
from textzoo.models.layers.equalization import as_float64, bias_of, channel_range
from textzoo.models.layers.initializers import normal_initializer
from textzoo.models.layers.normalization import RootMeanSquareNorm
from textzoo.models.layers.rotary import rotary_tables, rotated

# The score of a masked position: finite, because calibration must be able to clip it.
MASKED_SCORE = -1e9


@keras.saving.register_keras_serializable(package=PACKAGE)
class CausalSelfAttention(keras.layers.Layer):
    """Multi-head causal attention with one combined kernel for queries, keys and values.

    (batch, time, d_model) -> (batch, time, d_model). `decode_step` keeps a key cache and a value cache of shape
    (n_heads, context_length, d_head) each; keys are cached as they are compared: normalized and rotated.

    Args:
        n_heads: Divides d_model.
        context_length: Positions that the caches hold.
        use_bias: Whether the projections have biases.
        rotary: Whether queries and keys are rotated by their position; d_head is then even.
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
        # Set while training: weight in the loss of the mean square of the valid scores, which keeps them small.
        self.score_penalty = 0.0

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.d_model = input_shape[-1]
        self.d_head = self.d_model // self.n_heads
        if self.d_model % self.n_heads:
            raise ValueError(f"{self.n_heads} heads do not divide {self.d_model} channels")
        if self.rotary and self.d_head % 2:
            raise ValueError(f"heads of {self.d_head} channels cannot be rotated in pairs")
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
        positions = ops.arange(time)
        valid = positions[None, :] <= positions[:, None]
        if self.score_penalty:
            self.add_loss(self.score_penalty * ops.mean(ops.square(ops.where(valid, scores, 0.0))))
        probabilities = ops.softmax(ops.where(valid, scores, MASKED_SCORE))
        mixed = ops.transpose(ops.matmul(probabilities, values), (0, 2, 1, 3))
        return self.output_projection(ops.reshape(mixed, (batch, time, self.d_model)))

    def _compared(self, queries: Any, keys: Any) -> tuple[Any, Any]:
        """Normalize and rotate queries and keys (batch, n_heads, time, d_head) for their comparison."""
        if self.qk_norm:
            queries, keys = self.query_norm(queries), self.key_norm(keys)
        if self.rotary:
            time = ops.shape(queries)[2]
            tables = self.cosines[:time], self.sines[:time]
            queries, keys = rotated(queries, *tables), rotated(keys, *tables)
        return queries, keys

    def _compared_rows(self, rows: Any, norm_name: str, tables: tuple[Any, Any] | None) -> Any:
        """Do the same for queries or keys (n_heads, time, d_head), in the ops of the decode step."""
        if self.qk_norm:
            with keras.name_scope(norm_name):
                normalized = getattr(self, norm_name).decode_step(ops.reshape(rows, (-1, self.d_head)))
            rows = ops.reshape(normalized, rows.shape)
        return rotated(rows, *tables) if tables else rows

    def decode_step(self, inputs: Any, position: Any, key_cache: Any, value_cache: Any) -> tuple[Any, Any, Any]:
        """Compute one token: (1, d_model), `position` (1,) int32, both caches -> (1, d_model), the new caches."""
        heads = (self.n_heads, 1, self.d_head)
        queries, keys, values = (ops.reshape(part, heads) for part in self._project(inputs))
        angles = tuple(gather_rows(table, position) for table in (self.cosines, self.sines)) if self.rotary else None
        queries = self._compared_rows(queries, "query_norm", angles)
        keys = self._compared_rows(keys, "key_norm", angles)
        zero = np.zeros(1, "int32")
        start = ops.concatenate([zero, position, zero])
        key_cache = ops.slice_update(key_cache, start, keys)
        value_cache = ops.slice_update(value_cache, start, values)
        valid = ops.less_equal(np.arange(self.context_length, dtype="int32"), position)
        mixed = ops.reshape(self._attend(queries, key_cache, value_cache, valid), (1, self.d_model))
        return self.output_projection(mixed), key_cache, value_cache

    def window(self, inputs: Any) -> Any:
        """Compute `call` for one window (time, d_model), written with the ops of the decode step."""
        time = inputs.shape[0]
        queries, keys, values = self._project(inputs)
        by_head = [
            ops.transpose(ops.reshape(part, (time, self.n_heads, self.d_head)), (1, 0, 2))
            for part in (queries, keys, values)
        ]
        angles = (self.cosines, self.sines) if self.rotary else None
        by_head[0] = self._compared_rows(by_head[0], "query_norm", angles)
        by_head[1] = self._compared_rows(by_head[1], "key_norm", angles)
        positions = np.arange(time)
        mixed = self._attend(*by_head, positions[None, :] <= positions[:, None])
        return self.output_projection(ops.reshape(ops.transpose(mixed, (1, 0, 2)), (time, self.d_model)))

    def _project(self, inputs: Any) -> list[Any]:
        """Project (time, d_model) -> queries, keys, values, (time, d_model) each."""
        return ops.split(self.qkv(inputs), 3, axis=-1)

    def _attend(self, queries: Any, keys: Any, values: Any, valid: Any) -> Any:
        """Attend: queries (n_heads, time, d_head), keys, values (n_heads, positions, d_head) -> as queries.

        Masked positions get a constant score instead of a mask added to theirs, so that masking takes nothing from the
        range of the scores.
        """
        if self.score_scale != 1.0:
            queries = queries * self.score_scale
        scores = ops.matmul(queries, ops.transpose(keys, (0, 2, 1)))
        probabilities = ops.softmax(ops.where(valid, scores, MASKED_SCORE))
        return ops.matmul(probabilities, values)

    def equalize(self, inputs: np.ndarray) -> None:
        """Rescale channels so that they quantize well; the outputs stay the same up to float rounding.

        * 1/sqrt(d_head) goes into the queries.
        * Channel i of the keys is divided by s_i and channel i of the queries multiplied: both then have one range.
        * Channels of the values are rescaled against the output projection, up to the range of queries and keys,
          half way (as in SmoothQuant, arXiv 2211.10438): all of it would roughen the projection's weights.

        Args:
            inputs: (n, time, d_model) the layer's inputs for representative windows.
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
        """Return the ranges of queries or keys (n, d_model), normalized and rotated, per channel: (d_model,).

        Equal where only equal factors change nothing: for both channels of a rotated pair, for all heads of a norm.
        """
        by_head = rows.reshape(-1, self.n_heads, self.d_head)
        if self.qk_norm:
            norm = getattr(self, norm_name)
            by_head = by_head / np.sqrt((by_head**2).mean(axis=-1, keepdims=True) + norm.epsilon)
            by_head = by_head * as_float64(norm.gamma)
        if self.rotary:  # a rotation may put all of a pair into one channel
            first, second = np.split(by_head, 2, axis=-1)
            by_head = np.concatenate([np.hypot(first, second)] * 2, axis=-1)
        ranges = channel_range(by_head.reshape(-1, self.d_model))
        return np.tile(ranges.reshape(self.n_heads, -1).max(axis=0), self.n_heads) if self.qk_norm else ranges

    def get_config(self) -> dict[str, Any]:
        names = ("n_heads", "context_length", "use_bias", "rotary", "qk_norm")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
