"""One token per character (Unicode code point)."""

from pathlib import Path
from typing import Any

import numpy as np

from textzoo.errors import UserError
from textzoo.text.tokenizers import (
    UNKNOWN,
    check_vocabulary_size,
    damaged,
    save_tokenizer,
)

CODE_POINTS = 0x110000
NONE = 0xFFFF
REPLACEMENT = 0xFFFD
# Text is encoded in pieces, to bound the memory of the UTF-32 in between.
PIECE = 1 << 22
SHOWN_CHARACTERS = 10
SHOWN_POSITIONS = 3


class CharacterTokenizer:
    """Characters to tokens by table look-up; tokens are numbered in the order of `characters`.

    Args:
        characters: Distinct single characters; token = position.
        with_unknown: Whether the token <unk> is added, as the last one.
    """

    name = "char"

    def __init__(self, characters: list[str], with_unknown: bool = False) -> None:
        self.unknown_token = len(characters) if with_unknown else None
        self.tokens = characters + [UNKNOWN] * with_unknown
        check_vocabulary_size(len(self.tokens), "the corpus")
        self.code_points = np.array([*map(ord, characters)] + [REPLACEMENT] * with_unknown, dtype="<u4")
        self.table = np.full(CODE_POINTS, NONE, dtype=np.uint16)
        self.table[self.code_points[: len(characters)]] = np.arange(len(characters))

    @classmethod
    def from_texts(cls, texts: list[str], with_unknown: bool) -> "CharacterTokenizer":
        """The characters of the texts, sorted by code point."""
        return cls(sorted(set().union(*texts)), with_unknown)

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

    def encode(self, text: str, unknown: str = "error") -> np.ndarray:
        """Text -> tokens (characters,), uint16.

        Args:
            text: Any text, lone surrogates included.
            unknown: "error" or "unk", for characters outside the vocabulary.

        Raises:
            UserError: "error" and unknown characters, which are listed; or "unk" and no <unk> in the vocabulary.
        """
        if unknown == "unk" and self.unknown_token is None:
            raise UserError(
                f"this tokenizer has no {UNKNOWN}",
                remedy="Train with tokenizer.unknown=unk to have it, or leave unknown characters out.",
            )
        pieces = [self.table[code_points(text[start : start + PIECE])] for start in range(0, len(text), PIECE)]
        tokens = np.concatenate(pieces) if pieces else np.zeros(0, np.uint16)
        missing = tokens == NONE
        if missing.any():
            if unknown == "error":
                raise unknown_characters(text, np.flatnonzero(missing))
            tokens[missing] = self.unknown_token
        return tokens

    def decode(self, tokens: Any) -> str:
        """Tokens (n,) -> n characters; <unk> becomes U+FFFD. ValueError for tokens outside the vocabulary."""
        tokens = np.asarray(tokens)
        if tokens.size and not 0 <= int(tokens.min()) <= int(tokens.max()) < self.vocabulary_size:
            raise ValueError(f"tokens must be in [0, {self.vocabulary_size}), got {tokens.min()} to {tokens.max()}")
        return self.code_points[tokens.astype(np.intp)].tobytes().decode("utf-32-le", "surrogatepass")

    def save(self, path: Path) -> None:
        save_tokenizer(path, self.name, self.tokens, self.unknown_token)


def code_points(text: str) -> np.ndarray:
    """The code points of a text (characters,), uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def unknown_characters(text: str, positions: np.ndarray) -> UserError:
    """The error that lists characters outside the vocabulary: 'é' (U+00E9) at 3, 17."""
    places: dict[str, list[int]] = {}
    for position in positions.tolist():
        places.setdefault(text[position], []).append(position)
    shown = [describe(character, found) for character, found in list(places.items())[:SHOWN_CHARACTERS]]
    rest = len(places) - len(shown)
    return UserError(
        f"{len(places)} {'character is' if len(places) == 1 else 'characters are'} not in the vocabulary",
        received=", ".join(shown) + (f" and {rest} more" if rest else ""),
        remedy=f"Leave them out, or let them become {UNKNOWN} (unknown=unk).",
    )


def describe(character: str, positions: list[int]) -> str:
    where = ", ".join(map(str, positions[:SHOWN_POSITIONS]))
    more = len(positions) - SHOWN_POSITIONS
    rest = f" and {more} more" if more > 0 else ""
    return f"{character!r} (U+{ord(character):04X}) at {where}{rest}"
