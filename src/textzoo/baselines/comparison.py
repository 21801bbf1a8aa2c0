"""What a user would take instead of a model, on the same text: an n-gram model of the same size, and compressors.

All are in bits per character of the text that the tokenizer gives back for the tokens on which the model was evaluated,
and learn from the text of its training tokens: of a long one from MAX_TRAINING_TOKENS of it, in pieces from everywhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from textzoo.baselines.compressors import xz_bits, zstd_bits
from textzoo.baselines.kneser_ney import prune
from textzoo.baselines.ngram_counts import MAX_SYMBOLS, Level, count_levels
from textzoo.baselines.ngram_file import NgramModel, file_bytes, probabilities, read_ngrams, write_ngrams
from textzoo.text.prepare import PreparedDataset
from textzoo.text.tokenizers.base import Tokenizer
from textzoo.text.windows import validation_windows

MAX_TRAINING_TOKENS = 1 << 23
PIECES = 64
NGRAM, XZ, ZSTD = "n-gram", "xz -9", "zstd --ultra -22"
HOW_XZ = "xz -9 of the training and the held-out text, less xz -9 of the training text"
HOW_ZSTD = "the held-out text with the training text as dictionary (--patch-from)"


@dataclass(frozen=True)
class Baseline:
    """One row of the comparison.

    Attributes:
        name: NGRAM, XZ or ZSTD.
        against: The model whose size it has; "" for compressors.
        file_bytes: Its own size; None for compressors.
        bits_per_character: On the held-out text; None where it was not measured. An n-gram model sees what the model
            sees: at most the window up to the character.
        without_windows: The same of an n-gram model that may look back beyond the window; None for compressors.
        how: How it was measured, or why not.
    """

    name: str
    against: str
    file_bytes: int | None
    bits_per_character: float | None
    without_windows: float | None
    how: str


@dataclass(frozen=True)
class HeldOut:
    """A held-out text.

    Attributes:
        text: Its characters.
        symbols: The same as symbols of an n-gram model, (n,) uint8.
        first: The number of symbols that only precede what is predicted: those of the first token.
        seen: (n,) how many symbols before each one its window holds.
    """

    text: str
    symbols: np.ndarray
    first: int
    seen: np.ndarray


def baselines_of(
    data: PreparedDataset, context_length: int, max_tokens: int, sizes: Mapping[str, int]
) -> list[Baseline]:
    """Measure all baselines.

    Args:
        data: The corpus as the models were trained and evaluated on it.
        context_length: Of the models' windows, in tokens.
        max_tokens: Number of tokens of the evaluation.
        sizes: Name of a model -> the bytes of its weights and tables.
    """
    training = training_text(data)
    windows = list(validation_windows(data.validation, data.parts, context_length, max_tokens).values())
    covered = [tokens_of(*window) for window in windows]
    texts = [data.tokenizer.decode(tokens) for tokens in covered]
    alphabet = alphabet_of(training, texts)
    held_out = [
        held_out_of(text, alphabet, data.tokenizer, *window) for text, window in zip(texts, windows, strict=True)
    ]
    predicted, whole = (
        max(data.validation_characters(np.concatenate([tokens[start:] for tokens in covered])), 1.0) for start in (1, 0)
    )
    rows = list(ngram_rows(symbols_of(training, alphabet), held_out, alphabet, sizes, predicted))
    return [*rows, *compressor_rows(training, "".join(texts), whole)]


def training_text(data: PreparedDataset) -> str:
    """Return the training text, or evenly spaced pieces of a long one."""
    tokens = data.train
    if len(tokens) <= MAX_TRAINING_TOKENS:
        return data.tokenizer.decode(tokens)
    starts = np.linspace(0, len(tokens) - MAX_TRAINING_TOKENS // PIECES, PIECES).astype(int)
    return "".join(data.tokenizer.decode(tokens[start : start + MAX_TRAINING_TOKENS // PIECES]) for start in starts)


def tokens_of(inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the tokens that consecutive windows cover, (n + 1,): the first one is not predicted."""
    return np.concatenate([inputs[0, :1], targets[weights > 0]])


