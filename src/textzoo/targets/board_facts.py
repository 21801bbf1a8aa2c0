"""What a board's facts must be: which are needed, and which characters they may have.

They reach make, shells, linker scripts, C, CMake and QEMU as they stand. A board's YAML is a user's own instruction for
building; a text in it is all the same never a command that it was not meant to be.
"""

import dataclasses
import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from textzoo.common.errors import UserError
from textzoo.common.settings import default_of, type_text
from textzoo.targets.boards import FLASH, RAM, Board, Emulator


class Alphabet(NamedTuple):
    """What a text may be: all of it matches `pattern`, which `words` describe."""

    pattern: re.Pattern[str]
    words: str


# Part of a path, of names of files and of lists in Makefiles.
NAME = Alphabet(re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}"), "up to 64 letters, digits and . _ + -")
# Part of macros and options of compilers; may be empty.
WORD = Alphabet(re.compile(r"[A-Za-z0-9_.-]{0,32}"), "up to 32 letters, digits and . _ -")
# Of a linker script; the capitals are names that the scripts give themselves.
REGION = Alphabet(
    re.compile(r"(?!(?:CODE|CONSTANTS|WEIGHTS|DATA|MEMORY|ORIGIN|LENGTH|STACK_BYTES)$)[A-Za-z_][A-Za-z0-9_]{0,31}"),
    "up to 32 letters, digits and _, and none of CODE, CONSTANTS, WEIGHTS, DATA, which mean something else there",
)
# A comment of C, make, CMake and linker scripts, or a line of Markdown.
LINE = Alphabet(
    re.compile(r"(?:(?!\*/|/\*)[^\\$`\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]){0,1000}"),
    "one line of up to 1,000 characters without \\ $ ` and the marks of comments",
)
PLAIN = r"[A-Za-z0-9 _./=:,+@%-]|\{(?:elf|bin|hex)\}|\$\(TARGET\)"
ARGUMENTS = Alphabet(
    re.compile(rf'(?:{PLAIN}|"(?:{PLAIN})*")*'),
    'letters, digits, spaces, _ . / = : , + @ % -, pairs of ", and {elf}, {bin}, {hex} and $(TARGET)',
)


def wrong_facts(board: Board, prefix: str) -> list[UserError]:
    """Facts of a board that are missing or that no project can be made from; `prefix` stands before keys."""
    empty = [entry.name for entry in required_facts() if getattr(board, entry.name) == default_of(entry)]
    return wrong_characters(board, prefix) or missing_facts(empty, prefix) or missing_memories(board, prefix)


def required_facts() -> list[dataclasses.Field]:
    return [entry for entry in dataclasses.fields(Board) if entry.metadata.get("required")]


def missing_facts(names: Collection[str], prefix: str) -> list[UserError]:
    """A mistake for each required fact of these names."""
    return [
        UserError(f"{prefix}{entry.name} is missing", expected=type_text(entry))
        for entry in required_facts()
        if entry.name in names
    ]


def missing_memories(board: Board, prefix: str) -> list[UserError]:
    return [
        UserError(f"{prefix}memories has no memory of kind {kind}", expected="both flash and ram")
        for kind in (FLASH, RAM)
        if board.memory(kind) is None
    ]


def wrong_characters(board: Board, prefix: str) -> list[UserError]:
    """A mistake for every text of a board that has characters which its place does not take."""
    return [
        UserError(f"{prefix}{key} has characters that its place does not take", expected=words, received=ascii(text))
        for key, text, (pattern, words) in texts_of(board)
        if isinstance(text, str) and not pattern.fullmatch(text)
    ]


def texts_of(board: Board) -> Iterator[tuple[str, str, Alphabet]]:
    """(key, text, alphabet) of all that a project is rendered with."""
    yield "board", board.name, NAME
    yield from ((key, getattr(board, key), LINE) for key in ("title", "boot", "cycles_note"))
    yield from ((key, getattr(board, key), WORD) for key in ("platform", "family", "core", "variant", "power_supply"))
    if board.uart:
        yield from ((f"uart.{key}", getattr(board.uart, key), WORD) for key in ("instance", "tx", "rx"))
    yield from (("memories", memory.name, REGION) for memory in board.memories.values())
    for tool, arguments in (board.flash or {}).items():
        yield "flash", tool, NAME
        yield f"flash.{tool}", arguments, ARGUMENTS
    for emulator in board.emulation.values():
        yield "emulation", emulator.name, NAME
        yield f"emulation.{emulator.name}.machine", emulator.machine, NAME
        yield f"emulation.{emulator.name}.note", emulator.note, LINE


def check_twin(board: Board, emulator: Emulator, names: tuple[str, ...]) -> None:
    """UserError for the facts of a twin that are missing: 0, or nothing at all."""
    missing = [name for name in names if not getattr(emulator, name)]
    if missing:
        raise UserError(
            f"the emulator {emulator.name} of {board.name} cannot be built for",
            expected=f"its {', '.join(names)}",
            received=f"no {', '.join(missing)}",
        )
