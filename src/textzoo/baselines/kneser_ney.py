"""An n-gram model with interpolated modified Kneser-Ney smoothing, pruned to a size.

    P(w | h) = q(w | h) + g(h) * P(w | h'),   q(w | h) = (a(h w) - D(a(h w))) / sum over v of a(h v)

where h' is h without its first symbol, and g(h) = 1 - sum over w of q(w | h), so that the sum over w is 1. Below the
shortest n-grams all symbols are equally probable. Modified: D depends on whether a is 1, 2, or more (S. Chen and
J. Goodman, "An empirical study of smoothing techniques for language modeling", TR-10-98, Harvard, 1998).

a is the adjusted count: that of the text for the longest n-grams; for others the number of different symbols before
them. In a pruned model an n-gram that was removed gives its whole count to its ending, of which it was only one symbol
before (V. Siivola, T. Hirsimäki and S. Virpioja, "On growing and pruning Kneser-Ney smoothed n-gram models", IEEE TASLP
15(5), 2007). Removed are those that the text misses least (A. Stolcke, "Entropy-based pruning of backoff language
models", 1998).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from textzoo.baselines.ngram_counts import Level

# Of the n-grams, in each pass: what others are worth changes when one is removed.
SHARE_REMOVED = 0.1
# One mask for each level, (n,) bool.
Masks = list[np.ndarray]
Fits = Callable[[list[int]], bool]


@dataclass(frozen=True)
class Estimate:
    """A model of the kept n-grams: for each level, values of all its n-grams.

    Attributes:
        adjusted: a, int64.
        shares: q, float64; 0 of those that were removed.
        totals: Sum of a over all that follow a context, float64, one list entry per length of the context, from 0.
        rests: g, in the same form; 1 for a context that no kept n-gram begins with.
        probabilities: P of the last symbol after the others, float64.
    """

    adjusted: list[np.ndarray]
    shares: list[np.ndarray]
    totals: list[np.ndarray]
    rests: list[np.ndarray]
    probabilities: list[np.ndarray]


def everything(levels: list[Level]) -> Masks:
    return [np.ones(len(level.keys), bool) for level in levels]


def estimate(levels: list[Level], kept: Masks, vocabulary_size: int) -> Estimate:
    """Return the model of the kept n-grams; P also of the others, by their endings."""
    adjusted = adjusted_counts(levels, kept)
    found = Estimate(adjusted, [], [], [], [])
    shorter = np.full(1, 1 / vocabulary_size)
    for index, level in enumerate(levels):
        contexts = levels[index - 1].follows if index else np.full(1, level.counts.sum())
        totals = contexts - sums(level.beginning, level.counts - adjusted[index], len(contexts))
        discounted = adjusted[index] - discount(adjusted[index], level.discounts)
        shares = np.where(kept[index], discounted, 0.0) / totals[level.beginning]
        rests = 1 - sums(level.beginning, shares, len(contexts))
        shorter = shares + rests[level.beginning] * shorter[level.ending]
        for values, new in zip(vars(found).values(), (None, shares, totals, rests, shorter), strict=True):
            if new is not None:
                values.append(new)
    return found


def adjusted_counts(levels: list[Level], kept: Masks) -> list[np.ndarray]:
    """Return the adjusted counts of all n-grams, level by level.

    For its ending a kept n-gram counts as 1, a removed one as its own adjusted count. So the ending loses, of its count
    in the text, all but 1 of a kept one, and of a removed one what that has lost itself.
    """
    lost = np.zeros(len(levels[-1].keys), np.int64)
    adjusted = [levels[-1].counts]
    for index in range(len(levels) - 1, 0, -1):
        level = levels[index]
        given = np.where(kept[index], level.counts - 1, lost)
        lost = sums(level.ending, given, len(levels[index - 1].keys)).astype(np.int64)
        adjusted.insert(0, levels[index - 1].counts - lost)
    return adjusted


def sums(groups: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """Return the sum of the values of each group, (size,) float64."""
    return np.bincount(groups, weights=values, minlength=size)


def discount(counts: np.ndarray, discounts: tuple[float, float, float]) -> np.ndarray:
    return np.array([0.0, *discounts])[np.clip(counts, 0, 3)]


def missed(levels: list[Level], kept: Masks, vocabulary_size: int) -> list[np.ndarray]:
    """Return for each kept n-gram by how many nats the text would be less probable without it; -inf for others.

    The text is what the n-gram's level sees of it: its symbol comes q * total times, and the symbols without a kept
    n-gram after the same context get its share.
    """
    model, result = estimate(levels, kept, vocabulary_size), []
    shorter = np.full(1, 1 / vocabulary_size)
    for index, level in enumerate(levels):
        probability, shares, context = model.probabilities[index], model.shares[index], level.beginning
        totals, rest = model.totals[index], model.rests[index][context]
        covered = sums(context, np.where(kept[index], probability, 0.0), len(totals))
        others = np.maximum(1 - covered, 0)[context]
        without = (rest + shares) * shorter[level.ending]
        cost = shares * np.log(probability / without) - others * np.log((rest + shares) / rest)
        result.append(np.where(kept[index], totals[context] * cost, -np.inf))
        shorter = probability
    return result


def prune(levels: list[Level], vocabulary_size: int, fits: Fits) -> Masks:
    """Return which n-grams are kept so that the model fits; single symbols always are, whether they fit or not.

    Args:
        levels: All n-grams.
        vocabulary_size: Number of symbols.
        fits: Whether a model of so many n-grams, level by level, is small enough.
    """
    kept = everything(levels)
    while sum(map(np.count_nonzero, kept[1:])) and not fits(sizes_of(kept)):
        values = needed_values(levels, missed(levels, kept, vocabulary_size))
        kept = without_least(values, kept, fits)
    return kept


def sizes_of(masks: Masks) -> list[int]:
    return [int(np.count_nonzero(mask)) for mask in masks]


def needed_values(levels: list[Level], values: list[np.ndarray]) -> list[np.ndarray]:
    """Return the values, at least those of n-grams that begin with it, which are found through it; inf for symbols."""
    values = [value.copy() for value in values]
    for index in range(len(levels) - 1, 0, -1):
        np.maximum.at(values[index - 1], levels[index].beginning, values[index])
    values[0][:] = np.inf
    return values


def without_least(values: list[np.ndarray], kept: Masks, fits: Fits) -> Masks:
    """Return the masks without the least values: as few as the size needs, or SHARE_REMOVED of all."""
    remaining = np.sort(np.concatenate([value[mask] for value, mask in zip(values, kept, strict=True)]))
    low, high = 1, int(len(remaining) * SHARE_REMOVED) + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(sizes_of(above(values, remaining[middle - 1]))) else (middle + 1, high)
    return above(values, remaining[low - 1])


def above(values: list[np.ndarray], limit: float) -> Masks:
    """Return which values are above a limit; those of symbols always are."""
    return [value > limit if np.isfinite(limit) else np.isinf(value) & (value > 0) for value in values]