def alphabet_of(training: str, texts: list[str]) -> str:
    """Return the characters that are symbols; "" where they are so many that bytes of UTF-8 are symbols."""
    characters = sorted(set(training).union(*texts))
    return "".join(characters) if len(characters) <= MAX_SYMBOLS else ""


def symbols_of(text: str, alphabet: str) -> np.ndarray:
    """Return a text as symbols, (n,) uint8."""
    if not alphabet:
        return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    points, known = (np.frombuffer(part.encode("utf-32-le", "surrogatepass"), np.uint32) for part in (text, alphabet))
    return np.searchsorted(known, points).astype(np.uint8)


def held_out_of(
    text: str, alphabet: str, tokenizer: Tokenizer, inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray
) -> HeldOut:
    """Return the text of windows (windows, time), with what each symbol's window holds before it."""
    symbols, tokens, time = symbols_of(text, alphabet), tokens_of(inputs, targets, weights), inputs.shape[1]
    sizes = symbols_per_token(tokenizer, is_bytes=not alphabet)[tokens]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    windows = np.minimum(starts[: len(tokens) - 1 : time], len(symbols))
    # The window that predicts a symbol: its first input comes before the symbol, and is predicted by the window before.
    places = np.arange(len(symbols))
    window = np.maximum(np.searchsorted(starts[1 : len(tokens) : time], places, side="right") - 1, 0)
    return HeldOut(text, symbols, int(min(sizes[0], len(symbols))), places - windows[window])


def symbols_per_token(tokenizer: Tokenizer, *, is_bytes: bool) -> np.ndarray:
    """Return how many symbols each token stands for, (vocabulary_size,); <unk> is one character, U+FFFD."""
    if is_bytes:
        return np.array([len(content) for content in tokenizer.token_bytes])
    sizes = np.array(tokenizer.token_characters, np.int64)
    if tokenizer.unknown_token is not None:
        sizes[tokenizer.unknown_token] = 1
    return sizes


def ngram_rows(
    training: np.ndarray, held_out: list[HeldOut], alphabet: str, sizes: Mapping[str, int], characters: float
) -> Iterator[Baseline]:
    """Yield the n-gram model of each size; `characters` is how many are predicted."""
    size = len(alphabet) or MAX_SYMBOLS
    levels = count_levels(training, size) if sizes else []
    for name, limit in sizes.items():
        content = ngram_content(levels, size, alphabet, limit)
        model = read_ngrams(content)
        kinds = "characters" if alphabet else "bytes of UTF-8"
        number = sum(map(len, model.keys))
        how = f"interpolated modified Kneser-Ney, 1 to {len(levels)} {kinds}, pruned to {number:,} n-grams"
        windows, without = (ngram_bits(model, held_out, is_windowed=flag) / characters for flag in (True, False))
        yield Baseline(NGRAM, name, len(content), windows, without, how)


def ngram_content(levels: list[Level], vocabulary_size: int, alphabet: str, limit: int) -> bytes:
    """Return the file of the largest n-gram model of at most `limit` bytes, if one is so small."""
    kept = prune(levels, vocabulary_size, lambda counts: file_bytes(counts, alphabet) <= limit)
    return write_ngrams(levels, kept, alphabet)


def ngram_bits(model: NgramModel, held_out: list[HeldOut], *, is_windowed: bool) -> float:
    """Return the bits of what is predicted of the texts, together."""
    bits = 0.0
    for part in held_out:
        seen = part.seen if is_windowed else np.arange(len(part.symbols))
        bits -= float(np.log2(probabilities(model, part.symbols, seen)[part.first :]).sum())
    return bits


def compressor_rows(training: str, held_out: str, characters: float) -> Iterator[Baseline]:
    texts = [text.encode("utf-8", "surrogatepass") for text in (training, held_out)]
    yield Baseline(XZ, "", None, xz_bits(*texts) / characters, None, HOW_XZ)
    bits = zstd_bits(*texts)
    if isinstance(bits, str):
        yield Baseline(ZSTD, "", None, None, None, bits)
    else:
        yield Baseline(ZSTD, "", None, bits / characters, None, HOW_ZSTD)
