"""Memory that holds names of values instead of values: what a program would leave where, without running it.

A name is a number. The element k of a tensor that a kernel computes has one name; elements that are only moved keep
theirs; what depends on an index that is known only at run time gets a name that says on what: of the candidates that
an index may choose, or of the values that an update may have replaced. Equal names mean equal values, whatever the
inputs are.
"""

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np

# Names of elements: (n,) int64.
Names = np.ndarray


@dataclass(frozen=True)
class Choice:
    """An index that is known only at run time.

    Attributes:
        name: Of the index's value.
        stride: Elements per step.
        limit: Largest step; larger and negative values are clamped.
    """

    name: int
    stride: int
    limit: int


@dataclass
class Vocabulary:
    """Gives out names; the same description always gets the same ones."""

    known: dict[Hashable, int] = field(default_factory=dict)
    following: int = 1

    def block(self, description: Hashable, count: int) -> Names:
        """Return names for the elements of what is described, (count,)."""
        first = self.known.get((description, count))
        if first is None:
            first = self.known[description, count] = self.following
            self.following += count
        return np.arange(first, first + count)

    def chosen(self, candidates: Names, choices: Sequence[Choice], count: int) -> Names:
        """Return the names of neighbouring elements whose first one is chosen by indices, (count,).

        Args:
            candidates: All elements from the first possible one to the last.
            choices: What each index adds, the outermost first.
            count: Elements that are read from there on.
        """
        for number, choice in enumerate(choices):
            rest = count + sum(later.stride * later.limit for later in choices[number + 1 :])
            steps = np.arange(choice.limit + 1)[None, :] * choice.stride
            table = candidates[np.arange(rest)[:, None] + steps]
            candidates = np.array([self.one_of(choice.name, row) for row in table], np.int64)
        return candidates[:count]

    def one_of(self, index: int, candidates: Names) -> int:
        """Return the name of the candidate that an index chooses; the candidate's own where there is only one."""
        if (candidates == candidates[0]).all():
            return int(candidates[0])
        return int(self.block(("one of", index, digest(candidates)), 1)[0])

    def updated(self, old: Names, choices: Sequence[Choice], offsets: np.ndarray, new: Names) -> Names:
        """Return the names of `old` after an update at an offset that indices choose.

        Args:
            old: All elements that the update may reach.
            choices: What each index adds.
            offsets: (n,) where the new elements go, counted from the chosen offset.
            new: (n,) names of the new elements.
        """
        if not choices:
            changed = old.copy()
            changed[offsets] = new
            return changed
        return self.block(("updated", tuple(choices), digest(old), digest(offsets), digest(new)), len(old))


def reach(choices: Sequence[Choice]) -> int:
    """Return the largest number of elements that indices add to an offset."""
    return sum(choice.stride * choice.limit for choice in choices)


def digest(numbers: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(numbers, np.int64).tobytes(), digest_size=16).digest()
