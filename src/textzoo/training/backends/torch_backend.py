"""Training on PyTorch, without compilation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from keras import ops


class TorchBackend:
    """Eager PyTorch on Keras' device; it uses all cores by itself, so there is one lane."""

    def __init__(self) -> None:
        self.on_accelerator = torch.cuda.is_available()
        self.lanes = 1

    def value_and_gradient(self, function: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
        def value_and_gradient(vector: Any, *rest: Any) -> tuple[Any, Any]:
            vector = vector.detach().requires_grad_(True)
            value = function(vector, *rest)
            (gradient,) = torch.autograd.grad(value, vector)
            return value.detach(), gradient

        return value_and_gradient

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return torch.no_grad()(function)

    def tensor(self, array: np.ndarray) -> Any:
        return ops.convert_to_tensor(array)

    def make_deterministic(self) -> None:
        torch.use_deterministic_algorithms(True)
