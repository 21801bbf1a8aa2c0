"""Statistics of a corpus, as figures and as a page: sizes, vocabulary, frequencies, repetitions."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from textzoo.common.escaping import markdown_text
from textzoo.common.files import value_digest
from textzoo.common.paths import IS_INSTALLED
from textzoo.text.corpora.cleaning import iterate_documents
from textzoo.text.corpora.loading import Corpus, TokenCorpus
from textzoo.text.overlap import PIECE, WINDOW, Overlap, overlap_of_documents, overlap_of_lines, overlap_of_windows
from textzoo.text.prepare import PreparedDataset
from textzoo.text.tokenizers.base import Tokenizer

VERSION = 1
COMBINE = "python -m textzoo.text.corpora.combining" if IS_INSTALLED else "datasets/combine_corpus.py"
MAX_FREQUENT = 20
CODE_POINTS = 0x110000
# Unit of comparison -> its name in warnings and on the page.
NAMES = {
    "documents": "documents",
    "lines": "lines of 30 or more characters",
    "windows": f"windows of {WINDOW} characters",
}


def statistics_key(corpus: Corpus | TokenCorpus, data: PreparedDataset, separator: str | None) -> str:
    """Return a content hash of everything that the statistics depend on."""
    left_out = [asdict(entry) for entry in corpus.left_out]
    return value_digest([VERSION, data.sha256, data.tokenizer.name, data.tokenizer.tokens, separator, left_out])


def data_statistics(corpus: Corpus | TokenCorpus, data: PreparedDataset, separator: str | None) -> dict[str, Any]:
    """Return all figures of a prepared corpus, JSON-serializable; statistics_page shows them."""
    texts = corpus_texts(corpus, data.tokenizer)
    tokens = {"training": data.train, "validation": data.validation}
    counts = {part: token_counts(tokens[part], data.tokenizer.vocabulary_size) for part in texts}
    return {
        "key": statistics_key(corpus, data, separator),
        "name": corpus.name,
        "sha256": data.sha256,
        "vocabulary_size": data.tokenizer.vocabulary_size,
        "parts": {part: part_statistics(text, counts[part], data.tokenizer, separator) for part, text in texts.items()},
        "sources": source_rows(corpus, data),
        "left_out": [asdict(entry) for entry in corpus.left_out],
        "repeated": {name: vars(found) | {"share": found.share} for name, found in overlaps(texts, separator).items()},
        "frequent_characters": frequent_characters(texts["training"]),
        "frequent_tokens": frequent_tokens(counts["training"], data.tokenizer),
    }


def corpus_texts(corpus: Corpus | TokenCorpus, tokenizer: Tokenizer) -> dict[str, str]:
    """Return both texts; those of a tokenized corpus are decoded."""
    if isinstance(corpus, Corpus):
        return {"training": corpus.training, "validation": corpus.validation}
    return {"training": tokenizer.decode(corpus.training), "validation": tokenizer.decode(corpus.validation)}


def part_statistics(text: str, counts: np.ndarray, tokenizer: Tokenizer, separator: str | None) -> dict[str, Any]:
    """Return the sizes of one part, and the share of the vocabulary that occurs in it."""
    tokens = int(counts.sum())
    unknown = int(counts[tokenizer.unknown_token]) if tokenizer.unknown_token is not None else 0
    return {
        "bytes": sum(len(piece.encode("utf-8", "surrogatepass")) for piece in pieces_of(text)),
        "characters": len(text),
        "tokens": tokens,
        "documents": sum(1 for _ in iterate_documents(text, separator)),
        "characters_per_token": len(text) / max(tokens, 1),
        "unknown": unknown,
        "unknown_share": unknown / max(tokens, 1),
        "vocabulary_coverage": float(np.count_nonzero(counts)) / len(counts),
    }


def pieces_of(text: str) -> Iterator[str]:
    """Yield the text in pieces of at most PIECE characters."""
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))


def token_counts(tokens: np.ndarray, vocabulary_size: int) -> np.ndarray:
    """Return how often each token occurs, (vocabulary_size,) int64, in tokens (n,), memory-mapped or not."""
    pieces = (tokens[start : start + PIECE] for start in range(0, len(tokens), PIECE))
    return sum((np.bincount(piece, minlength=vocabulary_size) for piece in pieces), np.zeros(vocabulary_size, np.int64))


def source_rows(corpus: Corpus | TokenCorpus, data: PreparedDataset) -> list[dict[str, Any]]:
    """Return for each source of a mixture its share of the windows, its tokens, and their share of all tokens."""
    return [
        {
            "source": part.label,
            "probability": part.probability,
            "training_tokens": part.training[1] - part.training[0],
            "validation_tokens": part.validation[1] - part.validation[0],
            "share_of_training_tokens": (part.training[1] - part.training[0]) / len(data.train),
        }
        for part in data.parts
    ]


def overlaps(texts: dict[str, str], separator: str | None) -> dict[str, Overlap]:
    """Return how much of the validation text also occurs in the training text, per unit of comparison."""
    both = texts["training"], texts["validation"]
    return {
        "documents": overlap_of_documents(*both, separator),
        "lines": overlap_of_lines(*both),
        "windows": overlap_of_windows(*both),
    }


def frequent_characters(text: str) -> list[dict[str, Any]]:
    counts = np.zeros(CODE_POINTS, np.int64)
    for piece in pieces_of(text):
        codes = np.frombuffer(piece.encode("utf-32-le", "surrogatepass"), "<u4")
        found, times = np.unique(codes, return_counts=True)
        counts[found] += times
    return [{"character": printable(chr(index)), "count": count} for index, count in most_frequent(counts)]


def frequent_tokens(counts: np.ndarray, tokenizer: Tokenizer) -> list[dict[str, Any]]:
    return [
        {"token": index, "text": printable(tokenizer.tokens[index]), "count": count}
        for index, count in most_frequent(counts)
    ]


def most_frequent(counts: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield (index, count) of the largest counts above 0, the largest first, equal ones by index."""
    occurring = np.flatnonzero(counts)
    order = occurring[np.argsort(-counts[occurring], kind="stable")[:MAX_FREQUENT]]
    return ((int(index), int(counts[index])) for index in order)


