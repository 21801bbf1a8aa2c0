"""A source of tokens on this machine: an engine with its sampler."""

import threading
from collections.abc import Iterator, Sequence

import numpy as np

from textzoo.engines.base import Engine
from textzoo.engines.generate import SlidingContext, guide_of
from textzoo.engines.sampling import choose_token, make_sampler
from textzoo.grammars.token_automaton import Guide
from textzoo.serving.sources import Sampling, Step, TokenSource, TokenStream
from textzoo.text.tokenizers.base import Tokenizer


class ResumedContext(SlidingContext):
    """A context that feeds only what is new if a prompt begins with all that was fed before, as a conversation's does.

    The state after n tokens is the same whether they were fed at once or in parts, as long as the context never slid.

    Attributes:
        fed: The tokens since the last reset; empty while a step runs, so that one which is interrupted is not believed.
        logits: Raw, after the last token of `fed`.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.fed: list[int] = []
        self.logits = np.zeros(0)

    def begin(self, prompt: list[int]) -> np.ndarray:
        """Feed a prompt of at least one token, as from a reset; return the raw logits of the next token."""
        has_slid = len(self.fed) > self.engine.context_length
        if has_slid or not self.fed or self.fed != prompt[: len(self.fed)]:
            self.fed = []
            self.recent.clear()
            self.engine.reset()
        for token in prompt[len(self.fed) :]:
            self.feed(token)
        return self.logits

    def feed(self, token: int) -> np.ndarray:
        fed, self.fed = self.fed, []
        self.logits = super().feed(token)
        fed.append(token)
        self.fed = fed
        return self.logits


class LocalSource(TokenSource):
    """An engine of this machine.

    Args:
        engine: The model.
        tokenizer: Its own.
    """

    def __init__(self, engine: Engine, tokenizer: Tokenizer) -> None:
        self.engine, self.tokenizer = engine, tokenizer
        self.name = self.title = engine.name
        self.context_length = engine.context_length
        self.context = ResumedContext(engine)

    def tokens(self, prompt: str, sampling: Sampling) -> "LocalStream":
        tokens = [int(token) for token in self.encoded(prompt, sampling.unknown)]
        guide = guide_of(
            sampling.grammar, self.tokenizer, sampling.stops, sampling.max_tokens, sampling.input_of(prompt)
        )
        return LocalStream(self, tokens, sampling, guide)

    def next_logits(self, tokens: Sequence[int]) -> np.ndarray:
        return self.engine.logits_format.real(self.context.begin(list(tokens)))

    def close(self) -> None:
        """Do nothing: the engine goes with its last user."""


class LocalStream(TokenStream):
    """An answer of an engine."""

    def __init__(self, source: LocalSource, prompt: list[int], sampling: Sampling, guide: Guide | None) -> None:
        self.stopped = threading.Event()
        self.steps = self._steps(source, prompt, sampling, guide)

    def _steps(self, source: LocalSource, prompt: list[int], sampling: Sampling, guide: Guide | None) -> Iterator[Step]:
        logits_format, context = source.engine.logits_format, source.context
        sampler = make_sampler(
            logits_format, temperature=sampling.temperature, top_k=sampling.top_k, seed=sampling.seed
        )
        logits = context.begin(prompt)
        for index in range(sampling.max_tokens):
            if self.stopped.is_set():
                return
            token = choose_token(sampler, logits, guide, sampling.max_tokens - index)
            if token is None:
                break
            yield Step(token, logits_format.real(logits))
            if index + 1 < sampling.max_tokens:
                logits = context.feed(token)
        self.is_whole = guide is not None and guide.is_final

    def __next__(self) -> Step:
        return next(self.steps)

    def stop(self) -> None:
        self.stopped.set()
