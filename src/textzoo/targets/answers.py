"""What a device answers, believed only where it is possible."""

from collections.abc import Iterable
from typing import Any

from textzoo.common.errors import UserError, raise_all

# Units of a counter, bytes: nothing that is counted here is larger.
LARGEST = 2**63 - 1
FLASH_AGAIN = "Is this firmware of TextZoo, and of this version? Write it again: make flash in the deployed project."


class Answer:
    """The fields of one reply, read by kind; mistakes are collected until `check`.

    Args:
        reply: As `Console.command` gives it.
        name: Of the device, for errors.
    """

    def __init__(self, reply: dict[str, Any], name: str) -> None:
        self.reply, self.name = reply, name
        self.errors: list[UserError] = []

    def whole(self, key: str, low: int = 0, high: int = LARGEST, default: int | None = None) -> int:
        """A whole number from `low` to `high`; `default` (None: a mistake) where the key is missing."""
        value = self.reply.get(key, default)
        if type(value) is not int or not low <= value <= high:
            return self.wrong(key, f"a whole number, {low:,} to {high:,}", low)
        return value

    def text(self, key: str, known: Iterable[str] = ()) -> str:
        """A text, one of `known` where there are some."""
        value, known = self.reply.get(key), list(known)
        if not isinstance(value, str) or (known and value not in known):
            return self.wrong(key, f"one of {', '.join(known)}" if known else "a text", "")
        return value

    def wrong(self, key: str, expected: str, instead: Any) -> Any:
        received = repr(self.reply[key])[:80] if key in self.reply else "nothing"
        what = f"{self.name} answers {self.reply.get('reply')!r} with a wrong {key}"
        self.errors.append(UserError(what, expected=expected, received=received, remedy=FLASH_AGAIN))
        return instead

    def check(self) -> None:
        """UserError with all mistakes so far."""
        raise_all(self.errors)
