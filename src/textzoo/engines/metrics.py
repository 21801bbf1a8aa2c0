"""How well an engine predicts: every figure over the same tokens, exact, in one pass."""

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from textzoo.common.progress import progress_bar
from textzoo.engines.base import Engine


@dataclass(frozen=True)
class Metrics:
    """Figures over all predicted tokens.

    Attributes:
        tokens: How many tokens were predicted.
        loss_nats: Mean negative log-likelihood per token.
        perplexity: exp(loss_nats).
        bits_per_character: Loss in bits, per character of text: comparable between vocabularies.
        top1_accuracy: How often the likeliest token was right (ties go to the lowest token).
        top5_accuracy: How often the right token was among the five likeliest.
        loss_by_position: Mean loss in nats at each position of a window, (context_length,).
        tokens_by_position: How many tokens each of these means is over, (context_length,).
    """

    tokens: int
    loss_nats: float
    perplexity: float
    bits_per_character: float
    top1_accuracy: float
    top5_accuracy: float
    loss_by_position: list[float] = field(repr=False)
    tokens_by_position: list[int] = field(repr=False)


def evaluate(
    engine: Engine,
    inputs: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    *,
    characters_per_token: float = 1.0,
    threads: int = 2,
    description: str = "",
) -> Metrics:
    """Measure an engine on windows; its state is reset before each.

    Args:
        engine: What predicts.
        inputs: (n, time) tokens fed.
        targets: (n, time) tokens to predict.
        weights: (n, time) 1 where the target counts, 0 in the padding at the end of a window.
        characters_per_token: Mean characters per token of the text, 1 for characters.
        threads: Engines side by side, where the engine can be doubled.
        description: Shown at the progress bar.
    """
    lengths = np.maximum(_lengths(weights), 1)
    totals = _Totals(inputs.shape[1])
    with progress_bar(description or f"evaluation {engine.name}", int(lengths.sum())) as advance:
        for index, logits in _all_logits(engine, inputs, lengths, threads):
            length = lengths[index]
            totals.add(logits, targets[index, :length], weights[index, :length])
            advance(int(length), note=f"loss {totals.mean():.4f}")
    return totals.metrics(characters_per_token)


def merged(parts: Sequence[Metrics]) -> Metrics:
    """The figures over all tokens of several texts, exact; the windows of all are equally long."""
    tokens = np.array([part.tokens for part in parts], float)
    counts = np.array([part.tokens_by_position for part in parts], float)
    losses = np.array([part.loss_by_position for part in parts]) * counts
    loss = mean_over(tokens, [part.loss_nats for part in parts])
    # A text's characters, from its own bits per character; a loss of 0 has 0 bits however many characters there are.
    nats = [part.tokens * part.loss_nats for part in parts]
    bits = np.array(nats) / np.log(2)
    characters = sum(bit / part.bits_per_character if bit else 0.0 for bit, part in zip(bits, parts, strict=True))
    return Metrics(
        tokens=int(tokens.sum()),
        loss_nats=loss,
        perplexity=float(np.exp(loss)),
        bits_per_character=float(bits.sum() / max(characters, 1e-9)),
        top1_accuracy=mean_over(tokens, [part.top1_accuracy for part in parts]),
        top5_accuracy=mean_over(tokens, [part.top5_accuracy for part in parts]),
        loss_by_position=(losses.sum(axis=0) / np.maximum(counts.sum(axis=0), 1)).tolist(),
        tokens_by_position=counts.sum(axis=0).astype(int).tolist(),
    )


def mean_over(tokens: np.ndarray, values: list[float]) -> float:
    return float((tokens * values).sum() / max(tokens.sum(), 1))


def _lengths(weights: np.ndarray) -> np.ndarray:
    """(n,) places up to the last one that counts."""
    time = weights.shape[1]
    return np.where(weights > 0, np.arange(1, time + 1), 0).max(axis=1)


def _all_logits(
    engine: Engine, inputs: np.ndarray, lengths: np.ndarray, threads: int
) -> Iterator[tuple[int, np.ndarray]]:
    """(window index, logits) of every window, in order; LiteRT computes outside Python's lock."""
    twins = [engine.twin() for _ in range(min(threads, len(inputs)) - 1)]
    engines = [engine, *(twin for twin in twins if twin is not None)]
    if len(engines) == 1:
        yield from enumerate(engine.window_logits(inputs, lengths))
        return
    results: queue.Queue = queue.Queue()
    for number, worker in enumerate(engines):
        mine = np.arange(number, len(inputs), len(engines))
        threading.Thread(target=_work, args=(worker, inputs, lengths, mine, results), daemon=True).start()
    yield from _in_order(results, len(inputs))


def _in_order(results: queue.Queue, count: int) -> Iterator[tuple[int, np.ndarray]]:
    """Results sorted by window, so that sums do not depend on which thread was faster."""
    waiting: dict[int, np.ndarray] = {}
    for index in range(count):
        while index not in waiting:
            result = results.get()
            if isinstance(result, BaseException):
                raise result
            waiting[result[0]] = result[1]
        yield index, waiting.pop(index)


def _work(engine: Engine, inputs: np.ndarray, lengths: np.ndarray, mine: np.ndarray, results: queue.Queue) -> None:
    try:
        for index, logits in zip(mine, engine.window_logits(inputs[mine], lengths[mine]), strict=True):
            results.put((int(index), logits))
    except BaseException as error:  # handed to the thread that waits
        results.put(error)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """(..., vocabulary_size) -> the same shape in float64."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


class _Totals:
    """Sums over tokens, from which the figures follow."""

    def __init__(self, time: int) -> None:
        self.loss = np.zeros(time)
        self.count = np.zeros(time)
        self.top1 = self.top5 = 0.0

    def add(self, logits: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> None:
        """Logits (time, vocabulary_size), targets and weights (time,), of one window."""
        places = np.arange(len(targets))
        self.loss[places] -= log_softmax(logits)[places, targets] * weights
        self.count[places] += weights
        rank = self._ranks(logits, targets)
        self.top1 += float(((rank < 1) * weights).sum())
        self.top5 += float(((rank < 5) * weights).sum())

    @staticmethod
    def _ranks(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """How many tokens come before the right one, ties by lower token first; all, if its logit is no number."""
        right = logits[np.arange(len(targets)), targets][:, None]
        before = np.arange(logits.shape[1])[None, :] < targets[:, None]
        return (np.isnan(right) | (logits > right) | ((logits == right) & before)).sum(axis=1)

    def mean(self) -> float:
        return float(self.loss.sum() / max(self.count.sum(), 1))

    def metrics(self, characters_per_token: float) -> Metrics:
        loss, tokens = self.mean(), float(self.count.sum())
        return Metrics(
            tokens=round(tokens),
            loss_nats=loss,
            perplexity=float(np.exp(loss)),
            bits_per_character=loss / float(np.log(2)) / characters_per_token,
            top1_accuracy=self.top1 / max(tokens, 1),
            top5_accuracy=self.top5 / max(tokens, 1),
            loss_by_position=(self.loss / np.maximum(self.count, 1)).tolist(),
            tokens_by_position=self.count.astype(int).tolist(),
        )
