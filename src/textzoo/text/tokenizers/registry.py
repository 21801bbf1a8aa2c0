"""The table of tokenizers, and what each kind asks of the tokenizer section. Imports no kind: that takes time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from textzoo.common.registry import Registry

BYTES = 256
# Smallest and largest vocabulary of byte-level BPE, in tokens.
BPE_VOCABULARY = (BYTES, 8192)


class Keys(Protocol):
    """The keys of the tokenizer section that rules look at."""

    unknown: str
    vocabulary_size: int | None
    min_count: int


class KeyRule(NamedTuple):
    """What a kind asks of one key."""

    key: str
    expected: str
    holds: Callable[[Keys], bool]


@dataclass(frozen=True)
class TokenizerKind:
    """One row of the table.

    Attributes:
        place: "module:class" of the Tokenizer.
        is_closed: Whether some texts have no token, so that the vocabulary must be made from all of the text.
        rules: What it asks of the section.
    """

    place: str
    is_closed: bool
    rules: tuple[KeyRule, ...]


KNOWS_ALL = KeyRule("unknown", "error: it has a token for every text", lambda keys: keys.unknown == "error")
COUNTS_NOTHING = KeyRule(
    "min_count", "1: its tokens do not depend on how often they occur", lambda keys: keys.min_count == 1
)
KINDS: dict[str, TokenizerKind] = {
    "char": TokenizerKind(
        "textzoo.text.tokenizers.character:CharacterTokenizer",
        is_closed=True,
        rules=(
            KeyRule("vocabulary_size", "null: every character has a token", lambda keys: keys.vocabulary_size is None),
            COUNTS_NOTHING,
        ),
    ),
    "word": TokenizerKind(
        "textzoo.text.tokenizers.word:WordTokenizer",
        is_closed=True,
        rules=(
            KeyRule(
                "min_count",
                "1, or tokenizer.unknown=unk for rarer words",
                lambda keys: keys.unknown == "unk" or keys.min_count == 1,
            ),
        ),
    ),
    "byte": TokenizerKind(
        "textzoo.text.tokenizers.byte:ByteTokenizer",
        is_closed=False,
        rules=(
            KeyRule("vocabulary_size", f"{BYTES}, or null", lambda keys: keys.vocabulary_size in (None, BYTES)),
            KNOWS_ALL,
            COUNTS_NOTHING,
        ),
    ),
    "bpe": TokenizerKind(
        "textzoo.text.tokenizers.bpe:BpeTokenizer",
        is_closed=False,
        rules=(
            KeyRule(
                "vocabulary_size",
                f"{BPE_VOCABULARY[0]} to {BPE_VOCABULARY[1]:,} tokens",
                lambda keys: BPE_VOCABULARY[0] <= (keys.vocabulary_size or 0) <= BPE_VOCABULARY[1],
            ),
            KNOWS_ALL,
        ),
    ),
}
TOKENIZERS = Registry("tokenizer", {name: kind.place for name, kind in KINDS.items()})
