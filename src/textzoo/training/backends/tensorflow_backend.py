"""Training on TensorFlow, compiled by XLA."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from textzoo.training.backends.base import available_cores


class TensorFlowBackend:
    """XLA on the cores of the CPU, one lane per core; on a GPU one lane."""

    def __init__(self) -> None:
        self.on_accelerator = bool(tf.config.list_physical_devices("GPU"))
        self.lanes = 1 if self.on_accelerator else available_cores()

    def value_and_gradient(self, function: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
        def value_and_gradient(vector: Any, *rest: Any) -> tuple[Any, Any]:
            with tf.GradientTape() as tape:
                tape.watch(vector)
                value = function(vector, *rest)
            return value, tape.gradient(value, vector)

        return self.compiled(value_and_gradient)

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return tf.function(function, jit_compile=True, autograph=False)

    def tensor(self, array: np.ndarray) -> Any:
        return tf.constant(array)

    def make_deterministic(self) -> None:
        tf.config.experimental.enable_op_determinism()
