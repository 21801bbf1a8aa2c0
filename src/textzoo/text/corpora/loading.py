"""Load the training and validation text that the dataset section describes."""

import hashlib
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from textzoo.common.errors import UserError
from textzoo.common.files import file_digest, value_digest
from textzoo.common.registry import Registry
from textzoo.text.commands.command_set import CommandSet
from textzoo.text.commands.home import Home, home_assistant, read_home, version
from textzoo.text.commands.made import Making, make_commands
from textzoo.text.commands.snips import read_snips
from textzoo.text.commands.templates import parse_templates, read_yaml
from textzoo.text.corpora.cleaning import join_documents, split_documents
from textzoo.text.corpora.conversations import cached_conversations
from textzoo.text.corpora.debian.sources import package_texts
from textzoo.text.corpora.download import fetch, fetch_beginning
from textzoo.text.corpora.nanogpt import open_tokens, read_characters
from textzoo.text.corpora.python_docs import read_python_docs
from textzoo.text.corpora.reading import LeftOut, Source, as_paths, left_out, printable, read_text, text_files
from textzoo.text.corpora.registry import CORPORA, KnownFile
from textzoo.text.corpora.stories import read_stories
from textzoo.text.settings import ANSWER, TEXT, DatasetConfig, SourceConfig, with_inherited
from textzoo.text.tokenizers.pieces import equal_parts

LOADERS = Registry("corpus", {name: kind.loader for name, kind in CORPORA.items()})


