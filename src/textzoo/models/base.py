"""The contract of every architecture: forward over a window and one-token decode, from the same weights."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops


@dataclass(frozen=True)
class StateSpec:
    """One state tensor of the decode step, e.g. a key cache. The device updates it in place.

    Attributes:
        name: Unique in the model.
        shape: Its sizes.
        adds_up: Whether each step changes it a little, so that steps of int8 would swallow the changes.
    """

    name: str
    shape: tuple[int, ...]
    adds_up: bool = False


class LanguageModel(keras.Model):
    """A Keras functional model: tokens (batch, time) int32 -> logits (batch, time, vocabulary) float32.

    Subclasses also provide the decode step that is exported to the device. `call` and `decode_step` use the same
    layers and weights; a test holds them within 1e-5 of each other.
    """

    vocabulary_size: int
    context_length: int
    # Whether `window` is written: a model without it is exported as a decode step only.
    has_window_graph: bool = True
    # Tokens that one core trains on at a time: the activations of so many stay in its second-level cache.
    tokens_per_part: int = 1024

    @classmethod
    def parameters_of(cls, config: dict[str, Any]) -> int:
        """Number of weights of a configuration, without building it."""
        raise NotImplementedError

    @classmethod
    def state_specs_of(cls, config: dict[str, Any]) -> list[StateSpec]:
        """The state tensors of the decode step, in the order in which they are exported, without building anything."""
        raise NotImplementedError

    def state_specs(self) -> list[StateSpec]:
        """`state_specs_of` this model."""
        return self.state_specs_of(self.get_config())

    def decode_step(self, token: Any, position: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """One token in, the next token's logits out.

        Args:
            token: (1,) int32, in [0, vocabulary_size).
            position: (1,) int32, in [0, context_length).
            state: name -> float32 tensor as in `state_specs`; zeros before position 0.

        Returns:
            logits (1, vocabulary_size) float32, and the new state under the same names.
        """
        raise NotImplementedError

    def window(self, tokens: Any) -> Any:
        """`call` for one window, written with the ops of the decode step: it is exported as the window graph.

        Args:
            tokens: (context_length,) int32.

        Returns:
            logits (context_length, vocabulary_size) float32.
        """
        raise NotImplementedError

    def equalized(self, windows: np.ndarray) -> "LanguageModel":
        """A copy for export, equal up to float rounding, whose tensors quantize better; itself where there is none.

        Only `decode_step` and `window` of the copy are defined.

        Args:
            windows: (n, context_length) int32 representative tokens.
        """
        return self

    def export_operators(self, graph: str) -> frozenset[str]:
        """The operators of the exported float graph ("decode" or "forward"): no others are let through.

        All of them, but for what shapes make needless: a single head, for one, has nothing to be transposed.
        """
        raise NotImplementedError

    def initial_state(self) -> dict[str, Any]:
        """The state before the first token: zeros."""
        return {spec.name: ops.zeros(spec.shape, dtype="float32") for spec in self.state_specs()}
