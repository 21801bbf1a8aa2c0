"""Folders prepared by nanoGPT: train.bin and val.bin (uint16 tokens), meta.pkl (the characters)."""

import pickle
import pickletools
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from textzoo.common.errors import UserError
from textzoo.common.files import read_bytes, require_file

# The largest vocabulary needs less, in both directions and in pickle's longest encoding.
MAX_META_BYTES = 1 << 22
MAX_META_OPCODES = 800_000
TOKEN_DTYPE = np.dtype("<u2")

# Every opcode that pickle writes for dict, list, str and int; none that could import, call or build an object.
PLAIN_OPCODES = frozenset(
    [
        *("PROTO", "FRAME", "STOP", "MARK", "MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "GET", "BINGET", "LONG_BINGET"),
        *("EMPTY_DICT", "DICT", "SETITEM", "SETITEMS", "EMPTY_LIST", "LIST", "APPEND", "APPENDS"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1"),
    ]
)


class PlainUnpickler(pickle.Unpickler):
    """An unpickler that imports nothing, as a second protection besides the check of opcodes."""

    def find_class(self, module_name: str, global_name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"it names {module_name}.{global_name}")


def read_plain_pickle(path: Path) -> Any:
    """Unpickle a file that holds only dict, list, str and int; nothing in it can run.

    Raises:
        UserError: It is missing, larger than 4 MiB, damaged, or holds anything else.
    """
    content = read_bytes(path, MAX_META_BYTES)
    try:
        check_opcodes(content)
        return PlainUnpickler(BytesIO(content)).load()
    except Exception as error:  # a malicious pickle can make the unpickler raise nearly any exception
        raise UserError(
            f"'{path}' was refused",
            expected="a pickle of dict, list, str and int only",
            received=str(error)[:200] or type(error).__name__,
            remedy="It may be damaged, or designed to run code: do not load it with other tools.",
        ) from None


def check_opcodes(content: bytes) -> None:
    """Raise ValueError at the first opcode that plain data does not need, without executing anything."""
    for count, (opcode, argument, position) in enumerate(pickletools.genops(content)):
        if count >= MAX_META_OPCODES:
            raise ValueError(f"more than {MAX_META_OPCODES:,} opcodes")
        if opcode.name not in PLAIN_OPCODES:
            raise ValueError(f"opcode {opcode.name} ({argument!r}) at byte offset {position}")
        if opcode.name.endswith("PUT") and argument > len(content):  # the memo is an array as long as its index
            raise ValueError(f"memo index {argument} at byte offset {position}")


def read_characters(folder: Path) -> list[str]:
    """Return the characters of meta.pkl in the order of their tokens.

    Raises:
        UserError: It is missing (e.g. token files of a BPE), refused, or not a table of single characters.
    """
    path = folder / "meta.pkl"
    if not path.exists():
        raise UserError(
            f"there is no meta.pkl in '{folder}'",
            expected="a folder prepared by nanoGPT's character-level prepare.py: train.bin, val.bin, meta.pkl",
            remedy="Token files without their characters (e.g. of a BPE) cannot be used; provide the text instead.",
        )
    meta = read_plain_pickle(path)
    table = meta.get("itos") if isinstance(meta, dict) else None
    if not isinstance(table, dict) or any(type(key) is not int for key in table):
        raise bad_table(path, "no dict 'itos' from tokens to characters")
    if sorted(table) != list(range(len(table))) or meta.get("vocab_size", len(table)) != len(table):
        raise bad_table(path, f"{len(table)} tokens that are not numbered from 0 to vocab_size - 1")
    characters = [table[token] for token in range(len(table))]
    if any(type(character) is not str or len(character) != 1 for character in characters):
        raise bad_table(path, "tokens that are not single characters")
    if len(set(characters)) != len(characters):
        raise bad_table(path, "a character with two tokens")
    return characters


def bad_table(path: Path, received: str) -> UserError:
    return UserError(
        f"'{path}' cannot be used", expected="itos: token -> character, 0 to vocab_size - 1", received=received
    )


def open_tokens(path: Path, vocabulary_size: int) -> np.memmap:
    """Memory-map a file of little-endian uint16 tokens, read-only, shape (tokens,).

    Raises:
        UserError: It is missing, empty, has an odd number of bytes, or tokens outside the vocabulary.
    """
    require_file(path)
    size = path.stat().st_size
    if size == 0 or size % TOKEN_DTYPE.itemsize:
        raise UserError(f"'{path}' is damaged", expected="uint16 tokens, two bytes each", received=f"{size} bytes")
    tokens = np.memmap(path, dtype=TOKEN_DTYPE, mode="r")
    largest = int(tokens.max())
    if largest >= vocabulary_size:
        raise UserError(
            f"'{path}' does not fit its vocabulary",
            expected=f"tokens below {vocabulary_size}",
            received=f"token {largest} at position {int(tokens.argmax())}",
        )
    return tokens
