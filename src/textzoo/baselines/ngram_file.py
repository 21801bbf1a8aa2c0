"""The n-gram model as bytes that a device can search in place: a trie in the order of its levels.

All numbers are little-endian, bits are taken from the lowest of a byte on, and each array begins at a byte:

    4 bytes             "TZNG"
    uint8 x 4           version 1, order N, bits of a symbol, bits of a code
    uint16 x 2          symbols V (0 for 256), bytes of the alphabet
    bytes               the alphabet, in UTF-8; none if the symbols are the 256 bytes of UTF-8
    uint32 x N          n-grams of each length
    then for each length, shortest first
        uint16 x 2**C   codebook: values of q in units of 2**-16, rising
        S bits each     last symbols; n-grams with a common beginning stand together, by symbol
        C bits each     codes of q
        bits            unless it is the longest: for each n-gram a 1 per n-gram that it begins, then a 0
        uint32 each     the ones before every 256th of these bits, so that a device need not count from the start

g is not stored: it is 1 minus the sum of q over the n-grams of a context, which is less than 1 in units of 2**-16, too.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from textzoo.baselines.kneser_ney import Masks, estimate
from textzoo.baselines.ngram_counts import MAX_SYMBOLS, Level

MAGIC, VERSION = b"TZNG", 1
HEADER = struct.Struct("<4s4B2H")
CODE_BITS = 5
UNITS = 1 << 16
DIRECTORY_BITS = 256
ROUNDS = 12


@dataclass(frozen=True)
class NgramModel:
    """A model that was read from its bytes.

    Attributes:
        alphabet: The characters that are symbols, in their order; "" if the symbols are bytes.
        keys: For each length, the keys of the n-grams, (n,) uint64, rising.
        shares: For each length, q of the n-grams, (n,) float64.
        rests: For each length from 0 on, g of the contexts, (n,) float64.
    """

    alphabet: str
    keys: list[np.ndarray]
    shares: list[np.ndarray]
    rests: list[np.ndarray]

    @property
    def vocabulary_size(self) -> int:
        return len(self.alphabet) or MAX_SYMBOLS


def file_bytes(counts: list[int], alphabet: str) -> int:
    """Return the size of the file of so many n-grams of each length."""
    size = HEADER.size + len(alphabet.encode("utf-8", "surrogatepass")) + 4 * len(counts)
    symbol = symbol_bits(len(alphabet) or MAX_SYMBOLS)
    for index, count in enumerate(counts):
        size += (2 << CODE_BITS) + bytes_of(symbol * count) + bytes_of(CODE_BITS * count)
        if index + 1 < len(counts):
            bits = count + counts[index + 1]
            size += bytes_of(bits) + 4 * -(-bits // DIRECTORY_BITS)
    return size


def bytes_of(bits: int) -> int:
    return -(-bits // 8)


def symbol_bits(vocabulary_size: int) -> int:
    return max(1, (vocabulary_size - 1).bit_length())


def write_ngrams(levels: list[Level], kept: Masks, alphabet: str) -> bytes:
    """Return the file of the kept n-grams.

    Args:
        levels: All n-grams.
        kept: Which of them are kept; with each also its beginning.
        alphabet: The characters that are symbols; "" if the symbols are bytes.
    """
    size = len(alphabet) or MAX_SYMBOLS
    model, text = estimate(levels, kept, size), alphabet.encode("utf-8", "surrogatepass")
    counts = [int(np.count_nonzero(mask)) for mask in kept]
    header = HEADER.pack(MAGIC, VERSION, len(levels), symbol_bits(size), CODE_BITS, size % MAX_SYMBOLS, len(text))
    parts = [header, text, np.array(counts, "<u4").tobytes()]
    for index, level in enumerate(levels):
        mask = kept[index]
        weights = (model.shares[index] * model.totals[index][level.beginning])[mask]
        book, codes = coded(model.shares[index][mask], weights, level.beginning[mask])
        symbols = (level.keys[mask] % np.uint64(size)).astype(np.uint8)
        parts += [book.astype("<u2").tobytes(), packed(symbols, symbol_bits(size)), packed(codes, CODE_BITS)]
        if index + 1 < len(levels):
            above, places = levels[index + 1], np.cumsum(mask) - 1
            parts += children(places[above.beginning[kept[index + 1]]], counts[index])
    return b"".join(parts)


def coded(shares: np.ndarray, weights: np.ndarray, contexts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a codebook of values in units of 2**-16, and the code of each share.

    Values are chosen on the scale of log-odds, where both a share near 0 and one near 1 keep their relative precision.
    In a context whose shares would no longer leave anything, codes become smaller until they do.

    Args:
        shares: (n,) q, between 0 and 1.
        weights: (n,) how often each is needed.
        contexts: (n,) number of the context of each, rising.
    """
    if not len(shares):
        return np.zeros(1 << CODE_BITS, np.int64), np.zeros(0, np.uint8)
    odds = np.log(shares / (1 - shares))
    centres = clusters(odds, weights, (1 << CODE_BITS) - 1)
    values = np.rint(UNITS / (1 + np.exp(-centres)))
    # Not above any of the shares: with this code everywhere, something is left in every context.
    least = np.floor(UNITS * shares.min())
    book = np.sort(np.append(np.maximum(values, least), least)).clip(0, UNITS - 1).astype(np.int64)
    middles = (book[1:] + book[:-1]) / 2
    codes = np.searchsorted(middles, UNITS * shares)
    groups = np.unique(contexts, return_inverse=True)[1]
    while len(full := np.flatnonzero(np.bincount(groups, weights=book[codes]) >= UNITS)):
        codes = np.where(np.isin(groups, full), np.maximum(codes - 1, 0), codes)
    return book, codes.astype(np.uint8)