@dataclass(frozen=True)
class Corpus:
    """A corpus as text.

    Attributes:
        name: dataset.name.
        training: Text to train on; documents are separated by blank lines, or by dataset.separator.
        validation: Text held out.
        sha256: Content hash of both, see text_digest; for a mixture, of its sources, too.
        sources: Provenance of the texts.
        parts: The sources of a mixture, in the order of their texts; otherwise empty.
        left_out: Files in the given folders that are not part of the corpus.
        commands: The same text as commands; None for other texts.
        loss_on: What counts in training: "text" for all of it, or "answer" for the answers of commands.
    """

    name: str
    training: str
    validation: str
    sha256: str
    sources: list[Source]
    parts: tuple["TextPart", ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    commands: CommandSet | None = None
    loss_on: str = TEXT


@dataclass(frozen=True)
class TextPart:
    """One source of a mixture: its label, its share of the windows, and the characters of its two texts."""

    label: str
    probability: float
    training: int
    validation: int


@dataclass(frozen=True)
class TokenCorpus:
    """A corpus that comes as tokens with their own vocabulary (nanoGPT folders).

    Attributes:
        name: dataset.name.
        training: Tokens (tokens,), uint16, memory-mapped.
        validation: Tokens held out, in the same form.
        characters: The character of each token.
        sha256: Content hash of the three files.
        sources: Provenance of the files.
        left_out: Always empty.
    """

    name: str
    training: np.memmap
    validation: np.memmap
    characters: list[str]
    sha256: str
    sources: list[Source]
    left_out: tuple[LeftOut, ...] = ()


def load_corpus(dataset: DatasetConfig) -> Corpus | TokenCorpus:
    """Load the corpus that the configuration names; raise UserError for any problem with its files."""
    return LOADERS.get(dataset.name)(dataset)


def load_python_docs(dataset: DatasetConfig) -> Corpus:
    documents, source = read_python_docs()
    return text_corpus(dataset, documents, [source])


def load_text(dataset: DatasetConfig) -> Corpus:
    if not dataset.training_path:
        raise UserError(f"dataset.name={dataset.name} needs dataset.training_path", remedy="Give a file or a folder.")
    corpus = text_corpus(dataset, *read_texts(dataset.training_path))
    return replace(corpus, left_out=tuple(left_out(as_paths(paths_of(dataset)))))


def paths_of(dataset: DatasetConfig) -> list[str]:
    """Return all files and folders that a dataset names."""
    return [
        str(path) for given in (dataset.training_path, dataset.validation_path) if given for path in as_paths(given)
    ]


def load_download(dataset: DatasetConfig) -> Corpus:
    """Load a file of the web, from the cache once it is there; or from the same file that the user has."""
    known = CORPORA[dataset.name].download
    if dataset.training_path:
        path = known_file(dataset.training_path, known)
    else:
        path = fetch(known, Path(dataset.cache_dir) / f"{dataset.name}.txt")
    return text_corpus(dataset, *read_texts(str(path)))


def known_file(given: str | list[str], known: KnownFile) -> Path:
    """Return the file that was given instead of a download; raise UserError unless its content is the known one."""
    paths = as_paths(given)
    if len(paths) != 1 or not paths[0].is_file():
        raise UserError("dataset.training_path is not the corpus", expected="one file", received=str(given))
    digest = file_digest(paths[0])
    if digest != known.sha256:
        raise UserError(
            f"'{paths[0]}' is not the corpus",
            expected=f"sha256 {known.sha256}",
            received=digest,
            remedy="For another text use dataset=text.",
        )
    return paths[0]


def load_nanogpt(dataset: DatasetConfig) -> TokenCorpus:
    """Load a nanoGPT folder, with its own split and vocabulary; dataset.validation_* do not apply."""
    folders = as_paths(dataset.training_path or [])
    if len(folders) != 1 or not folders[0].is_dir():
        raise UserError(
            "dataset.training_path is not a nanoGPT folder",
            expected="one folder with train.bin, val.bin and meta.pkl",
            received=str(dataset.training_path),
        )
    folder = folders[0]
    characters = read_characters(folder)
    tokens = [open_tokens(folder / name, len(characters)) for name in ("train.bin", "val.bin")]
    files = [folder / name for name in ("train.bin", "val.bin", "meta.pkl")]
    digests = [file_digest(path) for path in files]
    sources = [
        Source(printable(path), digest, path.stat().st_size, characters=len(part))
        for path, digest, part in zip(files, digests, tokens, strict=False)
    ]
    return TokenCorpus(dataset.name, *tokens, characters, combined_digest(digests), sources)


def load_conversations(dataset: DatasetConfig) -> Corpus:
    documents, source = cached_conversations(
        Path(dataset.cache_dir),
        size_bytes=dataset.conversations_bytes,
        dialogues=dataset.conversations_dialogues,
        seed=dataset.conversations_seed,
    )
    return text_corpus(dataset, documents, [source])


def load_snips(dataset: DatasetConfig) -> Corpus:
    folders = as_paths(dataset.training_path or [])
    if len(folders) != 1 or not folders[0].is_dir():
        raise UserError(
            "dataset.training_path is not a folder of SNIPS", expected="one folder", received=str(dataset.training_path)
        )
    commands, files = read_snips(folders[0], dataset.examples, dataset.commands_seed)
    sources = [Source(printable(path), file_digest(path), path.stat().st_size, 0) for path in files]
    return command_corpus(dataset, commands, sources)


def load_commands(dataset: DatasetConfig) -> Corpus:
    paths = as_paths(dataset.training_path or [])
    if len(paths) != 1 or not paths[0].is_file():
        raise UserError(
            "dataset.training_path is not a file of commands", expected="one YAML", received=str(dataset.training_path)
        )
    templates = parse_templates(read_yaml(paths[0]), f"'{paths[0]}'")
    source = Source(printable(paths[0]), file_digest(paths[0]), paths[0].stat().st_size, 0)
    return command_corpus(dataset, make_commands(templates, {}, making_of(dataset)), [source])


def load_home_assistant(dataset: DatasetConfig) -> Corpus:
    home = read_home(Path(dataset.home)) if dataset.home else Home()
    values, path = home_assistant(dataset.language, home)
    templates = parse_templates(values, "Home Assistant's sentences")
    source = Source(f"home-assistant-intents {version()}, {path.name}", file_digest(path), path.stat().st_size, 0)
    return command_corpus(dataset, make_commands(templates, home.devices, making_of(dataset)), [source])


def making_of(dataset: DatasetConfig) -> Making:
    return Making(
        examples=dataset.examples,
        seed=dataset.commands_seed,
        held_out=dataset.held_out_wordings,
        typos=dataset.typos,
        none=dataset.out_of_scope,
    )


def command_corpus(dataset: DatasetConfig, commands: CommandSet, sources: list[Source]) -> Corpus:
    training, validation = ("".join(map("".join, commands.documents(part))) for part in ("training", "validation"))
    check_parts(training, validation, sources)
    return Corpus(
        dataset.name,
        training,
        validation,
        text_digest(training, validation),
        sources,
        commands=commands,
        loss_on=dataset.loss_on or ANSWER,
    )


def load_debian_docs(dataset: DatasetConfig) -> Corpus:
    texts = package_texts(dataset.packages, Path(dataset.cache_dir))
    return text_corpus(dataset, [document for text in texts for document in text.documents], [t.source for t in texts])


def load_tinystories(dataset: DatasetConfig) -> Corpus:
    """Load stories from the cache, downloading them first; or from files of the same form that the user has."""
    if dataset.training_path:
        return text_corpus(dataset, *read_stories(text_files(as_paths(dataset.training_path)), is_beginning=False))
    path = Path(dataset.cache_dir) / f"{dataset.name}_{dataset.download_bytes}.txt"
    fetch_beginning(CORPORA[dataset.name].large_file, path, dataset.download_bytes, dataset.sha256 or "")
    return text_corpus(dataset, *read_stories([path], is_beginning=True))


def load_mixture(dataset: DatasetConfig) -> Corpus:
    """Load several corpora and concatenate their texts; each TextPart gives the length of one source's texts."""
    sources = [with_inherited(dataset, values) for values in dataset.sources]
    if not sources:
        raise UserError("dataset.name=mixture needs dataset.sources", expected="[{name: python_docs, weight: 0.7}]")
    loaded = [load_source(source) for source in sources]
    total = math.fsum(source.weight for source in sources)
    labels = distinct([source.name for source in sources])
    parts = tuple(
        TextPart(label, source.weight / total, len(corpus.training), len(corpus.validation))
        for label, source, corpus in zip(labels, sources, loaded, strict=True)
    )
    return Corpus(
        dataset.name,
        "".join(corpus.training for corpus in loaded),
        "".join(corpus.validation for corpus in loaded),
        combined_digest([*(corpus.sha256 for corpus in loaded), value_digest([asdict(part) for part in parts])]),
        [source for corpus in loaded for source in corpus.sources],
        parts,
        tuple(entry for corpus in loaded for entry in corpus.left_out),
    )


def load_source(source: SourceConfig) -> Corpus:
    """Load a source of a mixture; raise UserError if it has its own vocabulary, or is a mixture itself."""
    if not CORPORA[source.name].is_mixable:
        raise UserError(f"dataset.sources: {source.name} cannot be a source", expected="a corpus of text")
    return load_corpus(source)


def distinct(names: list[str]) -> list[str]:
    """Return the names, with numbers from the second occurrence on: text, text_2."""
    counts = [names[: index + 1].count(name) for index, name in enumerate(names)]
    return [name if count == 1 else f"{name}_{count}" for name, count in zip(names, counts, strict=True)]


def read_texts(given: str | list[str]) -> tuple[list[str], list[Source]]:
    """Return the texts of a file, a list of files or a folder, one per file."""
    read = [read_text(path) for path in text_files(as_paths(given))]
    return [text for text, _ in read], [source for _, source in read]


def text_corpus(dataset: DatasetConfig, texts: list[str], sources: list[Source]) -> Corpus:
    """Join texts, and split off the validation text if none is given."""
    separator = dataset.separator
    texts = documents_of(texts, separator)
    if dataset.validation_path:
        validation_texts, validation_sources = read_texts(dataset.validation_path)
        training = join_documents(texts, separator)
        validation = join_documents(documents_of(validation_texts, separator), separator)
        sources = sources + validation_sources
    elif dataset.split_mode == "random":
        training, validation = split_by_document(texts, dataset.validation_split, dataset.split_seed, separator)
    else:
        training, validation = split_at_end(join_documents(texts, separator), dataset.validation_split)
    check_parts(training, validation, sources)
    return Corpus(dataset.name, training, validation, text_digest(training, validation), sources)


def documents_of(texts: list[str], separator: str | None) -> list[str]:
    """Return the documents that each get a separator: the texts, or the parts of a single one."""
    return texts if separator is None or len(texts) > 1 else split_documents(texts[0], separator)


def split_at_end(text: str, share: float) -> tuple[str, str]:
    """Hold out the end of a text; train on the first int((1 - share) * characters) characters, as nanoGPT does."""
    cut = int(len(text) * (1 - share))
    return text[:cut], text[cut:]


def split_by_document(texts: list[str], share: float, seed: int, separator: str | None = None) -> tuple[str, str]:
    """Hold out whole documents, drawn at random until they make up `share` of the characters.

    Documents are the files; a single file is divided at its blank lines. Both parts keep the order of the corpus,
    and each has at least one document.
    """
    documents = texts if len(texts) > 1 else split_documents(texts[0])
    if len(documents) < 2:
        raise UserError(
            "the corpus has only one document, which dataset.split_mode=random cannot divide",
            remedy="Use dataset.split_mode=contiguous, or separate documents by blank lines.",
        )
    order = np.random.default_rng(seed).permutation(len(documents))
    reached = np.cumsum([len(documents[index]) for index in order])
    count = int(np.searchsorted(reached, share * reached[-1])) + 1
    held_out = set(order[: min(count, len(documents) - 1)].tolist())
    training = [document for index, document in enumerate(documents) if index not in held_out]
    validation = [documents[index] for index in sorted(held_out)]
    return join_documents(training, separator), join_documents(validation, separator)


def check_parts(training: str, validation: str, sources: list[Source]) -> None:
    """Raise UserError if the corpus has only one distinct character, or is too short to be divided."""
    names = ", ".join(source.location for source in sources[:3])
    if len({*training, *validation}) < 2:
        text = training + validation
        raise UserError(
            f"the corpus ({names}) has only one distinct character",
            expected="at least 2",
            received=f"{text[:1]!r}, {len(text):,} times",
        )
    if not training or not validation:
        raise UserError(
            f"the corpus ({names}) leaves no text for {'validation' if training else 'training'}",
            received=f"{len(training) + len(validation)} characters in all",
            remedy="Provide more text, or set another dataset.validation_split.",
        )


def text_digest(training: str, validation: str) -> str:
    """Return the sha256 of a corpus: over the sha256 of each text's UTF-8, as two lines of hexadecimal text."""
    return combined_digest([digest_of(text) for text in (training, validation)])


def digest_of(text: str) -> str:
    """Return the sha256 of a text's UTF-8."""
    digest = hashlib.sha256()
    for part in equal_parts(text):
        digest.update(part.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def combined_digest(digests: list[str]) -> str:
    return hashlib.sha256("".join(f"{digest}\n" for digest in digests).encode()).hexdigest()
