"""LayerNorm and RMSNorm, written with the ops that quantize well."""

from typing import Any

import keras
import numpy as np
from keras import ops

from textzoo.models.base import PACKAGE
from textzoo.models.layers.equalization import as_float64, bias_of


@keras.saving.register_keras_serializable(package=PACKAGE)
class GammaLayerNorm(keras.layers.Layer):
    """LayerNorm with a gain and no offset, over the last axis.

    Written with plain products because the quantizer keeps every one of these ops in integers, while the stock
    LayerNormalization becomes NEG and SQUARED_DIFFERENCE with float islands.
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
        """Compute `call` for rows (n, width), in ops that lose little when they are quantized.

        The sum of squares is a product of matrices, which accumulates exactly in int32: squares of their own would
        be rounded to the step that the largest needs. And the inverse deviation is multiplied by the gain before the
        rows are, so that the normalized rows are rounded once.
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
        """Move the offset into the bias of the only reader: (x + beta) @ kernel is x @ kernel + beta @ kernel."""
        projection.bias.assign(bias_of(projection) + as_float64(self.beta) @ as_float64(projection.kernel))
        self.beta.assign(np.zeros(self.beta.shape))
        self.offset_is_elsewhere = True


@keras.saving.register_keras_serializable(package=PACKAGE)
class RootMeanSquareNorm(GammaLayerNorm):
    """RMSNorm with a gain, over the last axis: the mean stays."""

    def centred(self, inputs: Any) -> Any:
        return inputs
