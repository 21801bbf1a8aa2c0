"""All trainable weights of a model as one vector.

Optimizers, averages, checkpoints and data-parallel sums then process a few long vectors instead of dozens of small
tensors, each of which would cost a kernel launch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from keras import ops

from textzoo.models.configs import is_matrix


@dataclass(frozen=True)
class Entry:
    """One weight tensor in the vector: its Keras path, shape and offset."""

    path: str
    shape: tuple[int, ...]
    offset: int

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def is_matrix(self) -> bool:
        """Whether it is a matrix that multiplies activations, for which Muon is used; not an embedding or a gain."""
        return is_matrix(self.path, self.shape)


class WeightLayout:
    """The position of each trainable weight of a model in the vector.

    Args:
        entries: Weights in the model's order, without gaps.
    """

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.size = sum(entry.size for entry in entries)

    @classmethod
    def of(cls, model: Any) -> "WeightLayout":
        entries, offset = [], 0
        for variable in model.trainable_variables:
            entries.append(Entry(variable.path, tuple(int(size) for size in variable.shape), offset))
            offset += entries[-1].size
        return cls(entries)

    def tensors(self, vector: Any) -> list[Any]:
        """Split a vector (size,) into one tensor per weight, with its shape."""
        # A split instead of slices, because the gradient of a split is one concatenation.
        parts = ops.split(vector, [entry.offset for entry in self.entries[1:]])
        return [ops.reshape(part, entry.shape) for part, entry in zip(parts, self.entries, strict=True)]

    def arrays(self, vector: np.ndarray) -> list[np.ndarray]:
        """Split a NumPy vector (size,) into one view per weight, with its shape."""
        return [vector[e.offset : e.offset + e.size].reshape(e.shape) for e in self.entries]

    def vector(self, tensors: list[Any]) -> Any:
        """Concatenate one tensor per weight to a vector (size,)."""
        return ops.concatenate([ops.reshape(tensor, (-1,)) for tensor in tensors])

    def filled(self, value_of: Callable[[Entry], float]) -> np.ndarray:
        """Return a vector (size,) float32 filled with one value per weight tensor."""
        return np.concatenate([np.full(entry.size, value_of(entry), np.float32) for entry in self.entries])

    def table(self) -> list[list[Any]]:
        """Return paths and shapes, JSON-serializable."""
        return [[entry.path, list(entry.shape)] for entry in self.entries]


def read_weights(model: Any) -> np.ndarray:
    """Return the model's trainable weights, (size,) float32."""
    parts = [np.ravel(ops.convert_to_numpy(variable.value)) for variable in model.trainable_variables]
    return np.concatenate(parts).astype(np.float32)


def write_weights(model: Any, vector: np.ndarray) -> None:
    """Assign a vector (size,) to the model's trainable weights."""
    arrays = WeightLayout.of(model).arrays(np.asarray(vector))
    for variable, array in zip(model.trainable_variables, arrays, strict=True):
        variable.assign(array)
