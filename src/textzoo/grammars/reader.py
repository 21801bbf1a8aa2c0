"""Reading a notation character by character, with errors that name the place."""

from collections.abc import Callable
from typing import NoReturn

from textzoo.common.errors import UserError
from textzoo.grammars.expressions import Expression, choice, repeat

MAX_DEPTH = 100  # of parentheses
MAX_REPETITIONS = 10_000
QUANTIFIERS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
HEXADECIMAL_DIGITS = {"x": 2, "u": 4, "U": 8}


class Reader:
    """A text and a place in it.

    Args:
        content: The text.
        name: What it is, for errors, e.g. "'commands.gbnf'".
    """

    def __init__(self, content: str, name: str) -> None:
        self.content = content
        self.name = name
        self.at = 0
        self.depth = 0

    @property
    def next(self) -> str:
        """The next character, or "" at the end."""
        return self.content[self.at : self.at + 1]

    def take(self) -> str:
        """Return the next character and go on behind it."""
        if not self.next:
            self.fail("more text")
        self.at += 1
        return self.content[self.at - 1]

    def skip(self, text: str) -> bool:
        """Go on behind a text if it comes next; return whether it does."""
        found = self.content.startswith(text, self.at)
        self.at += len(text) if found else 0
        return found

    def expect(self, text: str) -> None:
        if not self.skip(text):
            self.fail(f"'{text}'")

    def while_in(self, allowed: Callable[[str], bool]) -> str:
        """Return the characters up to the first one that is not allowed."""
        start = self.at
        while self.next and allowed(self.next):
            self.at += 1
        return self.content[start : self.at]

    def fail(self, expected: str, remedy: str = "") -> NoReturn:
        """Raise UserError that names line and column."""
        before = self.content[: self.at]
        line, column = before.count("\n") + 1, self.at - (before.rfind("\n") + 1) + 1
        received = repr(self.content[self.at : self.at + 20]) if self.next else "the end"
        raise UserError(
            f"{self.name} is wrong in line {line}, column {column}", expected=expected, received=received, remedy=remedy
        )

    def number(self) -> int:
        digits = self.while_in(lambda character: character in "0123456789")
        if not digits or len(digits) > len(str(MAX_REPETITIONS)) or int(digits) > MAX_REPETITIONS:
            self.fail(f"a number of repetitions up to {MAX_REPETITIONS:,}")
        return int(digits)

    def hexadecimal(self, kind: str) -> int:
        """Return the code point of an escape with x, u or U, which have 2, 4 and 8 digits."""
        count = HEXADECIMAL_DIGITS[kind]
        digits = self.content[self.at : self.at + count]
        if len(digits) < count or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
            self.fail(f"{count} hexadecimal digits")
        if int(digits, 16) > 0x10FFFF:
            self.fail("a character, at most 10ffff")
        self.at += count
        return int(digits, 16)

    def quantifiers(self, part: Expression) -> Expression:
        """Return a part with the quantifiers behind it: `*`, `+`, `?`, `{2}`, `{2,}`, `{2,5}`."""
        while self.next and self.next in "*+?{":
            part = repeat(part, *self.bounds())
        return part

    def bounds(self) -> tuple[int, int | None]:
        mark = self.take()
        if mark in QUANTIFIERS:
            return QUANTIFIERS[mark]
        low = 0 if self.next == "," else self.number()
        high: int | None = low
        if self.skip(","):
            high = None if self.next == "}" else self.number()
        self.expect("}")
        if high is not None and high < low:
            self.fail(f"an upper bound of at least {low}")
        return low, high

    def enter(self) -> None:
        """Count a parenthesis; fail if they are nested too deeply."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(f"at most {MAX_DEPTH} nested parentheses")

    def leave(self) -> None:
        self.depth -= 1


def alternatives(reader: Reader, one: Callable[[], Expression]) -> Expression:
    """Read what `one` reads, again behind each `|`."""
    found = [one()]
    while reader.skip("|"):
        found.append(one())
    return choice(found)
