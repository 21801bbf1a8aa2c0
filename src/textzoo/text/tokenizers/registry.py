"""The table of tokenizers, and the restrictions of each kind on the tokenizer section.

The tokenizers' modules are imported on first use only, which keeps the start fast.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from textzoo.common.registry import Registry

BYTES = 256
# Smallest and largest vocabulary of byte-level BPE, in tokens.
BPE_VOCABULARY = (BYTES, 8192)


class Keys(Protocol):
    """The keys of the tokenizer section that rules read."""

    unknown: str
    vocabulary_size: int | None
    min_count: int


class KeyRule(NamedTuple):
    """A kind's restriction on one key."""

    key: str
    expected: str
    holds: Callable[[Keys], bool]


@dataclass(frozen=True)
class TokenizerKind:
    """One row of the table.

    Attributes:
        tokenizer: "module:class" of the Tokenizer.
        is_closed: Whether some texts have no token, so that the vocabulary must be trained on all of the text.
        rules: Its restrictions on the section.
    """

    tokenizer: str
    is_closed: bool
    rules: tuple[KeyRule, ...]


KNOWS_ALL = KeyRule("unknown", "error: it has a token for every text", lambda keys: keys.unknown == "error")
COUNTS_NOTHING = KeyRule("min_count", "1: its vocabulary does not depend on counts", lambda keys: keys.min_count == 1)
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
TOKENIZERS = Registry("tokenizer", {name: kind.tokenizer for name, kind in KINDS.items()})
