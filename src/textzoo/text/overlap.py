"""Train/validation contamination: documents, lines and windows of the validation text that the training text has, too.

Memory is bounded for texts of any size: a sample of the validation text is hashed, and the training text is scanned
once, piece by piece. Time is linear in both. Hashes have 64 bits: with 100,000 of them against 10 million windows, one
false match is expected in 18 million such comparisons.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from textzoo.text.corpora.cleaning import iterate_documents

WINDOW = 50
# Shorter lines and documents ("Enter HAMLET") recur in any text.
SHORTEST_LINE, SHORTEST_DOCUMENT = 30, 50
SAMPLE = 100_000
PIECE = 1 << 20
# Most windows of the training text are rejected by one look-up in a table of 2 ** FILTER_BITS entries.
FILTER_BITS = 22
BASE, MASK = 0x9E3779B97F4A7C15, (1 << 64) - 1


@dataclass(frozen=True)
class Overlap:
    """The result of a comparison.

    Attributes:
        looked_at: Number of validation documents, lines or windows compared: all, or an evenly spaced sample.
        repeated: Number of them that occur in the training text.
    """

    looked_at: int
    repeated: int

    @property
    def share(self) -> float:
        return self.repeated / self.looked_at if self.looked_at else 0.0


def overlap_of_lines(training: str, validation: str) -> Overlap:
    """Compare lines of at least SHORTEST_LINE characters, without the whitespace around them."""
    return overlap_of_pieces(long_lines, training, validation)


def overlap_of_documents(training: str, validation: str, separator: str | None = None) -> Overlap:
    """Compare documents of at least SHORTEST_DOCUMENT characters; see cleaning.split_documents."""
    return overlap_of_pieces(lambda text: long_documents(text, separator), training, validation)


def long_lines(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        line = text[start:end].strip() if end - start >= SHORTEST_LINE else ""
        if len(line) >= SHORTEST_LINE:
            yield line
        start = end + 1


def long_documents(text: str, separator: str | None) -> Iterator[str]:
    return (document for document in iterate_documents(text, separator) if len(document) >= SHORTEST_DOCUMENT)


def overlap_of_pieces(pieces: Callable[[str], Iterator[str]], training: str, validation: str) -> Overlap:
    """Compare pieces by their 64-bit hashes."""
    every = -(-sum(1 for _ in pieces(validation)) // SAMPLE) or 1
    sample = [hash(piece) for index, piece in enumerate(pieces(validation)) if index % every == 0]
    wanted = set(sample)
    found = {hashed for piece in pieces(training) if (hashed := hash(piece)) in wanted}
    return Overlap(len(sample), sum(hashed in found for hashed in sample))


def overlap_of_windows(training: str, validation: str, window: int = WINDOW) -> Overlap:
    """Compare a sample of the validation text's windows of `window` characters with all of the training text's."""
    sample = sampled_windows(validation, window)
    if not sample.size:
        return Overlap(0, 0)
    wanted = np.unique(sample)
    found = np.zeros(len(wanted), bool)
    table = np.zeros(1 << FILTER_BITS, bool)
    table[filter_index(wanted)] = True
    for hashes in hashed_windows(training, window):
        candidates = hashes[table[filter_index(hashes)]]
        indices = np.minimum(np.searchsorted(wanted, candidates), len(wanted) - 1)
        found[indices[wanted[indices] == candidates]] = True
    return Overlap(len(sample), int(found[np.searchsorted(wanted, sample)].sum()))


def sampled_windows(text: str, window: int) -> np.ndarray:
    """Return hashes (n,) uint64 of at most SAMPLE windows of a text: every k-th one."""
    every = max(-(-(len(text) - window + 1) // SAMPLE), 1)
    kept, position = [], 0
    for hashes in hashed_windows(text, window):
        kept.append(hashes[-position % every :: every].copy())
        position += len(hashes)
    return np.concatenate(kept) if kept else np.zeros(0, np.uint64)


def hashed_windows(text: str, window: int) -> Iterator[np.ndarray]:
    """Yield the hashes (uint64) of the windows at every position of a text, PIECE positions at a time."""
    for start in range(0, len(text) - window + 1, PIECE):
        piece = text[start : start + PIECE + window - 1]
        codes = np.frombuffer(piece.encode("utf-32-le", "surrogatepass"), "<u4")
        yield polynomial_hashes(codes, window)


def polynomial_hashes(codes: np.ndarray, window: int) -> np.ndarray:
    """Return for each position the sum of mixed code * BASE ** (distance from the window's end), modulo 2 ** 64.

    A window of a + b codes hashes to hash(first a) * BASE ** b + hash(last b), so that any length takes few steps.

    Args:
        codes: (n,) integers; n >= window.
        window: Codes per window, at least 1.

    Returns:
        (n - window + 1,) uint64.
    """
    hashes = mixed(codes.astype(np.uint64))  # of windows of `width` codes
    width, power = 1, BASE  # BASE ** width
    result, done, shift = hashes, 0, 1  # of the last `done` codes of each window; BASE ** done
    while done < window:
        if window & width:
            count = len(codes) - done - width + 1
            result = hashes[:count] * np.uint64(shift) + result[width : width + count] if done else hashes
            done, shift = done + width, shift * power & MASK
        if done < window:
            hashes = hashes[:-width] * np.uint64(power) + hashes[width:]
            width, power = 2 * width, power * power & MASK
    return result


def mixed(values: np.ndarray) -> np.ndarray:
    """Spread codes over all 64 bits (the finalizer of SplitMix64), so that neighbouring characters differ widely."""
    values = (values + np.uint64(BASE)) * np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def filter_index(hashes: np.ndarray) -> np.ndarray:
    return (hashes >> np.uint64(64 - FILTER_BITS)).astype(np.int64)
