"""Automata over tokens: which tokens may come next so that the text can still become one of the grammar's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textzoo.common.errors import UserError
from textzoo.grammars.automaton import DEAD, Automaton, smallest

MAX_ENTRIES = 1 << 26  # states times tokens
UNREACHABLE = np.iinfo(np.int32).max


@dataclass(frozen=True)
class TokenAutomaton:
    """A grammar over the tokens of a vocabulary.

    Attributes:
        table: (states, vocabulary_size) uint16, the state after a token; state 0 is DEAD, for tokens that may not come.
        start: The first state.
        accepting: (states,) bool, whether the text may end.
        distances: (states,) int32, tokens of the shortest way to a text that may end; UNREACHABLE for DEAD.
    """

    table: np.ndarray
    start: int
    accepting: np.ndarray
    distances: np.ndarray

    @property
    def vocabulary_size(self) -> int:
        return self.table.shape[1]


def token_automaton(
    automaton: Automaton, token_bytes: Sequence[bytes], without: int | None, name: str
) -> TokenAutomaton:
    """Return the automaton of a grammar over tokens; any sequence of tokens with the same text counts.

    Args:
        automaton: The grammar over bytes.
        token_bytes: By token, its text in UTF-8.
        without: A token that may never come (<unk>), or None.
        name: The grammar's name, for errors.

    Raises:
        UserError: The vocabulary cannot spell any text of the grammar, or there are too many states.
    """
    check_entries(len(automaton.table), len(token_bytes), name)
    steps = np.column_stack([states_after(automaton, content) for content in token_bytes])
    if without is not None:
        steps[:, without] = DEAD
    distances = shortest(steps, automaton.accepting)
    if distances[automaton.start] == UNREACHABLE:
        raise unspellable(automaton, token_bytes, name)
    steps[distances[steps] == UNREACHABLE] = DEAD
    small = smallest(steps, automaton.start, automaton.accepting)
    return TokenAutomaton(small.table, small.start, small.accepting, shortest(small.table, small.accepting))


def check_entries(states: int, tokens: int, name: str) -> None:
    if states * tokens > MAX_ENTRIES:
        raise UserError(
            f"{name} is too large for this vocabulary",
            expected=f"at most {MAX_ENTRIES // tokens:,} states with {tokens:,} tokens",
            received=f"{states:,} states",
            remedy="Lower the numbers of repetitions and the lengths of texts.",
        )


def states_after(automaton: Automaton, content: bytes) -> np.ndarray:
    """Return (states,) the state after a token, from every state."""
    states = np.arange(len(automaton.table), dtype=np.uint16)
    for byte in content:
        states = automaton.table[states, byte]
    return states


def shortest(table: np.ndarray, accepting: np.ndarray) -> np.ndarray:
    """Return (states,) int32, symbols of the shortest way from each state to an accepting one."""
    columns = np.unique(table, axis=1)
    distances = np.where(accepting, 0, UNREACHABLE).astype(np.int32)
    while True:
        nearest = distances[columns].min(axis=1)
        following = np.where(nearest == UNREACHABLE, UNREACHABLE, nearest + (nearest != UNREACHABLE))
        shorter = np.minimum(distances, following).astype(np.int32)
        if (shorter == distances).all():
            return distances
        distances = shorter


def unspellable(automaton: Automaton, token_bytes: Sequence[bytes], name: str) -> UserError:
    """Return the error for a vocabulary without the characters that every text of a grammar needs."""
    missing = np.setdiff1d(np.flatnonzero(automaton.table.any(axis=0)), list(b"".join(token_bytes)))
    shown = bytes(missing[missing < 0x80].astype(np.uint8)).decode()
    return UserError(
        f"the vocabulary cannot spell any text of {name}",
        expected="tokens for its characters",
        received=f"no token with any of {shown[:40]!r}" if shown else "no token for some of its characters",
        remedy="Train the tokenizer on texts of that form, or use tokenizer=byte.",
    )


class Guide:
    """A place in a grammar while a text is written.

    Args:
        automaton: The grammar over tokens.
    """

    def __init__(self, automaton: TokenAutomaton) -> None:
        self.automaton = automaton
        self.state = automaton.start

    def allowed(self, left: int) -> np.ndarray:
        """Return (vocabulary_size,) bool: tokens after which the text can be ended with `left` tokens, them included.

        None is allowed where the text has to end.
        """
        row = self.automaton.table[self.state]
        return self.automaton.distances[row] < left

    def advance(self, token: int) -> None:
        self.state = int(self.automaton.table[self.state, token])

    @property
    def is_final(self) -> bool:
        """Whether the text is whole and nothing may follow."""
        return self.may_end and not self.automaton.table[self.state].any()

    @property
    def may_end(self) -> bool:
        return bool(self.automaton.accepting[self.state])

    @property
    def distance(self) -> int:
        """Tokens that the text needs at least before it may end."""
        return int(self.automaton.distances[self.state])
