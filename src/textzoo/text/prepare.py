"""Tokenize a corpus into memory-mapped files: train.bin, validation.bin, tokenizer.json, dataset.json."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textzoo.common.errors import UserError
from textzoo.common.files import atomic_path, file_digest, value_digest, write_json
from textzoo.common.untrusted_json import read_json_object
from textzoo.text.corpora.loading import Corpus, TokenCorpus, load_corpus
from textzoo.text.corpora.nanogpt import TOKEN_DTYPE, open_tokens
from textzoo.text.settings import DatasetConfig, TokenizerConfig
from textzoo.text.tokenizers.base import Tokenizer, load_tokenizer, make_tokenizer
from textzoo.text.tokenizers.character import CharacterTokenizer
from textzoo.text.windows import TokenPart, proportional_spans

FORMAT = "textzoo-dataset"
VERSION = 1
MAX_RECORD_BYTES = 1 << 26
TRAIN_FILE, VALIDATION_FILE, TOKENIZER_FILE, RECORD_FILE = (
    "train.bin",
    "validation.bin",
    "tokenizer.json",
    "dataset.json",
)
DATA_FILES = (TRAIN_FILE, VALIDATION_FILE, TOKENIZER_FILE)


@dataclass(frozen=True)
class PreparedDataset:
    """A corpus as tokens.

    Attributes:
        train: Tokens to train on (tokens,), little-endian uint16, memory-mapped read-only.
        validation: Tokens held out, in the same form.
        tokenizer: The tokenizer that encoded the text.
        sha256: Content hash of the corpus (text_digest), independent of the tokenizer.
        statistics: {"characters", "tokens", "unknown": {"training", "validation"}, "vocabulary_size", "documents"}.
        parts: The sources of a mixture, in the order of their tokens; otherwise empty.
    """

    train: np.memmap
    validation: np.memmap
    tokenizer: Tokenizer
    sha256: str
    statistics: dict[str, Any]
    parts: tuple[TokenPart, ...] = ()

    def sample(self, part: str, count: int) -> np.ndarray:
        """Return about `count` tokens (n,) of "training" or "validation"; of a mixture, from each in proportion."""
        tokens = self.train if part == "training" else self.validation
        if not self.parts:
            return tokens[:count]
        spans = [getattr(source, part) for source in self.parts]
        shares = [source.probability for source in self.parts]
        return np.concatenate([tokens[slice(*span)] for span in proportional_spans(spans, shares, count, 1)])

    def validation_characters(self, tokens: np.ndarray) -> float:
        """Return the number of characters that tokens (n,) of the validation part represent.

        If <unk> may represent any number of characters, each counts as the mean <unk> of the validation text, which is
        exact over the whole text.
        """
        characters, unknown = self.tokenizer.token_characters, self.tokenizer.unknown_token
        known = float(characters[tokens].sum())
        if unknown is None or characters[unknown]:
            return known
        hidden = self.statistics["characters"]["validation"] - int(characters[self.validation].sum())
        unknowns = self.statistics["unknown"]["validation"]
        return known + int(np.count_nonzero(tokens == unknown)) * hidden / max(unknowns, 1)


def prepare_dataset(dataset: DatasetConfig, tokenizer: TokenizerConfig, folder: Path) -> PreparedDataset:
    """Load, split and tokenize a corpus into `folder`, or reuse its files if they were made from the same content.

    The same content means the same training and validation text (sha256) and the same tokenizer settings. Files are
    written atomically, dataset.json last; it holds the sha256 of the others, so that an incomplete folder is never
    reused.
    """
    return prepare_corpus(load_corpus(dataset), tokenizer, folder)


def prepare_corpus(corpus: Corpus | TokenCorpus, tokenizer: TokenizerConfig, folder: Path) -> PreparedDataset:
    """Tokenize a loaded corpus into `folder`, or reuse its files, as prepare_dataset does."""
    folder = Path(folder)
    key = preparation_key(corpus, tokenizer)
    return reuse(folder, key) or write_dataset(corpus, tokenizer, folder, key)


def preparation_key(corpus: Corpus | TokenCorpus, tokenizer: TokenizerConfig) -> str:
    settings: dict[str, Any] = {"kind": tokenizer.name, "unknown": tokenizer.unknown}
    settings |= {"vocabulary_size": tokenizer.vocabulary_size, "min_count": tokenizer.min_count}
    if tokenizer.path:
        settings["file"] = file_digest(Path(tokenizer.path))
    return value_digest({"version": VERSION, "corpus": corpus.sha256, "tokenizer": settings})


def reuse(folder: Path, key: str) -> PreparedDataset | None:
    try:
        record = read_record(folder)
        return open_prepared(folder) if record["key"] == key else None
    except UserError:
        return None


def write_dataset(corpus: Corpus | TokenCorpus, config: TokenizerConfig, folder: Path, key: str) -> PreparedDataset:
    prepare = prepare_tokens if isinstance(corpus, TokenCorpus) else prepare_text
    tokenizer, training, validation, parts = prepare(corpus, config)
    write_tokens(folder / TRAIN_FILE, training)
    write_tokens(folder / VALIDATION_FILE, validation)
    tokenizer.save(folder / TOKENIZER_FILE)
    record = {
        "format": FORMAT,
        "version": VERSION,
        "name": corpus.name,
        "key": key,
        "sha256": corpus.sha256,
        "files": {name: file_digest(folder / name) for name in DATA_FILES},
        "statistics": statistics(corpus, tokenizer, training, validation),
        "sources": [asdict(source) for source in corpus.sources],
    }
    if parts:
        record["parts"] = [asdict(part) for part in parts]
    write_json(folder / RECORD_FILE, record)
    return open_prepared(folder)


Prepared = tuple[Tokenizer, np.ndarray, np.ndarray, tuple[TokenPart, ...]]


def prepare_text(corpus: Corpus, config: TokenizerConfig) -> Prepared:
    tokenizer = make_tokenizer(config, corpus.training, corpus.validation)
    if corpus.parts:
        return tokenizer, *prepare_parts(corpus, tokenizer, config.unknown)
    return tokenizer, *(tokenizer.encode(text, config.unknown) for text in (corpus.training, corpus.validation)), ()


def prepare_parts(
    corpus: Corpus, tokenizer: Tokenizer, unknown: str
) -> tuple[np.ndarray, np.ndarray, tuple[TokenPart, ...]]:
    """Encode each source of a mixture separately, so that no token spans two sources."""
    training = encoded_parts(corpus.training, [part.training for part in corpus.parts], tokenizer, unknown)
    validation = encoded_parts(corpus.validation, [part.validation for part in corpus.parts], tokenizer, unknown)
    parts = tuple(
        TokenPart(part.label, part.probability, *spans)
        for part, *spans in zip(corpus.parts, spans_of(training), spans_of(validation), strict=True)
    )
    return np.concatenate(training), np.concatenate(validation), parts


def encoded_parts(text: str, lengths: list[int], tokenizer: Tokenizer, unknown: str) -> list[np.ndarray]:
    """Return the tokens of each part of `text`; `lengths` are the parts' numbers of characters."""
    return [tokenizer.encode(text[start:end], unknown) for start, end in spans_of_lengths(lengths)]


