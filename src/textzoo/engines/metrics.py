"""Metrics of an engine's predictions, all exact and over the same tokens, in one pass."""

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from textzoo.common.progress import progress_bar
from textzoo.engines.base import Engine


@dataclass(frozen=True)
class Metrics:
    """Metrics over all predicted tokens.

    Attributes:
        tokens: Number of predicted tokens.
        loss_nats: Mean negative log-likelihood per token.
        perplexity: exp(loss_nats).
        bits_per_character: Loss in bits per character of text, comparable between vocabularies.
        top1_accuracy: Share of targets that were the most probable token (ties go to the lowest token).
        top5_accuracy: Share of targets among the five most probable tokens.
        loss_by_position: Mean loss in nats at each position of a window, (context_length,).
        tokens_by_position: Number of tokens in each of these means, (context_length,).
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
    """Evaluate an engine on windows; its state is reset before each.

    Args:
        engine: The engine to evaluate.
        inputs: (n, time) input tokens.
        targets: (n, time) tokens to predict.
        weights: (n, time) 1 where the target counts, 0 in the padding at the end of a window.
        characters_per_token: Mean characters per token of the text, 1 for characters.
        threads: Number of engines that run in parallel, if the engine can be cloned.
        description: Text of the progress bar.
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
    """Return the exact metrics over all tokens of several texts with windows of equal length."""
    tokens = np.array([part.tokens for part in parts], float)
    counts = np.array([part.tokens_by_position for part in parts], float)
    losses = np.array([part.loss_by_position for part in parts]) * counts
    loss = mean_over(tokens, [part.loss_nats for part in parts])
    # A text's characters follow from its bits per character; a loss of 0 has 0 bits for any number of characters.
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
    """Return the number of positions up to the last one with a weight, (n,)."""
    time = weights.shape[1]
    return np.where(weights > 0, np.arange(1, time + 1), 0).max(axis=1)


def _all_logits(
    engine: Engine, inputs: np.ndarray, lengths: np.ndarray, threads: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (window index, logits) of every window, in order; threads help because LiteRT releases the GIL."""
    clones = [engine.clone() for _ in range(min(threads, len(inputs)) - 1)]
    engines = [engine, *(clone for clone in clones if clone is not None)]
    if len(engines) == 1:
        yield from enumerate(engine.window_logits(inputs, lengths))
        return
    results: queue.Queue = queue.Queue()
    for number, worker in enumerate(engines):
        mine = np.arange(number, len(inputs), len(engines))
        threading.Thread(target=_work, args=(worker, inputs, lengths, mine, results), daemon=True).start()
    yield from _in_order(results, len(inputs))


def _in_order(results: queue.Queue, count: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the results in the order of windows, so that sums do not depend on the timing of threads."""
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
    except BaseException as error:  # passed to the waiting thread
        results.put(error)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return the log-softmax over the last axis, in float64, of the same shape."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


class _Totals:
    """Sums over tokens, from which the metrics are computed."""

    def __init__(self, time: int) -> None:
        self.loss = np.zeros(time)
        self.count = np.zeros(time)
        self.top1 = self.top5 = 0.0

    def add(self, logits: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> None:
        """Add one window: logits (time, vocabulary_size), targets and weights (time,)."""
        positions = np.arange(len(targets))
        self.loss[positions] -= log_softmax(logits)[positions, targets] * weights
        self.count[positions] += weights
        rank = self._ranks(logits, targets)
        self.top1 += float(((rank < 1) * weights).sum())
        self.top5 += float(((rank < 5) * weights).sum())

    @staticmethod
    def _ranks(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return how many tokens rank before the target, lower tokens first among equals; all if its logit is NaN."""
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
