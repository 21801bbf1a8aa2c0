"""How well answers to commands are: the measures of the field, computed from texts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textzoo.text.commands.command import NONE, Command, Value, understood

Slots = Counter[tuple[str, str]]


@dataclass(frozen=True)
class CommandScores:
    """Measures over a set of commands.

    Attributes:
        commands: Number of commands, those that are none included.
        valid_json: Share of the answers that are JSON of an intent and slots.
        intent_accuracy: Share of the commands whose intent is right.
        exact_match: Share whose intent and slots are all right, and nothing else.
        slot_f1: Harmonic mean of precision and recall of (name, value) over all commands, micro-averaged.
        false_accepts: Share of the sentences that are no command, and were taken for one; None without any.
        by_intent: Intent -> (commands, exact match).
    """

    commands: int
    valid_json: float
    intent_accuracy: float
    exact_match: float
    slot_f1: float
    false_accepts: float | None
    by_intent: dict[str, tuple[int, float]]


def scores(expected: Sequence[Command], answers: Sequence[str]) -> CommandScores:
    """Compare answers with what they should be.

    Args:
        expected: The commands, at least one.
        answers: What a model wrote for each, without the end of the line.
    """
    found = [understood(answer) for answer in answers]
    pairs = list(zip(expected, found, strict=True))
    exact = [is_exact(wanted, given) for wanted, given in pairs]
    outside = [given for wanted, given in pairs if wanted.intent == NONE]
    return CommandScores(
        commands=len(pairs),
        valid_json=mean(given is not None for given in found),
        intent_accuracy=mean(given is not None and wanted.intent == given.intent for wanted, given in pairs),
        exact_match=mean(exact),
        slot_f1=slot_f1(pairs),
        false_accepts=mean(given is not None and given.intent != NONE for given in outside) if outside else None,
        by_intent={
            intent: (len(hits), mean(hits))
            for intent in sorted({command.intent for command in expected})
            for hits in [[hit for hit, command in zip(exact, expected, strict=True) if command.intent == intent]]
        },
    )


def is_exact(wanted: Command, given: Command | None) -> bool:
    return given is not None and wanted.intent == given.intent and slots_of(wanted) == slots_of(given)


def slot_f1(pairs: Iterable[tuple[Command, Command | None]]) -> float:
    """Return the micro-averaged F1 of slots; 1 where there is none to find, and none was found."""
    hits = wanted_slots = given_slots = 0
    for wanted, given in pairs:
        right, made = slots_of(wanted), slots_of(given) if given else Counter()
        hits += (right & made).total()
        wanted_slots += right.total()
        given_slots += made.total()
    return 2 * hits / (wanted_slots + given_slots) if wanted_slots + given_slots else 1.0


def slots_of(command: Command) -> Slots:
    """Return the slots as (name, value as text), each text of a slot with several; the number 5 is not the text 5."""
    return Counter((name, repr(part)) for name, value in command.slots for part in parts_of(value))


def parts_of(value: Value) -> tuple[str | int, ...]:
    return value if isinstance(value, tuple) else (value,)


def mean(values: Iterable[bool]) -> float:
    """Return the share of true values; 0 for none."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0
