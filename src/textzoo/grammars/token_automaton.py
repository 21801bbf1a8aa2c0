"""Automata over tokens: which tokens may come next so that the text can still become one of the grammar's."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from textzoo.common.errors import UserError
from textzoo.grammars.automaton import DEAD, SPAN, Automaton, smallest
from textzoo.grammars.spans import UNREACHABLE, InputSpans, SpanPlace, Spellings, spellings_of

MAX_ENTRIES = 1 << 26  # states times tokens
MAX_SPANS = 64  # that the shortest way to a text's end may have
MAX_WAYS = 1 << 17  # states times spans: some seconds' work


@dataclass(frozen=True)
class TokenAutomaton:
    """A grammar over the tokens of a vocabulary.

    Attributes:
        table: (states, vocabulary_size) uint16, the state after a token; state 0 is DEAD, for tokens that may not come.
        start: The first state.
        accepting: (states,) bool, whether the text may end.
        ways: (n, states) int32, row i: tokens outside of spans of the input on the shortest way to a text that may end,
            if it may have i spans at most; UNREACHABLE where there is none. Without spans there is one row.
        behind_span: (states,) uint16, the state behind a span that begins in a state; DEAD for none. Such a state
            leads nowhere else.
        spellings: By UTF-8, the tokens that may stand in a span.
    """

    table: np.ndarray
    start: int
    accepting: np.ndarray
    ways: np.ndarray
    behind_span: np.ndarray
    spellings: Spellings = field(default_factory=dict)

    @property
    def vocabulary_size(self) -> int:
        return self.table.shape[1]

    @property
    def has_spans(self) -> bool:
        return bool(self.behind_span.any())

    def distances(self, span: int = 0) -> np.ndarray:
        """Return (states,) int64, tokens of the shortest way to a text that may end; UNREACHABLE for DEAD.

        Args:
            span: Tokens of the shortest span of the input.
        """
        tokens = self.ways.astype(np.int64) + span * np.arange(len(self.ways))[:, None]
        return np.minimum(tokens.min(axis=0), UNREACHABLE)


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
    steps = np.column_stack([*(states_after(automaton, content) for content in token_bytes), automaton.table[:, SPAN]])
    if without is not None:
        steps[:, without] = DEAD
    distances = shortest(steps, np.where(automaton.accepting, 0, UNREACHABLE))
    if distances[automaton.start] == UNREACHABLE:
        raise unspellable(automaton, token_bytes, name)
    steps[distances[steps] == UNREACHABLE] = DEAD
    small = smallest(steps, automaton.start, automaton.accepting)
    table, behind = np.ascontiguousarray(small.table[:, :-1]), small.table[:, -1]
    ways = ways_of(table, behind, small.accepting, name)
    spellings = spellings_of(token_bytes, without) if behind.any() else {}
    return TokenAutomaton(table, small.start, small.accepting, ways, behind, spellings)


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


def ways_of(table: np.ndarray, behind: np.ndarray, accepting: np.ndarray, name: str) -> np.ndarray:
    """Return the `ways` of an automaton.

    Raises:
        UserError: It needs too many spans for a text, or more would still make one shorter.
    """
    columns, ends = np.unique(table, axis=1), np.where(accepting, 0, UNREACHABLE)
    most = min(MAX_SPANS, MAX_WAYS // len(table))
    found = [shortest(columns, ends)]
    while behind.any():
        with_span = np.where(behind == DEAD, UNREACHABLE, found[-1][behind])
        following = shortest(columns, np.minimum(ends, with_span))
        if (following == found[-1]).all():
            break
        found.append(following)
        if len(found) > most + 1:
            remedy = "Lower the numbers of repetitions of what has spans."
            raise UserError(f"{name} needs too many spans", expected=f"at most {most} in a text", remedy=remedy)
    return np.array(found)


def shortest(columns: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return (states,) int32, symbols of the shortest way from each state to an end; UNREACHABLE where there is none.

    Args:
        columns: (states, symbols), the state after a symbol.
        ends: (states,), 0 or more symbols that are still to come if a way ends in a state; UNREACHABLE where none does.
    """
    columns = np.unique(columns, axis=1)
    distances = ends.astype(np.int32)
    while True:
        nearest = distances[columns].min(axis=1)
        following = np.where(nearest == UNREACHABLE, UNREACHABLE, nearest + (nearest != UNREACHABLE))
        shorter = np.minimum(distances, following).astype(np.int32)
        if (shorter == distances).all():
            return distances
        distances = shorter


def unspellable(automaton: Automaton, token_bytes: Sequence[bytes], name: str) -> UserError:
    """Return the error for a vocabulary without the characters that every text of a grammar needs."""
    missing = np.setdiff1d(np.flatnonzero(automaton.table[:, :SPAN].any(axis=0)), list(b"".join(token_bytes)))
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
        input_text: What spans of the input are copied from; a grammar without them does not need it.
    """

    def __init__(self, automaton: TokenAutomaton, input_text: str = "") -> None:
        self.automaton = automaton
        self.spans = InputSpans(input_text, automaton.spellings) if automaton.has_spans else None
        self.distances = automaton.distances(self.spans.shortest if self.spans else 0)
        self._enter(automaton.start)

    def _enter(self, state: int) -> None:
        self.state = state
        self.behind = int(self.automaton.behind_span[state])  # DEAD outside of spans
        self.span = SpanPlace(self.spans) if self.spans and self.behind != DEAD else None

    @property
    def _outside(self) -> int:
        """The state whose tokens may come: behind a span, where it may end; DEAD within one."""
        if self.span is None:
            return self.state
        return self.behind if self.span.distance == 0 else DEAD

    def allowed(self, left: int) -> np.ndarray:
        """Return (vocabulary_size,) bool: tokens after which the text can be ended with `left` tokens, them included.

        None is allowed where the text has to end.
        """
        found = self.distances[self.automaton.table[self._outside]] < left
        if self.span:
            found[self.span.allowed(left - 1 - int(self.distances[self.behind]))] = True
        return found

    def advance(self, token: int) -> None:
        if not (self.span and self.span.advance(token)):
            self._enter(int(self.automaton.table[self._outside, token]))

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
        rest = self.span.distance + int(self.distances[self.behind]) if self.span else int(self.distances[self.state])
        return min(rest, UNREACHABLE)
