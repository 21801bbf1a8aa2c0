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
from textzoo.text.documents import Documents, documents_within
from textzoo.text.prepare import PreparedDataset
from textzoo.text.tokenizers.base import Tokenizer
from textzoo.text.windows import validation_windows

MAX_TRAINING_TOKENS = 1 << 23
PIECES = 64
NGRAM, XZ, ZSTD = "n-gram", "xz -9", "zstd --ultra -22"
HOW_XZ = "xz -9 of the training and the held-out text, less xz -9 of the training text"
ONLY_ANSWERS = "not measured: only answers count, which a compressor does not tell from the rest"
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
        tokens: Its tokens (n,).
        counts: (n,) whether the loss of the model counts each token.
        starts: (n,) place of the token with which the window begins that predicts each one.
    """

    tokens: np.ndarray
    counts: np.ndarray
    starts: np.ndarray


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
    training, held_out = training_text(data), held_out_of(data, context_length, max_tokens)
    texts = [data.tokenizer.decode(part.tokens) for part in held_out]
    alphabet = alphabet_of(training, texts)
    rows = list(ngram_rows(symbols_of(training, alphabet), held_out, alphabet, data, sizes))
    if (documents := data.documents.get("validation")) and documents.answers_only:
        return [*rows, *(Baseline(name, "", None, None, None, ONLY_ANSWERS) for name in (XZ, ZSTD))]
    characters = data.validation_characters(np.concatenate([part.tokens for part in held_out]))
    return [*rows, *compressor_rows(training, "".join(texts), max(characters, 1.0))]


def held_out_of(data: PreparedDataset, context_length: int, max_tokens: int) -> list[HeldOut]:
    """Return the texts of the evaluation: windows one after the other, of each source; or documents, a window each."""
    if documents := data.documents.get("validation"):
        return [held_out_documents(data.validation, documents, max_tokens)]
    windows = validation_windows(data.validation, data.parts, context_length, max_tokens).values()
    return [held_out_windows(*window) for window in windows]


def held_out_windows(inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> HeldOut:
    """Return the text of consecutive windows (windows, time); its first token is not predicted."""
    tokens = np.concatenate([inputs[0, :1], targets[weights > 0]])
    places = np.arange(len(tokens))
    return HeldOut(tokens, places > 0, np.maximum(places - 1, 0) // inputs.shape[1] * inputs.shape[1])


def held_out_documents(tokens: np.ndarray, documents: Documents, max_tokens: int) -> HeldOut:
    """Return the first documents, as `document_windows` does; the first token of each is not predicted."""
    count = documents_within(documents, max_tokens)
    begins, answers = documents.bounds[:count].T
    places = np.arange(documents.bounds[0, 0], documents.bounds[count, 0])
    number = np.searchsorted(begins, places, side="right") - 1
    counts = (places > begins[number]) & ((places >= answers[number]) | (not documents.answers_only))
    first = documents.bounds[0, 0]
    return HeldOut(np.asarray(tokens[first : documents.bounds[count, 0]]), counts, begins[number] - first)


def training_text(data: PreparedDataset) -> str:
    """Return the training text, or evenly spaced pieces of a long one."""
    tokens = data.train
    if len(tokens) <= MAX_TRAINING_TOKENS:
        return data.tokenizer.decode(tokens)
    starts = np.linspace(0, len(tokens) - MAX_TRAINING_TOKENS // PIECES, PIECES).astype(int)
    return "".join(data.tokenizer.decode(tokens[start : start + MAX_TRAINING_TOKENS // PIECES]) for start in starts)


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


def symbols_per_token(tokenizer: Tokenizer, *, is_bytes: bool) -> np.ndarray:
    """Return how many symbols each token stands for, (vocabulary_size,); <unk> is one character, U+FFFD."""
    if is_bytes:
        return np.array([len(content) for content in tokenizer.token_bytes])
    sizes = np.array(tokenizer.token_characters, np.int64)
    if tokenizer.unknown_token is not None:
        sizes[tokenizer.unknown_token] = 1
    return sizes


def ngram_rows(
    training: np.ndarray, held_out: list[HeldOut], alphabet: str, data: PreparedDataset, sizes: Mapping[str, int]
) -> Iterator[Baseline]:
    """Yield the n-gram model of each size."""
    size = len(alphabet) or MAX_SYMBOLS
    levels = count_levels(training, size) if sizes else []
    predicted = data.validation_characters(np.concatenate([part.tokens[part.counts] for part in held_out]))
    for name, limit in sizes.items():
        content = ngram_content(levels, size, alphabet, limit)
        model = read_ngrams(content)
        kinds = "characters" if alphabet else "bytes of UTF-8"
        number = sum(map(len, model.keys))
        how = f"interpolated modified Kneser-Ney, 1 to {len(levels)} {kinds}, pruned to {number:,} n-grams"
        bits = (ngram_bits(model, held_out, data.tokenizer, is_windowed=flag) for flag in (True, False))
        windows, without = (value / max(predicted, 1.0) for value in bits)
        yield Baseline(NGRAM, name, len(content), windows, without, how)


def ngram_content(levels: list[Level], vocabulary_size: int, alphabet: str, limit: int) -> bytes:
    """Return the file of the largest n-gram model of at most `limit` bytes, if one is so small."""
    kept = prune(levels, vocabulary_size, lambda counts: file_bytes(counts, alphabet) <= limit)
    return write_ngrams(levels, kept, alphabet)


def ngram_bits(model: NgramModel, held_out: list[HeldOut], tokenizer: Tokenizer, *, is_windowed: bool) -> float:
    """Return the bits of all that counts in the texts, together."""
    bits = 0.0
    for part in held_out:
        symbols = symbols_of(tokenizer.decode(part.tokens), model.alphabet)
        sizes = symbols_per_token(tokenizer, is_bytes=not model.alphabet)[part.tokens]
        # Where tokens begin or end within a character, the text has a replacement character for what is missing.
        token = np.repeat(np.arange(len(sizes)), sizes)[: len(symbols)]
        symbols, places = symbols[: len(token)], np.arange(len(token))
        begins = np.concatenate([[0], np.cumsum(sizes)])[part.starts[token]]
        found = probabilities(model, symbols, places - begins if is_windowed else places)
        bits -= float(np.log2(found[part.counts[token]]).sum())
    return bits


def compressor_rows(training: str, held_out: str, characters: float) -> Iterator[Baseline]:
    texts = [text.encode("utf-8", "surrogatepass") for text in (training, held_out)]
    yield Baseline(XZ, "", None, xz_bits(*texts) / characters, None, HOW_XZ)
    bits = zstd_bits(*texts)
    if isinstance(bits, str):
        yield Baseline(ZSTD, "", None, None, None, bits)
    else:
        yield Baseline(ZSTD, "", None, bits / characters, None, HOW_ZSTD)