def clusters(values: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    """Return centres of the values, (count,), rising: Lloyd's algorithm, from quantiles of the weights."""
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    mass, moment = (np.concatenate([[0.0], np.cumsum(row)]) for row in (weights, weights * values))
    centres = values[np.searchsorted(mass[1:-1], mass[-1] * (np.arange(count) + 0.5) / count)]
    for _ in range(ROUNDS):
        edges = np.searchsorted(values, (centres[1:] + centres[:-1]) / 2)
        edges = np.concatenate([[0], edges, [len(values)]])
        share, sum_ = np.diff(mass[edges]), np.diff(moment[edges])
        centres = np.where(share > 0, sum_ / np.where(share > 0, share, 1), centres)
    return centres


def children(beginnings: np.ndarray, count: int) -> Iterator[bytes]:
    """Yield the bits that tell where the n-grams of each beginning stand, and the directory of these bits.

    Args:
        beginnings: (m,) place of the beginning of each n-gram of the next length, rising.
        count: Number of n-grams of this length.
    """
    bits = np.ones(count + len(beginnings), np.uint8)
    bits[np.cumsum(np.bincount(beginnings, minlength=count) + 1) - 1] = 0
    yield np.packbits(bits, bitorder="little").tobytes()
    ones = np.concatenate([[0], np.cumsum(bits)])[:-1]
    yield ones[::DIRECTORY_BITS].astype("<u4").tobytes()


def packed(values: np.ndarray, bits: int) -> bytes:
    """Return the lowest bits of each value, one after the other."""
    rows = (values[:, None] >> np.arange(bits, dtype=np.uint8)) & 1
    return np.packbits(rows.astype(np.uint8), bitorder="little").tobytes()


def read_ngrams(content: bytes) -> NgramModel:
    """Return the model of a file that `write_ngrams` made."""
    magic, version, order, symbol, code, size, length = HEADER.unpack_from(content)
    if (magic, version) != (MAGIC, VERSION):
        raise ValueError("not an n-gram file")
    position = HEADER.size + length
    alphabet = content[HEADER.size : position].decode("utf-8", "surrogatepass")
    counts = np.frombuffer(content, "<u4", order, position).tolist()
    position += 4 * order
    size = np.uint64(size or MAX_SYMBOLS)
    keys, shares, rests, beginnings = [], [], [], np.zeros(counts[0], np.int64)
    above = np.zeros(1, np.uint64)
    for index, count in enumerate(counts):
        book = np.frombuffer(content, "<u2", 1 << code, position).astype(np.float64) / UNITS
        position += 2 << code
        symbols, position = unpacked(content, position, count, symbol)
        codes, position = unpacked(content, position, count, code)
        rests.append(1 - np.bincount(beginnings, weights=book[codes], minlength=len(above)))
        above = above[beginnings] * size + symbols.astype(np.uint64)
        keys.append(above)
        shares.append(book[codes])
        if index + 1 < order:
            bits, position = unpacked(content, position, count + counts[index + 1], 1)
            position += 4 * -(-len(bits) // DIRECTORY_BITS)
            beginnings = (np.cumsum(bits == 0))[bits == 1]
    return NgramModel(alphabet, keys, shares, rests)


def unpacked(content: bytes, position: int, count: int, bits: int) -> tuple[np.ndarray, int]:
    """Return values of so many bits each, (count,) int64, and where they end."""
    end = position + bytes_of(count * bits)
    rows = np.unpackbits(np.frombuffer(content[position:end], np.uint8), count=count * bits, bitorder="little")
    return rows.reshape(count, bits).astype(np.int64) @ (1 << np.arange(bits)), end


def probabilities(model: NgramModel, text: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return the probability of each symbol after those before it, (n,) float64.

    Args:
        model: The model.
        text: (n,) symbols, uint8.
        seen: (n,) how many of the symbols before each may be looked at.
    """
    size = np.uint64(model.vocabulary_size)
    found = np.full(len(text), 1 / model.vocabulary_size)
    places = np.arange(len(text))
    for length, (keys, shares, rests) in enumerate(zip(model.keys, model.shares, model.rests, strict=True)):
        if not len(keys):  # nor are there longer ones
            break
        enough = np.minimum(seen, places) >= length
        context = np.zeros(len(text), np.uint64)
        for back in range(length, 0, -1):
            context = context * size + text[np.maximum(places - back, 0)].astype(np.uint64)
        known, where = looked_up(model.keys[length - 1], context) if length else (enough, np.zeros(len(text), np.int64))
        rest = np.where(enough & known, rests[where], 1.0)
        known, where = looked_up(keys, context * size + text)
        found = np.where(enough & known, shares[where], 0.0) + rest * found
    return found


def looked_up(keys: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return whether each wanted key is among the keys, of which there are some, and its place, 0 if it is not."""
    where = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    known = keys[where] == wanted
    return known, np.where(known, where, 0)
