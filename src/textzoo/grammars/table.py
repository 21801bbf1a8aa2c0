"""A grammar as bytes for devices: small, and read in place by deployment/application/grammar.c.

The table is a row of records, one for each state; a state is the offset of its record, and DEAD has none. Numbers of
several bytes are little endian. The format:

    FORCED, token                                  one token may come, and the next record follows at once
    flags, distance (2), singles, sets,            flags: bit 0 = the text may end here
      (token, next state (2)) for each single,
      (set, next state (2)) for each set           any token of a set, a row of bits by token

A token has 1 byte in vocabularies of up to 256 tokens, else 2. A distance is the number of tokens of the shortest way
to a text that may end; that of a FORCED record is one more than the distance of the next one.
"""

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from textzoo.common.errors import UserError
from textzoo.grammars.automaton import DEAD
from textzoo.grammars.token_automaton import TokenAutomaton

FORCED = 0xFF
MAY_END = 1
MAX_COUNT = 0xFF  # singles or sets of a state
MAX_BYTES = 0xFFFF
STATE_BYTES = 2


@dataclass(frozen=True)
class GrammarTable:
    """The bytes of a grammar.

    Attributes:
        records: The table.
        sets: Rows of bits by token, (vocabulary_size + 7) // 8 bytes each, token 0 in bit 0 of the first one.
        start: The first state.
        token_bytes: Bytes of a token in the table.
        shortest: Tokens of the shortest text.
        longest: The largest distance, above which none has to be looked up.
        states: Number of records.
    """

    records: bytes
    sets: tuple[bytes, ...]
    start: int
    token_bytes: int
    shortest: int
    longest: int
    states: int

    @property
    def bytes(self) -> int:
        return len(self.records) + sum(map(len, self.sets))

    @property
    def crc32(self) -> int:
        return zlib.crc32(b"".join(self.sets), zlib.crc32(self.records))


@dataclass(frozen=True)
class Edges:
    """Where a state leads to.

    Attributes:
        groups: (tokens, next state), by rising next state.
        may_end: Whether the text may end there.
    """

    groups: tuple[tuple[tuple[int, ...], int], ...]

    may_end: bool

    @property
    def is_forced(self) -> bool:
        return not self.may_end and len(self.groups) == 1 and len(self.groups[0][0]) == 1


def grammar_table(automaton: TokenAutomaton, name: str) -> GrammarTable:
    """Return the table of a grammar.

    Raises:
        UserError: It is larger than a device can address.
    """
    edges = [edges_of(row, bool(end)) for row, end in zip(automaton.table, automaton.accepting, strict=True)]
    sets = chosen_sets(edges, automaton.vocabulary_size)
    builder = TableBuilder(automaton, edges, sets, name)
    return builder.built()


def edges_of(row: np.ndarray, may_end: bool) -> Edges:
    states = [int(state) for state in np.unique(row) if state != DEAD]
    return Edges(tuple((tuple(np.flatnonzero(row == state).tolist()), state) for state in states), may_end)


def chosen_sets(edges: list[Edges], vocabulary_size: int) -> dict[tuple[int, ...], int]:
    """Return the groups of tokens that take less as a row of bits, with their number; shared ones cost once."""
    counts = Counter(tokens for state in edges for tokens, _ in state.groups if len(tokens) > 1)
    token_bytes = bytes_of_token(vocabulary_size)
    row, edge = (vocabulary_size + 7) // 8, STATE_BYTES + token_bytes
    worth = [tokens for tokens, count in counts.items() if row + count * (1 + STATE_BYTES) < count * edge * len(tokens)]
    return {tokens: number for number, tokens in enumerate(sorted(worth))}


def bytes_of_token(vocabulary_size: int) -> int:
    return 1 if vocabulary_size <= 256 else 2


def bits_of(tokens: tuple[int, ...], vocabulary_size: int) -> bytes:
    bits = np.zeros((vocabulary_size + 7) // 8 * 8, np.uint8)
    bits[list(tokens)] = 1
    return np.packbits(bits, bitorder="little").tobytes()


class TableBuilder:
    """Places the records of an automaton.

    Args:
        automaton: The grammar.
        edges: By state, where it leads to.
        sets: Groups of tokens that are rows of bits -> their number.
        name: The grammar's name, for errors.
    """

    def __init__(
        self, automaton: TokenAutomaton, edges: list[Edges], sets: dict[tuple[int, ...], int], name: str
    ) -> None:
        self.automaton, self.edges, self.sets, self.name = automaton, edges, sets, name
        self.token_bytes = bytes_of_token(automaton.vocabulary_size)
        self.distances = automaton.distances()
        self.order = list(self.chains())
        self.place = self.places()

    def chains(self) -> Iterator[int]:
        """Yield the states so that a forced one stands before the next, unless another forced one does already."""
        placed: set[int] = set()
        for first in range(1, len(self.edges)):
            state = first
            while state not in placed:
                placed.add(state)
                yield state
                if self.edges[state].is_forced:
                    state = self.edges[state].groups[0][1]

    def follows(self, state: int, index: int) -> bool:
        """Return whether a forced state's next record stands behind it."""
        following = self.order[index + 1] if index + 1 < len(self.order) else DEAD
        return self.edges[state].is_forced and self.edges[state].groups[0][1] == following

    def places(self) -> dict[int, int]:
        offset, found = 0, {}
        for index, state in enumerate(self.order):
            found[state] = offset
            offset += len(self.record(state, index, found={}))
        self.check(offset <= MAX_BYTES, f"at most {MAX_BYTES:,} bytes", f"{offset:,} bytes")
        return found

    def record(self, state: int, index: int, found: dict[int, int]) -> bytes:
        """Return the record of a state; next states are 0 where their places are not known yet."""
        edges = self.edges[state]
        if self.follows(state, index):
            return bytes([FORCED]) + self.token(edges.groups[0][0][0])
        singles = [
            (token, following) for tokens, following in edges.groups if tokens not in self.sets for token in tokens
        ]
        sets = [(self.sets[tokens], following) for tokens, following in edges.groups if tokens in self.sets]
        most = max(len(singles), len(sets), len(self.sets) - 1)
        self.check(most <= MAX_COUNT, f"at most {MAX_COUNT} single tokens and sets of a state", str(most))
        head = bytes([MAY_END if edges.may_end else 0])
        head += int(self.distances[state]).to_bytes(2, "little") + bytes([len(singles), len(sets)])
        body = [self.token(token) + self.state(following, found) for token, following in sorted(singles)]
        body += [bytes([number]) + self.state(following, found) for number, following in sets]
        return head + b"".join(body)

    def token(self, token: int) -> bytes:
        return token.to_bytes(self.token_bytes, "little")

    @staticmethod
    def state(state: int, found: dict[int, int]) -> bytes:
        return found.get(state, 0).to_bytes(STATE_BYTES, "little")

    def check(self, is_right: bool, expected: str, received: str) -> None:
        if not is_right:
            what = f"{self.name} is too large for a device"
            raise UserError(what, expected=expected, received=received, remedy="Allow fewer or shorter texts.")

    def built(self) -> GrammarTable:
        records = [self.record(state, index, self.place) for index, state in enumerate(self.order)]
        size = self.automaton.vocabulary_size
        return GrammarTable(
            records=b"".join(records),
            sets=tuple(bits_of(tokens, size) for tokens in sorted(self.sets, key=self.sets.__getitem__)),
            start=self.place[self.automaton.start],
            token_bytes=self.token_bytes,
            shortest=int(self.distances[self.automaton.start]),
            longest=int(self.distances[1:].max()),
            states=len(self.order),
        )
