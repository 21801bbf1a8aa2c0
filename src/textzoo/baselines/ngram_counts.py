"""Counts of the n-grams of a text, in one sorted table per length.

An n-gram of symbols s1 ... sk has the key s1 * V**(k-1) + ... + sk, where V is the number of symbols. Sorted by key,
n-grams with a common beginning stand together.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

MAX_SYMBOLS = 256
MAX_ORDER = 10
# Of each length. The largest flash holds fewer n-grams of all lengths together.
MAX_PER_LEVEL = 400_000


@dataclass(frozen=True)
class Level:
    """The n-grams of one length k.

    Attributes:
        keys: (n,) uint64, rising.
        counts: (n,) int64, how often each occurs in the text.
        follows: (n,) int64, how often a symbol follows: `counts`, less one for the n-gram at the end of the text.
        beginning: (n,) int64, place of the n-gram without its last symbol in the level of k - 1; zeros for k = 1.
        ending: (n,) int64, place of the n-gram without its first symbol there; zeros for k = 1.
        discounts: What is taken from adjusted counts of 1, of 2, and of 3 or more.
    """

    keys: np.ndarray
    counts: np.ndarray
    follows: np.ndarray
    beginning: np.ndarray
    ending: np.ndarray
    discounts: tuple[float, float, float]


def longest_order(vocabulary_size: int) -> int:
    """Return the greatest length whose keys fit into 64 bits, at most MAX_ORDER."""
    return next(order for order in range(MAX_ORDER, 0, -1) if vocabulary_size**order <= 2**64)


def count_levels(text: np.ndarray, vocabulary_size: int, order: int | None = None) -> list[Level]:
    """Count the n-grams of each length.

    Where a length has more than MAX_PER_LEVEL n-grams, its rarest are left out, and longer ones that are as rare.

    Args:
        text: (n,) symbols, uint8, all below vocabulary_size.
        vocabulary_size: Number of symbols, 1 to MAX_SYMBOLS.
        order: Greatest length; None for `longest_order`.
    """
    order = min(order or longest_order(vocabulary_size), len(text))
    levels: list[Level] = []
    least = 1
    here = next(tables := tables_of(text, vocabulary_size, order))
    for length in range(1, order + 1):
        keys, counts, last = here
        # The longest n-grams keep their counts; the others are judged by what can stand before them (Kneser, Ney 1995).
        following = next(tables, None)
        judged = counts if following is None else continuations(following[0], text[:length], vocabulary_size)
        least = least_count(counts, least)
        chosen = counts >= least
        levels.append(level_of(keys[chosen], counts[chosen], last, vocabulary_size, levels, discounts_of(judged)))
        here = following
    return levels


def tables_of(text: np.ndarray, vocabulary_size: int, order: int) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """Yield for each length the distinct keys, their counts, and the key at the end of the text."""
    keys = np.zeros(len(text) + 1, np.uint64)
    for length in range(1, order + 1):
        keys = keys[:-1] * np.uint64(vocabulary_size) + text[length - 1 :]
        yield *np.unique(keys, return_counts=True), int(keys[-1])


def continuations(longer: np.ndarray, start: np.ndarray, vocabulary_size: int) -> np.ndarray:
    """Return how many different symbols stand before each n-gram; the beginning of the text is one more.

    Args:
        longer: Keys of all n-grams that are longer by one.
        start: The first n-gram of the text, (k,).
        vocabulary_size: Number of symbols.
    """
    size = np.uint64(vocabulary_size ** len(start))
    return np.unique(np.append(longer % size, key_of(start, vocabulary_size)), return_counts=True)[1]


def key_of(ngram: np.ndarray, vocabulary_size: int) -> np.uint64:
    key = 0
    for symbol in ngram.tolist():
        key = key * vocabulary_size + symbol
    return np.uint64(key)


def least_count(counts: np.ndarray, least: int) -> int:
    """Return the smallest count, from `least` on, of which and above which there are at most MAX_PER_LEVEL."""
    while np.count_nonzero(counts >= least) > MAX_PER_LEVEL:
        least += 1
    return least


def discounts_of(counts: np.ndarray) -> tuple[float, float, float]:
    """Return the discounts of modified Kneser-Ney smoothing (Chen and Goodman 1998, equation 26).

    Where counts of 1 to 4 do not all occur, which only a short text explains, they are 1/2, 1 and 3/2.
    """
    n1, n2, n3, n4 = (int(np.count_nonzero(counts == count)) for count in range(1, 5))
    if not (n1 and n2 and n3 and n4):
        return 0.5, 1.0, 1.5
    share = n1 / (n1 + 2 * n2)
    found = 1 - 2 * share * n2 / n1, 2 - 3 * share * n3 / n2, 3 - 4 * share * n4 / n3
    # Of unusual texts the estimates may leave the range in which every count keeps something and gives something away.
    one, two, more = (min(max(value, 0.05), number - 0.05) for number, value in enumerate(found, 1))
    return one, two, more


def level_of(
    keys: np.ndarray,
    counts: np.ndarray,
    last: int,
    vocabulary_size: int,
    levels: list[Level],
    discounts: tuple[float, float, float],
) -> Level:
    """Return a level above the given ones, which hold the beginning and the ending of each of its n-grams."""
    beginning = ending = np.zeros(len(keys), np.int64)
    if levels:
        below = levels[-1].keys
        beginning = np.searchsorted(below, keys // np.uint64(vocabulary_size))
        ending = np.searchsorted(below, keys % np.uint64(vocabulary_size ** len(levels)))
    return Level(keys, counts, counts - (keys == np.uint64(last)), beginning, ending, discounts)
