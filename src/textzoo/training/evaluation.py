"""The validation loss during training: every token exactly once."""

from typing import Any

import numpy as np
from keras import ops

from textzoo.text.windows import Windows
from textzoo.training.backends.base import Backend, Lanes
from textzoo.training.losses import Objective

TOKENS_PER_CALL = 2048
LOSS = "validation_loss"


def rows_by_label(by_label: dict[str, Windows]) -> dict[str, slice]:
    """Return label -> slice of each source's windows in the concatenation of all; "" for all windows."""
    rows, start = {"": slice(None)}, 0
    for label, (inputs, _, _) in by_label.items():
        if label:
            rows[label] = slice(start, start + len(inputs))
        start += len(inputs)
    return rows


class Evaluator:
    """Computes the mean loss of validation windows.

    Args:
        objective: The loss.
        by_label: Label -> the windows of a source of a mixture; otherwise "" is the only label.
        backend: Compiles the loss.
        lanes: Runs it in threads.
    """

    def __init__(self, objective: Objective, by_label: dict[str, Windows], backend: Backend, lanes: Lanes) -> None:
        context_length = objective.model.context_length
        self.lanes = lanes
        self.token_losses = backend.compiled(objective.token_losses)
        inputs, targets, self.weights = (np.concatenate(arrays) for arrays in zip(*by_label.values(), strict=True))
        self.windows = len(inputs)
        self.rows = rows_by_label(by_label)
        # All calls have the same shape, so the last one is padded with windows of weight 0.
        size = min(self.windows, max(1, TOKENS_PER_CALL // context_length))
        empty = -self.windows % size
        padded = [np.concatenate([part, np.zeros((empty, context_length), part.dtype)]) for part in (inputs, targets)]
        self.calls = [
            tuple(backend.tensor(part[start : start + size]) for part in padded)
            for start in range(0, self.windows + empty, size)
        ]

    def __call__(self, weights: Any) -> dict[str, float]:
        """Return nats per token with weights (layout.size,): "validation_loss", and "validation_loss.<source>"."""
        results = self.lanes.run(self.token_losses, [(weights, *call) for call in self.calls])
        losses = np.concatenate([ops.convert_to_numpy(result) for result in results])[: self.windows]
        return {f"{LOSS}.{label}".rstrip("."): self.mean(losses, rows) for label, rows in self.rows.items()}

    def mean(self, losses: np.ndarray, rows: slice) -> float:
        """Return the weighted mean of losses (windows, time) over some rows."""
        losses, weights = losses[rows], self.weights[rows]
        return float(np.sum(losses * weights, dtype=np.float64) / np.sum(weights, dtype=np.float64))