def printable(text: str) -> str:
    r"""Return the text, in Python's notation if it would not be visible otherwise: ' ', '\n', '\ud800'."""
    return text if text.isprintable() and text.strip() == text else ascii(text)


def warnings(statistics: dict[str, Any], threshold: float) -> list[str]:
    """Return one sentence for each unit of comparison whose share of repetitions is above the threshold."""
    return [
        f"{row['share']:.1%} of the validation text's {NAMES[name]} also occur in the training text (more than"
        f" dataset.overlap_warning={threshold:g}): the loss on it is lower than on new text. Remove repetitions"
        f" with {COMBINE}, or hold out other documents."
        for name, row in statistics["repeated"].items()
        if row["share"] > threshold
    ]


def numbers(statistics: dict[str, Any]) -> dict[str, float]:
    """Return name -> figure for the figures that are compared between runs."""
    figures = {
        f"data.{part}.{name}": float(value) for part, row in statistics["parts"].items() for name, value in row.items()
    }
    repeated = {f"data.repeated_{name}_share": float(row["share"]) for name, row in statistics["repeated"].items()}
    return {"data.vocabulary_size": float(statistics["vocabulary_size"]), **figures, **repeated}


def statistics_page(statistics: dict[str, Any], warned: list[str]) -> str:
    """Return the figures as a Markdown page."""
    parts = statistics["parts"]
    lines = [f"# The corpus {markdown_text(statistics['name'])}", "", f"sha256 `{statistics['sha256']}`", ""]
    lines += [f"vocabulary size: {statistics['vocabulary_size']:,} tokens", ""]
    rows = [[name.replace("_", " "), *(shown(name, row[name]) for row in parts.values())] for name in parts["training"]]
    lines += table(["", *parts], rows)
    if statistics["sources"]:
        rows = [[shown(name, value) for name, value in row.items()] for row in statistics["sources"]]
        lines += ["", "## Sources", "", *table([name.replace("_", " ") for name in statistics["sources"][0]], rows)]
    if statistics["left_out"]:
        rows = [[f"`{row['path']}`".replace("|", "\\|"), row["reason"]] for row in statistics["left_out"]]
        lines += ["", "## Files of the given folders that were not read", "", *table(["path", "reason"], rows)]
    lines += ["", "## Validation text that also occurs in the training text", ""]
    lines += table(
        ["", "compared", "repeated", "share"],
        (
            [NAMES[name], *(shown(key, row[key]) for key in ("looked_at", "repeated", "share"))]
            for name, row in statistics["repeated"].items()
        ),
    )
    lines += [f"\n**{markdown_text(sentence)}**" for sentence in warned]
    for title, key in (("characters", "frequent_characters"), ("tokens", "frequent_tokens")):
        rows = [[shown(name, value) for name, value in row.items()] for row in statistics[key]]
        lines += ["", f"## Most frequent {title} of the training text", "", *table(list(statistics[key][0]), rows)]
    return "\n".join(lines) + "\n"


SHARES = ("share", "unknown_share", "vocabulary_coverage", "probability", "share_of_training_tokens")


def shown(name: str, value: Any) -> str:
    """Return a value as text: shares in per cent, texts without markup."""
    if isinstance(value, str):
        return markdown_text(value)
    if name in SHARES:
        return f"{value:.2%}"
    return f"{value:,.3f}" if isinstance(value, float) else f"{value:,}"


def table(heads: list[str], rows: Iterable[list[str]]) -> list[str]:
    return [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *(f"| {' | '.join(row)} |" for row in rows)]
