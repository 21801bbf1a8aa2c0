"""Training on JAX, which can use a GPU while TensorFlow is installed as a CPU build."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from textzoo.training.backends.base import available_cores


class JaxBackend:
    """XLA on JAX's default device; on the CPU one lane per core."""

    def __init__(self) -> None:
        self.on_accelerator = jax.default_backend() != "cpu"
        self.lanes = 1 if self.on_accelerator else available_cores()

    def value_and_gradient(self, function: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
        return jax.jit(jax.value_and_grad(function))

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return jax.jit(function)

    def tensor(self, array: np.ndarray) -> Any:
        return jax.device_put(array)

    def make_deterministic(self) -> None:
        """Do nothing: XLA is deterministic on the CPU; a GPU needs XLA_FLAGS=--xla_gpu_deterministic_ops=true."""
