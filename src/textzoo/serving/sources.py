"""Sources of tokens: an engine of this machine, or a device's firmware, that continues one text at a time.

All sources of one quantized model give the same tokens for the same prompt and the same sampling.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from textzoo.common.errors import UserError
from textzoo.grammars.grammar import Grammar
from textzoo.text.settings import SamplingConfig
from textzoo.text.tokenizers.base import Tokenizer


@dataclass(frozen=True)
class Sampling:
    """How an answer is sampled.

    Attributes:
        temperature: 0 is greedy.
        top_k: Sample from the k most probable tokens; 0 for all.
        max_tokens: Longest answer.
        seed: In [0, 2**32); the same seed gives the same answer.
        stops: Texts before which an answer ends.
        unknown: Text of the prompt outside the vocabulary: "error" or "unk".
        grammar: What an answer has to be; None for anything.
        input_text: What the grammar's spans of the input are copied from; None for the whole prompt.
    """

    temperature: float = 0.8
    top_k: int = 0
    max_tokens: int = 200
    seed: int = 1
    stops: tuple[str, ...] = ()
    unknown: str = "error"
    grammar: Grammar | None = None
    input_text: str | None = None

    @classmethod
    def of(cls, settings: SamplingConfig, grammar: Grammar | None = None) -> "Sampling":
        """Return what the section `prediction` says, with the grammar that it names."""
        stops = (settings.stop,) if settings.stop else ()
        numbers = (settings.temperature, settings.top_k, settings.max_tokens, settings.seed)
        return cls(*numbers, stops, settings.unknown, grammar)

    def input_of(self, prompt: str) -> str:
        """Return what spans of the input are copied from."""
        return prompt if self.input_text is None else self.input_text


class ContextLengthError(UserError):
    """A text is longer than the context."""


@dataclass(frozen=True)
class Step:
    """One token of an answer.

    Attributes:
        token: The token.
        logits: (vocabulary_size,) float32 from which it was drawn; None where a source does not send them.
    """

    token: int
    logits: np.ndarray | None = None


class TokenStream(ABC):
    """The tokens of one answer, as they are made.

    Attributes:
        cost: What all tokens so far cost the source, in units of its counter; None if it does not count.
        is_whole: Whether the grammar ended the answer.
    """

    cost: int | None = None
    is_whole: bool = False

    def __iter__(self) -> Iterator[Step]:
        return self

    @abstractmethod
    def __next__(self) -> Step:
        """Return the next token; raise StopIteration at the end."""

    @abstractmethod
    def stop(self) -> None:
        """End the answer after at most one further token.

        May be called more than once, from another thread, and by the handler of a signal.
        """

    def finish(self) -> None:  # noqa: B027 (most sources send nothing further)
        """Take what the source still sends of an answer that was stopped: its cost, and no tokens."""


class TokenSource(ABC):
    """What continues texts; only one answer at a time.

    Attributes:
        name: A name in SOURCES.
        title: For people, e.g. "STM32F4 on netduinoplus2".
        tokenizer: The model's own.
        context_length: Number of tokens that the model can look back on.
        counter: Unit of what a token costs ("instructions", "cycles", "nanoseconds"); "" if the source does not count.
        gives_logits: Whether `Step.logits` is there.
        is_lost: Whether no further answer can come, because a device was given up.
    """

    name: str
    title: str
    tokenizer: Tokenizer
    context_length: int
    counter: str = ""
    gives_logits: bool = True
    is_lost: bool = False

    @abstractmethod
    def tokens(self, prompt: str, sampling: Sampling) -> TokenStream:
        """Begin to continue a prompt of one token or more; the tokens of the stop text are not left out here."""

    @abstractmethod
    def next_logits(self, tokens: Sequence[int]) -> np.ndarray:
        """Return the logits, (vocabulary_size,) float32, of the token that follows 1 to context_length tokens."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the device or the model."""

    def encoded(self, prompt: str, unknown: str) -> np.ndarray:
        """Return the tokens (n,) of a prompt.

        Raises:
            ContextLengthError: It has more tokens than the context.
            UserError: It is empty, or holds text outside the vocabulary.
        """
        tokens = self.tokenizer.encode(prompt, unknown=unknown)
        if len(tokens) == 0:
            raise UserError("there is nothing to continue", expected="at least one character")
        if len(tokens) > self.context_length:
            raise ContextLengthError(
                "the text is longer than the model's context",
                expected=f"at most {self.context_length} tokens",
                received=f"{len(tokens)} tokens",
                remedy="Shorten it, or choose a model with a longer context.",
            )
        return tokens
