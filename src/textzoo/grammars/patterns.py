"""Regular expressions of JSON Schema (ECMA-262), as far as they are regular, for the spelling of texts in JSON."""

import functools
from collections.abc import Callable

from textzoo.grammars.expressions import (
    EMPTY,
    LAST_CODE_POINT,
    Expression,
    complement,
    repeat,
    sequence,
)
from textzoo.grammars.reader import Reader, alternatives

Ranges = list[tuple[int, int]]
DIGITS: Ranges = [(0x30, 0x39)]
WORD: Ranges = [*DIGITS, (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)]
SPACE: Ranges = [(9, 13), (0x20, 0x20)]
LINE_ENDS: Ranges = [(10, 10), (13, 13), (0x2028, 0x2029)]
SETS = {"d": DIGITS, "w": WORD, "s": SPACE}
# What ECMA-262 or another engine (Python's re) counts to a set beside ASCII, so that it is not in the negated set.
COUNTED = {
    "D": str.isdecimal,
    "W": lambda character: character.isalnum() or character == "_",
    "S": lambda character: character.isspace() or character == "\ufeff",
}
CONTROLS = {"n": 10, "r": 13, "t": 9, "f": 12, "v": 11, "0": 0}
# What is not regular, or depends on the text around it, with its name.
REFUSED = {"(?=": "lookahead", "(?!": "lookahead", "(?<=": "lookbehind", "(?<!": "lookbehind", "\\b": "word boundary"}
REFUSED |= {"\\B": "word boundary", "\\k": "reference to a group", "\\p": "Unicode property", "\\P": "Unicode property"}
REFUSED |= {f"\\{digit}": "reference to a group" for digit in range(1, 10)}


@functools.cache
def negated(mark: str) -> Ranges:
    r"""Return the characters of \D, \W or \S that are in them for every engine; those of \d, \w and \s are ASCII."""
    counted = COUNTED[mark]
    return complement((code, code) for code in range(LAST_CODE_POINT + 1) if counted(chr(code)))


def pattern(content: str, name: str, spelled: Callable[[Ranges], Expression]) -> Expression:
    """Return the texts in which a pattern is found.

    Args:
        content: A regular expression; without `^` and `$` it may be found anywhere in the text.
        name: What it is, for errors.
        spelled: The expression of one character of some ranges.

    Raises:
        UserError: It is not valid, or not regular.
    """
    parser = PatternParser(Reader(content, name), spelled)
    found = alternatives(parser.reader, parser.searched)
    if parser.reader.next:
        parser.reader.fail("a pattern whose parentheses match")
    return found


class PatternParser:
    """The grammar of patterns, one method for each of its rules."""

    def __init__(self, reader: Reader, spelled: Callable[[Ranges], Expression]) -> None:
        self.reader = reader
        self.spelled = spelled
        self.anything = repeat(spelled([(0, LAST_CODE_POINT)]), 0, None)

    def searched(self) -> Expression:
        """Read one of the alternatives of the whole pattern, with its own `^` and `$`."""
        before = EMPTY if self.reader.skip("^") else self.anything
        parts = self.parts()
        after = EMPTY if self.reader.skip("$") else self.anything
        if self.reader.next not in ("", "|", ")"):
            self.reader.fail("nothing behind '$' but the end or '|'")
        return sequence([before, *parts, after])

    def parts(self) -> list[Expression]:
        parts = []
        while self.reader.next not in ("", "|", ")", "$"):
            part = self.part()
            if self.reader.next and self.reader.next in "*+?{":
                part = repeat(part, *self.reader.bounds())
                self.reader.skip("?")  # a lazy quantifier finds the same texts
            parts.append(part)
        return parts

    def part(self) -> Expression:
        reader = self.reader
        for mark, what in REFUSED.items():
            if reader.content.startswith(mark, reader.at):
                reader.fail(f"a pattern without {what}", "An automaton cannot decide it.")
        if reader.next in "*+?{}]":
            reader.fail("something to repeat before a quantifier; a backslash before the character itself")
        if reader.next == "^":
            reader.fail("'^' and '$' at the ends of the whole pattern or of its alternatives")
        if reader.skip("("):
            return self.group()
        if reader.skip("["):
            return self.spelled(self.character_set())
        if reader.skip("."):
            return self.spelled(complement(LINE_ENDS))
        return self.spelled(self.escape() if reader.skip("\\") else self.own(reader.take()))

    @staticmethod
    def own(character: str) -> Ranges:
        return [(ord(character), ord(character))]

    def group(self) -> Expression:
        if self.reader.next == "?":
            self.reader.expect("?:")
        self.reader.enter()
        found = alternatives(self.reader, lambda: sequence(self.parts()))
        if self.reader.next == "$":
            self.reader.fail("'^' and '$' at the ends of the whole pattern or of its alternatives")
        self.reader.expect(")")
        self.reader.leave()
        return found

    def escape(self) -> Ranges:
        mark = self.reader.take()
        if mark in SETS:
            return SETS[mark]
        if mark in COUNTED:
            return negated(mark)
        if mark in CONTROLS:
            return [(CONTROLS[mark], CONTROLS[mark])]
        if mark in "xu":
            code_point = self.reader.hexadecimal(mark)
            return [(code_point, code_point)]
        if mark.isalnum():
            self.reader.at -= 1
            self.reader.fail("an escape of ECMA-262 such as \\d, \\n, \\x41, \\u00e9, \\.")
        return self.own(mark)

    def character_set(self) -> Ranges:
        """Read a set behind its `[`."""
        is_negated, ranges = self.reader.skip("^"), []
        while not self.reader.skip("]"):
            first = self.escape() if self.reader.skip("\\") else self.own(self.reader.take())
            ranges += self.range_from(first)
        return complement(ranges) if is_negated else ranges

    def range_from(self, first: Ranges) -> Ranges:
        """Read the rest of a range such as a-z behind its first character, if it is one."""
        following = self.reader.content[self.reader.at : self.reader.at + 2]
        if len(following) < 2 or following[0] != "-" or following[1] == "]":
            return first
        self.reader.expect("-")
        last = self.escape() if self.reader.skip("\\") else self.own(self.reader.take())
        is_range = len(first) == len(last) == 1 and first[0][0] == first[0][1] and last[0][0] == last[0][1]
        if not is_range or last[0][0] < first[0][0]:
            self.reader.fail("a range from a lower to a higher character")
        return [(first[0][0], last[0][0])]
