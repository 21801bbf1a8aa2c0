"""Errors for text outside the vocabulary."""

import re
from collections.abc import Iterable

from textzoo.common.errors import UserError

UNKNOWN = "<unk>"
SURROGATES = re.compile("[\ud800-\udfff]")
SHOWN_TEXTS = 10
SHOWN_POSITIONS = 3


class UnknownTextError(UserError):
    """Text outside the vocabulary, which <unk> could replace if the vocabulary has it."""


def not_in_vocabulary(noun: str, found: Iterable[tuple[str, int]], remedy: str = "") -> UserError:
    """Return the error that lists texts outside the vocabulary: 'é' (U+00E9) at 3, 17.

    Args:
        noun: Their kind: "character", "word".
        found: Each text and its position, in order.
        remedy: Replaces the default remedy.
    """
    positions: dict[str, list[int]] = {}
    for text, position in found:
        positions.setdefault(text, []).append(position)
    shown = [describe(text, found_at) for text, found_at in list(positions.items())[:SHOWN_TEXTS]]
    rest = len(positions) - len(shown)
    kind = UserError if remedy else UnknownTextError
    return kind(
        f"{len(positions)} {f'{noun} is' if len(positions) == 1 else f'{noun}s are'} not in the vocabulary",
        received=", ".join(shown) + (f" and {rest} more" if rest else ""),
        remedy=remedy or f"Leave them out, or train with tokenizer.unknown=unk, which replaces them by {UNKNOWN}.",
    )


def describe(text: str, positions: list[int]) -> str:
    code_point = f" (U+{ord(text):04X})" if len(text) == 1 else ""
    where = ", ".join(map(str, positions[:SHOWN_POSITIONS]))
    more = len(positions) - SHOWN_POSITIONS
    rest = f" and {more} more" if more > 0 else ""
    return f"{text!r}{code_point} at {where}{rest}"


def check_policy(unknown: str, unknown_token: int | None) -> None:
    """Raise UserError if unknown text is to become <unk> and the vocabulary has none."""
    if unknown == "unk" and unknown_token is None:
        raise UserError(
            f"this tokenizer has no {UNKNOWN}",
            remedy="Train with tokenizer.unknown=unk to have it (char, word), or leave unknown characters out.",
        )


def utf8(text: str) -> bytes:
    """Return the UTF-8 of a text; raise UserError that lists lone surrogates, which UTF-8 cannot encode."""
    check_surrogates(text)
    return text.encode("utf-8")


def check_surrogates(text: str) -> None:
    """Raise UserError that lists lone surrogates, which UTF-8 cannot encode."""
    found = [(match.group(), match.start()) for match in SURROGATES.finditer(text)]
    if found:
        raise not_in_vocabulary("character", found, "Lone surrogates are not text: leave them out.")