def spans_of(arrays: list[np.ndarray]) -> list[tuple[int, int]]:
    """Return [start, end) of each array in their concatenation."""
    return spans_of_lengths([len(array) for array in arrays])


def spans_of_lengths(lengths: list[int]) -> list[tuple[int, int]]:
    return [(sum(lengths[:index]), sum(lengths[: index + 1])) for index in range(len(lengths))]


def prepare_tokens(corpus: TokenCorpus, config: TokenizerConfig) -> Prepared:
    """Keep the tokens of the corpus; with unknown="unk", add <unk> to the end of its vocabulary."""
    if config.path or config.name != CharacterTokenizer.name:
        raise UserError(
            "tokenizer.path and other tokenizers than char do not apply to dataset.name=nanogpt",
            remedy="A nanoGPT folder has its own vocabulary: leave tokenizer at its defaults.",
        )
    tokenizer = CharacterTokenizer(corpus.characters, with_unknown=config.unknown == "unk")
    return tokenizer, corpus.training, corpus.validation, ()


def write_tokens(path: Path, tokens: np.ndarray) -> None:
    with atomic_path(path) as temporary:
        np.asarray(tokens, TOKEN_DTYPE).tofile(temporary)


def statistics(
    corpus: Corpus | TokenCorpus, tokenizer: Tokenizer, training: np.ndarray, validation: np.ndarray
) -> dict[str, Any]:
    parts = {"training": (corpus.training, training), "validation": (corpus.validation, validation)}
    unknown = -1 if tokenizer.unknown_token is None else tokenizer.unknown_token
    return {
        "characters": {name: len(text) for name, (text, _) in parts.items()},
        "tokens": {name: len(tokens) for name, (_, tokens) in parts.items()},
        "unknown": {name: int(np.count_nonzero(tokens == unknown)) for name, (_, tokens) in parts.items()},
        "vocabulary_size": tokenizer.vocabulary_size,
        "documents": sum(source.documents for source in corpus.sources),
    }


