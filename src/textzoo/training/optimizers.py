"""AdamW and Muon as pure functions of one weight vector.

Keras has both; one update of one vector takes a third of the time of some twenty updates of small tensors, and the
state of the optimizer consists of two vectors.
"""

from collections import defaultdict
from typing import Any, Protocol

import numpy as np
from keras import ops

from textzoo.training.layout import Entry, WeightLayout
from textzoo.training.registry import OPTIMIZERS
from textzoo.training.settings import TrainingConfig

EPSILON = 1e-8
MUON_MOMENTUM = 0.95
NEWTON_SCHULZ_STEPS = 5
# A quintic that drives all singular values to about 1: Jordan et al., "Muon", 2024.
NEWTON_SCHULZ_COEFFICIENTS = (3.4445, -4.7750, 2.0315)

State = dict[str, Any]


class Optimizer(Protocol):
    """An optimizer; `constants` are arguments of `update`, because large constants in a graph slow its compilation."""

    constants: State

    def initial_state(self) -> dict[str, np.ndarray]:
        """Return the state before the first step, vectors (layout.size,) float32."""
        raise NotImplementedError

    def update(
        self, weights: Any, gradient: Any, state: State, constants: State, fraction: Any, step: Any
    ) -> tuple[Any, State]:
        """Return the next weights and state.

        Args:
            weights: (layout.size,) float32.
            gradient: (layout.size,) float32, already clipped.
            state: The state, with the keys of `initial_state`.
            constants: `self.constants` as tensors.
            fraction: Scalar: the schedule's factor on the peak learning rates.
            step: Scalar float: number of steps including this one.
        """
        raise NotImplementedError


def clip_by_global_norm(gradient: Any, limit: float) -> tuple[Any, Any]:
    """Return the gradient scaled down to a norm of at most `limit` (0 for no limit), and its original norm."""
    norm = ops.sqrt(ops.sum(gradient * gradient))
    if not limit:
        return gradient, norm
    return gradient * ops.minimum(1.0, limit / (norm + 1e-6)), norm


class AdamW:
    """Adam with decoupled weight decay of all tensors with two axes (Loshchilov & Hutter, 2019)."""

    def __init__(self, layout: WeightLayout, config: TrainingConfig) -> None:
        self.layout = layout
        self.config = config
        self.constants: State = {
            "decay": layout.filled(lambda entry: config.weight_decay if len(entry.shape) > 1 else 0.0),
        }

    def initial_state(self) -> dict[str, np.ndarray]:
        return {name: np.zeros(self.layout.size, np.float32) for name in ("momentum", "second_moment")}

    def update(
        self, weights: Any, gradient: Any, state: State, constants: State, fraction: Any, step: Any
    ) -> tuple[Any, State]:
        rate = self.config.learning_rate * fraction
        direction, state = self.direction(gradient, state, self.config.beta_1, step)
        return weights - rate * (direction + constants["decay"] * weights), state

    def direction(self, gradient: Any, state: State, beta_1: Any, step: Any) -> tuple[Any, State]:
        """Return Adam's step for a learning rate of 1, and the new state."""
        beta_2 = self.config.beta_2
        momentum = beta_1 * state["momentum"] + (1.0 - beta_1) * gradient
        second_moment = beta_2 * state["second_moment"] + (1.0 - beta_2) * gradient * gradient
        deviation = ops.sqrt(second_moment / (1.0 - beta_2**step)) + EPSILON
        unbiased = momentum / (1.0 - beta_1**step)
        return unbiased / deviation, {"momentum": momentum, "second_moment": second_moment}


class Muon:
    """Muon for the matrices, AdamW for embeddings and gains.

    Muon steps along the orthogonalised momentum: all singular values of the step are equal, so that directions that
    Adam would neglect are learnt, too (Jordan et al., 2024).
    """

    def __init__(self, layout: WeightLayout, config: TrainingConfig) -> None:
        self.layout = layout
        self.config = config
        self.adamw = AdamW(layout, config)
        self.constants: State = {
            **self.adamw.constants,
            "rate": layout.filled(lambda entry: config.muon_learning_rate if entry.is_matrix else config.learning_rate),
            "beta_1": layout.filled(lambda entry: MUON_MOMENTUM if entry.is_matrix else config.beta_1),
        }

    def initial_state(self) -> dict[str, np.ndarray]:
        return self.adamw.initial_state()

    def update(
        self, weights: Any, gradient: Any, state: State, constants: State, fraction: Any, step: Any
    ) -> tuple[Any, State]:
        beta_1 = constants["beta_1"]
        direction, state = self.adamw.direction(gradient, state, beta_1, step)
        nesterov = (1.0 - beta_1) * gradient + beta_1 * state["momentum"]
        direction = self._orthogonalised(direction, nesterov)
        return weights - fraction * constants["rate"] * (direction + constants["decay"] * weights), state

    def _orthogonalised(self, direction: Any, momentum: Any) -> Any:
        """Return `direction` with the parts of matrices replaced by the orthogonalised momentum."""
        parts = self.layout.tensors(direction)
        momenta = self.layout.tensors(momentum)
        for indices in self._same_shapes().values():
            orthogonal = orthogonalise(ops.stack([short_side_first(momenta[index]) for index in indices]))
            for row, index in enumerate(indices):
                parts[index] = muon_scale(self.layout.entries[index]) * shaped_like(orthogonal[row], parts[index])
        return self.layout.vector(parts)

    def _same_shapes(self) -> dict[tuple[int, ...], list[int]]:
        """Return the matrices that can be orthogonalised in one batch, by their shape with the short side first."""
        groups = defaultdict(list)
        for index, entry in enumerate(self.layout.entries):
            if entry.is_matrix:
                groups[tuple(sorted(entry.shape))].append(index)
        return groups


def short_side_first(matrix: Any) -> Any:
    """Return the matrix, transposed if necessary, with its short side first."""
    return ops.transpose(matrix) if matrix.shape[0] > matrix.shape[1] else matrix


def shaped_like(matrix: Any, like: Any) -> Any:
    """Undo `short_side_first` for a matrix of that shape."""
    return ops.transpose(matrix) if like.shape[0] > like.shape[1] else matrix


def muon_scale(entry: Entry) -> float:
    """Return the factor on steps of a kernel (fan_in, fan_out): larger for fan_out > fan_in (Jordan et al., 2024)."""
    fan_in, fan_out = entry.shape
    return max(1.0, fan_out / fan_in) ** 0.5


def orthogonalise(matrices: Any) -> Any:
    """Replace all singular values of (n, rows, columns), rows <= columns, by about 1 (in [0.7, 1.2])."""
    a, b, c = NEWTON_SCHULZ_COEFFICIENTS
    norms = ops.sqrt(ops.sum(matrices * matrices, axis=(1, 2), keepdims=True))
    x = matrices / (norms + 1e-7)
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = ops.matmul(x, ops.transpose(x, (0, 2, 1)))
        x = a * x + ops.matmul(b * gram + c * ops.matmul(gram, gram), x)
    return x


def make_optimizer(layout: WeightLayout, config: TrainingConfig) -> Optimizer:
    """Return the optimizer that `training.optimizer` names."""
    return OPTIMIZERS.get(config.optimizer)(layout, config)
