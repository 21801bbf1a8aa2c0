"""What /set changes: the sampling of answers, with the types and ranges of the configuration's section `prediction`."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from textzoo.common.errors import UserError, raise_all
from textzoo.common.settings import allowed_types, convert, range_text
from textzoo.serving.sources import Sampling
from textzoo.text.settings import SamplingConfig

NOTHING = "none"
ESCAPES = {"\\n": "\n", "\\t": "\t", "\\\\": "\\"}


@dataclass(frozen=True)
class Value:
    """One key.

    Attributes:
        key: Its name, as in the section `prediction`.
        read: Returns its value.
        changed: Returns the sampling with another value.
    """

    key: str
    read: Callable[[Sampling], Any]
    changed: Callable[[Sampling, Any], Sampling]

    @property
    def entry(self) -> dataclasses.Field:
        """The key's entry in the section."""
        return next(entry for entry in dataclasses.fields(SamplingConfig) if entry.name == self.key)

    def shown(self, sampling: Sampling) -> str:
        """Return its value as text, in the form that /set takes."""
        value = self.read(sampling)
        return NOTHING if value is None else escaped(value) if isinstance(value, str) else str(value)

    def limits(self) -> str:
        """Return its choices or its range."""
        return ", ".join(self.entry.metadata["choices"]) or range_text(self.entry)

    def of_text(self, text: str) -> Any:
        """Return the value that a text gives; raise UserError if it has another type or is out of range."""
        errors: list[UserError] = []
        value = convert(self.entry, typed(text, allowed_types(self.entry.type)), self.key, errors)
        raise_all(errors)
        return value


def plain(key: str) -> Value:
    """Return the row of a key that Sampling has by the same name."""
    return Value(
        key, lambda sampling: getattr(sampling, key), lambda one, value: dataclasses.replace(one, **{key: value})
    )


VALUES = {
    value.key: value
    for value in (
        plain("temperature"),
        plain("top_k"),
        plain("max_tokens"),
        plain("seed"),
        Value(
            "stop",
            lambda sampling: sampling.stops[0] if sampling.stops else None,
            lambda sampling, stop: dataclasses.replace(sampling, stops=(stop,) if stop else ()),
        ),
        plain("unknown"),
    )
}


def with_value(sampling: Sampling, key: str, text: str) -> Sampling:
    """Return the sampling with another value of a key; raise UserError if it cannot have this value."""
    return VALUES[key].changed(sampling, VALUES[key].of_text(text))


def typed(text: str, kinds: tuple[Any, ...]) -> Any:
    """Return a text as the first of the types that it can have; unchanged if it has none of them."""
    if type(None) in kinds and text == NOTHING:
        return None
    if str in kinds:
        return unescaped(text)
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def unescaped(text: str) -> str:
    r"""Return a text with \n, \t and \\ replaced; other backslashes stand for themselves."""
    parts, index = [], 0
    while index < len(text):
        pair = text[index : index + 2]
        parts.append(ESCAPES.get(pair, text[index]))
        index += 2 if pair in ESCAPES else 1
    return "".join(parts)


def escaped(text: str) -> str:
    """Return the text that `unescaped` makes this one of."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
