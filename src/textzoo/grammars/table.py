"""A grammar as bytes for devices: small, and read in place by deployment/application/grammar.c.

The table is a row of records, one for each state; a state is the offset of its record, and DEAD has none. Numbers of
several bytes are little endian. The format:

    FORCED, token                                  one token may come, and the next record follows at once
    flags, distance (2), singles, sets,            flags: bit 0 = the text may end here; the others: number of ways
      (spans, tokens (2)) for each way,
      (token, next state (2)) for each single,
      (set, next state (2)) for each set           any token of a set, a row of bits by token

A token has 1 byte in vocabularies of up to 256 tokens, else 2. A distance is the number of tokens of the shortest way
to a text that may end; that of a FORCED record is one more than the distance of the next one.

Where that makes a table much smaller, it has three more kinds of records, for which the application has code then:

    FORCED_SET, set                                one token of a set may come, and the next record follows at once
    JUMP, next state (2)                           the state is another one
    SPAN                                           a span of the input comes, and the next record follows at once

With spans the length of a way depends on the input. A distance is then that of the shortest way without any span (FAR
where there is none), and each of the `ways` has some spans, and tokens outside of them, and is the shortest one for
some inputs. So is the distance of FORCED_SET one more, and that of SPAN the tokens of the shortest span more, than the
next record's. For spans there is a further table: the first byte of each token.
"""

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from textzoo.common.errors import UserError
from textzoo.grammars.automaton import DEAD
from textzoo.grammars.spans import MAX_BYTES as MAX_BYTES_OF_INPUT
from textzoo.grammars.spans import UNREACHABLE
from textzoo.grammars.token_automaton import TokenAutomaton

