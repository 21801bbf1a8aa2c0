"""Sentences as people type them: slips of the finger, capitals, marks at the end, and words of politeness."""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Sequence
from random import Random

from textzoo.text.commands.command import Command
from textzoo.text.draws import pick, shuffled

# Letters that lie beside each other on a keyboard of the Latin alphabet (QWERTY).
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
ENDS = (".", "!", "?")
# Shares of sentences: those that begin with a capital, those that end with a mark, those with words of politeness.
CAPITAL, MARK, POLITE = 0.15, 0.15, 0.2


def neighbours() -> dict[str, str]:
    """Return letter -> the letters beside, above and below it."""
    places = {letter: (row, column) for row, letters in enumerate(ROWS) for column, letter in enumerate(letters)}
    return {
        letter: "".join(
            other
            for other, (row, column) in places.items()
            if other != letter and abs(row - places[letter][0]) <= 1 and abs(column - places[letter][1]) <= 1
        )
        for letter in places
    }


NEIGHBOURS = neighbours()


def other_letter(word: str, place: int, chooser: Random) -> str:
    """Return the word with the letter beside the right one."""
    return word[:place] + pick(chooser, NEIGHBOURS[word[place].lower()]) + word[place + 1 :]


def missing_letter(word: str, place: int, chooser: Random) -> str:
    return word[:place] + word[place + 1 :]


def doubled_letter(word: str, place: int, chooser: Random) -> str:
    return word[: place + 1] + word[place:]


def swapped_letters(word: str, place: int, chooser: Random) -> str:
    """Return the word with a letter and the one before it in the other order."""
    return word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :]


SLIPS: tuple[Callable[[str, int, Random], str], ...] = (other_letter, missing_letter, doubled_letter, swapped_letters)


def with_typos(command: Command, copied: Collection[tuple[str, str]], count: int, chooser: Random) -> Command | None:
    """Return the command with slips in its sentence, each in another word; None where there are too few words.

    Words of three letters and more may have one, behind their first letter, as most slips of people do. Words of values
    that are copied have none, because they would change what is asked for.

    Args:
        command: The command.
        copied: (intent, slot) of values that are copied from the sentence.
        count: Number of slips.
        chooser: Draws them.
    """
    kept = {word for text in copied_texts(command, copied) for word in text.split()}
    words = command.sentence.split(" ")
    able = [index for index, word in enumerate(words) if word not in kept and letters_of(word)]
    if len(able) < count:
        return None
    for index in shuffled(chooser, able)[:count]:
        words[index] = with_slip(words[index], chooser)
    return dataclasses.replace(command, sentence=" ".join(words))


def letters_of(word: str) -> list[int]:
    """Return the places of a word that may have a slip."""
    known = [place for place, letter in enumerate(word) if letter.lower() in NEIGHBOURS]
    return known[1:] if len(known) >= 3 and not any(letter.isdigit() for letter in word) else []


def with_slip(word: str, chooser: Random) -> str:
    """Return another word; a swap of equal letters is none, so that another slip is drawn."""
    while True:
        slipped = pick(chooser, SLIPS)(word, pick(chooser, letters_of(word)), chooser)
        if slipped != word:
            return slipped


def copied_texts(command: Command, copied: Collection[tuple[str, str]]) -> Iterator[str]:
    """Yield the texts of a command that are copied from its sentence."""
    for name, value in command.slots:
        if (command.intent, name) in copied:
            yield from value if isinstance(value, tuple) else [str(value)]


def as_typed(command: Command, polite: Sequence[str], chooser: Random) -> Command:
    """Return a command as it is typed: some begin with a capital, end with a mark, or have words of politeness."""
    sentence = command.sentence
    if polite and chooser.random() < POLITE:
        words = pick(chooser, polite)
        sentence = f"{words} {sentence}" if chooser.random() < 0.5 else f"{sentence} {words}"
    if chooser.random() < CAPITAL:
        sentence = sentence[:1].upper() + sentence[1:]
    if chooser.random() < MARK and sentence[-1:].isalnum():
        sentence += pick(chooser, ENDS)
    return dataclasses.replace(command, sentence=sentence)
