"""The table of corpora: the function that loads each, and the keys of the dataset section that do not apply to it."""

import re
from dataclasses import dataclass

from textzoo.common.errors import UserError

MODULE = "textzoo.text.corpora.loading"
SHA256 = re.compile(r"[0-9a-f]{64}")
# A reason, and the keys that it excludes.
Refusal = tuple[str, tuple[str, ...]]
COMMANDS: Refusal = ("it has its own parts", ("validation_path", "separator"))
NO_FILES: Refusal = ("it does not read files", ("training_path", "validation_path"))


@dataclass(frozen=True)
class KnownFile:
    """A file of the web, or its beginning, whose content is known beforehand.

    Attributes:
        url: http or https address.
        sha256: Hash of the content, as hexadecimal text; "" where only the size is known.
        size_bytes: Exact size of the content; nothing larger is ever written.
        remedy: What the user can do where the download is impossible.
        total_bytes: Size of the file that the content is the beginning of; None for the whole file.
    """

    url: str
    sha256: str
    size_bytes: int
    remedy: str = ""
    total_bytes: int | None = None

    @property
    def served_bytes(self) -> int:
        """The size of the file that the server has."""
        return self.total_bytes or self.size_bytes

    def failed(self, received: str) -> UserError:
        return UserError(f"the download of {self.url} failed", received=received, remedy=self.remedy)


@dataclass(frozen=True)
class LargeFile:
    """A file of the web of which dataset.download_bytes are taken; its hash is kept at the first download.

    Attributes:
        url: http or https address, of one version of the file.
        remedy: What the user can do where the download is impossible.
    """

    url: str
    remedy: str = ""


@dataclass(frozen=True)
class Provenance:
    """What is told of a text when a model that learned it is published.

    Attributes:
        title: What it is.
        origin: Where it is from.
        licence: Of the text.
        language: ISO 639-1.
    """

    title: str
    origin: str
    licence: str
    language: str = "en"


@dataclass(frozen=True)
class CorpusKind:
    """One row of the table.

    Attributes:
        loader: "module:function", a function from a DatasetConfig to a Corpus or a TokenCorpus.
        not_taken: Keys that do not apply to it, with the reasons.
        needs_files: Whether dataset.training_path must be given.
        has_own_vocabulary: Whether it has its own vocabulary, so that it uses no tokenizer and cannot be mixed.
        has_sources: Whether it draws from dataset.sources.
        has_packages: Whether it takes dataset.packages.
        download: The text itself, of a corpus that is one file of the web.
        large_file: The same of a corpus of which only a part may be wanted.
        chat_template: Name of the chat template of its dialogues (textzoo.text.chat_templates); None for other texts.
        is_of_commands: Whether it consists of sentences and answers, which are learned one by one.
        provenance: What it is and where it is from; None for texts of the user's.
    """

    loader: str
    not_taken: tuple[Refusal, ...] = ()
    needs_files: bool = False
    has_own_vocabulary: bool = False
    has_sources: bool = False
    has_packages: bool = False
    download: KnownFile | None = None
    large_file: LargeFile | None = None
    chat_template: str | None = None
    is_of_commands: bool = False
    provenance: Provenance | None = None

    @property
    def is_mixable(self) -> bool:
        """Whether it can be a source of a mixture."""
        return not (self.has_own_vocabulary or self.has_sources or self.is_of_commands)


CORPORA: dict[str, CorpusKind] = {
    "python_docs": CorpusKind(
        f"{MODULE}:load_python_docs",
        not_taken=(NO_FILES,),
        provenance=Provenance(
            "The documentation topics of Python, reduced to prose",
            "pydoc_data.topics of the Python installation that trained the model",
            "Python Software Foundation License 2; examples also Zero-Clause BSD",
        ),
    ),
    "text": CorpusKind(f"{MODULE}:load_text", needs_files=True),
    "tinyshakespeare": CorpusKind(
        f"{MODULE}:load_download",
        download=KnownFile(
            url="https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
            sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
            size_bytes=1_115_394,
            remedy="Without a network give the file itself: dataset.training_path=<tinyshakespeare.txt>,"
            " or use dataset=python_docs, which needs no download.",
        ),
        provenance=Provenance(
            "Tiny Shakespeare: excerpts of Shakespeare's plays, compiled for char-rnn",
            "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
            "the plays are in the public domain",
        ),
    ),
    "nanogpt": CorpusKind(
        f"{MODULE}:load_nanogpt",
        not_taken=(("its text is already tokenized", ("separator",)),),
        needs_files=True,
        has_own_vocabulary=True,
    ),
    "conversations": CorpusKind(
        f"{MODULE}:load_conversations",
        not_taken=(NO_FILES,),
        chat_template="dialogue",
        provenance=Provenance(
            "Synthetic dialogues between a user and a device, made from templates",
            "written for TextZoo (textzoo.text.corpora.conversation_topics)",
            "Apache-2.0",
        ),
    ),
    "snips": CorpusKind(
        f"{MODULE}:load_snips",
        not_taken=(COMMANDS,),
        needs_files=True,
        chat_template="commands",
        is_of_commands=True,
        provenance=Provenance(
            "SNIPS: sentences to a voice assistant, of 7 intents",
            "https://github.com/sonos/nlu-benchmark",
            "CC0-1.0",
        ),
    ),
    "commands": CorpusKind(
        f"{MODULE}:load_commands",
        not_taken=(COMMANDS,),
        needs_files=True,
        chat_template="commands",
        is_of_commands=True,
    ),
    "home_assistant": CorpusKind(
        f"{MODULE}:load_home_assistant",
        not_taken=(NO_FILES, COMMANDS),
        chat_template="commands",
        is_of_commands=True,
        provenance=Provenance(
            "Sentences to a smart home, from the templates of Home Assistant, with names made up for TextZoo",
            "the package home-assistant-intents",
            "Apache-2.0",
        ),
    ),
    "debian_docs": CorpusKind(f"{MODULE}:load_debian_docs", not_taken=(NO_FILES,), has_packages=True),
    "tinystories": CorpusKind(
        f"{MODULE}:load_tinystories",
        large_file=LargeFile(
            url="https://huggingface.co/datasets/roneneldan/TinyStories/resolve/"
            "f54c09fd23315a6f9c86f9dc80f725de7d8f9c64/TinyStoriesV2-GPT4-train.txt",
            remedy="Without a network give the file itself: dataset.training_path=<TinyStoriesV2-GPT4-train.txt>.",
        ),
        provenance=Provenance(
            "TinyStories, version 2: short stories for children, written by GPT-4",
            "https://huggingface.co/datasets/roneneldan/TinyStories",
            "CDLA-Sharing-1.0",
        ),
    ),
    "mixture": CorpusKind(
        f"{MODULE}:load_mixture",
        not_taken=(("its sources have their own", ("training_path", "validation_path")),),
        has_sources=True,
    ),
}
