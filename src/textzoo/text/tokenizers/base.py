r"""The interface of tokenizers, and tokenizer.json.

tokenizer.json (docs/reference/tokenizer_format.md) is one JSON object:

    {"format": "textzoo-tokenizer", "version": 1, "kind": "char", "unknown_token": null, "tokens": ["\n", " ", "a"]}

`tokens` lists the vocabulary: the index is the token. `unknown_token` is the token of "<unk>", or null. A kind may
have additional keys (bpe: "merges").
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from textzoo.common.errors import UserError
from textzoo.common.files import write_text
from textzoo.common.untrusted_json import read_json_object
from textzoo.text.settings import TokenizerConfig
from textzoo.text.tokenizers.registry import KINDS, TOKENIZERS
from textzoo.text.tokenizers.unknown import UNKNOWN

FORMAT = "textzoo-tokenizer"
VERSION = 1
REPLACEMENT = "\ufffd"
MIN_VOCABULARY = 2
# Token files are uint16; the largest value is reserved for "no token".
MAX_VOCABULARY = 65535
NO_TOKEN = 0xFFFF
MAX_FILE_BYTES = 1 << 24


class Tokenizer(Protocol):
    """Encodes text to tokens and decodes them.

    Attributes:
        name: The kind, a key of TOKENIZERS.
        tokens: The text of each token.
        token_bytes: The UTF-8 that each token is decoded to; U+FFFD for <unk>.
        token_characters: (vocabulary_size,) number of characters that begin in each token; 0 for an <unk> that may
            represent any number of them.
        vocabulary_size: Number of tokens, 2 to 65535.
        unknown_token: The token of <unk>, or None.
    """

    name: str
    tokens: list[str]
    token_bytes: list[bytes]
    token_characters: np.ndarray
    unknown_token: int | None

    @property
    def vocabulary_size(self) -> int: ...

    def parts(self, text: str) -> Iterator[str]:
        """Yield parts of a text, so that a long one is encoded part by part: their tokens are those of the text."""

    def encode(self, text: str, unknown: str = "error") -> np.ndarray:
        """Encode text to tokens (n,), uint16.

        Args:
            text: Any text.
            unknown: For text outside the vocabulary: "error" raises UserError that lists it, "unk" uses <unk>.
        """

    def decode(self, tokens: Any) -> str:
        """Decode tokens (n,) of any integer type to text; raise ValueError outside the vocabulary.

        <unk> becomes U+FFFD, and so does invalid UTF-8 in kinds whose tokens are bytes.
        """

    def decode_stream(self, tokens: Iterable[int]) -> Iterator[str]:
        """Decode tokens one by one; yield non-empty pieces that together are decode(tokens)."""

    def tables(self) -> dict[str, int | np.ndarray]:
        """Return what its C reads: numbers, and tables by name with the types that they have in C."""

    def save(self, path: Path) -> None:
        """Write tokenizer.json atomically; equal tokenizers write equal bytes."""

    @classmethod
    def from_texts(cls, texts: list[str], config: TokenizerConfig) -> "Tokenizer":
        """Train the vocabulary on texts, with <unk> if config.unknown is "unk"."""

    @classmethod
    def from_file(cls, values: dict[str, Any], path: Path) -> "Tokenizer":
        """Return the tokenizer of a tokenizer.json whose common part was checked; check this kind's own keys."""


def make_tokenizer(config: TokenizerConfig, training_text: str, validation_text: str = "") -> Tokenizer:
    """Return the tokenizer of `config.path`, or train one on these texts.

    If the vocabulary is closed (char, word) and the policy is "error", it includes the validation text: everything must
    be encodable, and tinyshakespeare's 65 characters are those of the whole text, as in nanoGPT. With "unk" it is that
    of the training text and <unk>; what only the validation text contains becomes <unk>. BPE encodes any text, so it
    is trained on the training text alone.
    """
    if config.path:
        return load_tokenizer(Path(config.path))
    needs_all = KINDS[config.name].is_closed and config.unknown == "error"
    texts = [training_text, validation_text] if needs_all else [training_text]
    return TOKENIZERS.get(config.name).from_texts(texts, config)


