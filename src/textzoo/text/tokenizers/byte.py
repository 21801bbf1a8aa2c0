"""One token per byte of UTF-8: 256 tokens encode any text."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from textzoo.text.settings import TokenizerConfig
from textzoo.text.tokenizers.base import damaged
from textzoo.text.tokenizers.pieces import equal_parts
from textzoo.text.tokenizers.registry import BYTES
from textzoo.text.tokenizers.unknown import check_policy, utf8
from textzoo.text.tokenizers.utf8 import Utf8Tokenizer

# In tokenizer.json a byte is the character with its value.
BYTE_TOKENS = [chr(byte) for byte in range(BYTES)]


class ByteTokenizer(Utf8Tokenizer):
    """The bytes of UTF-8 as tokens."""

    name = "byte"

    def __init__(self) -> None:
        super().__init__(list(BYTE_TOKENS), [bytes([byte]) for byte in range(BYTES)])

    @classmethod
    def from_texts(cls, texts: list[str], config: TokenizerConfig) -> "ByteTokenizer":
        """Return the tokenizer, which does not depend on the texts."""
        return cls()

    @classmethod
    def from_file(cls, values: dict[str, Any], path: Path) -> "ByteTokenizer":
        if values["tokens"] != BYTE_TOKENS or values["unknown_token"] is not None:
            raise damaged(path, "tokens U+0000 to U+00FF in order and no unknown_token", "others")
        return cls()

    def parts(self, text: str) -> Iterator[str]:
        """Yield parts of a text whose tokens, one part after the other, are those of the text."""
        return equal_parts(text)

    def encode(self, text: str, unknown: str = "error") -> np.ndarray:
        """Encode text to tokens (bytes of its UTF-8,), uint16.

        Raises:
            UserError: The text has lone surrogates, which UTF-8 cannot encode; or unknown="unk".
        """
        check_policy(unknown, self.unknown_token)
        return np.frombuffer(utf8(text), np.uint8).astype(np.uint16)

    def tables(self) -> dict[str, int | np.ndarray]:
        """Return none: a token is its byte."""
        return {}
