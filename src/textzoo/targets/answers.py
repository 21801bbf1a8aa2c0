"""Checked replies of a device."""

from collections.abc import Iterable
from typing import Any

from textzoo.common.errors import UserError, raise_all

# Upper bound of counts and sizes in bytes.
MAX_COUNT = 2**63 - 1
FLASH_AGAIN = "Is this firmware of this version of TextZoo? Write it again: make flash in the deployed project."


class Answer:
    """The fields of one reply, with their types checked; errors are collected until `check`.

    Args:
        reply: A reply as `Console.command` yields it.
        name: The device's name, for errors.
    """

    def __init__(self, reply: dict[str, Any], name: str) -> None:
        self.reply, self.name = reply, name
        self.errors: list[UserError] = []

    def whole(self, key: str, low: int = 0, high: int = MAX_COUNT, default: int | None = None) -> int:
        """Return an integer from `low` to `high`; `default` if the key is missing, an error if that is None."""
        value = self.reply.get(key, default)
        if type(value) is not int or not low <= value <= high:
            return self.wrong(key, f"a whole number, {low:,} to {high:,}", low)
        return value

    def text(self, key: str, known: Iterable[str] = ()) -> str:
        """Return a text; if `known` is not empty, one of them."""
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
        """Raise the collected errors, if there are any."""
        raise_all(self.errors)


def generated(replies: list[dict[str, Any]], name: str) -> tuple[str, int]:
    """Return the text of an answer to `generate`, and its number of tokens."""
    answers = [Answer(reply, name) for reply in replies]
    text = "".join(answer.text("text") for answer in answers[:-1])
    tokens = answers[-1].whole("tokens")
    raise_all([error for answer in answers for error in answer.errors][:1])
    return text, tokens


def check_model(info: dict[str, Any], name: str, sha256: str, remedy: str) -> None:
    """Raise UserError if a device holds another model.

    Args:
        info: Its answer to `info`.
        name: Its name, for errors.
        sha256: Of the model's .tflite.
        remedy: What writes the model to it.
    """
    answer = Answer(info, name)
    found = answer.text("hash")
    answer.check()
    if found != sha256:
        raise UserError("the board holds another model", expected=sha256, received=found, remedy=remedy)
