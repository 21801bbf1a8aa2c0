"""Commands made from templates, divided by wording: what is tested was never trained on."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from random import Random

from textzoo.common.errors import UserError
from textzoo.text.commands.command import NONE, Command
from textzoo.text.commands.command_set import CommandSet, distinct
from textzoo.text.commands.fillers import FILLERS, OTHER_FILLERS
from textzoo.text.commands.templates import Templates, Wording, Writer, copied_slots, list_names
from textzoo.text.commands.variation import as_typed, with_typos
from textzoo.text.corpora.conversation_topics import TOPICS, Topic
from textzoo.text.corpora.python_docs import read_python_docs
from textzoo.text.draws import Item, number, pick, shuffled

# Topics of conversation that are commands themselves.
COMMANDS_TOO = ("switches", "lights", "timers", "dimmers")
# Of the sentences that are no command, the share that is prose.
PROSE = 0.4
# Share of the wordings that choose the best weights; sentences of each held-out wording, and of all together, at least.
VALIDATION, PER_WORDING, SENTENCES = 0.05, 5, 300
# Share of the commands that are drawn evenly from all wordings; the others are drawn evenly from all intents.
EVENLY = 0.5
# Of wordings that are both trained on and tested, every so manieth sentence is tested with.
LEFT = 6
# Of the texts that a wildcard may stand for, every so manieth is only used in tests.
HELD_OUT_FILLER = 5
# Share of the values of wildcards to train on that are any words.
ANY_WORDS = 0.5


@dataclass(frozen=True)
class Making:
    """How commands are made.

    Attributes:
        examples: Number of commands to train on.
        seed: Of everything that is drawn.
        held_out: Share of the wordings that are only tested with.
        typos: Share of the sentences with one or two slips of the finger.
        none: Share of sentences that are no command.
    """

    examples: int
    seed: int
    held_out: float
    typos: float
    none: float


def make_commands(templates: Templates, names: Mapping[str, Sequence[str]], making: Making) -> CommandSet:
    """Return commands of templates.

    Args:
        templates: With the wordings.
        names: Kind of device -> names of devices, for the list `name`; empty where the file has that list.
        making: How many, and how they are varied.
    """
    wordings = [wording for wording in templates.wordings if is_possible(wording, names)]
    training, validation, test = divided(wordings, making)
    copied = copied_slots(wordings)
    writers = {part: writer_of(templates, part, names, making.seed) for part in (False, True)}
    nothing = {part: NoCommands(part, Random(making.seed + 1)) for part in (False, True)}
    is_shared = test == training, validation == training
    tested = list(sentences_of(test, writers[True], nothing[True], making, is_shared[0]))
    held_out = list(sentences_of(validation, writers[False], nothing[False], making, is_shared[1]))
    # Left out of training where the wordings are the same. Other wordings may have the same sentence, and all of theirs
    # may be such: training keeps those, and the others lose them.
    parts = zip((tested, held_out), is_shared, strict=True)
    taken = {command.sentence for part, shared in parts if shared for command in part}
    trained = trained_commands(training, writers[False], nothing[False], making)
    kept = (command for command in trained if command.sentence not in taken)
    typed = list(islice(as_people_type(kept, copied, making, templates.polite), making.examples))
    tested = distinct(tested, without=typed)
    held_out = distinct(held_out, without=[*typed, *tested])
    return CommandSet(typed, held_out or distinct(typed), tested, copied)  # of very few sentences none can be spared


def writer_of(templates: Templates, is_test: bool, names: Mapping[str, Sequence[str]], seed: int) -> Writer:
    chooser = Random(seed)
    return Writer(templates, Fillers(templates, is_test, chooser).text, names, chooser)


def is_possible(wording: Wording, names: Mapping[str, Sequence[str]]) -> bool:
    """Return whether there are names of the devices that a wording is for."""
    if not names or all(reference.list_name != "name" for reference in list_names(wording)):
        return True
    return any(names.get(kind) for kind in wording.domains or tuple(names))


def divided(wordings: Sequence[Wording], making: Making) -> tuple[list[Wording], list[Wording], list[Wording]]:
    """Return the wordings to train on, to validate with, and to test with; each block keeps half of its own.

    Where none is held out, or can be spared, those of training are used for all, with other sentences.
    """
    chooser = Random(making.seed)
    blocks: dict[int, list[Wording]] = {}
    for wording in wordings:
        blocks.setdefault(wording.block, []).append(wording)
    if not making.held_out:
        return list(wordings), list(wordings), list(wordings)
    spare = [wording for block in blocks.values() for wording in shuffled(chooser, block)[: len(block) // 2]]
    spare = shuffled(chooser, spare)[: math.ceil(len(wordings) * (making.held_out + VALIDATION))]
    count = round(len(spare) * making.held_out / (making.held_out + VALIDATION))
    test, validation = spare[:count], spare[count:]
    spared = set(map(id, spare))  # wordings may be equal
    kept = [wording for wording in wordings if id(wording) not in spared]
    return kept, validation or kept, test or kept


class Fillers:
    """Texts that wildcards stand for. Tests have others; and in training half of them are any words.

    A model learns to copy only if what it copies is rarely the same.
    """

    def __init__(self, templates: Templates, is_test: bool, chooser: Random) -> None:
        self.templates, self.is_test, self.chooser = templates, is_test, chooser
        self.words = sorted({word for text in OTHER_FILLERS for word in text.split()})

    def text(self, wildcard: str) -> str:
        if not self.is_test and self.chooser.random() < ANY_WORDS:
            return " ".join(pick(self.chooser, self.words) for _ in range(number(self.chooser, 1, 3)))
        texts = list(self.templates.examples.get(wildcard) or FILLERS.get(wildcard) or OTHER_FILLERS)
        held_out = texts[HELD_OUT_FILLER - 1 :: HELD_OUT_FILLER] or texts
        return pick(
            self.chooser, held_out if self.is_test else [text for text in texts if text not in held_out] or texts
        )


class NoCommands:
    """Sentences that are no command: what people say to a device that talks, and prose. Tests have others."""

    def __init__(self, is_test: bool, chooser: Random) -> None:
        topics = [topic for topic in TOPICS if topic.name not in COMMANDS_TOO]
        self.topics = held_apart(topics, is_test)
        self.prose = held_apart(prose_sentences(), is_test)
        self.chooser = chooser

    def command(self) -> Command:
        if self.chooser.random() < PROSE:
            sentence = pick(self.chooser, self.prose)
            return Command(self.as_said(sentence), NONE, (), sentence)
        topic: Topic = pick(self.chooser, self.topics)
        asked = pick(self.chooser, topic.first.ask).format_map(topic.facts(self.chooser))
        return Command(self.as_said(asked), NONE, (), topic.name)

    def as_said(self, sentence: str) -> str:
        """Return most sentences as commands are: in lower case, without a mark at the end."""
        return sentence.rstrip(" .?!").lower() if self.chooser.random() < 0.7 else sentence


def held_apart(items: Sequence[Item], is_test: bool) -> list[Item]:
    """Return every fourth item for tests, or the others."""
    return [item for index, item in enumerate(items) if (index % 4 == 2) == is_test]


@cache
def prose_sentences() -> list[str]:
    """Return the short sentences of Python's documentation, without those of which much is code."""
    text = " ".join(" ".join(document.split()) for document in read_python_docs()[0])
    sentences = re.findall(r"(?<=[.?!] )[A-Z][a-z]*(?: [a-z]+,?){3,9}[.?!](?= )", text)
    return sorted(set(sentences))


