"""Base class of the tokenizers whose tokens are decoded to bytes of UTF-8: word, byte, bpe."""

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from textzoo.text.tokenizers.base import check_range, check_vocabulary_size, save_tokenizer

# Bytes 10xxxxxx continue a character; every other byte begins one.
CONTINUATION_MASK, CONTINUATION = 0xC0, 0x80


class Utf8Tokenizer:
    """A vocabulary of byte sequences; the bytes of a token never depend on the tokens around it.

    Args:
        tokens: The text of each token, for display and for tokenizer.json.
        token_bytes: The bytes that each token is decoded to.
        unknown_token: The token of <unk>, or None.
    """

    name = ""

    def __init__(self, tokens: list[str], token_bytes: list[bytes], unknown_token: int | None = None) -> None:
        check_vocabulary_size(len(tokens), "the corpus")
        self.tokens = tokens
        self.token_bytes = token_bytes
        self.unknown_token = unknown_token
        self.token_characters = np.array([characters_begun(text) for text in token_bytes])
        if unknown_token is not None:  # may represent any piece of text
            self.token_characters[unknown_token] = 0

    @property
    def vocabulary_size(self) -> int:
        return len(self.tokens)

    def decode(self, tokens: Any) -> str:
        """Decode tokens (n,) to text; invalid UTF-8 becomes U+FFFD, as with Python's errors="replace"."""
        tokens = check_range(tokens, self.vocabulary_size)
        return b"".join(self.token_bytes[token] for token in tokens.tolist()).decode("utf-8", "replace")

    def decode_stream(self, tokens: Iterable[int]) -> Iterator[str]:
        """Decode tokens one by one; hold back incomplete characters."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for token in tokens:
            if piece := decoder.decode(self.token_bytes[token]):
                yield piece
        if rest := decoder.decode(b"", final=True):
            yield rest

    def save(self, path: Path) -> None:
        save_tokenizer(path, self.name, self.tokens, self.unknown_token)


def characters_begun(text: bytes) -> int:
    """Return the number of UTF-8 characters that begin in these bytes."""
    return sum(byte & CONTINUATION_MASK != CONTINUATION for byte in text)
