"""The feed-forward part of a block."""

from typing import Any

import keras
import numpy as np

from textzoo.models.base import PACKAGE
from textzoo.models.layers.equalization import as_float64, bias_of, channel_range
from textzoo.models.layers.initializers import normal_initializer

RELU_SQUARED = "relu_squared"


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
            inputs: (n, time, d_model) the layer's inputs for representative windows.
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
        hidden_gain = gain**2 if self.activation == RELU_SQUARED else gain
        self.down.kernel.assign(as_float64(self.down.kernel) / hidden_gain[:, None])

    def get_config(self) -> dict[str, Any]:
        own = {"d_hidden": self.d_hidden, "activation": self.activation, "use_bias": self.use_bias}
        return {**super().get_config(), **own}