def open_prepared(folder: Path) -> PreparedDataset:
    """Open a prepared folder; raise UserError if a file is missing, damaged, or not the one of dataset.json."""
    folder = Path(folder)
    record = read_record(folder)
    for name in DATA_FILES:
        path = folder / name
        if not path.is_file() or file_digest(path) != record["files"].get(name):
            raise UserError(
                f"'{path}' is missing or was changed after the dataset was prepared",
                remedy=f"Delete '{folder}' and run again: the dataset is then prepared again.",
            )
    tokenizer = load_tokenizer(folder / TOKENIZER_FILE)
    train, validation = (
        open_tokens(folder / name, tokenizer.vocabulary_size) for name in (TRAIN_FILE, VALIDATION_FILE)
    )
    parts = read_parts(record.get("parts", []), len(train), len(validation), folder)
    return PreparedDataset(train, validation, tokenizer, record["sha256"], record["statistics"], parts)


def read_parts(rows: Any, training: int, validation: int, folder: Path) -> tuple[TokenPart, ...]:
    """Return the sources of a mixture from its record; together they must cover all tokens."""
    try:
        parts = tuple(
            TokenPart(str(row["label"]), float(row["probability"]), tuple(row["training"]), tuple(row["validation"]))
            for row in rows
        )
        is_complete = not parts or (
            follow_each_other([part.training for part in parts], training)
            and follow_each_other([part.validation for part in parts], validation)
            and all(0 < part.probability <= 1 for part in parts)
        )
    except (TypeError, ValueError, KeyError):
        is_complete = False
    if not is_complete:
        raise not_a_record(folder / RECORD_FILE)
    return parts


def follow_each_other(spans: list[tuple[int, int]], length: int) -> bool:
    """Return whether the consecutive spans cover exactly [0, length)."""
    lengths = [int(end) - int(start) for start, end in spans]
    return min(lengths) >= 0 and sum(lengths) == length and spans == spans_of_lengths(lengths)


def not_a_record(path: Path) -> UserError:
    return UserError(f"'{path}' is not the record of a prepared dataset", remedy="Delete it and run again.")


def read_record(folder: Path) -> dict[str, Any]:
    """Read dataset.json and check the types of the keys that are used."""
    path = folder / RECORD_FILE
    record = read_json_object(path, MAX_RECORD_BYTES)
    types = {"key": str, "sha256": str, "files": dict, "statistics": dict}
    same_format = record.get("format") == FORMAT and record.get("version") == VERSION
    if not same_format or any(type(record.get(key)) is not kind for key, kind in types.items()):
        raise not_a_record(path)
    return record
