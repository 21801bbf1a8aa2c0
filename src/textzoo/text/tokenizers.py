"""Tokenizers: what they promise, the table of their kinds, and tokenizer.json.

tokenizer.json (docs/tokenizer_format.md) is one JSON object:

    {"format": "textzoo-tokenizer", "version": 1, "kind": "char", "unknown_token": null, "tokens": ["\\n", " ", "a"]}

`tokens` lists the vocabulary: the position is the token. `unknown_token` is the token of "<unk>", or null. A kind may
have keys of its own (BPE: "merges"); the kinds word, byte and bpe are reserved.
"""

import json
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from textzoo.errors import UserError
from textzoo.files import write_text
from textzoo.registry import Registry
from textzoo.schema import TokenizerConfig
from textzoo.text.strict_json import read_json_object

FORMAT = "textzoo-tokenizer"
VERSION = 1
UNKNOWN = "<unk>"
MIN_VOCABULARY = 2
# Token files are uint16; the largest value stays free, so that it can stand for "none".
MAX_VOCABULARY = 65535
MAX_FILE_BYTES = 1 << 24

TOKENIZERS = Registry("tokenizer", {"char": "textzoo.text.character_tokenizer:CharacterTokenizer"})


class Tokenizer(Protocol):
    """Text to tokens and back.

    Attributes:
        name: The kind, a key of TOKENIZERS.
        tokens: What each token stands for, as text.
        vocabulary_size: Number of tokens, 2 to 65535.
        unknown_token: The token of <unk>, or None.
    """

    name: str
    tokens: list[str]
    unknown_token: int | None

    @property
    def vocabulary_size(self) -> int: ...

    def encode(self, text: str, unknown: str = "error") -> np.ndarray:
        """Text -> tokens (n,), uint16.

        Args:
            text: Any text.
            unknown: What to do outside the vocabulary: "error" names the characters, "unk" takes the token <unk>.
        """

    def decode(self, tokens: Any) -> str:
        """Tokens (n,), any integer type -> text; <unk> becomes U+FFFD. ValueError outside the vocabulary."""

    def save(self, path: Path) -> None:
        """Write tokenizer.json, atomically; the same tokenizer always gives the same bytes."""

    @classmethod
    def from_texts(cls, texts: list[str], with_unknown: bool) -> "Tokenizer":
        """Make the vocabulary from texts."""

    @classmethod
    def from_file(cls, values: dict[str, Any], path: Path) -> "Tokenizer":
        """Make one from the checked common part of a tokenizer.json and this kind's own keys."""


def make_tokenizer(config: TokenizerConfig, training_text: str, validation_text: str = "") -> Tokenizer:
    """The tokenizer of `config.path`, or a new one for these texts.

    With the policy "error" the characters of the validation text belong to the vocabulary too: every character must be
    encodable, and tinyshakespeare's 65 are those of the whole text, as in nanoGPT. With "unk" the vocabulary is that of
    the training text and <unk>; what only the validation text has becomes <unk> there.
    """
    if config.path:
        return load_tokenizer(Path(config.path))
    with_unknown = config.unknown == "unk"
    texts = [training_text] if with_unknown else [training_text, validation_text]
    return TOKENIZERS.get(config.name).from_texts(texts, with_unknown)


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a tokenizer.json, trusting nothing in it; UserError says what is wrong with it."""
    path = Path(path)
    values = read_json_object(path, MAX_FILE_BYTES)
    for key, expected in (("format", FORMAT), ("version", VERSION)):
        if values.get(key) != expected or isinstance(values.get(key), bool):
            raise damaged(path, f"{key} {expected!r}", repr(values.get(key))[:80])
    check_tokens(values.get("tokens"), path)
    check_unknown_token(values, path)
    return TOKENIZERS.get(str(values.get("kind"))[:80]).from_file(values, path)


def save_tokenizer(path: Path, kind: str, tokens: list[str], unknown_token: int | None) -> None:
    """Write the common part of tokenizer.json; ASCII only, so that lone surrogates survive."""
    header = {"format": FORMAT, "version": VERSION, "kind": kind, "unknown_token": unknown_token, "tokens": tokens}
    write_text(Path(path), json.dumps(header, indent=1) + "\n")


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
    """UserError unless a vocabulary can be trained on and stored as uint16."""
    if not MIN_VOCABULARY <= size <= MAX_VOCABULARY:
        raise UserError(
            f"the vocabulary of {where} cannot be used",
            expected=f"{MIN_VOCABULARY} to {MAX_VOCABULARY} tokens",
            received=str(size),
        )


def damaged(path: Path, expected: str, received: str) -> UserError:
    return UserError(f"'{path}' is not a tokenizer.json that can be used", expected=expected, received=received)
