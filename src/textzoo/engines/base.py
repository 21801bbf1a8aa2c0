"""The contract of an engine: tokens in, the next token's logits out, one at a time, with the state kept inside."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from textzoo.common.errors import UserError


@dataclass(frozen=True)
class LogitsFormat:
    """How an engine's raw logits are to be read: real = scale * (raw - zero_point).

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
        """Raw logits of any shape -> float32."""
        if not self.is_integer:
            return raw
        return (raw.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)


class Engine(ABC):
    """One model on one kind of kernels.

    Attributes:
        name: Its name in the registry.
        vocabulary_size: Number of tokens.
        context_length: Steps possible after a reset.
        position: Steps done since the last reset.
        logits_format: How `step_raw` is to be read.
    """

    name: str
    vocabulary_size: int
    context_length: int
    position: int
    logits_format: LogitsFormat

    @abstractmethod
    def reset(self) -> None:
        """Forget everything: position 0, state of zeros."""

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
        """Logits of every position of whole windows.

        Args:
            windows: (n, time) integer tokens, time <= context_length.
            lengths: (n,) how many leading tokens of each window matter.

        Yields:
            Per window, in order: (length, vocabulary_size) float32.
        """
        for window, length in zip(windows, lengths, strict=True):
            self.reset()
            raw = np.stack([self.step_raw(int(token)) for token in window[:length]])
            yield self.logits_format.real(raw)

    def twin(self) -> "Engine | None":
        """A second engine of the same model for another thread, or None where one engine is best."""
        return None

    def check_step(self, token: int) -> None:
        """Raise where the next step is impossible."""
        if not 0 <= token < self.vocabulary_size:
            raise UserError(f"token {token} is outside the vocabulary", expected=f"0 to {self.vocabulary_size - 1}")
        if self.position >= self.context_length:
            raise UserError("the context is full", expected=f"at most {self.context_length} steps after a reset")