def encoded(tokenizer: Tokenizer, text: str, unknown: str) -> Iterator[np.ndarray]:
    """Yield the tokens of a text in parts, uint16; a UserError is that of the whole text."""
    try:
        for part in tokenizer.parts(text):
            yield tokenizer.encode(part, unknown)
    except UserError:
        tokenizer.encode(text, unknown)  # lists all that is wrong, by its positions in the text
        raise


def load_tokenizer(path: Path) -> Tokenizer:
    """Read and check an untrusted tokenizer.json; raise UserError if it is invalid."""
    path = Path(path)
    values = read_json_object(path, MAX_FILE_BYTES)
    for key, expected in (("format", FORMAT), ("version", VERSION)):
        if values.get(key) != expected or isinstance(values.get(key), bool):
            raise damaged(path, f"{key} {expected!r}", repr(values.get(key))[:80])
    check_tokens(values.get("tokens"), path)
    check_unknown_token(values, path)
    return TOKENIZERS.get(str(values.get("kind"))[:80]).from_file(values, path)


def save_tokenizer(path: Path, kind: str, tokens: list[str], unknown_token: int | None, **own_keys: Any) -> None:
    """Write tokenizer.json: the common part and a kind's own keys; ASCII only, so that lone surrogates are kept."""
    header = {"format": FORMAT, "version": VERSION, "kind": kind, "unknown_token": unknown_token, "tokens": tokens}
    write_text(Path(path), json.dumps({**header, **own_keys}, indent=1) + "\n")


def check_range(tokens: Any, vocabulary_size: int) -> np.ndarray:
    """Return tokens as an array; raise ValueError unless all are in the vocabulary."""
    tokens = np.asarray(tokens)
    if tokens.size and not 0 <= int(tokens.min()) <= int(tokens.max()) < vocabulary_size:
        raise ValueError(f"tokens must be in [0, {vocabulary_size}), got {tokens.min()} to {tokens.max()}")
    return tokens.astype(np.intp)


def table_of(values: Sequence[int]) -> np.ndarray:
    """Return numbers as a table of the smallest type that holds them: uint8, uint16 or uint32."""
    return np.array(values, np.min_scalar_type(max(values, default=0)))


def order_table(keys: Sequence[Any]) -> np.ndarray:
    """Return the places of distinct keys by rising key; empty for keys that rise already and need no table."""
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return table_of([] if order == list(range(len(order))) else order)


def check_tokens(tokens: Any, path: Path) -> None:
    if not isinstance(tokens, list) or any(type(token) is not str or not token for token in tokens):
        raise damaged(path, "tokens: a list of texts", type(tokens).__name__)
    if len(set(tokens)) != len(tokens):
        seen: set[str] = set()
        twice = next(token for token in tokens if token in seen or seen.add(token))
        raise damaged(path, "distinct tokens", f"{twice[:20]!r} twice")
    check_vocabulary_size(len(tokens), f"'{path}'")


def check_unknown_token(values: dict[str, Any], path: Path) -> None:
    token, tokens = values.get("unknown_token"), values["tokens"]
    if token is None:
        return
    if type(token) is not int or not 0 <= token < len(tokens) or tokens[token] != UNKNOWN:
        raise damaged(path, f"unknown_token: null, or the position of {UNKNOWN!r} in tokens", repr(token)[:80])


def check_vocabulary_size(size: int, where: str) -> None:
    """Raise UserError unless a vocabulary can be trained on and stored as uint16."""
    if not MIN_VOCABULARY <= size <= MAX_VOCABULARY:
        raise UserError(
            f"the vocabulary of {where} cannot be used",
            expected=f"{MIN_VOCABULARY} to {MAX_VOCABULARY} tokens",
            received=str(size),
        )


def damaged(path: Path, expected: str, received: str) -> UserError:
    return UserError(f"'{path}' is not a valid tokenizer.json", expected=expected, received=received)
