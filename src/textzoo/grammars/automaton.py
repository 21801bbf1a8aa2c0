"""Finite automata over bytes: from an expression to the smallest automaton that accepts its texts in UTF-8.

An expression becomes an automaton with empty transitions (Thompson 1968), then a deterministic one (Rabin and Scott
1959), then the smallest one, by refining classes of states that no text tells apart (Moore 1956).

A span of the input, whose texts are not known before there is an input, is one more symbol beside the 256 bytes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from textzoo.common.errors import UserError
from textzoo.grammars.expressions import (
    ANY_CHARACTER,
    INPUT_SPAN,
    Both,
    Characters,
    Choice,
    Expression,
    Repeat,
    Sequence,
    Span,
    check_size,
    choice,
    repeat,
    sequence,
    text,
)
from textzoo.grammars.utf8_ranges import byte_ranges

SPAN = 256  # the symbol of a span of the input; those below are bytes
SYMBOLS = 257
QUOTE = ord('"')
MAX_STATES = 20_000
# States of the draft that are looked at for all states of the automaton together: some seconds' work.
MAX_WORK = 4_000_000
DEAD = 0  # the state from which no text is accepted


@dataclass(frozen=True)
class Automaton:
    """A deterministic automaton without useless states, the smallest one for its texts.

    Attributes:
        table: (states, SYMBOLS) uint16, the state after a byte or a span; state 0 is DEAD, and stays so.
        start: Its first state; DEAD if it accepts nothing.
        accepting: (states,) bool.
    """

    table: np.ndarray
    start: int
    accepting: np.ndarray

    def after(self, content: bytes, state: int | None = None) -> int:
        """Return the state after some bytes, from the start or from a state."""
        state = self.start if state is None else state
        for byte in content:
            state = int(self.table[state, byte])
        return state

    def accepts(self, content: bytes) -> bool:
        return bool(self.accepting[self.after(content)])

    @property
    def has_spans(self) -> bool:
        return bool(self.table[:, SPAN].any())


def automaton_of(expression: Expression, where: str = "the grammar") -> Automaton:
    """Return the automaton of an expression's texts.

    Raises:
        UserError: It would have more than MAX_STATES states, or the expression more than MAX_SIZE parts.
    """
    check_size(expression, where)
    draft = Draft()
    start, end = draft.state(), draft.state()
    draft.add(expression, start, end)
    return smallest(*determined(draft, start, end, where))


@dataclass
class Draft:
    """An automaton under construction, in which several transitions may fit.

    Attributes:
        empty: By state, the states that are reached without a byte.
        steps: By state, (first symbol, last symbol, next state).
    """

    empty: list[list[int]] = field(default_factory=list)
    steps: list[list[tuple[int, int, int]]] = field(default_factory=list)

    def state(self) -> int:
        self.empty.append([])
        self.steps.append([])
        return len(self.empty) - 1

    def add(self, expression: Expression, start: int, end: int) -> None:
        """Add ways from `start` to `end` for every text of an expression."""
        match expression:
            case Characters(ranges):
                self.add_characters(ranges, start, end)
            case Sequence(parts):
                self.add_sequence(parts, start, end)
            case Choice(parts):
                for part in parts:
                    self.add(part, start, end)
            case Repeat(part, low, high):
                self.add_repeat(part, low, high, start, end)
            case Span():
                self.steps[start].append((SPAN, SPAN, end))
            case Both(first, second):
                self.add_automaton(common_texts(automaton_of(first), automaton_of(second)), start, end)

    def add_characters(self, ranges: tuple[tuple[int, int], ...], start: int, end: int) -> None:
        for first, last in ranges:
            for parts in byte_ranges(first, last):
                state = start
                for index, (low, high) in enumerate(parts):
                    following = end if index + 1 == len(parts) else self.state()
                    self.steps[state].append((low, high, following))
                    state = following

    def add_sequence(self, parts: tuple[Expression, ...], start: int, end: int) -> None:
        for part in parts:
            following = self.state()
            self.add(part, start, following)
            start = following
        self.empty[start].append(end)

    def add_repeat(self, part: Expression, low: int, high: int | None, start: int, end: int) -> None:
        self.add_sequence((part,) * low, start, inner := self.state())
        if high is None:
            again = self.state()
            self.empty[inner] += [again]
            self.add(part, again, back := self.state())
            self.empty[back].append(again)
            self.empty[again].append(end)
            return
        for _ in range(high - low):
            self.empty[inner].append(end)
            following = self.state()
            self.add(part, inner, following)
            inner = following
        self.empty[inner].append(end)

    def add_automaton(self, automaton: Automaton, start: int, end: int) -> None:
        states = [self.state() for _ in automaton.table]
        self.empty[start].append(states[automaton.start])
        for state, row in enumerate(automaton.table):
            edges = np.flatnonzero(row)
            self.steps[states[state]] += [(int(symbol), int(symbol), states[row[symbol]]) for symbol in edges]
            if automaton.accepting[state]:
                self.empty[states[state]].append(end)


def determined(draft: Draft, start: int, end: int, where: str) -> tuple[np.ndarray, int, np.ndarray]:
    """Return table, start and accepting states of the deterministic automaton whose states are sets of states."""
    closures = Closures(draft, end)
    numbers: dict[frozenset[int], int] = {frozenset(): DEAD}
    first = closures.of([start])
    numbers.setdefault(first, len(numbers))
    waiting, rows, work = [first] if first else [], [np.zeros(SYMBOLS, np.uint16)], 0
    for states in waiting:  # grows while it is read
        row = np.zeros(SYMBOLS, np.uint16)
        for low, high, reached in ranges_of(draft, states):
            following = closures.of(reached)
            if following not in numbers:
                numbers[following] = len(numbers)
                waiting.append(following)
            row[low:high] = numbers[following]
        rows.append(row)
        work += len(states)
        if len(numbers) > MAX_STATES or work > MAX_WORK:
            raise UserError(
                f"{where} needs too many states, or too many ways to read one text",
                expected=f"an automaton of at most {MAX_STATES:,} states",
                remedy="Lower the numbers of repetitions and the lengths of texts.",
            )
    accepting = np.array([end in states for states in numbers])
    return np.array(rows), numbers[first], accepting


class Closures:
    """Sets of states together with all that are reached from them without a byte, as far as they matter.

    States without steps of their own matter only if a text ends there: leaving them out makes the sets small, and equal
    sooner.
    """

    def __init__(self, draft: Draft, end: int) -> None:
        self.draft, self.end = draft, end
        self.known: dict[int, frozenset[int]] = {}

    def of(self, states: Iterable[int]) -> frozenset[int]:
        return frozenset().union(*(self.of_one(state) for state in states))

    def of_one(self, state: int) -> frozenset[int]:
        if state not in self.known:
            found, waiting = {state}, [state]
            while waiting:
                new = [other for other in self.draft.empty[waiting.pop()] if other not in found]
                found.update(new)
                waiting += new
            self.known[state] = frozenset(one for one in found if self.draft.steps[one] or one == self.end)
        return self.known[state]


def ranges_of(draft: Draft, states: frozenset[int]) -> list[tuple[int, int, list[int]]]:
    """Return (first, one after the last, states reached) for ranges of symbols that lead to the same states."""
    steps = {step for state in states for step in draft.steps[state]}
    borders = sorted({border for low, high, _ in steps for border in (low, high + 1)})
    return [
        (low, high, reached)
        for low, high in pairwise(borders)
        if (reached := [state for first, last, state in steps if first <= low and high <= last + 1])
    ]


def smallest(table: np.ndarray, start: int, accepting: np.ndarray) -> Automaton:
    """Return the automaton with as few states as possible; DEAD becomes state 0, the start state 1 if it is another.

    Args:
        table: (states, symbols), the state after a symbol.
        start: The first state.
        accepting: (states,) bool.
    """
    columns = np.unique(table, axis=1)  # symbols that no state tells apart count once
    seed = 0
    while not is_stable(columns, accepting, classes := refined(columns, accepting, seed)):
        seed += 1  # two different rows had the same hash
    return in_order(table, start, accepting, classes)


def refined(columns: np.ndarray, accepting: np.ndarray, seed: int) -> np.ndarray:
    """Return (states,) classes, split until the states of one agree on all classes that follow, compared by a hash."""
    factors = np.random.default_rng(seed).integers(1, 2**63, columns.shape[1] + 1, np.uint64) | np.uint64(1)
    classes, count = np.unique(accepting, return_inverse=True)[1], 0
    while (largest := int(classes.max()) + 1) != count:
        count = largest
        hashes = classes.astype(np.uint64) * factors[0] + (classes[columns].astype(np.uint64) * factors[1:]).sum(axis=1)
        classes = np.unique(hashes, return_inverse=True)[1]
    return classes


def is_stable(columns: np.ndarray, accepting: np.ndarray, classes: np.ndarray) -> bool:
    """Return whether the states of each class agree on acceptance and on the classes that follow."""
    _, example = np.unique(classes, return_index=True)
    rows = np.column_stack([accepting, classes[columns]])
    return bool((rows == rows[example][classes]).all())


def in_order(table: np.ndarray, start: int, accepting: np.ndarray, classes: np.ndarray) -> Automaton:
    """Return the automaton of the classes, numbered in the order in which texts reach them, DEAD first."""
    _, example = np.unique(classes, return_index=True)
    merged = classes[table[example]]
    number, order = {int(classes[DEAD]): DEAD}, [int(classes[DEAD])]
    waiting = [int(classes[start])]
    while waiting:
        current = waiting.pop()
        if current in number:
            continue
        number[current] = len(order)
        order.append(current)
        waiting += [int(following) for following in reversed(dict.fromkeys(merged[current].tolist()))]
    numbers = np.zeros(len(merged), np.uint16)
    numbers[order] = np.arange(len(order))
    return Automaton(numbers[merged[order]], number[int(classes[start])], accepting[example][order])


def common_texts(first: Automaton, second: Automaton) -> Automaton:
    """Return the automaton of the texts that both accept."""
    return combined(first, second, is_common=True)


def texts_without(first: Automaton, second: Automaton) -> Automaton:
    """Return the automaton of the texts that the first accepts and the second does not."""
    return combined(first, second, is_common=False)


def combined(first: Automaton, second: Automaton, is_common: bool) -> Automaton:
    """Return the automaton of the texts of the first that the second accepts, or does not accept."""
    pairs: dict[tuple[int, int] | None, int] = {None: DEAD, (first.start, second.start): 1}
    waiting = [(first.start, second.start)]
    rows = [np.zeros(SYMBOLS, np.int64)]
    for left, right in waiting:  # grows while it is read
        row = np.zeros(SYMBOLS, np.int64)
        for symbol in np.flatnonzero(first.table[left]):
            pair = (int(first.table[left, symbol]), int(second.table[right, symbol]))
            if is_common and pair[1] == DEAD:
                continue
            if pair not in pairs:
                pairs[pair] = len(pairs)
                waiting.append(pair)
            row[symbol] = pairs[pair]
        rows.append(row)
        if len(pairs) > MAX_STATES:
            raise UserError(
                "two conditions on one text need too many states together", expected=f"at most {MAX_STATES:,}"
            )
    known = [pair or (DEAD, DEAD) for pair in pairs]
    accepting = [bool(first.accepting[left]) and bool(second.accepting[right]) == is_common for left, right in known]
    return smallest(np.array(rows), 1, np.array(accepting))


def texts_before(automaton: Automaton, stops: Iterable[str]) -> Automaton:
    """Return the automaton of texts followed by one of the stop texts, none of which ends earlier in them.

    A span of the input holds none: `check_stops` sees to that.
    """
    stop = choice(text(one) for one in stops)
    any_symbol = choice([ANY_CHARACTER, INPUT_SPAN])
    anything = repeat(any_symbol, 0, None)
    draft = Draft()
    start, middle, end = draft.state(), draft.state(), draft.state()
    draft.add_automaton(automaton, start, middle)
    draft.add(stop, middle, end)
    followed = smallest(*determined(draft, start, end, "the grammar with its stop texts"))
    return texts_without(followed, automaton_of(sequence([anything, stop, any_symbol, anything])))