FORCED, SPAN, JUMP, FORCED_SET = 0xFF, 0xFE, 0xFD, 0xFC
FAR = 0xFFFF
MAY_END = 1
# What a device keeps of an input: the escaped bytes, and for each position a distance and two bits.
INPUT_BYTES = MAX_BYTES_OF_INPUT + (MAX_BYTES_OF_INPUT + 1) + 2 * ((MAX_BYTES_OF_INPUT + 8) // 8)
SHORT_FORMS_CODE = 96  # about what the code for FORCED_SET and JUMP takes in flash
MAX_COUNT = 0xFF  # singles or sets of a state
MAX_BYTES = 0xFFFF
STATE_BYTES = 2


@dataclass(frozen=True)
class GrammarTable:
    """The bytes of a grammar.

    Attributes:
        records: The table.
        first_bytes: Of each token, for spans of the input; empty for a grammar without them.
        sets: Rows of bits by token, (vocabulary_size + 7) // 8 bytes each, token 0 in bit 0 of the first one.
        start: The first state.
        token_bytes: Bytes of a token in the table.
        shortest: Tokens of the shortest text.
        longest: The largest distance, above which none has to be looked up; without the tokens of spans.
        spans: Of that number every text needs fewer, or as many; 0 for a grammar without spans.
        states: Number of states.
        has_short_forms: Whether there are records FORCED_SET and JUMP.
        ram_bytes: What the place in a text takes in RAM, and an input.
    """

    records: bytes
    first_bytes: bytes
    sets: tuple[bytes, ...]
    start: int
    token_bytes: int
    shortest: int
    longest: int
    spans: int
    states: int
    has_short_forms: bool
    ram_bytes: int

    @property
    def has_spans(self) -> bool:
        return bool(self.first_bytes)

    @property
    def bytes(self) -> int:
        return len(self.records) + len(self.first_bytes) + sum(map(len, self.sets))

    @property
    def crc32(self) -> int:
        return zlib.crc32(self.first_bytes, zlib.crc32(b"".join(self.sets), zlib.crc32(self.records)))


@dataclass(frozen=True)
class Edges:
    """Where a state leads to.

    Attributes:
        groups: (tokens, next state), by rising next state.
        may_end: Whether the text may end there.
        behind_span: The state behind a span of the input, if one begins there; then nothing else does.
    """

    groups: tuple[tuple[tuple[int, ...], int], ...]
    may_end: bool
    behind_span: int

    @property
    def is_forced(self) -> bool:
        return self.leads_on and len(self.groups[0][0]) == 1

    @property
    def leads_on(self) -> bool:
        """Whether any token that may come leads to one and the same state."""
        return not self.may_end and len(self.groups) == 1


def grammar_table(automaton: TokenAutomaton, name: str) -> GrammarTable:
    """Return the table of a grammar, the smallest one with the code that it needs.

    Raises:
        UserError: It is larger than a device can address.
    """
    edges = [edges_of(automaton, state) for state in range(len(automaton.table))]
    sets = chosen_sets(edges, automaton.vocabulary_size)
    if automaton.has_spans:
        return TableBuilder(automaton, edges, sets, name, has_short_forms=True).built()
    plain, short = (TableBuilder(automaton, edges, sets, name, has_short_forms=which) for which in (False, True))
    return (short if short.size + SHORT_FORMS_CODE < plain.size else plain).built()


def edges_of(automaton: TokenAutomaton, state: int) -> Edges:
    row = automaton.table[state]
    following = [int(other) for other in np.unique(row) if other != DEAD]
    groups = tuple((tuple(np.flatnonzero(row == other).tolist()), other) for other in following)
    return Edges(groups, bool(automaton.accepting[state]), int(automaton.behind_span[state]))


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


def useful_ways(ways: np.ndarray) -> list[list[tuple[int, int]]]:
    """Return, by state, (spans, tokens outside of them) of the ways that are the shortest for some input.

    Args:
        ways: (spans + 1, states), as `TokenAutomaton.ways`.
    """
    spans, found = np.arange(len(ways))[:, None], np.zeros(ways.shape, bool)
    for tokens in range(MAX_BYTES_OF_INPUT + 1 if len(ways) > 1 else 1):  # of the shortest span
        best = (ways.astype(np.int64) + tokens * spans).argmin(axis=0)
        found[best, np.arange(ways.shape[1])] = True
    found &= ways < UNREACHABLE
    return [
        [(int(count), int(column[count])) for count in np.flatnonzero(used)]
        for column, used in zip(ways.T, found.T, strict=True)
    ]


class TableBuilder:
    """Places the records of an automaton.

    Args:
        automaton: The grammar.
        edges: By state, where it leads to.
        sets: Groups of tokens that are rows of bits -> their number.
        name: The grammar's name, for errors.
        has_short_forms: Whether there may be records FORCED_SET and JUMP.

    Attributes:
        size: Bytes of all records.
    """

    def __init__(
        self,
        automaton: TokenAutomaton,
        edges: list[Edges],
        sets: dict[tuple[int, ...], int],
        name: str,
        *,
        has_short_forms: bool,
    ) -> None:
        self.automaton, self.edges, self.sets, self.name = automaton, edges, sets, name
        self.has_short_forms = has_short_forms
        self.token_bytes = bytes_of_token(automaton.vocabulary_size)
        self.ways = useful_ways(automaton.ways)
        self.order = list(self.chains())
        self.place: dict[int, int] = {}
        self.size = 0
        for index, state in enumerate(self.order):
            self.place[state] = self.size
            self.size += len(self.record(state, index))

    def chains(self) -> Iterator[int]:
        """Yield the states so that one which leads on stands before the next, unless another one does already."""
        placed: set[int] = set()
        for first in range(1, len(self.edges)):
            state = first
            while state not in placed:
                placed.add(state)
                yield state
                if self.lead(state):
                    state = self.following(state)

    def lead(self, state: int) -> bytes:
        """Return what stands before the record of the next state, if there is only one; else nothing."""
        edges = self.edges[state]
        if edges.behind_span != DEAD:
            return bytes([SPAN])
        if edges.is_forced:
            return bytes([FORCED]) + self.token(edges.groups[0][0][0])
        if self.has_short_forms and edges.leads_on and edges.groups[0][0] in self.sets:
            return bytes([FORCED_SET, self.sets[edges.groups[0][0]]])
        return b""

    def following(self, state: int) -> int:
        """Return the next state of one that leads on."""
        return self.edges[state].behind_span or self.edges[state].groups[0][1]

    def record(self, state: int, index: int) -> bytes:
        """Return the record of a state; next states are 0 where their places are not known yet."""
        lead = self.lead(state)
        if lead and self.following(state) == (self.order[index + 1] if index + 1 < len(self.order) else DEAD):
            return lead
        if lead and self.has_short_forms:
            return lead + bytes([JUMP]) + self.state(self.following(state))
        return self.whole_record(state)

    def whole_record(self, state: int) -> bytes:
        edges, ways = self.edges[state], [way for way in self.ways[state] if way[0] > 0]
        singles = [
            (token, following) for tokens, following in edges.groups if tokens not in self.sets for token in tokens
        ]
        sets = [(self.sets[tokens], following) for tokens, following in edges.groups if tokens in self.sets]
        most = max(len(singles), len(sets), len(self.sets) - 1)
        self.check(most <= MAX_COUNT, f"at most {MAX_COUNT} single tokens and sets of a state", str(most))
        distance = dict(self.ways[state]).get(0, FAR)
        head = bytes([MAY_END * edges.may_end + 2 * len(ways)]) + two_bytes(distance) + bytes([len(singles), len(sets)])
        body = [bytes([spans]) + two_bytes(tokens) for spans, tokens in ways]
        body += [self.token(token) + self.state(following) for token, following in sorted(singles)]
        body += [bytes([number]) + self.state(following) for number, following in sets]
        return head + b"".join(body)

    def token(self, token: int) -> bytes:
        return token.to_bytes(self.token_bytes, "little")

    def state(self, state: int) -> bytes:
        return two_bytes(min(self.place.get(state, 0), FAR))  # `built` refuses a table whose places are larger

    def check(self, is_right: bool, expected: str, received: str) -> None:
        if not is_right:
            what = f"{self.name} is too large for a device"
            raise UserError(what, expected=expected, received=received, remedy="Allow fewer or shorter texts.")

    def built(self) -> GrammarTable:
        self.check(self.size <= MAX_BYTES, f"at most {MAX_BYTES:,} bytes", f"{self.size:,} bytes")
        records = [self.record(state, index) for index, state in enumerate(self.order)]
        fewest = [ways[0] for ways in self.ways[1:]]
        return GrammarTable(
            records=b"".join(records),
            first_bytes=first_bytes(self.automaton),
            sets=tuple(bits_of(tokens, self.automaton.vocabulary_size) for tokens in self.sets),
            start=self.place[self.automaton.start],
            token_bytes=self.token_bytes,
            shortest=min(tokens for _, tokens in self.ways[self.automaton.start]),
            longest=max(tokens for _, tokens in fewest),
            spans=max(spans for spans, _ in fewest),
            states=len(self.order),
            has_short_forms=self.has_short_forms,
            ram_bytes=(self.automaton.vocabulary_size + 7) // 8 + (INPUT_BYTES if self.automaton.has_spans else 0),
        )


def first_bytes(automaton: TokenAutomaton) -> bytes:
    """Return the first byte of each token, for a grammar with spans; 0 for <unk>, which stands in none."""
    found = bytearray(automaton.vocabulary_size if automaton.has_spans else 0)
    for content, tokens in automaton.spellings.items():
        for token in tokens:
            found[token] = content[0]
    return bytes(found)


def two_bytes(number: int) -> bytes:
    return number.to_bytes(2, "little")
