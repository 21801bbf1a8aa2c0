"""An answer: the text of a stream of tokens, in pieces as soon as they are final."""

import time
from collections.abc import Iterator

import numpy as np

from textzoo.engines.generate import until_stop
from textzoo.serving.sources import Sampling, Step, TokenSource

# How an answer ends.
STOP, LENGTH, INTERRUPTED = "stop", "length", "interrupted"


class Answer:
    """The continuation of a prompt. Iterate once over its pieces; then the attributes are final.

    Incomplete characters and what may become a stop text are held back until they are certain.

    Args:
        source: What makes the tokens.
        prompt: The text to continue.
        sampling: How.
        keeps_logits: Whether `steps` hold the logits, which take much memory.

    Attributes:
        prompt: The text that is continued.
        prompt_tokens: Its number of tokens.
        context_length: Number of tokens that the source can look back on.
        sampling: How it is sampled.
        engine: Name of its source.
        text: All pieces so far.
        steps: All tokens so far, with their logits where the source gives them; those of a stop text included.
        starts: For each token, how many characters were complete before it, those held back included.
        ended: "stop", "length" or "interrupted"; "" before the end.
        cost: What the tokens cost, in units of the source's counter; None if it does not count.
        seconds: Time from the first request to the last token.
    """

    def __init__(self, source: TokenSource, prompt: str, sampling: Sampling, *, keeps_logits: bool = True) -> None:
        self.keeps_logits = keeps_logits
        self.prompt, self.sampling, self.engine = prompt, sampling, source.name
        self.prompt_tokens = len(source.encoded(prompt, sampling.unknown))
        self.context_length = source.context_length
        self.text, self.ended = "", ""
        self.steps: list[Step] = []
        self.starts: list[int] = []
        self.seconds = 0.0
        self._decoded = 0
        self._interrupted = False
        self._stream = source.tokens(prompt, sampling)
        self._pieces = self._made(source)

    @property
    def tokens(self) -> list[int]:
        return [step.token for step in self.steps]

    @property
    def cost(self) -> int | None:
        return self._stream.cost

    @property
    def slides(self) -> int:
        """How often the context was full, so that the answer went on with the last half of it (`SlidingContext`)."""
        return slides(self.prompt_tokens + len(self.steps) - 1, self.context_length)

    def stop(self) -> None:
        """End the answer after at most one further token; what is held back still comes. Safe from any thread."""
        self._interrupted = True
        self._stream.stop()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self._pieces)

    def _made(self, source: TokenSource) -> Iterator[str]:
        try:
            pieces = self._measured(source.tokenizer.decode_stream(self._counted()))
            found = yield from self._kept(until_stop(pieces, self.sampling.stops))
            self._stream.stop()
            self._stream.finish()
            is_whole = found or self._stream.is_whole
            self.ended = STOP if is_whole else INTERRUPTED if self._was_cut() else LENGTH
        finally:
            self._stream.stop()
            self.ended = self.ended or INTERRUPTED

    def _kept(self, pieces: Iterator[str]) -> Iterator[str]:
        """Yield pieces and add them to the text; return what their generator returns."""
        while True:
            try:
                piece = next(pieces)
            except StopIteration as end:
                return end.value
            self.text += piece
            yield piece

    def _counted(self) -> Iterator[int]:
        start = time.perf_counter()
        for step in self._stream:
            self.steps.append(step if self.keeps_logits else Step(step.token))
            self.starts.append(self._decoded)
            self.seconds = time.perf_counter() - start
            yield step.token

    def _measured(self, pieces: Iterator[str]) -> Iterator[str]:
        for piece in pieces:
            self._decoded += len(piece)
            yield piece

    def _was_cut(self) -> bool:
        return self._interrupted and len(self.steps) < self.sampling.max_tokens

    def close(self) -> None:
        """End the answer now; nothing more of it comes."""
        self._stream.stop()
        self._pieces.close()
        self.ended = self.ended or INTERRUPTED

    def finish(self) -> "Answer":
        """Take all pieces; return the answer."""
        for _ in self:
            pass
        return self


def slides(tokens: int, context_length: int) -> int:
    """Return how often a context slides while so many tokens are fed: to its last half whenever it is full."""
    half = context_length // 2
    return max(0, (tokens - half - 1) // (context_length - half))


def context_used(prompt_tokens: int, tokens: int, context_length: int) -> int:
    """Return how many of the tokens of a prompt and its answer the model looks back on."""
    return (
        prompt_tokens + tokens - slides(prompt_tokens + tokens, context_length) * (context_length - context_length // 2)
    )


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """Return the natural logarithms of softmax, (vocabulary_size,) float64, of real logits."""
    shifted = logits.astype(np.float64) - float(logits.max())
    return shifted - np.log(np.exp(shifted).sum())


def likeliest(logits: np.ndarray, count: int) -> list[tuple[int, float]]:
    """Return the most probable tokens and their log probabilities, the likeliest first; lower tokens among equals."""
    values = log_probabilities(logits)
    order = np.argsort(-values, kind="stable")[:count]
    return [(int(token), float(values[token])) for token in order]
