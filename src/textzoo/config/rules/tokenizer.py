"""Rules for the tokenizer."""

from typing import Any

from textzoo.common.errors import UserError
from textzoo.config.keys import Rule
from textzoo.config.schema import BPE_VOCABULARY, Config

# A rule on a key of the tokenizer: whether it holds, the key, what is expected, what was received.
TokenizerRule = tuple[bool, str, str, Any]


def check_tokenizer(config: Config) -> list[UserError]:
    """Keys that the kind of tokenizer cannot follow; those of an existing file are its own."""
    tokenizer = config.tokenizer
    if config.dataset.name == "nanogpt" and (tokenizer.path or tokenizer.name != "char"):
        return [
            UserError(
                "tokenizer.path and other tokenizers than char do not apply to dataset.name=nanogpt",
                remedy="A nanoGPT folder brings its own vocabulary: leave tokenizer at its defaults.",
            )
        ]
    if tokenizer.path:
        return []
    size, unknown, count = tokenizer.vocabulary_size, tokenizer.unknown, tokenizer.min_count
    rules = {
        "char": [(size is None, "vocabulary_size", "null: every character has a token", size), once_enough(count)],
        "byte": [
            (size in (None, 256), "vocabulary_size", "256, or null", size),
            knows_all(unknown),
            once_enough(count),
        ],
        "word": [(unknown == "unk" or count == 1, "min_count", "1, or tokenizer.unknown=unk for rarer words", count)],
        "bpe": [bpe_size(size), knows_all(unknown)],
    }
    return [
        UserError(
            f"tokenizer.{key} contradicts tokenizer.name={tokenizer.name}",
            expected=expected,
            received=str(received),
            remedy=f"The group tokenizer={tokenizer.name} sets what fits.",
        )
        for holds, key, expected, received in rules[tokenizer.name]
        if not holds
    ]


def knows_all(unknown: str) -> TokenizerRule:
    return unknown == "error", "unknown", "error: it has a token for every text", unknown


def once_enough(count: int) -> TokenizerRule:
    return count == 1, "min_count", "1: its tokens do not depend on how often they occur", count


def bpe_size(size: int | None) -> TokenizerRule:
    smallest, largest = BPE_VOCABULARY
    return smallest <= (size or 0) <= largest, "vocabulary_size", f"{smallest} to {largest:,} tokens", size


RULES: tuple[Rule, ...] = (check_tokenizer,)
