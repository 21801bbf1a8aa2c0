"""How a Keras backend differentiates, compiles and runs in parallel: one file each, one shape."""

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
    """The backend that Keras runs on (KERAS_BACKEND)."""
    return BACKENDS.get(keras.backend.backend())()


def set_seed(seed: int, deterministic: bool = False) -> None:
    """Seed everything that draws numbers; call it before the model is made.

    Args:
        seed: In [0, 2**31).
        deterministic: Also choose deterministic kernels where the backend has a choice.
    """
    keras.utils.set_random_seed(seed)
    if deterministic:
        current_backend().make_deterministic()
