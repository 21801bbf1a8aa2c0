"""The contract of every architecture: forward over a window and one-token decode, from the same weights."""

import dataclasses
from typing import Any, ClassVar, Self

import keras
import numpy as np
from keras import ops

from textzoo.models.configs import ArchitectureConfig, StateSpec

# Under which Keras knows the layers and models of this project.
PACKAGE = "textzoo"


class LanguageModel(keras.Model):
    """A Keras functional model: tokens (batch, time) int32 -> logits (batch, time, vocabulary) float32.

    Subclasses are built from their configuration. They also provide the decode step that is exported to the device.
    `call` and `decode_step` use the same layers and weights; a test holds them within 1e-5 of each other.

    Args:
        config: What the model was built from.
        tokens: The symbolic input.
        logits: What the layers make of it.
        name: Of the Keras model; NAME by default.
    """

    # The configuration that the architecture is built from, and the architecture's name.
    CONFIG: ClassVar[type[ArchitectureConfig]]
    NAME: ClassVar[str]
    # Whether `window` is written: a model without it is exported as a decode step only.
    has_window_graph: bool = True
    # Tokens that one core trains on at a time: the activations of so many stay in its second-level cache.
    tokens_per_part: int = 1024

    def __init__(self, config: ArchitectureConfig, tokens: Any, logits: Any, name: str | None = None) -> None:
        super().__init__(inputs=tokens, outputs=logits, name=name or self.NAME)
        self.config = config

    @property
    def vocabulary_size(self) -> int:
        return self.config.vocabulary_size

    @property
    def context_length(self) -> int:
        return self.config.context_length

    def state_specs(self) -> list[StateSpec]:
        """Return the state tensors of the decode step, in the order in which they are exported."""
        return self.config.state_specs()

    def decode_step(self, token: Any, position: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Take one token in, give the next token's logits out.

        Args:
            token: (1,) int32, in [0, vocabulary_size).
            position: (1,) int32, in [0, context_length).
            state: name -> float32 tensor as in `state_specs`; zeros before position 0.

        Returns:
            logits (1, vocabulary_size) float32, and the new state under the same names.
        """
        raise NotImplementedError

    def window(self, tokens: Any) -> Any:
        """Compute `call` for one window, with the ops of the decode step: it is exported as the window graph.

        Args:
            tokens: (context_length,) int32.

        Returns:
            logits (context_length, vocabulary_size) float32.
        """
        raise NotImplementedError

    def equalized(self, windows: np.ndarray) -> "LanguageModel":
        """Return a copy for export, equal up to float rounding, that quantizes better; itself where there is none.

        Only `decode_step` and `window` of the copy are defined.

        Args:
            windows: (n, context_length) int32 representative tokens.
        """
        return self

    def export_operators(self, graph: str) -> frozenset[str]:
        """Return the operators that the exported float graph ("decode" or "forward") may have.

        All of them, but for what shapes make needless: a single head, for one, has nothing to be transposed.
        """
        raise NotImplementedError

    def initial_state(self) -> dict[str, Any]:
        """Return the state before the first token: zeros."""
        return {spec.name: ops.zeros(spec.shape, dtype="float32") for spec in self.state_specs()}

    def copy(self) -> Self:
        """Return a model of its own with the same weights."""
        copy = self.from_config(self.get_config())
        copy.set_weights(self.get_weights())
        return copy

    def get_config(self) -> dict[str, Any]:
        """Return the configuration and the name as one flat dict, as model files hold it."""
        return {**dataclasses.asdict(self.config), "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        """Build a model from what `get_config` gave; TypeError for other keys than the configuration has."""
        values = {key: value for key, value in config.items() if key != "name"}
        return cls(cls.CONFIG(**values), name=config.get("name"))
