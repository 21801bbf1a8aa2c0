"""SNIPS: 7 intents of a voice assistant with 39 kinds of slots (Coucke et al., 2018, arXiv 1805.10190; CC0).

A folder holds train_<Intent>_full.json and validate_<Intent>.json of the repository sonos/nlu-benchmark. Its 700
validate sentences are the usual test set. Each value is copied from the sentence.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.files import read_bytes
from textzoo.common.untrusted_json import parse_json
from textzoo.text.commands.command import Command, Value
from textzoo.text.commands.command_set import CommandSet, distinct
from textzoo.text.draws import pick, shuffled

TRAINING, TEST = "train_{}_full.json", "validate_{}.json"
MAX_BYTES = 1 << 24
# Of each intent, as many sentences as its test has choose the best weights.
VALIDATION_PER_INTENT = 100
# Share of values that another value of the same slot replaces, in sentences made from those of the collection.
REPLACED = 0.5


# The parts of a sentence: (text, slot); the slot is "" outside of values.
Sentence = tuple[tuple[str, str], ...]


def read_snips(folder: Path, examples: int, seed: int) -> tuple[CommandSet, list[Path]]:
    """Return the commands of a folder, and its files.

    Args:
        folder: With the files of all intents.
        examples: Number of sentences to train on: those of the collection, and others made from them by other values.
        seed: Of those.
    """
    intents = sorted(path.name[len("train_") : -len("_full.json")] for path in folder.glob(TRAINING.format("*")))
    if not intents:
        raise UserError(
            f"'{folder}' is not a folder of SNIPS",
            expected="train_<Intent>_full.json and validate_<Intent>.json",
            remedy="They are in the folder 2017-06-custom-intent-engines of github.com/sonos/nlu-benchmark.",
        )
    files = {name: [folder / name.format(intent) for intent in intents] for name in (TRAINING, TEST)}
    given = {name: dict(zip(intents, map(read_sentences, paths), strict=True)) for name, paths in files.items()}
    chooser = Random(seed)
    mixed = {intent: shuffled(chooser, sentences) for intent, sentences in given[TRAINING].items()}
    training = {intent: sentences[VALIDATION_PER_INTENT:] for intent, sentences in mixed.items()}
    validation = {intent: sentences[:VALIDATION_PER_INTENT] for intent, sentences in mixed.items()}
    test, held_out = commands_of(given[TEST]), commands_of(validation)
    made = [*commands_of(training), *varied(training, examples, chooser)]
    kept = distinct(made, without=[*test, *held_out])[:examples]
    copied = frozenset((command.intent, name) for command in [*kept, *test, *held_out] for name, _ in command.slots)
    return CommandSet(kept, held_out, test, copied), [path for paths in files.values() for path in paths]


def read_sentences(path: Path) -> list[Sentence]:
    """Return the sentences of a file; one of the collection is in Latin-1."""
    content = read_bytes(path, MAX_BYTES)
    try:
        return [sentence_of(row["data"]) for rows in parsed(content).values() for row in rows]
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"'{path}' is not a file of SNIPS", received=f"{type(error).__name__}: {error}"[:200]) from None


def parsed(content: bytes) -> dict[str, Any]:
    try:
        return parse_json(content)
    except UnicodeDecodeError:
        return parse_json(content.decode("latin-1").encode())


def sentence_of(data: list[dict[str, str]]) -> Sentence:
    return tuple((str(row["text"]), str(row.get("entity", ""))) for row in data)


def commands_of(sentences: Mapping[str, Sequence[Sentence]]) -> list[Command]:
    """Return the commands of the sentences of each intent."""
    return [command_of(intent, sentence) for intent, given in sentences.items() for sentence in given]


def command_of(intent: str, sentence: Sentence) -> Command:
    """Return a command; blanks are single, and a slot that occurs several times has all its texts."""
    values: dict[str, tuple[str, ...]] = {}
    for text, slot in sentence:
        if slot:
            values[slot] = (*values.get(slot, ()), single_blanks(text))
    slots: dict[str, Value] = {slot: texts if len(texts) > 1 else texts[0] for slot, texts in values.items()}
    return Command(single_blanks("".join(text for text, _ in sentence)), intent, tuple(sorted(slots.items())))


def single_blanks(text: str) -> str:
    return " ".join(text.split())


def varied(sentences: Mapping[str, Sequence[Sentence]], count: int, chooser: Random) -> Iterator[Command]:
    """Yield sentences in which other values of the same slots stand: of each intent in turn, `count` in all."""
    values: dict[str, list[str]] = {}
    for sentence in (sentence for given in sentences.values() for sentence in given):
        for text, slot in sentence:
            values.setdefault(slot, []).append(text)
    for number in range(count):
        intent = list(sentences)[number % len(sentences)]
        yield command_of(intent, with_other_values(pick(chooser, sentences[intent]), values, chooser))


def with_other_values(sentence: Sentence, values: Mapping[str, list[str]], chooser: Random) -> Sentence:
    return tuple(
        (pick(chooser, values[slot]) if slot and chooser.random() < REPLACED else text, slot) for text, slot in sentence
    )
