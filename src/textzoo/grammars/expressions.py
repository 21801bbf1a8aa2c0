"""Regular expressions as data: what every notation of a grammar is translated to.

An expression stands for a set of texts. `sequence`, `choice` and `repeat` simplify what they join, so that equal parts
cost nothing: NOTHING (no text at all) is the zero of a sequence, EMPTY (the text without characters) its one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from textzoo.common.errors import UserError

LAST_CODE_POINT = 0x10FFFF
SURROGATES = (0xD800, 0xDFFF)  # not characters: UTF-8 has no bytes for them
# Parts of an expression, with every repetition written out; more would make the automaton's construction slow.
MAX_SIZE = 200_000


@dataclass(frozen=True)
class Characters:
    """One character of a set.

    Attributes:
        ranges: First and last code point of each range, rising, disjoint, without surrogates.
    """

    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Sequence:
    """A text of each part, in their order."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True)
class Choice:
    """A text of one of the parts."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True)
class Repeat:
    """From `low` to `high` texts of a part; any number if `high` is None."""

    part: "Expression"
    low: int
    high: int | None


@dataclass(frozen=True)
class Both:
    """A text that both parts contain."""

    first: "Expression"
    second: "Expression"


@dataclass(frozen=True)
class Span:
    """A span of the input, whatever that will be (textzoo.grammars.spans)."""


Expression = Characters | Sequence | Choice | Repeat | Both | Span
INPUT_SPAN = Span()
EMPTY = Sequence(())
NOTHING = Choice(())


def characters(ranges: Iterable[tuple[int, int]]) -> Expression:
    """Return one character of any of the ranges, which may overlap; surrogates are left out."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(part for pair in ranges for part in without_surrogates(*pair)):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return Characters(tuple(merged)) if merged else NOTHING


def without_surrogates(first: int, last: int) -> list[tuple[int, int]]:
    low, high = SURROGATES
    parts = [(first, min(last, low - 1)), (max(first, high + 1), last)]
    return [(start, end) for start, end in parts if start <= end]


def complement(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the ranges of all code points that are in none of the given ones."""
    gaps, start = [], 0
    for first, last in sorted(ranges):
        if start < first:
            gaps.append((start, first - 1))
        start = max(start, last + 1)
    return [*gaps, (start, LAST_CODE_POINT)] if start <= LAST_CODE_POINT else gaps


ANY_CHARACTER = characters([(0, LAST_CODE_POINT)])


def text(value: str) -> Expression:
    """Return the expression of exactly this text."""
    return sequence(characters([(ord(character), ord(character))]) for character in value)


def sequence(parts: Iterable[Expression]) -> Expression:
    flat: list[Expression] = []
    for part in parts:
        if part == NOTHING:
            return NOTHING
        flat += part.parts if isinstance(part, Sequence) else [part]
    return flat[0] if len(flat) == 1 else Sequence(tuple(flat))


def choice(parts: Iterable[Expression]) -> Expression:
    flat: dict[Expression, None] = {}
    for part in parts:
        flat |= dict.fromkeys(part.parts if isinstance(part, Choice) else [part])
    return next(iter(flat)) if len(flat) == 1 else Choice(tuple(flat))


def repeat(part: Expression, low: int, high: int | None) -> Expression:
    if high == 0 or part == EMPTY:
        return EMPTY
    if part == NOTHING:
        return EMPTY if low == 0 else NOTHING
    return part if (low, high) == (1, 1) else Repeat(part, low, high)


def optional(part: Expression) -> Expression:
    return choice([EMPTY, part])


def size_of(expression: Expression) -> int:
    """Return the number of parts with every repetition written out."""
    match expression:
        case Characters(ranges):
            return len(ranges)
        case Sequence(parts) | Choice(parts):
            return 1 + sum(size_of(part) for part in parts)
        case Repeat(part, low, high):
            return 1 + size_of(part) * max(low, high or 0, 1)
        case Both(first, second):
            return 1 + size_of(first) + size_of(second)
    return 1  # a span, or a reference to a rule while rules are solved


def has_spans(expression: Expression) -> bool:
    """Return whether a text may hold a span of the input."""
    match expression:
        case Sequence(parts) | Choice(parts):
            return any(has_spans(part) for part in parts)
        case Repeat(part):
            return has_spans(part)
    return isinstance(expression, Span)


def check_size(expression: Expression, where: str) -> None:
    """Raise UserError if an expression is too large for an automaton."""
    if (size := size_of(expression)) > MAX_SIZE:
        raise UserError(
            f"{where} is too large",
            expected=f"at most {MAX_SIZE:,} characters and parts, with every repetition written out",
            received=f"{size:,}",
        )
