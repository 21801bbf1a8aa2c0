"""Differentiation, compilation and parallelism of each Keras backend, one module each."""

from typing import Any

import keras

from textzoo.common.registry import Registry

BACKENDS = Registry(
    "Keras backend",
    {
        "tensorflow": "textzoo.training.backends.tensorflow_backend:TensorFlowBackend",
        "jax": "textzoo.training.backends.jax_backend:JaxBackend",
        "torch": "textzoo.training.backends.torch_backend:TorchBackend",
    },
)


def current_backend() -> Any:
    """Return the training backend of Keras' backend (KERAS_BACKEND)."""
    return BACKENDS.get(keras.backend.backend())()


def set_seed(seed: int, deterministic: bool = False) -> None:
    """Seed all random generators; call it before the model is built.

    Args:
        seed: In [0, 2**31).
        deterministic: Whether to use deterministic kernels, too, if the backend has a choice.
    """
    keras.utils.set_random_seed(seed)
    if deterministic:
        current_backend().make_deterministic()
