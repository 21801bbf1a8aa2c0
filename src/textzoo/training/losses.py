"""The training loss as a function of the weight vector, the same for every Keras backend."""

from typing import Any

import keras
import numpy as np
from keras import ops

from textzoo.text.documents import IGNORED
from textzoo.training.layout import WeightLayout

# Stride of the draw numbers of forward passes: more draws than any layer needs in one pass.
DRAWS_PER_PASS = 64


def counted_mean(losses: Any, targets: Any) -> Any:
    """Return the mean of losses (windows, time) where targets of the same shape are not IGNORED, scalar float32."""
    counted = ops.cast(targets != IGNORED, losses.dtype)
    return ops.sum(losses * counted) / ops.maximum(ops.sum(counted), 1.0)


def cross_entropy(logits: Any, targets: Any, label_smoothing: float = 0.0) -> Any:
    """Compute the loss per token in nats.

    Args:
        logits: (..., vocabulary) float32.
        targets: (...,) int32.
        label_smoothing: Probability spread evenly over the vocabulary, in [0, 1).

    Returns:
        (...,) float32.
    """
    losses = ops.sparse_categorical_crossentropy(targets, logits, from_logits=True)
    if not label_smoothing:
        return losses
    # The plain loss is log Z - z_t and that of the uniform part log Z - mean(z), so log Z cancels in the difference.
    target_logits = ops.sum(ops.one_hot(targets, logits.shape[-1], dtype=logits.dtype) * logits, axis=-1)
    return losses + label_smoothing * (target_logits - ops.mean(logits, axis=-1))


class Objective:
    """The loss of a model with given weights.

    Args:
        model: A language model; its own weights are not changed.
        seed: Seed of dropout.
        label_smoothing: See `cross_entropy`.
        has_ignored: Whether targets may be IGNORED, and do not count then.
    """

    def __init__(self, model: Any, seed: int, label_smoothing: float = 0.0, *, has_ignored: bool = False) -> None:
        self.model = model
        self.seed = seed
        self.label_smoothing = label_smoothing
        self.has_ignored = has_ignored
        self.layout = WeightLayout.of(model)

    def training_loss(self, weights: Any, inputs: Any, targets: Any, draw: Any) -> Any:
        """Compute the mean loss in nats per token, with dropout and the layers' own penalties.

        Args:
            weights: (layout.size,) float32.
            inputs: (windows, time) int32.
            targets: (windows, time) int32, or IGNORED.
            draw: Scalar int32 that determines the dropout, different for every pass of a run.
        """
        logits, _, penalties = self.model.stateless_call(
            self.layout.tensors(weights), self._other_variables(draw), inputs, training=True, return_losses=True
        )
        logits = ops.cast(logits, "float32")
        if self.has_ignored:
            losses = cross_entropy(logits, ops.maximum(targets, 0), self.label_smoothing)
            loss = counted_mean(losses, targets)
        else:
            loss = ops.mean(cross_entropy(logits, targets, self.label_smoothing))
        return sum((ops.cast(penalty, "float32") for penalty in penalties), loss)

    def token_losses(self, weights: Any, inputs: Any, targets: Any) -> Any:
        """Compute the loss of every token without dropout: (windows, time) float32, nats."""
        logits, _ = self.model.stateless_call(
            self.layout.tensors(weights), self._other_variables(0), inputs, training=False
        )
        return cross_entropy(ops.cast(logits, "float32"), targets)

    def _other_variables(self, draw: Any) -> list[Any]:
        """Return the non-trainable variables; states of random generators are computed from seed and draw."""
        return [
            self._generator_state(variable, index, draw) if is_generator_state(variable) else variable.value
            for index, variable in enumerate(self.model.non_trainable_variables)
        ]

    def _generator_state(self, variable: Any, index: int, draw: Any) -> Any:
        key = np.random.SeedSequence([self.seed, index]).generate_state(1)[0] >> 1
        parts = [ops.cast(int(key), variable.dtype), ops.cast(draw, variable.dtype) * DRAWS_PER_PASS]
        return ops.stack([ops.reshape(part, ()) for part in parts])


def is_generator_state(variable: Any) -> bool:
    """Return whether a variable is the state of a `keras.random.SeedGenerator`."""
    return variable.path.endswith("seed_generator_state")


def set_score_penalty(model: keras.Model, weight: float) -> None:
    """Set the weight of the penalty on the mean square of the scores in every attention layer; 0 turns it off."""
    for layer in model._flatten_layers():
        if hasattr(layer, "score_penalty"):
            layer.score_penalty = weight
