"""N-gram models computed slowly, from their definitions: with texts as keys, and bit by bit from a file."""

import struct
from collections import Counter
from functools import cache
from itertools import product


class SlowNgrams:
    """The model of `textzoo.baselines.kneser_ney` by recursion over texts.

    Args:
        text: To learn from.
        alphabet: All symbols.
        order: Length of the longest n-grams.
        kept: Those that were not removed; None for all.
    """

    def __init__(self, text, alphabet, order, kept=None):
        self.text, self.alphabet, self.order = text, alphabet, order
        self.counts = Counter(text[i : i + k] for k in range(1, order + 1) for i in range(len(text) - k + 1))
        self.kept = set(self.counts) if kept is None else set(kept)
        everything = SlowNgrams(text, alphabet, order) if kept is not None else self
        self.adjusted = cache(self.adjusted)
        self.discounts = [everything.estimated_discounts(k) for k in range(1, order + 1)]

    def adjusted(self, ngram):
        """The count of an n-gram: in the text, or of what stands before it."""
        if len(ngram) == self.order:
            return self.counts[ngram]
        before = [symbol + ngram for symbol in self.alphabet if symbol + ngram in self.counts]
        given = sum(1 if longer in self.kept else self.adjusted(longer) for longer in before)
        return given + self.text.startswith(ngram)

    def estimated_discounts(self, length):
        values = Counter(self.adjusted(ngram) for ngram in self.counts if len(ngram) == length)
        if not all(values[n] for n in (1, 2, 3, 4)):
            return [0, 0.5, 1.0, 1.5]
        y = values[1] / (values[1] + 2 * values[2])
        return [0, *(min(max(n - (n + 1) * y * values[n + 1] / values[n], 0.05), n - 0.05) for n in (1, 2, 3))]

    def probability(self, context, symbol):
        """P of a symbol after a context of any length."""
        context = context[max(0, len(context) - self.order + 1) :]
        shorter = self.probability(context[1:], symbol) if context else 1 / len(self.alphabet)
        total = sum(self.adjusted(context + other) for other in self.alphabet if context + other in self.counts)
        if not total:
            return shorter
        shares = {other: self.share(context + other) / total for other in self.alphabet if context + other in self.kept}
        return shares.get(symbol, 0) + (1 - sum(shares.values())) * shorter

    def share(self, ngram):
        count = self.adjusted(ngram)
        return count - self.discounts[len(ngram) - 1][min(count, 3)]


def tree_of(content):
    """{n-gram: q} of a file of `textzoo.baselines.ngram_file`, read bit by bit; symbols are characters."""
    assert content[:5] == b"TZNG\x01"
    order, symbol_bits, code_bits = content[5:8]
    _, size = struct.unpack("<2H", content[8:12])
    alphabet, at = content[12 : 12 + size].decode(), 12 + size
    counts = struct.unpack(f"<{order}I", content[at : at + 4 * order])
    at += 4 * order
    found, starts = {}, [""] * counts[0]
    for level, count in enumerate(counts):
        book = struct.unpack(f"<{2**code_bits}H", content[at : at + 2 * 2**code_bits])
        at += 2 * 2**code_bits
        symbols, at = numbers(content, at, count, symbol_bits)
        codes, at = numbers(content, at, count, code_bits)
        ngrams = [start + alphabet[symbol] for start, symbol in zip(starts, symbols, strict=True)]
        found |= {ngram: book[code] / 65536 for ngram, code in zip(ngrams, codes, strict=True)}
        if level + 1 < order:
            bits, at = numbers(content, at, count + counts[level + 1], 1)
            directory = struct.unpack(f"<{-(-len(bits) // 256)}I", content[at : at + 4 * -(-len(bits) // 256)])
            assert list(directory) == [sum(bits[:start]) for start in range(0, len(bits), 256)]
            at += 4 * len(directory)
            starts, number = [], 0
            for bit in bits:
                starts += [ngrams[number]] * bit
                number += 1 - bit
    assert at == len(content)
    return found


def numbers(content, at, count, bits):
    """Numbers of so many bits each, from the lowest bit of the first byte on; and where they end."""
    end = at + -(-count * bits // 8)
    whole = int.from_bytes(content[at:end], "little")
    return [whole >> (bits * i) & (2**bits - 1) for i in range(count)], end


def probability_in_tree(tree, size, context, symbol):
    """P of a symbol by a tree's shares, with an alphabet of `size` symbols."""
    found = 1 / size
    for start in range(len(context), -1, -1):
        known = {ngram[-1]: share for ngram, share in tree.items() if ngram[:-1] == context[start:]}
        found = known.get(symbol, 0) + (1 - sum(known.values())) * found
    return found


def contexts(alphabet, longest):
    return ["".join(symbols) for length in range(longest + 1) for symbols in product(alphabet, repeat=length)]
