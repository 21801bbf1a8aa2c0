"""The validation loss while training: every token exactly once."""

from typing import Any

import numpy as np
from keras import ops

from textzoo.text.windows import evaluation_windows
from textzoo.training.backends.base import Backend, Lanes
from textzoo.training.losses import Objective

TOKENS_PER_CALL = 2048


class Evaluator:
    """Mean loss of the first `tokens` validation tokens.

    Args:
        objective: The loss.
        validation: (n,) integer tokens.
        tokens: At most so many targets.
        backend: Compiler.
        lanes: Threads.
    """

    def __init__(
        self, objective: Objective, validation: np.ndarray, tokens: int, backend: Backend, lanes: Lanes
    ) -> None:
        context_length = objective.model.context_length
        self.lanes = lanes
        self.token_losses = backend.compiled(objective.token_losses)
        inputs, targets, self.weights = evaluation_windows(validation, context_length, tokens)
        self.windows = len(inputs)
        # All calls have one shape, so the last one is filled up with windows that count for nothing.
        size = min(self.windows, max(1, TOKENS_PER_CALL // context_length))
        empty = -self.windows % size
        padded = [np.concatenate([part, np.zeros((empty, context_length), part.dtype)]) for part in (inputs, targets)]
        self.calls = [
            tuple(backend.tensor(part[start : start + size]) for part in padded)
            for start in range(0, self.windows + empty, size)
        ]

    def __call__(self, weights: Any) -> float:
        """Nats per token under the weight vector (layout.size,)."""
        results = self.lanes.run(self.token_losses, [(weights, *call) for call in self.calls])
        losses = np.concatenate([ops.convert_to_numpy(result) for result in results])[: self.windows]
        return float(np.sum(losses * self.weights, dtype=np.float64) / np.sum(self.weights, dtype=np.float64))
