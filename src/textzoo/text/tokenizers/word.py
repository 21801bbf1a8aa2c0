"""One token per word, digit, mark or blank, as textzoo.text.tokenizers.pieces cuts them."""

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from textzoo.common.errors import UserError
from textzoo.text.settings import TokenizerConfig
from textzoo.text.tokenizers.base import NO_TOKEN, REPLACEMENT, damaged, order_table, table_of
from textzoo.text.tokenizers.pieces import cut, is_piece, whole_parts
from textzoo.text.tokenizers.unknown import SURROGATES, UNKNOWN, check_policy, not_in_vocabulary
from textzoo.text.tokenizers.utf8 import Utf8Tokenizer

# Marks and blanks are single tokens: runs of them would be many rare tokens.
MAX_RUN = 1


class WordTokenizer(Utf8Tokenizer):
    """Words as tokens, by a look-up table; tokens are numbered in the order of `words`.

    Args:
        words: Distinct pieces; the index is the token.
        with_unknown: Whether the token <unk> is added, as the last one.
    """

    name = "word"

    def __init__(self, words: list[str], with_unknown: bool = False) -> None:
        written = [*words, *[REPLACEMENT] * with_unknown]
        super().__init__(
            words + [UNKNOWN] * with_unknown,
            [word.encode("utf-8") for word in written],
            len(words) if with_unknown else None,
        )
        self.table = {word: token for token, word in enumerate(words)}

    @classmethod
    def from_texts(cls, texts: list[str], config: TokenizerConfig) -> "WordTokenizer":
        """Return a tokenizer of the most frequent pieces of the texts, sorted by code point.

        With <unk>: pieces that occur at least `min_count` times, at most `vocabulary_size` tokens including <unk>; of
        equally frequent pieces, the first by code point. Without: all pieces; UserError if they exceed
        `vocabulary_size`.
        """
        counts = Counter(piece for text in texts for piece in cut(text, MAX_RUN))
        words = [piece for piece, count in counts.items() if count >= config.min_count and not SURROGATES.search(piece)]
        words.sort(key=lambda piece: (-counts[piece], piece))
        with_unknown = config.unknown == "unk"
        if not with_unknown:
            check_fits(len(words), config.vocabulary_size)
        elif config.vocabulary_size:
            words = words[: config.vocabulary_size - 1]
        return cls(sorted(words), with_unknown)

    @classmethod
    def from_file(cls, values: dict[str, Any], path: Path) -> "WordTokenizer":
        words, unknown_token = list(values["tokens"]), values["unknown_token"]
        if unknown_token is not None and words.pop() != UNKNOWN:
            raise damaged(path, f"{UNKNOWN!r} as the last token", f"unknown_token {unknown_token}")
        wrong = next((word for word in words if SURROGATES.search(word) or not is_piece(word, MAX_RUN)), None)
        if wrong is not None:
            raise damaged(path, "tokens of one word, digit, mark or blank each", repr(wrong[:40]))
        return cls(words, with_unknown=unknown_token is not None)

    def parts(self, text: str) -> Iterator[str]:
        """Yield parts of a text whose tokens, one part after the other, are those of the text."""
        return whole_parts(text)

    def encode(self, text: str, unknown: str = "error") -> np.ndarray:
        """Encode text to tokens (pieces,), uint16.

        Args:
            text: Any text.
            unknown: "error" or "unk", for pieces outside the vocabulary.

        Raises:
            UserError: Unknown pieces with "error", which are listed; or "unk" without <unk> in the vocabulary.
        """
        check_policy(unknown, self.unknown_token)
        tokens = np.fromiter((self.table.get(piece, NO_TOKEN) for piece in cut(text, MAX_RUN)), np.uint16)
        missing = tokens == NO_TOKEN
        if missing.any():
            if unknown == "error":
                raise self.unknown_words(text)
            tokens[missing] = self.unknown_token
        return tokens

    def tables(self) -> dict[str, int | np.ndarray]:
        """Return the bytes of all tokens one after the other, where each begins, and the words in their order."""
        words = self.token_bytes[: len(self.tokens) - (self.unknown_token is not None)]
        texts = b"".join(self.token_bytes)
        return {
            "words": len(words),
            "longest_run": MAX_RUN,
            "offsets": table_of([0, *itertools.accumulate(map(len, self.token_bytes))]),
            "texts": np.frombuffer(texts, np.uint8),
            "text_bytes": len(texts),
            "order": order_table(words),
        }

    def unknown_words(self, text: str) -> UserError:
        found, position = [], 0
        for piece in cut(text, MAX_RUN):
            if piece not in self.table:
                found.append((piece, position))
            position += len(piece)
        return not_in_vocabulary("word", found)


def check_fits(words: int, vocabulary_size: int | None) -> None:
    """Raise UserError if words would be left out, because there is no <unk> to replace them."""
    if vocabulary_size and words > vocabulary_size:
        raise UserError(
            "the corpus has more words than fit into the vocabulary",
            expected=f"tokenizer.vocabulary_size={vocabulary_size} or fewer",
            received=f"{words} different words, marks and blanks",
            remedy=f"tokenizer.unknown=unk keeps the most frequent and replaces the others by {UNKNOWN}.",
        )
