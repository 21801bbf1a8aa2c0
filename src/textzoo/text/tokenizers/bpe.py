"""Byte-level BPE: the bytes of UTF-8, and merges of the most frequent pairs in the training text."""

import itertools
import json
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from textzoo.common.errors import UserError
from textzoo.text.settings import TokenizerConfig
from textzoo.text.tokenizers.base import damaged, save_tokenizer
from textzoo.text.tokenizers.byte import BYTE_TOKENS
from textzoo.text.tokenizers.pieces import MAX_PIECE_BYTES, cut, whole_parts
from textzoo.text.tokenizers.registry import BPE_VOCABULARY, BYTES
from textzoo.text.tokenizers.unknown import check_policy, check_surrogates, utf8
from textzoo.text.tokenizers.utf8 import Utf8Tokenizer

# "...", "--" and "\n\n" may become tokens.
MAX_RUN = 8
# Encoded pieces are cached, because a few pieces make up most of a text.
MAX_CACHED_PIECES = 1 << 17

Pair = tuple[int, int]


class BpeTokenizer(Utf8Tokenizer):
    """Byte-level BPE: tokens 0 to 255 are the bytes, token 256 + i is the result of merge i.

    Args:
        merges: Pairs of tokens in the order of their priority; merge i combines tokens below 256 + i.
    """

    name = "bpe"

    def __init__(self, merges: list[Pair]) -> None:
        token_bytes = [bytes([byte]) for byte in range(BYTES)]
        for left, right in merges:
            token_bytes.append(token_bytes[left] + token_bytes[right])
        super().__init__([text.decode("latin-1") for text in token_bytes], token_bytes)
        self.merges = merges
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.known: dict[str, list[int]] = {}

    @classmethod
    def from_texts(cls, texts: list[str], config: TokenizerConfig) -> "BpeTokenizer":
        """Train on texts with Hugging Face's `tokenizers`; the same texts always give the same merges.

        Raises:
            UserError: Too few pairs of the texts occur `min_count` times for `vocabulary_size` tokens.
        """
        for text in texts:
            check_surrogates(text)
        size = config.vocabulary_size or BPE_VOCABULARY[0]
        merges = train_merges((piece for text in texts for piece in cut(text, MAX_RUN)), size, config.min_count)
        if len(merges) + BYTES < size:
            raise UserError(
                "the corpus is too small for the requested vocabulary",
                expected=f"tokenizer.vocabulary_size of at most {len(merges) + BYTES}",
                received=str(size),
                remedy="Use more text or a smaller vocabulary; a lower tokenizer.min_count finds more pairs; "
                "tokenizer=word and tokenizer=char suit small corpora.",
            )
        return cls(merges)

    @classmethod
    def from_file(cls, values: dict[str, Any], path: Path) -> "BpeTokenizer":
        tokens = values["tokens"]
        smallest, largest = BPE_VOCABULARY
        if not smallest <= len(tokens) <= largest or tokens[:BYTES] != BYTE_TOKENS:
            raise damaged(path, f"{smallest} to {largest} tokens, the first U+0000 to U+00FF", f"{len(tokens)} others")
        if values["unknown_token"] is not None:
            raise damaged(path, "no unknown_token in kind bpe", str(values["unknown_token"]))
        return cls(checked_merges(values.get("merges"), tokens, path))

    def parts(self, text: str) -> Iterator[str]:
        """Yield parts of a text whose tokens, one part after the other, are those of the text."""
        return whole_parts(text)

    def encode(self, text: str, unknown: str = "error") -> np.ndarray:
        """Encode text to tokens (n,), uint16.

        Raises:
            UserError: The text has lone surrogates, which UTF-8 cannot encode; or unknown="unk".
        """
        check_policy(unknown, self.unknown_token)
        utf8(text)
        tokens = array("H")
        for piece in cut(text, MAX_RUN):
            tokens.extend(self.known.get(piece) or self.encode_piece(piece))
        return np.array(tokens, np.uint16)

    def encode_piece(self, piece: str) -> list[int]:
        """Return the tokens of one piece; repeatedly merge the pair with the highest priority."""
        tokens = list(piece.encode("utf-8"))
        while (rank := self.best_rank(tokens)) is not None:
            tokens = list(merged(tokens, self.merges[rank], BYTES + rank))
        if len(self.known) < MAX_CACHED_PIECES:
            self.known[piece] = tokens
        return tokens

    def best_rank(self, tokens: list[int]) -> int | None:
        ranks = [rank for pair in itertools.pairwise(tokens) if (rank := self.ranks.get(pair)) is not None]
        return min(ranks, default=None)

    def tables(self) -> dict[str, int | np.ndarray]:
        """Return the pair of each merge, by which decoding works too, and the merges in the order of their pairs."""
        count = len(self.merges)
        return {
            "merges": count,
            "longest_run": MAX_RUN,
            "longest_piece": MAX_PIECE_BYTES,
            "pairs": np.array(self.merges, np.uint16).reshape(count, 2),
            "order": np.array(sorted(range(count), key=self.merges.__getitem__), np.uint16),
        }

    def save(self, path: Path) -> None:
        save_tokenizer(path, self.name, self.tokens, self.unknown_token, merges=[list(pair) for pair in self.merges])


