"""Lazy registries: each name refers to a `module:attribute` that is imported on first use."""

import contextlib
import difflib
import importlib
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.standard_streams import without_notes


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name nearest to `name`, or None if none is near."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `"Did you mean 'x'?"` for the known name nearest to `name`, or an empty string."""
    match = nearest(name, known)
    return f"Did you mean '{match}'?" if match else ""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that is not in a table, with the known names and the most similar one."""
    known = sorted(known)
    return UserError(
        f"unknown {kind} '{name}'", expected=f"one of {', '.join(known)}", remedy=did_you_mean(name, known)
    )


class Registry:
    """A table of names, each with the module and attribute that it refers to.

    Args:
        kind: What the names are, for error messages ("model", "tokenizer").
        attributes: name -> "package.module:attribute".
    """

    def __init__(self, kind: str, attributes: dict[str, str]) -> None:
        self.kind = kind
        self.attributes = dict(attributes)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in the order of the table."""
        return iter(self.attributes)

    def names(self) -> list[str]:
        return sorted(self.attributes)

    def get(self, name: str) -> Any:
        """Import and return what `name` refers to; raise UserError with a suggestion if it is unknown."""
        if name not in self.attributes:
            raise unknown_name(self.kind, name, self.attributes)
        module_name, attribute = self.attributes[name].split(":")
        with contextlib.nullcontext() if module_name in sys.modules else without_notes():
            return getattr(importlib.import_module(module_name), attribute)
