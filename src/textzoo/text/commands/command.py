r"""A command: a sentence, and what it asks for as compact JSON.

    turn on the kitchen lamp
    {"intent":"turn_on","area":"kitchen","device":"lamp"}

A model reads the first line and writes the second one.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from textzoo.common.untrusted_json import parse_json

# What is not a command at all.
NONE = "none"
INTENT = "intent"
# Between a sentence and its answer, and behind it.
END = "\n"
# Divides JSON into strings and what stands between them.
STRING = re.compile(r'("(?:[^"\\]|\\.)*")')
# A text, a number, or the texts of a slot that occurs several times.
Value = str | int | tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        sentence: What is said, in one line.
        intent: What it asks for; NONE for what is not a command.
        slots: (name, value) in the order in which they are written.
        wording: Names the template that the sentence was made from; "" for a sentence of a collection.
    """

    sentence: str
    intent: str
    slots: tuple[tuple[str, Value], ...] = ()
    wording: str = ""

    @property
    def answer(self) -> str:
        """What a model is to write."""
        return compact({INTENT: self.intent, **dict(self.slots)})

    @property
    def prompt(self) -> str:
        """What a model continues."""
        return self.sentence + END

    def pieces(self, copied: frozenset[tuple[str, str]]) -> tuple[str, ...]:
        """Return the prompt, and the answer in parts that are tokenized apart.

        Args:
            copied: (intent, slot) of those whose values are copied from the sentence: no token crosses the bounds of
                such a value, because a grammar allows none that does.
        """
        parts = ["".join(text for text, _ in group) for _, group in groupby(self.parts(copied), key=itemgetter(1))]
        return (self.prompt, *parts[:-1], parts[-1] + END)

    def parts(self, copied: frozenset[tuple[str, str]]) -> Iterator[tuple[str, bool]]:
        """Yield the parts of the answer, and whether each is copied from the sentence."""
        yield compact({INTENT: self.intent})[:-1], False
        for name, value in self.slots:
            yield f",{compact(name)}:", False
            for part in STRING.split(compact(value)):
                if part.startswith('"') and (self.intent, name) in copied:
                    yield from (('"', False), (part[1:-1], True), ('"', False))
                else:
                    yield part, False
        yield "}", False


def compact(value: object) -> str:
    """Return JSON without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def understood(answer: str) -> Command | None:
    """Return the command that an answer names, without a sentence; None if the answer is not that of a command."""
    try:
        found = parse_json(answer.encode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get(INTENT), str):
        return None
    intent = found.pop(INTENT)
    slots = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
    return Command("", intent, tuple(slots.items())) if all(map(is_value, slots.values())) else None


def is_value(value: object) -> bool:
    """Return whether a slot may have this value."""
    texts = value if isinstance(value, tuple) else (value,)
    return (type(value) is int) or all(isinstance(text, str) for text in texts)