def merged(tokens: list[int], pair: Pair, token: int) -> Iterator[int]:
    """Yield the tokens with every occurrence of a pair replaced, from left to right."""
    index = 0
    while index < len(tokens):
        found = tuple(tokens[index : index + 2]) == pair
        yield token if found else tokens[index]
        index += 2 if found else 1


def train_merges(pieces: Iterable[str], vocabulary_size: int, min_count: int) -> list[Pair]:
    """Return at most vocabulary_size - 256 merges, as Hugging Face's trainer finds them in the pieces.

    A merge whose result is already a token (by other merges) is left out, so that every merge has its own token, which
    keeps the format and the tables in C simple.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers  # only training needs it

    library = Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=min_count,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    library.train_from_iterator(pieces, trainer)
    return numbered(json.loads(library.to_str())["model"]["merges"])


def numbered(merges: list[list[str]]) -> list[Pair]:
    """Return the library's merges (bytes as printable characters) as pairs of tokens."""
    tokens = {character: byte for byte, character in enumerate(printable_bytes())}
    pairs: list[Pair] = []
    for left, right in merges:
        if left + right not in tokens:
            pairs.append((tokens[left], tokens[right]))
            tokens[left + right] = len(tokens)
    return pairs


def printable_bytes() -> list[str]:
    """Return the characters that represent the bytes 0 to 255 in GPT-2's byte-level BPE and in the library's files.

    Printable bytes represent themselves, the others are mapped to the characters from U+0100 on, in order.
    """
    themselves = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = itertools.count(0x100)
    return [chr(byte if byte in themselves else next(others)) for byte in range(BYTES)]


def checked_merges(merges: Any, tokens: list[str], path: Path) -> list[Pair]:
    """Return the checked merges of a tokenizer.json: each combines two earlier tokens, so that there are no cycles."""
    if not isinstance(merges, list) or len(merges) != len(tokens) - BYTES:
        raise damaged(path, f"merges: a list of {len(tokens) - BYTES} pairs", type(merges).__name__)
    for rank, pair in enumerate(merges):
        token = BYTES + rank
        if not is_pair(pair, token):
            raise damaged(path, f"merge {rank}: a pair of tokens below {token}", repr(pair)[:80])
        if len(tokens[token]) > MAX_PIECE_BYTES or tokens[pair[0]] + tokens[pair[1]] != tokens[token]:
            raise damaged(path, f"token {token}: merge {rank}, at most {MAX_PIECE_BYTES} bytes", repr(pair)[:80])
    return [(left, right) for left, right in merges]


def is_pair(pair: Any, limit: int) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(type(item) is int and 0 <= item < limit for item in pair)
