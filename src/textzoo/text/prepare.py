"""Tokenize a corpus into memory-mapped files: train.bin, validation.bin, tokenizer.json, dataset.json."""

from collections.abc import Iterable, Iterator, Mapping
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
from textzoo.text.tokenizers.base import Tokenizer, encoded, load_tokenizer, make_tokenizer
from textzoo.text.tokenizers.character import CharacterTokenizer
from textzoo.text.windows import TokenPart, proportional_spans

FORMAT = "textzoo-dataset"
VERSION = 1
MAX_RECORD_BYTES = 1 << 26
TOKENS_READ = 1 << 20
TRAIN_FILE, VALIDATION_FILE, TOKENIZER_FILE, RECORD_FILE = (
    "train.bin",
    "validation.bin",
    "tokenizer.json",
    "dataset.json",
)
DATA_FILES = (TRAIN_FILE, VALIDATION_FILE, TOKENIZER_FILE)
# Part of the corpus -> the file of its tokens.
FILES = {"training": TRAIN_FILE, "validation": VALIDATION_FILE}
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
    tokenizer = tokenizer_for(corpus, config)
    documents = encoded_commands(corpus, tokenizer, config.unknown)
    spans = [
        write_tokens(
            folder / file,
            [[documents[part].tokens]] if documents else token_parts(corpus, part, tokenizer, config.unknown),
        )
        for part, file in FILES.items()
    ]
    tokenizer.save(folder / TOKENIZER_FILE)
    names = (*DATA_FILES, DOCUMENTS_FILE) if documents else DATA_FILES
    if documents:
        with atomic_path(folder / DOCUMENTS_FILE) as temporary:
            np.concatenate([documents[part].bounds for part in FILES]).tofile(temporary)
    record = {
        "format": FORMAT,
        "version": VERSION,
        "name": corpus.name,
        "key": key,
        "sha256": corpus.sha256,
        "files": {name: file_digest(folder / name) for name in names},
        "statistics": statistics(corpus, tokenizer, folder),
        "sources": [asdict(source) for source in corpus.sources],
    }
    if isinstance(corpus, Corpus) and corpus.parts:
        rows = zip(corpus.parts, *spans, strict=True)
        record["parts"] = [asdict(TokenPart(part.label, part.probability, *ends)) for part, *ends in rows]
    if documents:
        rows_of_training = len(documents["training"].bounds)
        record["documents"] = {"answers_only": corpus.loss_on == ANSWER, "training": rows_of_training}
    write_json(folder / RECORD_FILE, record)
    return open_prepared(folder)


@dataclass(frozen=True)
class EncodedDocuments:
    """Documents one behind the other: their tokens (n,), and bounds (documents + 1, 2) as of Documents."""

    tokens: np.ndarray
    bounds: np.ndarray


def encoded_commands(corpus: Corpus | TokenCorpus, tokenizer: Tokenizer, unknown: str) -> dict[str, EncodedDocuments]:
    """Return "training", "validation" -> its documents, if they are learned one by one; otherwise nothing."""
    if isinstance(corpus, TokenCorpus) or not corpus.commands:
        return {}
    return {part: encoded_documents(corpus.commands.documents(part), tokenizer, unknown) for part in FILES}


def encoded_documents(documents: Iterable[tuple[str, ...]], tokenizer: Tokenizer, unknown: str) -> EncodedDocuments:
    """Encode documents of a prompt and the parts of an answer, all apart."""
    known: dict[str, np.ndarray] = {}
    arrays, bounds, start = [], [], 0
    for pieces in documents:
        for piece in pieces:
            if piece not in known:
                known[piece] = np.asarray(tokenizer.encode(piece, unknown), TOKEN_DTYPE)
        bounds.append((start, start + len(known[pieces[0]])))
        arrays += [known[piece] for piece in pieces]
        start += sum(len(known[piece]) for piece in pieces)
    return EncodedDocuments(np.concatenate(arrays), np.array([*bounds, (start, start)], BOUNDS_DTYPE))


def tokenizer_for(corpus: Corpus | TokenCorpus, config: TokenizerConfig) -> Tokenizer:
    """Return the tokenizer of a text; of a tokenized corpus its own, with <unk> at its end where unknown="unk"."""
    if isinstance(corpus, Corpus):
        return make_tokenizer(config, corpus.training, corpus.validation)
    if config.path or config.name != CharacterTokenizer.name:
        raise UserError(
            "tokenizer.path and other tokenizers than char do not apply to dataset.name=nanogpt",
            remedy="A nanoGPT folder has its own vocabulary: leave tokenizer at its defaults.",
        )
    return CharacterTokenizer(corpus.characters, with_unknown=config.unknown == "unk")


def token_parts(
    corpus: Corpus | TokenCorpus, name: str, tokenizer: Tokenizer, unknown: str
) -> Iterator[Iterable[np.ndarray]]:
    """Yield the tokens of each source, in parts; sources are encoded separately, so that no token spans two of them.

    Args:
        corpus: A mixture has several sources.
        name: "training" or "validation".
        tokenizer: Of the corpus.
        unknown: As in Tokenizer.encode.
    """
    content = getattr(corpus, name)
    if isinstance(corpus, TokenCorpus):
        yield [content]
    elif not corpus.parts:
        yield encoded(tokenizer, content, unknown)
    else:
        for start, end in spans_of_lengths([getattr(part, name) for part in corpus.parts]):
            yield encoded(tokenizer, content[start:end], unknown)


def spans_of_lengths(lengths: list[int]) -> list[tuple[int, int]]:
    return [(sum(lengths[:index]), sum(lengths[: index + 1])) for index in range(len(lengths))]


def write_tokens(path: Path, sources: Iterable[Iterable[np.ndarray]]) -> list[tuple[int, int]]:
    """Write the tokens of all sources to a file, part by part; return [start, end) of each source."""
    lengths = []
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        for parts in sources:
            lengths.append(0)
            for tokens in parts:
                np.asarray(tokens, TOKEN_DTYPE).tofile(file)
                lengths[-1] += len(tokens)
    return spans_of_lengths(lengths)


def statistics(corpus: Corpus | TokenCorpus, tokenizer: Tokenizer, folder: Path) -> dict[str, Any]:
    """Return the sizes of both texts, whose tokens are in the folder."""
    unknown = -1 if tokenizer.unknown_token is None else tokenizer.unknown_token
    sizes = {part: (folder / name).stat().st_size // TOKEN_DTYPE.itemsize for part, name in FILES.items()}
    return {
        "characters": {part: len(getattr(corpus, part)) for part in FILES},
        "tokens": sizes,
        "unknown": {part: count_of(unknown, folder / name) for part, name in FILES.items()},
        "vocabulary_size": tokenizer.vocabulary_size,
        "documents": sum(source.documents for source in corpus.sources),
    }


def count_of(token: int, path: Path) -> int:
    """Return how often a token occurs in a file; none is -1."""
    found = 0
    with path.open("rb") as file:
        while len(tokens := np.fromfile(file, TOKEN_DTYPE, TOKENS_READ)):
            found += int(np.count_nonzero(tokens == token))
    return found


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
    return {part: Documents(rows, answers_only) for part, rows in zip(FILES, divided, strict=True)}


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
