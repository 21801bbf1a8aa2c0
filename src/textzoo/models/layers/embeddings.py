"""Tokens and positions as vectors."""

from typing import Any

import keras
from keras import ops

from textzoo.models.base import PACKAGE
from textzoo.models.configs import EMBEDDINGS
from textzoo.models.layers.initializers import normal_initializer


def gather_rows(table: Any, indices: Any) -> Any:
    """Gather the rows of `table` (n, width) at `indices`, in [0, n) -> (*indices.shape, width).

    `ops.take` also accepts negative indices, which leaves comparisons and selections in the exported graph.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.gather(ops.convert_to_tensor(table), indices)
    return ops.take(table, indices, axis=0)


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
            name=EMBEDDINGS, shape=(self.vocabulary_size, self.d_model), initializer=normal_initializer()
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
            name=EMBEDDINGS, shape=(self.context_length, input_shape[-1]), initializer=normal_initializer()
        )

    def call(self, inputs: Any) -> Any:
        return inputs + self.embeddings[: ops.shape(inputs)[1]]

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def decode_step(self, inputs: Any, position: Any) -> Any:
        """Compute one token: (1, d_model) at `position` (1,) int32 -> (1, d_model)."""
        return inputs + gather_rows(self.embeddings, position)

    def window(self, inputs: Any) -> Any:
        """Compute one window: (context_length, d_model) -> the same shape."""
        return inputs + self.embeddings

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "context_length": self.context_length}
