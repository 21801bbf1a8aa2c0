"""Checks of a board's facts: which are required, and which characters they may contain.

They are inserted unchanged into files and command lines of make, shells, linker scripts, C, CMake and QEMU. A board's
YAML is the user's own build instruction, but a text in it must never become an unintended command.
"""

import dataclasses
import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from textzoo.common.errors import UserError
from textzoo.common.registry import unknown_name
from textzoo.common.settings import default_of, type_text
from textzoo.targets.boards import FLASH, RAM, Board, Emulator
from textzoo.targets.cycles.timing import timing_mistakes
from textzoo.targets.usb_adapters import KINDS


class Alphabet(NamedTuple):
    """Allowed texts: those that match `pattern` completely, which `words` describe."""

    pattern: re.Pattern[str]
    words: str


# Part of a path, a file name, or an item of a list in a Makefile.
NAME = Alphabet(re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}"), "up to 64 letters, digits and . _ + -")
# Part of a macro or of a compiler's option; may be empty.
WORD = Alphabet(re.compile(r"[A-Za-z0-9_.-]{0,32}"), "up to 32 letters, digits and . _ -")
WORDS = ("platform", "family", "core", "variant", "power_supply", "cloud")
# A memory region of a linker script; the names in capitals are reserved by the scripts.
REGION = Alphabet(
    re.compile(
        r"(?!.*_WEIGHTS$)(?!(?:CODE|CONSTANTS|WEIGHTS|DATA|MEMORY|ORIGIN|LENGTH|STACK_BYTES)$)[A-Za-z_][A-Za-z0-9_]{0,31}"
    ),
    "up to 32 letters, digits and _; CODE, CONSTANTS, WEIGHTS, DATA and what ends in _WEIGHTS are reserved",
)
# A comment in C, make, CMake and linker scripts, or a line of Markdown.
LINE = Alphabet(
    re.compile(r"(?:(?!\*/|/\*)[^\\$`\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]){0,1000}"),
    "one line of up to 1,000 characters without \\ $ ` /* */",
)
PLAIN = r"[A-Za-z0-9 _./=:,+@%-]|\{(?:elf|bin|hex|uf2)\}|\$\(TARGET\)"
ARGUMENTS = Alphabet(
    re.compile(rf'(?:{PLAIN}|"(?:{PLAIN})*")*'),
    'letters, digits, spaces, _ . / = : , + @ % -, pairs of ", and {elf}, {bin}, {hex}, {uf2} and $(TARGET)',
)


def wrong_facts(board: Board, prefix: str) -> list[UserError]:
    """Return errors for facts of a board that are missing or unusable; `prefix` is put before keys."""
    empty = [entry.name for entry in required_facts() if getattr(board, entry.name) == default_of(entry)]
    return (
        wrong_characters(board, prefix)
        or missing_facts(empty, prefix)
        or [*missing_memories(board, prefix), *wrong_times(board, prefix), *wrong_adapters(board, prefix)]
    )


def required_facts() -> list[dataclasses.Field]:
    return [entry for entry in dataclasses.fields(Board) if entry.metadata.get("required")]


def missing_facts(names: Collection[str], prefix: str) -> list[UserError]:
    """Return an error for each required fact with one of these names."""
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


def wrong_adapters(board: Board, prefix: str) -> list[UserError]:
    return [
        unknown_name(f"adapter in {prefix}serial_adapters", name, KINDS)
        for name in board.serial_adapters
        if name not in KINDS
    ]


def wrong_times(board: Board, prefix: str) -> list[UserError]:
    """Return the errors in what a board says of time: it has either a model's timing, or an assumed constant."""
    if (board.timing is None) == (board.cycles_per_instruction is None):
        return [neither_or_both(board, prefix)]
    return [*timing_mistakes(board.timing, board.memories, board.core, prefix)] if board.timing else []


def neither_or_both(board: Board, prefix: str) -> UserError:
    return UserError(
        f"{prefix}timing or {prefix}cycles_per_instruction: a board has one of them",
        expected="timing (core and waits of each memory), or an assumed cycles_per_instruction",
        received="both" if board.timing else "neither",
        remedy="null removes the one that another file sets." if board.timing else "See docs/how_to/own_board.md.",
    )


def wrong_characters(board: Board, prefix: str) -> list[UserError]:
    """Return an error for every text of a board with characters that are not allowed where it is inserted."""
    return [
        UserError(f"{prefix}{key} has characters that are not allowed there", expected=words, received=ascii(text))
        for key, text, (pattern, words) in texts_of(board)
        if isinstance(text, str) and not pattern.fullmatch(text)
    ]


def texts_of(board: Board) -> Iterator[tuple[str, str, Alphabet]]:
    """Yield (key, text, alphabet) of every text that is inserted into a project."""
    yield "board", board.name, NAME
    yield from ((key, getattr(board, key), LINE) for key in ("title", "boot", "cycles_note"))
    yield from ((key, getattr(board, key), WORD) for key in WORDS)
    if board.uart:
        yield from ((f"uart.{key}", getattr(board.uart, key), WORD) for key in ("instance", "tx", "rx"))
    if board.led:
        yield from ((f"led.{key}", getattr(board.led, key), WORD) for key in ("pin", "ground"))
    yield from (("memories", memory.name, REGION) for memory in board.memories.values())
    for tool, arguments in (board.flash or {}).items():
        yield "flash", tool, NAME
        yield f"flash.{tool}", arguments, ARGUMENTS
    yield from ((f"timing.{key}", text, LINE) for key, text in texts_of_timing(board))
    for emulator in board.emulation.values():
        yield "emulation", emulator.name, NAME
        yield f"emulation.{emulator.name}.machine", emulator.machine, NAME
        yield f"emulation.{emulator.name}.note", emulator.note, LINE


def texts_of_timing(board: Board) -> Iterator[tuple[str, str]]:
    """Yield (key, text) of every text of a board's timing."""
    if board.timing:
        yield "anchor", board.timing.anchor
        yield from ((f"memories.{memory.name}.source", memory.source) for memory in board.timing.memories.values())
        if board.timing.level1:
            yield "level1.source", board.timing.level1.source


def check_twin(board: Board, emulator: Emulator, names: tuple[str, ...]) -> None:
    """Raise UserError if facts of an emulated board are missing (0 or None)."""
    missing = [name for name in names if not getattr(emulator, name)]
    if missing:
        raise UserError(
            f"no image can be built for the emulator {emulator.name} of {board.name}",
            expected=f"its {', '.join(names)}",
            received=f"no {', '.join(missing)}",
        )
