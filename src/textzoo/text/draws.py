"""Random choices that are the same in every version of Python, which only Random.random() guarantees."""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

Item = TypeVar("Item")


def pick(chooser: Random, items: Sequence[Item]) -> Item:
    """Return a random item."""
    return items[int(chooser.random() * len(items))]


def number(chooser: Random, low: int, high: int) -> int:
    """Return a random integer, low <= integer <= high."""
    return low + int(chooser.random() * (high - low + 1))


def shuffled(chooser: Random, items: Sequence[Item]) -> list[Item]:
    """Return the items in a random order."""
    keys = [chooser.random() for _ in items]
    return [items[index] for index in sorted(range(len(items)), key=keys.__getitem__)]
