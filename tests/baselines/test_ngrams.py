"""N-gram models: by hand, against slow definitions, pruned to a size, and read back from their file."""

from itertools import pairwise

import numpy as np
import pytest
from slow_ngrams import SlowNgrams, contexts, probability_in_tree, tree_of

from textzoo.baselines import kneser_ney, ngram_counts
from textzoo.baselines.comparison import alphabet_of, ngram_content, symbols_of
from textzoo.baselines.kneser_ney import estimate, everything, prune, sizes_of
from textzoo.baselines.ngram_counts import count_levels, discounts_of, longest_order
from textzoo.baselines.ngram_file import file_bytes, probabilities, read_ngrams, write_ngrams


def random_text(seed, length, alphabet):
    """A text with habits: each symbol mostly follows from the one before."""
    rng = np.random.default_rng(seed)
    follows = rng.dirichlet(np.full(len(alphabet), 0.4), len(alphabet))
    symbols = [0]
    for _ in range(length - 1):
        symbols.append(int(rng.choice(len(alphabet), p=follows[symbols[-1]])))
    return "".join(alphabet[symbol] for symbol in symbols)


def levels_of(text, alphabet, order):
    return count_levels(symbols_of(text, alphabet), len(alphabet), order)


def ngrams_of(level, alphabet, length):
    """The n-grams of a level as texts."""
    sizes = [len(alphabet) ** power for power in reversed(range(length))]
    return ["".join(alphabet[int(key) // size % len(alphabet)] for size in sizes) for key in level.keys]


def probability_of(model, alphabet, context, symbol):
    text = symbols_of(context + symbol, alphabet)
    return probabilities(model, text, np.arange(len(text)))[-1]


# Of "aabab": discounts are 1/2, 1, 3/2; "a" has "a", "b" and the beginning before it, "b" has "a".
BY_HAND = [
    # removed, unigrams, after a, after b
    ((), (5 / 8, 3 / 8), (1 / 6 + 5 / 16, 1 / 3 + 3 / 16), (13 / 16, 3 / 16)),
    (("ab",), (11 / 20, 9 / 20), (1 / 6 + 5 / 6 * 11 / 20, 5 / 6 * 9 / 20), (1 / 2 + 11 / 40, 9 / 40)),
]


@pytest.mark.parametrize(("removed", "alone", "after_a", "after_b"), BY_HAND)
def test_a_text_of_five_characters(removed, alone, after_a, after_b):
    levels = levels_of("aabab", "ab", 2)
    kept = everything(levels)
    kept[1][[ngram in removed for ngram in ngrams_of(levels[1], "ab", 2)]] = False
    model = estimate(levels, kept, 2)
    assert model.probabilities[0] == pytest.approx(alone)
    assert model.probabilities[1] == pytest.approx([*after_a, after_b[0]])
    slow = SlowNgrams("aabab", "ab", 2, {"a", "b", "aa", "ab", "ba"} - {*removed})
    assert [slow.probability("b", symbol) for symbol in "ab"] == pytest.approx(after_b)


@pytest.mark.parametrize("seed", range(6))
def test_every_probability_is_that_of_the_definition(seed):
    """With all n-grams, and without some that begin no other one."""
    alphabet, order = "abcd"[: 2 + seed % 3], 2 + seed % 3
    text, rng = random_text(seed, 400, alphabet), np.random.default_rng(seed)
    levels = levels_of(text, alphabet, order)
    for share in (0.0, 0.5):
        kept = everything(levels)
        for index in range(order - 1, 0, -1):
            kept[index] &= rng.random(len(kept[index])) >= share
            if index + 1 < order:
                kept[index][levels[index + 1].beginning[kept[index + 1]]] = True
        names = [ngrams_of(level, alphabet, length) for length, level in enumerate(levels, 1)]
        remaining = {str(name) for row, mask in zip(names, kept, strict=True) for name in np.array(row)[mask]}
        slow, model = SlowNgrams(text, alphabet, order, remaining), estimate(levels, kept, len(alphabet))
        for row, values in zip(names, model.probabilities, strict=True):
            assert values == pytest.approx([slow.probability(name[:-1], name[-1]) for name in row])


def test_discounts_of_the_paper():
    """Chen and Goodman's equation 26, for counts that occur 8, 4, 2 and 1 times."""
    counts = np.repeat([1, 2, 3, 4], [8, 4, 2, 1])
    assert discounts_of(counts) == pytest.approx((0.5, 2 - 3 * 0.5 * 2 / 4, 3 - 4 * 0.5 * 1 / 2))
    assert discounts_of(np.array([1, 1, 2])) == (0.5, 1.0, 1.5)


@pytest.mark.parametrize("limit", [700, 1200, 3000, 10**6])
def test_a_file_gives_the_probabilities_of_its_bits(limit):
    """Read by another reader; they sum to 1 after every context, and after one that the text does not have."""
    alphabet, order = "abcde", 4
    text = random_text(1, 3000, alphabet)
    levels = levels_of(text, alphabet, order)
    content = ngram_content(levels, len(alphabet), alphabet, limit)
    assert len(content) <= limit
    model, tree = read_ngrams(content), tree_of(content)
    for context in contexts(alphabet, 3)[::7]:
        found = [probability_of(model, alphabet, context, symbol) for symbol in alphabet]
        assert sum(found) == pytest.approx(1, abs=1e-12)
        assert min(found) > 0
        assert found == pytest.approx([probability_in_tree(tree, 5, context, symbol) for symbol in alphabet])


def test_quantized_probabilities_are_near_the_exact_ones():
    alphabet = "abcd"
    text = random_text(2, 5000, alphabet)
    levels = levels_of(text, alphabet, 3)
    content = write_ngrams(levels, everything(levels), alphabet)
    symbols = symbols_of(text, alphabet)
    found = probabilities(read_ngrams(content), symbols, np.arange(len(symbols)))
    slow = SlowNgrams(text, alphabet, 3)
    exact = [slow.probability(text[max(0, i - 2) : i], text[i]) for i in range(500)]
    assert np.abs(np.log2(found[:500] / exact)).mean() < 0.02


def test_larger_files_know_the_text_better():
    alphabet = "abcdefgh"
    text = random_text(3, 20_000, alphabet)
    training, held_out = symbols_of(text[:18_000], alphabet), symbols_of(text[18_000:], alphabet)
    levels = count_levels(training, len(alphabet), 5)
    bits = []
    for limit in (400, 450, 520):
        model = read_ngrams(ngram_content(levels, len(alphabet), alphabet, limit))
        bits.append(-np.log2(probabilities(model, held_out, np.arange(len(held_out)))).mean())
    assert bits == sorted(bits, reverse=True)
    assert bits[0] < np.log2(len(alphabet))


@pytest.mark.parametrize("limit", [0, 900, 2500])
def test_the_size_is_foretold(limit):
    alphabet = "abcdefgh"
    levels = levels_of(random_text(4, 6000, alphabet), alphabet, 4)
    kept = prune(levels, len(alphabet), lambda counts: file_bytes(counts, alphabet) <= limit)
    content = write_ngrams(levels, kept, alphabet)
    assert len(content) == file_bytes(sizes_of(kept), alphabet)
    assert sizes_of(kept)[0] == len(alphabet)
    for index in range(1, 4):
        assert kept[index - 1][levels[index].beginning[kept[index]]].all()
    if not limit:
        assert sizes_of(kept)[1:] == [0, 0, 0]


def test_pruning_removes_what_is_missed_least():
    """The cost of each removal is the loss of the level's own counts."""
    alphabet = "abc"
    text = random_text(5, 300, alphabet)
    levels = levels_of(text, alphabet, 2)
    kept = everything(levels)
    costs = kneser_ney.missed(levels, kept, 3)[1]
    model = estimate(levels, kept, 3)
    for place, cost in enumerate(costs):
        context, removed = divmod(int(levels[1].keys[place]), 3)
        rows = zip(levels[1].keys.tolist(), model.shares[1], strict=True)
        shares = {key % 3: share for key, share in rows if key // 3 == context}
        rest, shorter = 1 - sum(shares.values()), model.probabilities[0]
        full = {symbol: share + rest * shorter[symbol] for symbol, share in shares.items()}
        wider = rest + shares[removed]
        expected = shares[removed] * np.log(full[removed] / (wider * shorter[removed]))
        expected -= (1 - sum(full.values())) * np.log(wider / rest)
        assert cost == pytest.approx(model.totals[1][context] * expected)


def test_rare_ngrams_of_long_texts_are_not_counted(monkeypatch):
    monkeypatch.setattr(ngram_counts, "MAX_PER_LEVEL", 50)
    levels = levels_of(random_text(6, 5000, "abcdef"), "abcdef", 5)
    assert all(len(level.keys) <= 50 for level in levels)
    for length, (shorter, level) in enumerate(pairwise(levels), 1):
        assert np.array_equal(shorter.keys[level.beginning], level.keys // np.uint64(6))
        assert np.array_equal(shorter.keys[level.ending], level.keys % np.uint64(6**length))


@pytest.mark.parametrize(("size", "order"), [(2, 10), (65, 10), (85, 9), (256, 8)])
def test_the_longest_order_fits_64_bits(size, order):
    assert longest_order(size) == order


def test_texts_of_many_characters_are_bytes():
    many = "".join(map(chr, range(0x400, 0x600)))
    assert alphabet_of("abc", ["cd"]) == "abcd"
    assert alphabet_of(many, []) == ""
    assert symbols_of("ж\ud800", "").tolist() == [0xD0, 0xB6, 0xED, 0xA0, 0x80]
    model = read_ngrams(ngram_content(count_levels(symbols_of(many * 3, ""), 256, 3), 256, "", 5000))
    assert (model.alphabet, model.vocabulary_size) == ("", 256)


def test_another_file_is_refused():
    with pytest.raises(ValueError, match="not an n-gram file"):
        read_ngrams(b"TZNG\x02" + bytes(100))
