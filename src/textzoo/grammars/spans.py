"""Spans of the input: whole words of what the user said, copied into a string of JSON as they stand there.

A character is a blank (U+0000 to U+0020), part of a word (letters and digits, and all from U+0080 on), or another one.
A span begins before and ends behind a character that is no blank, where its neighbour is of another class or missing:
of "it's 50%." the spans are all that begin with it, ', s, 50, %. and end with one of them. Its text is the contents of
a string that json.dumps writes with ensure_ascii=False. Of an escaped input, without blanks at its end, the last
MAX_BYTES count, from the beginning of a character on. An input without any span, or with none that a vocabulary can
spell, has one: the empty text.

deployment/application/span.c does the same on a device.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from textzoo.common.errors import UserError
from textzoo.grammars.automaton import QUOTE, SPAN, Automaton
from textzoo.text.tokenizers.base import REPLACEMENT
from textzoo.text.tokenizers.unknown import SURROGATES

MAX_BYTES = 254  # of an escaped input: a device has a byte and a bit for each of its 255 positions
UNREACHABLE = np.iinfo(np.int32).max
BLANK, WORD, OTHER = range(3)
BLANKS = "".join(map(chr, range(0x21)))
FIRST_CONTROL, FIRST_PLAIN = "\0", " "  # control characters are escaped in a span
Spellings = Mapping[bytes, tuple[int, ...]]


def class_of(character: str) -> int:
    if character in BLANKS:
        return BLANK
    return WORD if character >= "\x80" or character.isalnum() else OTHER


@dataclass(frozen=True)
class Escaped:
    """An input as it would stand in a string of JSON.

    Attributes:
        content: UTF-8, at most MAX_BYTES.
        starts: Positions in `content`, rising, at which a span may begin; one at least.
        ends: Those at which one may end.
    """

    content: bytes
    starts: tuple[int, ...]
    ends: frozenset[int]


NO_WORDS = Escaped(b"", (0,), frozenset([0]))


def escaped(text: str) -> Escaped:
    """Return an input, escaped, with the positions at which spans begin and end."""
    last = end_of_input(text)
    pieces = [spelled(character) for character in last]
    classes = [class_of(character) for character in last]
    size = sum(map(len, pieces))
    content, starts, ends = b"", [], []
    for index, piece in enumerate(pieces):
        if size <= MAX_BYTES:
            if is_border(classes, index) and classes[index] != BLANK:
                starts.append(len(content))
            content += piece
            if is_border(classes, index + 1) and classes[index] != BLANK:
                ends.append(len(content))
        else:
            size -= len(piece)
    return Escaped(content, tuple(starts), frozenset(ends)) if starts else NO_WORDS


def end_of_input(text: str) -> str:
    """Return the end of an input that has the same spans: what counts, and one character more, its neighbour."""
    last, size = SURROGATES.sub(REPLACEMENT, text.rstrip(BLANKS)[-MAX_BYTES - 1 :]), 0
    for index in reversed(range(len(last))):
        size += len(spelled(last[index]))
        if size > MAX_BYTES:
            return last[index:]
    return last


def spelled(character: str) -> bytes:
    """Return the UTF-8 of a character as it stands in a string of JSON."""
    return json.dumps(character, ensure_ascii=False)[1:-1].encode()


def is_border(classes: list[int], index: int) -> bool:
    """Return whether a class ends before an index: at both ends, and where the next character is of another one."""
    return index in (0, len(classes)) or classes[index - 1] != classes[index]


class InputSpans:
    """The spans of an input, as tokens of a vocabulary.

    Args:
        text: The input.
        spellings: By UTF-8, the tokens that are written so.

    Attributes:
        starts: Positions at which a span may begin.
        steps: By position, (token, position behind it) for each token that stands there.
        distances: By position, tokens of the shortest way to the end of a span; UNREACHABLE where there is none.
        shortest: Tokens of the shortest span.
    """

    def __init__(self, text: str, spellings: Spellings) -> None:
        self.starts: tuple[int, ...] = NO_WORDS.starts
        self.steps: list[list[tuple[int, int]]] = [[]]
        self.distances, self.shortest = [0], 0
        found = escaped(text)
        steps = steps_of(found.content, spellings)
        distances = distances_of(steps, found.ends)
        shortest = min(nearest(steps[position], distances) for position in found.starts)
        if shortest < UNREACHABLE:
            self.starts, self.steps, self.distances, self.shortest = found.starts, steps, distances, shortest


def steps_of(content: bytes, spellings: Spellings) -> list[list[tuple[int, int]]]:
    """Return, by position in a content, (token, position behind it) for each token that stands there."""
    sizes = sorted({len(spelling) for spelling in spellings})
    return [
        [
            (token, position + size)
            for size in sizes
            if position + size <= len(content)
            for token in spellings.get(content[position : position + size], ())
        ]
        for position in range(len(content) + 1)
    ]


def distances_of(steps: list[list[tuple[int, int]]], ends: frozenset[int]) -> list[int]:
    """Return, by position, the tokens of the shortest way to an end; UNREACHABLE where there is none."""
    distances = [UNREACHABLE] * len(steps)
    for position in reversed(range(len(steps))):
        distances[position] = 0 if position in ends else nearest(steps[position], distances)
    return distances


def nearest(steps: list[tuple[int, int]], distances: list[int]) -> int:
    """Return the tokens of the shortest way that begins with one of some steps."""
    return min((distances[behind] + 1 for _, behind in steps if distances[behind] < UNREACHABLE), default=UNREACHABLE)


class SpanPlace:
    """A place in a span while it is written: what was written may have begun at several places of the input.

    Args:
        spans: Those of the input.

    Attributes:
        positions: Where in the escaped input the text may have come to.
        has_begun: Whether it has a token.
        distance: Tokens of the shortest way to the end of a span.
    """

    def __init__(self, spans: InputSpans) -> None:
        self.spans = spans
        self.positions = spans.starts
        self.has_begun = False
        self.distance = spans.shortest

    def allowed(self, most: int) -> list[int]:
        """Return the tokens with which the span goes on and after which it can end within `most` tokens."""
        steps = (step for position in self.positions for step in self.spans.steps[position])
        return [token for token, behind in steps if self.spans.distances[behind] <= most]

    def advance(self, token: int) -> bool:
        """Go on behind a token; return False, and stay, if the span cannot go on with it."""
        steps = (step for position in self.positions for step in self.spans.steps[position])
        following = tuple(sorted({behind for found, behind in steps if found == token}))
        if following:
            self.positions, self.has_begun = following, True
            self.distance = min(self.spans.distances[position] for position in following)
        return bool(following)


def check_places(automaton: Automaton, name: str) -> None:
    """Raise UserError unless every span of a grammar stands between quotes, and no other text beside it.

    So whether a token belongs to the span or stands behind it can be told from the token: an escaped span has no quote.
    """
    into_span = np.flatnonzero(automaton.table[:, SPAN])
    behind = automaton.table[into_span, SPAN]
    by_other_symbols = np.append(np.delete(automaton.table, QUOTE, axis=1), automaton.start)
    for states, reason in [
        (into_span[has_others(automaton, into_span, SPAN)], "where another text could begin"),
        (into_span[np.isin(into_span, by_other_symbols)], "with no quote before it"),
        (behind[has_others(automaton, behind, QUOTE)], "with no quote behind it"),
    ]:
        if len(states):
            raise UserError(
                f"{name} has a span of the input {reason}",
                expected='each span between quotes, alone: "\\"" input-span "\\""',
                received=f"behind {shortest_text(automaton, int(states[0]))[-60:]!r}",
                remedy="Let texts that are not copied differ from it before its first quote, or leave them out.",
            )


def has_others(automaton: Automaton, states: np.ndarray, symbol: int) -> np.ndarray:
    """Return (n,) bool, whether a text may end in each of some states (n,), or go on with anything but a symbol."""
    return automaton.accepting[states] | np.delete(automaton.table[states], symbol, axis=1).any(axis=1)


def shortest_text(automaton: Automaton, wanted: int) -> str:
    """Return the shortest text that leads to a state, for errors; a span is shown as {input-span}."""
    texts, waiting = {automaton.start: b""}, [automaton.start]
    for state in waiting:  # grows while it is read
        for symbol in np.flatnonzero(automaton.table[state]):
            following = int(automaton.table[state, symbol])
            if following not in texts:
                texts[following] = texts[state] + (b"{input-span}" if symbol == SPAN else bytes([symbol]))
                waiting.append(following)
    return texts[wanted].decode(errors="replace")


def check_stops(automaton: Automaton, stops: Iterable[str], name: str) -> None:
    """Raise UserError if a stop text could stand in a span, or begin or end there.

    A span stands between quotes and has no control character, so that no stop text can which begins with one and holds
    no quote.
    """
    for stop in stops if automaton.has_spans else ():
        if not FIRST_CONTROL <= stop[0] < FIRST_PLAIN or '"' in stop:
            raise UserError(
                f"the stop text {stop[:40]!r} could stand in a span of the input, which {name} has",
                expected="one that begins with a line end or another control character, and has no quote",
                received=repr(stop[:40]),
            )


def spellings_of(token_bytes: Iterable[bytes], without: int | None) -> Spellings:
    """Return the tokens by their UTF-8, but for one (<unk>)."""
    found: dict[bytes, tuple[int, ...]] = {}
    for token, content in enumerate(token_bytes):
        if token != without:
            found[content] = (*found.get(content, ()), token)
    return found
