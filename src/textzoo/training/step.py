"""One optimizer step: gradients of the parts of a batch in parallel, then one update of all weights."""

from typing import Any

import numpy as np
from keras import ops

from textzoo.models.base import LanguageModel
from textzoo.text.documents import IGNORED
from textzoo.training.backends.base import Backend, Lanes
from textzoo.training.losses import Objective
from textzoo.training.optimizers import Optimizer, clip_by_global_norm
from textzoo.training.quantization_aware import weight_grid
from textzoo.training.settings import TrainingConfig

MAX_PARTS = 16
# The decay of averaged weights is smaller in the first steps, so that they follow the weights quickly.
EMA_WARM_UP = 10.0


def number_of_parts(config: TrainingConfig, model: LanguageModel, lanes: int) -> int:
    """Return the number of parts into which a batch is split."""
    wanted = 1
    if lanes > 1:
        tokens = config.batch_size * model.context_length
        wanted = min(MAX_PARTS, max(lanes, -(-tokens // model.tokens_per_part)))
    return min(config.batch_size, max(wanted, config.gradient_accumulation))


class TrainingStep:
    """The compiled step of one run.

    Args:
        objective: The loss.
        optimizer: The update.
        config: The training section.
        backend: Compiles the loss and the update.
        lanes: Runs the parts of a batch in threads.
    """

    def __init__(
        self,
        objective: Objective,
        optimizer: Optimizer,
        config: TrainingConfig,
        backend: Backend,
        lanes: Lanes,
    ) -> None:
        self.config = config
        self.optimizer = optimizer
        self.backend = backend
        self.lanes = lanes
        self.parts = number_of_parts(config, objective.model, backend.lanes)
        self.gradient = backend.value_and_gradient(objective.training_loss)
        self.update = backend.compiled(self._update)
        self.grid = weight_grid(objective.layout, config)
        self.constants = {name: backend.tensor(vector) for name, vector in optimizer.constants.items()}

    def initial_vectors(self, weights: np.ndarray, on_grid: bool = False) -> dict[str, Any]:
        """Return the vectors that training updates; `on_grid` is whether the next step uses rounded weights."""
        vectors = {"weights": weights, **self.optimizer.initial_state()}
        if self.config.ema_decay:
            vectors["ema"] = weights.copy()
        if self.grid:
            vectors["rounded"] = ops.convert_to_numpy(self.grid.rounded(weights)) if on_grid else weights.copy()
        return {name: self.backend.tensor(vector) for name, vector in vectors.items()}

    def __call__(
        self,
        vectors: dict[str, Any],
        inputs: np.ndarray,
        targets: np.ndarray,
        step: int,
        fraction: float,
        on_grid: bool = False,
    ) -> tuple[dict[str, Any], Any]:
        """Run one step.

        Args:
            vectors: Vectors as of `initial_vectors`; not changed.
            inputs: (batch, time) int32.
            targets: (batch, time) int32, or IGNORED.
            step: Number of steps before this one.
            fraction: The schedule's factor on the learning rates.
            on_grid: Whether the next step uses the rounded weights of quantization-aware training.

        Returns:
            The new vectors, and (loss, gradient norm before clipping) as one tensor of two.
        """
        pieces = list(zip(np.array_split(inputs, self.parts), np.array_split(targets, self.parts), strict=True))
        calls = [
            (
                vectors.get("rounded", vectors["weights"]),
                self.backend.tensor(part_inputs),
                self.backend.tensor(part_targets),
                self.backend.tensor(np.asarray(step * self.parts + index, np.int32)),
            )
            for index, (part_inputs, part_targets) in enumerate(pieces)
        ]
        results = self.lanes.run(self.gradient, calls)
        counted = [np.count_nonzero(part != IGNORED) for _, part in pieces]
        shares = np.asarray([count / max(sum(counted), 1) for count in counted], np.float32)
        numbers = np.asarray([fraction, step + 1, on_grid], np.float32)
        return self.update(vectors, self.constants, results, self.backend.tensor(shares), self.backend.tensor(numbers))

    def _update(
        self, vectors: dict[str, Any], constants: dict[str, Any], results: Any, shares: Any, numbers: Any
    ) -> tuple[dict[str, Any], Any]:
        loss = sum(shares[index] * loss for index, (loss, _) in enumerate(results))
        gradient = sum(shares[index] * gradient for index, (_, gradient) in enumerate(results))
        gradient, norm = clip_by_global_norm(gradient, self.config.gradient_clip_norm)
        fraction, step = numbers[0], numbers[1]
        state = {name: vectors[name] for name in ("momentum", "second_moment")}
        if self.grid:
            constants = self.grid.constants(constants, on_grid=numbers[2])
        weights, state = self.optimizer.update(vectors["weights"], gradient, state, constants, fraction, step)
        updated = {"weights": weights, **state}
        if "ema" in vectors:
            decay = ops.minimum(self.config.ema_decay, step / (step + EMA_WARM_UP))
            updated["ema"] = decay * vectors["ema"] + (1.0 - decay) * weights
        if self.grid:
            updated["rounded"] = ops.where(numbers[2] > 0.0, self.grid.rounded(weights), weights)
        return updated, ops.stack([loss, norm])


def evaluated_weights(vectors: dict[str, Any]) -> Any:
    """Return the vector that is evaluated and saved: the rounded or averaged one if there is one."""
    return next(vectors[name] for name in ("rounded", "ema", "weights") if name in vectors)
