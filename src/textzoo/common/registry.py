"""Lazy registries: a name leads to `module:attribute`, imported only when it is asked for."""

import contextlib
import difflib
import importlib
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.standard_streams import without_notes


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name nearest to `name`, or None if none is near."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `"Did you mean 'x'?"` for the known name nearest to `name`, or an empty string."""
    match = nearest(name, known)
    return f"Did you mean '{match}'?" if match else ""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that is not in a table: what is known, and what was probably meant."""
    known = sorted(known)
    return UserError(
        f"unknown {kind} '{name}'", expected=f"one of {', '.join(known)}", remedy=did_you_mean(name, known)
    )


class Registry:
    """Names of one kind of thing, each with the place where it is defined.

    Args:
        kind: What the names are, for error messages ("model", "tokenizer").
        places: name -> "package.module:attribute".
    """

    def __init__(self, kind: str, places: dict[str, str]) -> None:
        self.kind = kind
        self.places = dict(places)

    def __iter__(self) -> Iterator[str]:
        """The names, in the order of the table."""
        return iter(self.places)

    def names(self) -> list[str]:
        return sorted(self.places)

    def get(self, name: str) -> Any:
        """Import and return what `name` stands for; raise UserError with a suggestion if it is unknown."""
        if name not in self.places:
            raise unknown_name(self.kind, name, self.places)
        module_name, attribute = self.places[name].split(":")
        with contextlib.nullcontext() if module_name in sys.modules else without_notes():
            return getattr(importlib.import_module(module_name), attribute)
