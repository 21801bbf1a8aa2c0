"""The interface of an engine: it takes one token, returns the next token's logits, and keeps the state."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from textzoo.common.errors import UserError


@dataclass(frozen=True)
class LogitsFormat:
    """The format of an engine's raw logits: real = scale * (raw - zero_point).

    Attributes:
        dtype: int8, int16 or float32; float32 has scale 1 and zero point 0.
    """

    dtype: np.dtype
    scale: float
    zero_point: int

    @property
    def is_integer(self) -> bool:
        return self.dtype.kind == "i"

    def real(self, raw: np.ndarray) -> np.ndarray:
        """Return raw logits of any shape as float32."""
        if not self.is_integer:
            return raw
        return (raw.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)


class Engine(ABC):
    """One model, executed by one set of kernels.

    Attributes:
        name: Its name in the registry.
        vocabulary_size: Number of tokens.
        context_length: Maximum number of steps after a reset.
        position: Number of steps since the last reset.
        logits_format: Format of what `step_raw` returns.
    """

    name: str
    vocabulary_size: int
    context_length: int
    position: int
    logits_format: LogitsFormat

    @abstractmethod
    def reset(self) -> None:
        """Set the position to 0 and the state to zeros."""

    @abstractmethod
    def step_raw(self, token: int) -> np.ndarray:
        """Feed one token; return the next token's logits as the model computes them, (vocabulary_size,).

        Raises:
            UserError: The token is outside the vocabulary, or the context is full.
        """

    def step(self, token: int) -> np.ndarray:
        """Feed one token; return the next token's logits, (vocabulary_size,) float32."""
        return self.logits_format.real(self.step_raw(token))

    def window_logits(self, windows: np.ndarray, lengths: np.ndarray) -> Iterator[np.ndarray]:
        """Compute the logits of every position of windows.

        Args:
            windows: (n, time) integer tokens, time <= context_length.
            lengths: (n,) number of leading tokens of each window to compute.

        Yields:
            For each window, in order: (length, vocabulary_size) float32.
        """
        for window, length in zip(windows, lengths, strict=True):
            self.reset()
            raw = np.stack([self.step_raw(int(token)) for token in window[:length]])
            yield self.logits_format.real(raw)

    def clone(self) -> "Engine | None":
        """Return a second engine of the same model for another thread, or None if a second one is no faster."""
        return None

    def check_step(self, token: int) -> None:
        """Raise UserError if the next step is impossible."""
        if not 0 <= token < self.vocabulary_size:
            raise UserError(f"token {token} is outside the vocabulary", expected=f"0 to {self.vocabulary_size - 1}")
        if self.position >= self.context_length:
            raise UserError("the context is full", expected=f"at most {self.context_length} steps after a reset")
