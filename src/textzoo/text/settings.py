"""The sections of the configuration about text: corpus, tokenizer, and prediction's prompt and sampling."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from textzoo.common.settings import FILE_ONLY, FILE_OR_FOLDER, setting
from textzoo.text.corpora.registry import CORPORA
from textzoo.text.tokenizers.registry import KINDS

# Far above any sensible value, but small enough to finish and to fit into memory.
MAX_TOKENS = 10**9  # a corpus has at most 1 GiB
MAX_SEED = 2**63 - 1
# dataset.loss_on
TEXT, ANSWER = "text", "answer"


@dataclass(frozen=True)
class DatasetConfig:
    """The training and validation text."""

    name: str = setting(
        "python_docs",
        "Corpus; mixture draws from several corpora (dataset.sources).",
        choices=tuple(CORPORA),
    )
    training_path: str | list[str] | None = setting(
        None, "A text file, a list of files, a folder of .txt, or a nanoGPT folder (name=nanogpt).", path=FILE_OR_FOLDER
    )
    validation_path: str | list[str] | None = setting(
        None,
        "Validation text in the same forms; without it a part of the training text is held out.",
        path=FILE_OR_FOLDER,
    )
    validation_split: float = setting(0.1, "Part of the text held out for validation.", above=0.0, below=1.0)
    split_mode: str = setting(
        "contiguous",
        "Hold out the end of the text, or whole documents (files; parts between blank lines) at random.",
        choices=("contiguous", "random"),
    )
    split_seed: int = setting(0, "Seed of the random split.", low=0, high=MAX_SEED)
    cache_dir: str = setting(
        "datasets/cache", "Folder of downloaded and generated corpora, and of files from the hub (hf://)."
    )
    separator: str | None = setting(
        None, "Text after every document, e.g. an end marker for prediction.stop; null for blank lines between."
    )
    conversations_bytes: int | None = setting(
        1_000_000,
        "Size of the synthetic dialogues; null to set their number instead.",
        unit="bytes",
        low=1,
        high=2**28,
    )
    conversations_dialogues: int | None = setting(
        None, "Number of synthetic dialogues, instead of their size.", unit="dialogues", low=1, high=2**20
    )
    conversations_seed: int = setting(0, "Seed of the synthetic dialogues.", low=0, high=MAX_SEED)
    examples: int = setting(
        100_000, "Commands to train on, made from templates or from those of a collection.", low=100, high=2**22
    )
    commands_seed: int = setting(0, "Seed of the commands that are made.", low=0, high=MAX_SEED)
    language: str = setting("en", "Language of Home Assistant's sentences, ISO 639-1.")
    home: str | None = setting(
        None, "YAML with the areas, floors and devices of a home; null for one that is made up.", path=FILE_ONLY
    )
    held_out_wordings: float = setting(
        0.1, "Share of the templates of commands that are only tested with.", low=0.0, high=0.5
    )
    typos: float = setting(0.3, "Share of commands to train on with one or two typing mistakes.", low=0.0, high=1.0)
    out_of_scope: float = setting(
        0.05, 'Share of sentences that are no command, with the answer {"intent":"none"}.', low=0.0, high=0.9
    )
    loss_on: str | None = setting(
        None,
        "What a model of commands is trained to write: the answer, or the sentence too; null: the answer.",
        choices=(ANSWER, TEXT),
    )
    download_bytes: int = setting(
        100_000_000,
        "How much of a large corpus is downloaded, from its beginning (tinystories has 2.2 GB).",
        unit="bytes",
        low=1,
        high=2**30,
    )
    sha256: str | None = setting(None, "The hash that the downloaded text must have (tinystories).")
    packages: list[str] = setting(
        [],
        "Debian packages whose texts are the corpus (debian_docs), each with =version behind it if that matters;"
        " [] for the usual ones.",
    )
    sources: list[dict] = setting(
        [],
        "Sources of a mixture, each with name, weight and keys of dataset; missing keys are the dataset's own.",
    )
    overlap_warning: float = setting(
        0.1, "Share of repeated validation text above which a warning is shown.", low=0.0, high=1.0
    )


@dataclass(frozen=True)
class SourceConfig(DatasetConfig):
    """One source of a mixture (dataset.sources)."""

    weight: float = setting(
        1.0, "Windows are drawn from the sources in proportion to their weights.", above=0.0, high=1e6
    )


# Keys that a source of a mixture does not inherit from the dataset.
NOT_INHERITED = ("name", "training_path", "validation_path", "sources")


def with_inherited(dataset: DatasetConfig, values: dict[str, Any]) -> SourceConfig:
    """Return a source of a mixture with the given keys and the dataset's values for the others."""
    inherited = {key: value for key, value in dataclasses.asdict(dataset).items() if key not in NOT_INHERITED}
    return SourceConfig(**{**inherited, **values})


@dataclass(frozen=True)
class TokenizerConfig:
    """The tokenizer."""

    name: str = setting(
        "char",
        "Kind of tokenizer: characters, words, bytes of UTF-8, or byte-level BPE (merges of frequent pairs).",
        choices=tuple(KINDS),
    )
    path: str | None = setting(None, "An existing tokenizer.json to use instead of training one.", path=FILE_ONLY)
    unknown: str = setting(
        "error",
        "Text outside the vocabulary (char, word): an error that names it, or the token <unk>.",
        choices=("error", "unk"),
    )
    vocabulary_size: int | None = setting(
        None,
        "Maximum number of tokens with <unk> (word; null for all words), or exact number (bpe: 256 to 8,192).",
        unit="tokens",
        low=2,
        high=65535,
    )
    min_count: int = setting(
        1, "Words (word) or pairs (bpe) that occur less often in the training text get no token.", low=1, high=10**9
    )


@dataclass(frozen=True)
class SamplingConfig:
    """The prompt, and how the next tokens are sampled."""

    prompt: str = setting("The ", "Text to continue.")
    max_tokens: int = setting(200, "Tokens to generate.", unit="tokens", low=1, high=10**6)
    temperature: float = setting(0.8, "0 is greedy; higher values are more random.", low=0.0, high=10.0)
    top_k: int = setting(0, "Sample from the k most probable tokens; 0 for all.", low=0, high=65535)
    num_samples: int = setting(1, "Texts to generate.", low=1, high=10**4)
    seed: int = setting(1, "Seed of the sampler.", low=0, high=2**32 - 1)
    stop: str | None = setting(None, "Text at which generation stops.")
    unknown: str = setting(
        "error", "Characters of the prompt outside the vocabulary: an error, or <unk>.", choices=("error", "unk")
    )
