"""Tokenize a corpus into memory-mapped files: train.bin, validation.bin, tokenizer.json, dataset.json."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from textzoo.common.errors import UserError
from textzoo.common.files import atomic_path, file_digest, value_digest, write_json
from textzoo.common.untrusted_json import read_json_object
from textzoo.text.commands.command_set import CommandSet
from textzoo.text.corpora.loading import Corpus, TokenCorpus, load_corpus
from textzoo.text.corpora.nanogpt import TOKEN_DTYPE, open_tokens
from textzoo.text.documents import Documents
from textzoo.text.settings import ANSWER, DatasetConfig, TokenizerConfig
from textzoo.text.tokenizers.base import Tokenizer, load_tokenizer, make_tokenizer
from textzoo.text.tokenizers.character import CharacterTokenizer
from textzoo.text.windows import TokenPart, proportional_spans

PARTS = ("training", "validation")
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
# Of a corpus of commands: (begin, answer) of every document, of training and then of validation.
DOCUMENTS_FILE = "documents.bin"
BOUNDS_DTYPE = np.dtype("<i8")


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
        documents: "training", "validation" -> where its documents lie, if they are learned one by one; otherwise empty.
        commands: Of a corpus of commands; None for other texts.
    """

    train: np.memmap
    validation: np.memmap
    tokenizer: Tokenizer
    sha256: str
    statistics: dict[str, Any]
    parts: tuple[TokenPart, ...] = ()
    documents: Mapping[str, Documents] = field(default_factory=dict)
    commands: CommandSet | None = None

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
    data = reuse(folder, key) or write_dataset(corpus, tokenizer, folder, key)
    return replace(data, commands=corpus.commands) if isinstance(corpus, Corpus) else data


def preparation_key(corpus: Corpus | TokenCorpus, tokenizer: TokenizerConfig) -> str:
    settings: dict[str, Any] = {"kind": tokenizer.name, "unknown": tokenizer.unknown}
    settings |= {"vocabulary_size": tokenizer.vocabulary_size, "min_count": tokenizer.min_count}
    if tokenizer.path:
        settings["file"] = file_digest(Path(tokenizer.path))
    key = {"version": VERSION, "corpus": corpus.sha256, "tokenizer": settings}
    if isinstance(corpus, Corpus) and corpus.commands:
        key["documents"] = [corpus.loss_on, sorted(corpus.commands.copied)]
    return value_digest(key)


def reuse(folder: Path, key: str) -> PreparedDataset | None:
    try:
        record = read_record(folder)
        return open_prepared(folder) if record["key"] == key else None
    except UserError:
        return None


def write_dataset(corpus: Corpus | TokenCorpus, config: TokenizerConfig, folder: Path, key: str) -> PreparedDataset:
    prepare = prepare_tokens if isinstance(corpus, TokenCorpus) else prepare_text
    tokenizer, training, validation, parts, bounds = prepare(corpus, config)
    write_tokens(folder / TRAIN_FILE, training)
    write_tokens(folder / VALIDATION_FILE, validation)
    tokenizer.save(folder / TOKENIZER_FILE)
    names = (*DATA_FILES, DOCUMENTS_FILE) if bounds else DATA_FILES
    if bounds:
        write_array(folder / DOCUMENTS_FILE, np.concatenate(bounds), BOUNDS_DTYPE)
    record = {
        "format": FORMAT,
        "version": VERSION,
        "name": corpus.name,
        "key": key,
        "sha256": corpus.sha256,
        "files": {name: file_digest(folder / name) for name in names},
        "statistics": statistics(corpus, tokenizer, training, validation),
        "sources": [asdict(source) for source in corpus.sources],
    }
    if parts:
        record["parts"] = [asdict(part) for part in parts]
    if bounds:
        record["documents"] = {"answers_only": corpus.loss_on == ANSWER, "training": len(bounds[0])}
    write_json(folder / RECORD_FILE, record)
    return open_prepared(folder)


# The tokenizer, the tokens of training and validation, sources of a mixture, and bounds (n, 2) of documents of each.
Prepared = tuple[Tokenizer, np.ndarray, np.ndarray, tuple[TokenPart, ...], tuple[np.ndarray, ...]]


def prepare_text(corpus: Corpus, config: TokenizerConfig) -> Prepared:
    tokenizer = make_tokenizer(config, corpus.training, corpus.validation)
    if corpus.commands:
        pairs = [prepare_documents(corpus.commands.documents(part), tokenizer, config.unknown) for part in PARTS]
        (training, training_bounds), (validation, validation_bounds) = pairs
        return tokenizer, training, validation, (), (training_bounds, validation_bounds)
    if corpus.parts:
        return tokenizer, *prepare_parts(corpus, tokenizer, config.unknown), ()
    encoded = (tokenizer.encode(text, config.unknown) for text in (corpus.training, corpus.validation))
    return tokenizer, *encoded, (), ()


def prepare_documents(
    documents: Iterable[tuple[str, ...]], tokenizer: Tokenizer, unknown: str
) -> tuple[np.ndarray, np.ndarray]:
    """Encode documents of a prompt and the parts of an answer, all apart.

    Returns:
        Tokens (n,), and bounds (documents + 1, 2) as of Documents.
    """
    encoded = {"": np.zeros(0, TOKEN_DTYPE)}
    arrays, bounds, start = [encoded[""]], [], 0
    for pieces in documents:
        for piece in pieces:
            if piece not in encoded:
                encoded[piece] = np.asarray(tokenizer.encode(piece, unknown), TOKEN_DTYPE)
        bounds.append((start, start + len(encoded[pieces[0]])))
        arrays += [encoded[piece] for piece in pieces]
        start += sum(len(encoded[piece]) for piece in pieces)
    return np.concatenate(arrays), np.array([*bounds, (start, start)], BOUNDS_DTYPE)


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
    return tokenizer, corpus.training, corpus.validation, (), ()


def write_tokens(path: Path, tokens: np.ndarray) -> None:
    write_array(path, tokens, TOKEN_DTYPE)


def write_array(path: Path, values: np.ndarray, dtype: np.dtype) -> None:
    with atomic_path(path) as temporary:
        np.asarray(values, dtype).tofile(temporary)


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
    for name in (*DATA_FILES, DOCUMENTS_FILE) if "documents" in record else DATA_FILES:
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
    documents = read_documents(record.get("documents"), train, validation, folder)
    return PreparedDataset(train, validation, tokenizer, record["sha256"], record["statistics"], parts, documents)


def read_documents(row: Any, train: np.ndarray, validation: np.ndarray, folder: Path) -> dict[str, Documents]:
    """Return where the documents lie, if they are learned one by one."""
    if row is None:
        return {}
    try:
        bounds = np.fromfile(folder / DOCUMENTS_FILE, BOUNDS_DTYPE).reshape(-1, 2)
        divided = np.split(bounds, [int(row["training"])])
        answers_only = bool(row["answers_only"])
    except (TypeError, ValueError, KeyError):
        raise not_a_record(folder / RECORD_FILE) from None
    if not all(map(are_bounds, divided, (train, validation))):
        raise not_a_record(folder / RECORD_FILE)
    return {part: Documents(rows, answers_only) for part, rows in zip(PARTS, divided, strict=True)}


def are_bounds(bounds: np.ndarray, tokens: np.ndarray) -> bool:
    """Return whether bounds (n, 2) divide tokens (m,) into documents with answers."""
    flat = bounds.reshape(-1)
    return len(bounds) > 1 and flat[0] == 0 and flat[-2] == flat[-1] == len(tokens) and (np.diff(flat) >= 0).all()


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