def sentences_of(
    wordings: Sequence[Wording], writer: Writer, nothing: NoCommands, making: Making, is_shared: bool
) -> Iterator[Command]:
    """Yield commands, as many of each wording, and sentences that are none in their share.

    Args:
        wordings: To choose weights by, or to test with.
        writer: Writes their sentences.
        nothing: Writes those that are no command.
        making: The share of those.
        is_shared: Whether the same wordings are trained on: then most sentences are left for that.
    """
    each = max(PER_WORDING, -(-SENTENCES // max(len(wordings), 1)))
    for wording in wordings:
        drawn = distinct(writer.command(wording) for _ in range(each * (LEFT if is_shared else 1)))
        yield from drawn[LEFT - 1 :: LEFT][:each] if is_shared else drawn
    yield from (nothing.command() for _ in range(round(len(wordings) * each * making.none)))


def trained_commands(
    wordings: Sequence[Wording], writer: Writer, nothing: NoCommands, making: Making
) -> Iterator[Command]:
    """Yield commands without end.

    Half of them are drawn evenly from all wordings, half evenly from all intents, so that those with few wordings are
    learned too.
    """
    if not wordings:
        raise UserError("there are no templates to train on")
    chooser = writer.chooser
    by_intent: dict[str, list[Wording]] = {}
    for wording in wordings:
        by_intent.setdefault(wording.intent, []).append(wording)
    groups = list(by_intent.values())
    while True:
        if chooser.random() < making.none:
            yield nothing.command()
        else:
            group = wordings if chooser.random() < EVENLY else pick(chooser, groups)
            yield writer.command(pick(chooser, group))


def as_people_type(
    commands: Iterable[Command], copied: frozenset[tuple[str, str]], making: Making, polite: Sequence[str]
) -> Iterator[Command]:
    """Yield the commands with capitals, marks, words of politeness, and slips of the finger in their share."""
    chooser = Random(making.seed + 2)
    for command in commands:
        typed = command if command.intent == NONE else as_typed(command, polite, chooser)
        slips = number(chooser, 1, 2) if chooser.random() < making.typos else 0
        yield with_typos(typed, copied, slips, chooser) or typed
