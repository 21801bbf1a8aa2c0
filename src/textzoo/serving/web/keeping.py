"""What a tab of a browser keeps of its conversation, so that it is there again after a reload."""

import json
from dataclasses import dataclass, replace
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.untrusted_json import parse_json
from textzoo.serving.conversation import Turn
from textzoo.serving.sources import TokenSource
from textzoo.serving.transcripts import Fields, stored, turns_of
from textzoo.serving.web.session import PageSession

MAX_TURNS, MAX_CHARACTERS = 100, 1 << 18


@dataclass(frozen=True)
class Kept:
    """A conversation as a browser has kept it.

    Attributes:
        model, engine: What answered.
        turns: Not yet checked.
    """

    model: str
    engine: str
    turns: list[Any]


def kept(session: PageSession) -> str:
    """Return a conversation's last turns as JSON, as many as a browser and a request have room for; "" for none."""
    turns = session.turns
    count = min(len(turns), MAX_TURNS)
    while count:
        values = {
            "model": session.opened.choice,
            "engine": session.opened.source.name,
            "turns": [stored(turn) for turn in last_of(turns, count)],
        }
        if len(text := json.dumps(values)) <= MAX_CHARACTERS:
            return text
        count -= 2
    return ""


def last_of(turns: list[Turn], count: int) -> list[Turn]:
    """Return the last turns, with the number of those that left the context counted from the first of them."""
    dropped = len(turns) - count
    return [replace(turn, left_out=max(0, turn.left_out - dropped)) for turn in turns[dropped:]]


def read(text: Any) -> Kept | None:
    """Return what a browser says that it has kept; None if that is nothing, or makes no sense."""
    try:
        values = parse_json(text.encode())
    except (AttributeError, ValueError, RecursionError):
        return None
    errors: list[UserError] = []
    found = Fields(values, "", errors)
    read = Kept(found.text("model"), found.text("engine"), found.take("turns", "a list", lambda v: type(v) is list))
    return None if errors else read


def turns_for(found: Kept, source: TokenSource) -> list[Turn]:
    """Return the turns of a conversation that a source can go on with; none if one of them is not possible."""
    errors: list[UserError] = []
    turns = turns_of(found.turns, "", errors, source.tokenizer.vocabulary_size)
    if errors or len(turns) > MAX_TURNS:
        return []
    try:
        for turn in turns:
            if turn.sampling:
                source.encoded(turn.prompt, turn.sampling.unknown)
    except UserError:
        return []
    return turns
