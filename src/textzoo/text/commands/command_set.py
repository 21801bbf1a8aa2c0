"""A set of commands, divided into those to train on, those to choose the best weights by, and those to test with."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from textzoo.text.commands.command import Command
from textzoo.text.commands.schema import schema_of


@dataclass(frozen=True)
class CommandSet:
    """Commands.

    Attributes:
        training: To train on.
        validation: To choose the best weights by.
        test: To measure with: never trained on, nor chosen by.
        copied: (intent, slot) of those whose values are copied from the sentence.
    """

    training: Sequence[Command]
    validation: Sequence[Command]
    test: Sequence[Command]
    copied: frozenset[tuple[str, str]]

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of all answers, from the commands to train on."""
        return schema_of(self.training, self.copied)

    def documents(self, part: str) -> Iterator[tuple[str, ...]]:
        """Yield the commands of a part ("training", "validation"): the prompt, and the answer in parts."""
        for command in getattr(self, part):
            yield command.pieces(self.copied)


def distinct(commands: Iterable[Command], without: Iterable[Command] = ()) -> list[Command]:
    """Return the commands with different sentences, the first of each; none with a sentence of `without`."""
    taken = {command.sentence for command in without}
    found: dict[str, Command] = {}
    for command in commands:
        if command.sentence not in taken:
            found.setdefault(command.sentence, command)
    return list(found.values())
