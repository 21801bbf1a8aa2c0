"""The sections of the configuration about text: corpus, tokenizer, and what is to be continued."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from textzoo.common.settings import ANY_PLACE, FILE_ONLY, setting
from textzoo.text.corpora.registry import CORPORA
from textzoo.text.tokenizers.registry import KINDS

# Far above what anybody wants, and below what never ends or fits no memory.
MAX_TOKENS = 10**9  # a corpus has at most 1 GiB
MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class DatasetConfig:
    """The text to learn from."""

    name: str = setting(
        "python_docs",
        "Where the text comes from; mixture draws from several (dataset.sources).",
        choices=tuple(CORPORA),
    )
    training_path: str | list[str] | None = setting(
        None, "A text file, a list of files, a folder of .txt, or a nanoGPT folder (name=nanogpt).", path=ANY_PLACE
    )
    validation_path: str | list[str] | None = setting(
        None, "Validation text in the same forms; without it a part of the training text is held out.", path=ANY_PLACE
    )
    validation_split: float = setting(0.1, "Part of the text held out for validation.", above=0.0, below=1.0)
    split_mode: str = setting(
        "contiguous",
        "Hold out the end of the text, or whole documents (files; parts between blank lines) at random.",
        choices=("contiguous", "random"),
    )
    split_seed: int = setting(0, "Seed of the random split.", low=0, high=MAX_SEED)
    cache_dir: str = setting("datasets/cache", "Folder of downloaded and made corpora.")
    separator: str | None = setting(
        None, "Text after every document, e.g. an end marker for prediction.stop; null for a blank line in between."
    )
    conversations_bytes: int | None = setting(
        1_000_000, "Size of the made conversations; null to give a number instead.", unit="bytes", low=1, high=2**28
    )
    conversations_dialogues: int | None = setting(
        None, "Number of made conversations, instead of their size.", unit="dialogues", low=1, high=2**20
    )
    conversations_seed: int = setting(0, "Seed of the made conversations.", low=0, high=MAX_SEED)
    sources: list[dict] = setting(
        [],
        "Sources of a mixture, each with name, weight and keys of dataset; those left out are the dataset's own.",
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


# What a source of a mixture does not take over from the dataset.
NOT_INHERITED = ("name", "training_path", "validation_path", "sources")


def with_inherited(dataset: DatasetConfig, values: dict[str, Any]) -> SourceConfig:
    """A source of a mixture: the keys given, the others as in the dataset."""
    inherited = {key: value for key, value in dataclasses.asdict(dataset).items() if key not in NOT_INHERITED}
    return SourceConfig(**{**inherited, **values})


@dataclass(frozen=True)
class TokenizerConfig:
    """From text to tokens."""

    name: str = setting(
        "char",
        "Kind of tokenizer: characters, words, bytes of UTF-8, or byte-level BPE (merges of frequent pairs).",
        choices=tuple(KINDS),
    )
    path: str | None = setting(None, "An existing tokenizer.json to use instead of making one.", path=FILE_ONLY)
    unknown: str = setting(
        "error",
        "What is outside the vocabulary (char, word): an error that names it, or the token <unk>.",
        choices=("error", "unk"),
    )
    vocabulary_size: int | None = setting(
        None,
        "Most tokens, <unk> included (word; null for all words), or exactly so many (bpe: 256 to 8,192).",
        unit="tokens",
        low=2,
        high=65535,
    )
    min_count: int = setting(
        1, "Words (word) or pairs (bpe) that occur less often in the training text get no token.", low=1, high=10**9
    )


@dataclass(frozen=True)
class SamplingConfig:
    """What a model continues, and how its tokens are chosen."""

    prompt: str = setting("The ", "Text to continue.")
    max_tokens: int = setting(200, "Tokens to generate.", unit="tokens", low=1, high=10**6)
    temperature: float = setting(0.8, "0 is greedy; more is livelier.", low=0.0, high=10.0)
    top_k: int = setting(0, "Sample among the k likeliest tokens; 0 for all.", low=0, high=65535)
    num_samples: int = setting(1, "Texts to generate.", low=1, high=10**4)
    seed: int = setting(1, "Seed of the sampler.", low=0, high=2**32 - 1)
    stop: str | None = setting(None, "Text at which generation stops.")
    unknown: str = setting(
        "error", "Characters of the prompt outside the vocabulary: an error, or <unk>.", choices=("error", "unk")
    )
