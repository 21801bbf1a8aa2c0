"""Fields of a report that another program wrote: types and ranges are checked, mistakes are collected."""

import math
from typing import Any

from textzoo.common.errors import UserError, raise_all

# Bounds of what a report can say: bytes, multiplications and cycles; milliseconds; characters of a name.
MAX_COUNT = 2**53
MAX_MILLISECONDS = 1e9
MAX_TEXT = 300
MAX_ROWS = 1 << 16


class Fields:
    """A JSON object of a report; wrong fields are collected until `check`.

    Args:
        values: The object.
        where: Its name in messages, e.g. "network_c_info.json: memory_footprint".
        errors: Where mistakes are collected; those of parts go to the same list.
    """

    def __init__(self, values: Any, where: str, errors: list[UserError] | None = None) -> None:
        self.where = where
        self.errors: list[UserError] = [] if errors is None else errors
        self.values: dict[str, Any] = values if isinstance(values, dict) else self.wrong("", values, "an object", {})

    def whole(self, key: str) -> int | None:
        """Return a count from 0 to MAX_COUNT; None if the key is missing or null."""
        value = self.values.get(key)
        return None if value is None else self.count(key, value)

    def count(self, key: str, value: Any) -> int:
        if type(value) is not int or not 0 <= value <= MAX_COUNT:
            return self.wrong(key, value, f"a whole number, 0 to {MAX_COUNT:,}", 0)
        return value

    def counts(self, key: str) -> int | None:
        """Return the sum of a count or a list of counts; None if the key is missing or null."""
        value = self.values.get(key)
        if not isinstance(value, list):
            return self.whole(key)
        return sum(self.count(key, part) for part in self.bounded(key, value))

    def number(self, key: str, low: float = 0.0, high: float = MAX_MILLISECONDS) -> float | None:
        """Return a finite number of a range; None if it is missing, null, or a text like "n.a."."""
        value = self.values.get(key)
        if value is None or isinstance(value, str):
            return None
        if type(value) not in (int, float) or not math.isfinite(value) or not low <= value <= high:
            return self.wrong(key, value, f"a number, {low:,g} to {high:,g}", low)
        return float(value)

    def text(self, key: str) -> str | None:
        """Return a text, shortened to MAX_TEXT characters that can be printed; None if it is missing or null."""
        value = self.values.get(key)
        if value is None:
            return None
        return printable(value) if isinstance(value, str) else self.wrong(key, value, "a text", "")

    def part(self, key: str) -> "Fields":
        """Return a part; an empty one if it is missing or null."""
        value = self.values.get(key)
        return Fields({} if value is None else value, f"{self.where}: {key}", self.errors)

    def parts(self, key: str) -> list["Fields"]:
        """Return the parts of a list; none if it is missing or null."""
        value = self.values.get(key)
        rows = [] if value is None else self.bounded(key, value)
        return [Fields(row, f"{self.where}: {key}[{place}]", self.errors) for place, row in enumerate(rows)]

    def bounded(self, key: str, value: Any) -> list[Any]:
        if not isinstance(value, list) or len(value) > MAX_ROWS:
            return self.wrong(key, value, f"a list of at most {MAX_ROWS:,} rows", [])
        return value

    def wrong(self, key: str, value: Any, expected: str, instead: Any) -> Any:
        what = f"{self.where}{': ' + key if key else ''} is not what ST's report has there"
        self.errors.append(UserError(what, expected=expected, received=printable(repr(value))[:80]))
        return instead

    def check(self) -> None:
        """Raise the collected mistakes, if there are any."""
        raise_all(self.errors)


def printable(text: str) -> str:
    """Return at most MAX_TEXT characters of a text, each printable."""
    return "".join(character if character.isprintable() else "?" for character in text[:MAX_TEXT])
