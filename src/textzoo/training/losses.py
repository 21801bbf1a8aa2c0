"""What training minimises, as a function of the weight vector; the same for every Keras backend."""

from typing import Any

import keras
import numpy as np
from keras import ops

from textzoo.training.layout import WeightLayout

# Draws of a seed generator in one forward pass are numbered from here on: more than any layer needs.
DRAWS_PER_PASS = 64


def cross_entropy(logits: Any, targets: Any, label_smoothing: float = 0.0) -> Any:
    """Loss per token in nats.

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
    # log Z - z_t is the plain loss, and log Z - mean(z) what the even part costs: their mixture needs no log Z again.
    target_logits = ops.sum(ops.one_hot(targets, logits.shape[-1], dtype=logits.dtype) * logits, axis=-1)
    return losses + label_smoothing * (target_logits - ops.mean(logits, axis=-1))


class Objective:
    """The loss of a model under given weights.

    Args:
        model: A language model; its own weights are not touched.
        seed: Seed of dropout.
        label_smoothing: See `cross_entropy`.
    """

    def __init__(self, model: Any, seed: int, label_smoothing: float = 0.0) -> None:
        self.model = model
        self.seed = seed
        self.label_smoothing = label_smoothing
        self.layout = WeightLayout.of(model)

    def training_loss(self, weights: Any, inputs: Any, targets: Any, draw: Any) -> Any:
        """Mean loss in nats per token, with dropout and the layers' own penalties.

        Args:
            weights: (layout.size,) float32.
            inputs: (windows, time) int32.
            targets: (windows, time) int32.
            draw: Scalar int32, another one for every pass of a run: decides the dropout.
        """
        logits, _, penalties = self.model.stateless_call(
            self.layout.tensors(weights), self._other_variables(draw), inputs, training=True, return_losses=True
        )
        loss = ops.mean(cross_entropy(ops.cast(logits, "float32"), targets, self.label_smoothing))
        return sum((ops.cast(penalty, "float32") for penalty in penalties), loss)

    def token_losses(self, weights: Any, inputs: Any, targets: Any) -> Any:
        """Loss of every token without dropout: (windows, time) float32, nats."""
        logits, _ = self.model.stateless_call(
            self.layout.tensors(weights), self._other_variables(0), inputs, training=False
        )
        return cross_entropy(ops.cast(logits, "float32"), targets)

    def _other_variables(self, draw: Any) -> list[Any]:
        """Values of the non-trainable variables; states of random generators follow from the seed and the draw."""
        return [
            self._generator_state(variable, index, draw) if is_generator_state(variable) else variable.value
            for index, variable in enumerate(self.model.non_trainable_variables)
        ]

    def _generator_state(self, variable: Any, index: int, draw: Any) -> Any:
        key = np.random.SeedSequence([self.seed, index]).generate_state(1)[0] >> 1
        parts = [ops.cast(int(key), variable.dtype), ops.cast(draw, variable.dtype) * DRAWS_PER_PASS]
        return ops.stack([ops.reshape(part, ()) for part in parts])


def is_generator_state(variable: Any) -> bool:
    """Whether a variable is the state of a `keras.random.SeedGenerator`."""
    return variable.path.endswith("seed_generator_state")


def set_score_penalty(model: keras.Model, weight: float) -> None:
    """Give every attention layer of the model this weight for the mean square of its scores; 0 turns it off."""
    for layer in model._flatten_layers():
        if hasattr(layer, "score_penalty"):
            layer.score_penalty = weight
