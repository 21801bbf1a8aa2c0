"""Streaming text generation. docs/explanations/sampling.md describes how generation continues beyond the context."""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import numpy as np

from textzoo.common.errors import UserError
from textzoo.engines.base import Engine
from textzoo.engines.sampling import MASK32, choose_token, make_sampler
from textzoo.grammars.grammar import Grammar
from textzoo.grammars.token_automaton import Guide


class SlidingContext:
    """Feeds any number of tokens to an engine; when the context is full, it restarts with the last half of it.

    The state of the decode step depends on absolute positions, so it cannot be shifted. Instead the engine is reset,
    the last context_length // 2 tokens are fed again at positions 0, 1, ..., and generation continues after them.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.recent: deque[int] = deque(maxlen=max(engine.context_length // 2, 1))
        engine.reset()

    def feed(self, token: int) -> np.ndarray:
        """Feed one token; return the raw logits of the next one."""
        if self.engine.position == self.engine.context_length:
            self.engine.reset()
            for earlier in self.recent:
                self.engine.step_raw(earlier)
        self.recent.append(token)
        return self.engine.step_raw(token)


def generate_tokens(
    engine: Engine,
    prompt: np.ndarray,
    *,
    max_tokens: int,
    temperature: float,
    top_k: int = 0,
    seed: int = 0,
    guide: Guide | None = None,
) -> Iterator[int]:
    """Continue a prompt of at least one token; yield only the new tokens, which a grammar may guide."""
    if len(prompt) == 0:
        raise UserError("the prompt is empty", expected="at least one character to continue")
    sampler = make_sampler(engine.logits_format, temperature=temperature, top_k=top_k, seed=seed)
    context = SlidingContext(engine)
    for token in prompt:
        logits = context.feed(int(token))
    for index in range(max_tokens):
        token = choose_token(sampler, logits, guide, max_tokens - index)
        if token is None:
            return
        yield token
        if index + 1 < max_tokens:
            logits = context.feed(token)


class Continuation:
    """An iterator over the generated pieces of text.

    Attributes:
        tokens: Number of tokens generated so far. Encoding the text again may give another number, because different
            token sequences can decode to the same text.
    """

    def __init__(self, tokens: Iterator[int], tokenizer: Any, stop: str | None) -> None:
        self.tokens = 0
        pieces = tokenizer.decode_stream(self._counted(tokens))
        self.pieces = until_stop(pieces, [stop] if stop else [])

    def _counted(self, tokens: Iterator[int]) -> Iterator[int]:
        for token in tokens:
            self.tokens += 1
            yield token

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self.pieces)


def generate(
    engine: Engine,
    tokenizer: Any,
    prompt: str,
    *,
    max_tokens: int,
    temperature: float = 0.8,
    top_k: int = 0,
    seed: int = 1,
    stop: str | None = None,
    unknown: str = "error",
    grammar: Grammar | None = None,
    input_text: str | None = None,
) -> Continuation:
    """Continue a prompt; the same arguments always give the same text.

    Args:
        engine: The model's engine; it is reset first.
        tokenizer: A tokenizer with the model's vocabulary.
        prompt: Text to continue, not empty. If it is longer than the context, only its end matters.
        max_tokens: Tokens to generate.
        temperature: 0 is greedy.
        top_k: Sample from the k most probable tokens; 0 for all.
        seed: In [0, 2**32).
        stop: Text before which generation ends.
        unknown: Characters of the prompt outside the vocabulary: "error" or "unk".
        grammar: What the continuation has to be; None for anything.
        input_text: What its spans of the input are copied from; None for the prompt.

    Returns:
        Pieces of the continuation, without the prompt, as soon as they are final.
    """
    if tokenizer.vocabulary_size != engine.vocabulary_size:
        raise UserError(
            "tokenizer and model have different vocabularies",
            expected=f"{engine.vocabulary_size} tokens",
            received=f"{tokenizer.vocabulary_size}",
        )
    tokens = generate_tokens(
        engine,
        tokenizer.encode(prompt, unknown=unknown),
        max_tokens=max_tokens,
        temperature=temperature,
        top_k=top_k,
        seed=seed,
        guide=guide_of(
            grammar, tokenizer, [stop] if stop else [], max_tokens, prompt if input_text is None else input_text
        ),
    )
    return Continuation(tokens, tokenizer, stop)


def guide_of(
    grammar: Grammar | None, tokenizer: Any, stops: Sequence[str], max_tokens: int, input_text: str
) -> Guide | None:
    """Return the guide at the beginning of a text; None without a grammar.

    Args:
        grammar: What the text has to be.
        tokenizer: With the model's vocabulary.
        stops: Texts before which it ends.
        max_tokens: Its longest length.
        input_text: What spans of the input are copied from.

    Raises:
        UserError: No text of the grammar has so few tokens, or the vocabulary cannot spell it.
    """
    if grammar is None:
        return None
    guide = Guide(grammar.automaton(tokenizer, tuple(stops)), input_text)
    if guide.distance > max_tokens:
        raise UserError(
            f"{grammar.name} needs more tokens than the text may have",
            expected=f"max_tokens of at least {guide.distance:,}",
            received=f"{max_tokens:,}",
        )
    return guide


def generate_samples(
    engine: Engine, tokenizer: Any, prompt: str, *, num_samples: int, seed: int, **options: Any
) -> Iterator[Continuation]:
    """Yield several continuations; sample i uses seed + i."""
    for index in range(num_samples):
        yield generate(engine, tokenizer, prompt, seed=(seed + index) & MASK32, **options)


def until_stop(pieces: Iterator[str], stops: Sequence[str]) -> Generator[str, None, bool]:
    """Yield the pieces before the stop text that is complete first; hold back what may be the beginning of one.

    Returns:
        Whether a stop text was found.
    """
    held = ""
    for piece in pieces:
        held += piece
        if (end := _first_stop(held, stops)) is not None:
            if end:
                yield held[:end]
            return True
        safe = len(held) - max((_overlap(held, stop) for stop in stops), default=0)
        if safe:
            yield held[:safe]
            held = held[safe:]
    if held:
        yield held
    return False


def _first_stop(text: str, stops: Sequence[str]) -> int | None:
    """Return where the stop text begins that ends first, the longest of those that end there; None without any."""
    found = [(start + len(stop), start) for stop in stops if (start := text.find(stop)) >= 0]
    return min(found)[1] if found else None


def _overlap(text: str, stop: str) -> int:
    """Return the length of the longest end of `text` that is a beginning of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if stop.startswith(text[-size:])), 0)
