"""One token per character (Unicode code point)."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from textzoo.text.settings import TokenizerConfig
from textzoo.text.tokenizers.base import (
    NO_TOKEN,
    REPLACEMENT,
    check_range,
    check_vocabulary_size,
    damaged,
    order_table,
    save_tokenizer,
    table_of,
)
from textzoo.text.tokenizers.pieces import equal_parts
from textzoo.text.tokenizers.unknown import UNKNOWN, check_policy, not_in_vocabulary

CODE_POINTS = 0x110000


class CharacterTokenizer:
    """Characters as tokens, by a look-up table; tokens are numbered in the order of `characters`.

    Args:
        characters: Distinct single characters; the index is the token.
        with_unknown: Whether the token <unk> is added, as the last one.
    """

    name = "char"

    def __init__(self, characters: list[str], with_unknown: bool = False) -> None:
        self.unknown_token = len(characters) if with_unknown else None
        self.tokens = characters + [UNKNOWN] * with_unknown
        check_vocabulary_size(len(self.tokens), "the corpus")
        written = characters + [REPLACEMENT] * with_unknown
        self.token_bytes = [character.encode("utf-8", "surrogatepass") for character in written]
        self.token_characters = np.ones(len(written), np.int64)
        self.code_points = np.array([*map(ord, written)], dtype="<u4")
        self.table = np.full(CODE_POINTS, NO_TOKEN, dtype=np.uint16)
        self.table[self.code_points[: len(characters)]] = np.arange(len(characters))

    @classmethod
    def from_texts(cls, texts: list[str], config: TokenizerConfig) -> "CharacterTokenizer":
        """Return a tokenizer of the texts' characters, sorted by code point."""
        return cls(sorted(set().union(*texts)), with_unknown=config.unknown == "unk")

    @classmethod
    def from_file(cls, values: dict[str, Any], path: Path) -> "CharacterTokenizer":
        characters, unknown_token = list(values["tokens"]), values["unknown_token"]
        if unknown_token is not None and characters.pop() != UNKNOWN:
            raise damaged(path, f"{UNKNOWN!r} as the last token", f"unknown_token {unknown_token}")
        if any(len(character) != 1 for character in characters):
            raise damaged(path, "tokens of one character each", "a longer one")
        return cls(characters, with_unknown=unknown_token is not None)

    @property
    def vocabulary_size(self) -> int:
        return len(self.tokens)

    def parts(self, text: str) -> Iterator[str]:
        """Yield parts of a text whose tokens, one part after the other, are those of the text."""
        return equal_parts(text)

    def encode(self, text: str, unknown: str = "error") -> np.ndarray:
        """Encode text to tokens (characters,), uint16.

        Args:
            text: Any text, lone surrogates included.
            unknown: "error" or "unk", for characters outside the vocabulary.

        Raises:
            UserError: Unknown characters with "error", which are listed; or "unk" without <unk> in the vocabulary.
        """
        check_policy(unknown, self.unknown_token)
        pieces = [self.table[code_points(part)] for part in equal_parts(text)]
        tokens = np.concatenate(pieces) if pieces else np.zeros(0, np.uint16)
        missing = tokens == NO_TOKEN
        if missing.any():
            if unknown == "error":
                positions = np.flatnonzero(missing).tolist()
                raise not_in_vocabulary("character", ((text[position], position) for position in positions))
            tokens[missing] = self.unknown_token
        return tokens

    def decode(self, tokens: Any) -> str:
        """Decode tokens (n,) to n characters, <unk> to U+FFFD; raise ValueError outside the vocabulary."""
        tokens = check_range(tokens, self.vocabulary_size)
        return self.code_points[tokens].tobytes().decode("utf-32-le", "surrogatepass")

    def decode_stream(self, tokens: Iterable[int]) -> Iterator[str]:
        """Yield the character of each token."""
        return (self.decode([token]) for token in tokens)

    def tables(self) -> dict[str, int | np.ndarray]:
        """Return the code point of each token, and the characters in the order of their code points."""
        characters = self.code_points[: len(self.tokens) - (self.unknown_token is not None)]
        return {
            "characters": len(characters),
            "code_points": table_of(self.code_points.tolist()),
            "order": order_table(characters.tolist()),
        }

    def save(self, path: Path) -> None:
        save_tokenizer(path, self.name, self.tokens, self.unknown_token)


def code_points(text: str) -> np.ndarray:
    """Return the code points of a text, (characters,) uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
