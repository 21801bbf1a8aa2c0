"""What the vocabulary lacks, named in the user's words."""

import re
from collections.abc import Iterable

from textzoo.common.errors import UserError

UNKNOWN = "<unk>"
SURROGATES = re.compile("[\ud800-\udfff]")
SHOWN_TEXTS = 10
SHOWN_POSITIONS = 3


def not_in_vocabulary(noun: str, found: Iterable[tuple[str, int]], remedy: str = "") -> UserError:
    """The error that lists texts outside the vocabulary: 'é' (U+00E9) at 3, 17.

    Args:
        noun: What they are: "character", "word".
        found: Each text and its position, in order.
        remedy: What to do, where it is not the usual.
    """
    places: dict[str, list[int]] = {}
    for text, position in found:
        places.setdefault(text, []).append(position)
    shown = [describe(text, positions) for text, positions in list(places.items())[:SHOWN_TEXTS]]
    rest = len(places) - len(shown)
    return UserError(
        f"{len(places)} {f'{noun} is' if len(places) == 1 else f'{noun}s are'} not in the vocabulary",
        received=", ".join(shown) + (f" and {rest} more" if rest else ""),
        remedy=remedy or f"Leave them out, or train with tokenizer.unknown=unk, which lets them become {UNKNOWN}.",
    )


def describe(text: str, positions: list[int]) -> str:
    code_point = f" (U+{ord(text):04X})" if len(text) == 1 else ""
    where = ", ".join(map(str, positions[:SHOWN_POSITIONS]))
    more = len(positions) - SHOWN_POSITIONS
    rest = f" and {more} more" if more > 0 else ""
    return f"{text!r}{code_point} at {where}{rest}"


def check_policy(unknown: str, unknown_token: int | None) -> None:
    """UserError where unknown texts are to become <unk> and there is none."""
    if unknown == "unk" and unknown_token is None:
        raise UserError(
            f"this tokenizer has no {UNKNOWN}",
            remedy="Train with tokenizer.unknown=unk to have it (char, word), or leave unknown characters out.",
        )


def utf8(text: str) -> bytes:
    """The UTF-8 of a text; UserError names lone surrogates, which have none."""
    found = [(match.group(), match.start()) for match in SURROGATES.finditer(text)]
    if found:
        raise not_in_vocabulary("character", found, "Lone surrogates are not text: leave them out.")
    return text.encode("utf-8")
