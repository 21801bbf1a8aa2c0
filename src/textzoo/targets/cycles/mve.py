"""Decode Helium's instructions; vector registers q0 to q7 are s0 to s31, four each."""

from functools import cache

from textzoo.targets.cycles.instructions import Instruction
from textzoo.targets.cycles.mve_encodings import ENCODINGS, VectorEncoding

FLAGS, LINK, FIRST_FLOAT, OF_A_VECTOR = 1 << 16, 14, 32, 4


@cache
def encodings_by_head() -> dict[int, list[VectorEncoding]]:
    """Return first eight bits -> rows that may begin so, in their order."""
    table: dict[int, list[VectorEncoding]] = {}
    for encoding in ENCODINGS:
        for head in range(256):
            if (head ^ encoding.value >> 24) & encoding.mask >> 24 == 0:
                table.setdefault(head, []).append(encoding)
    return table


def decode(word: int) -> Instruction | None:
    """Return an instruction of 32 bits, its first half-word on top; None if it is not in the table."""
    rows = encodings_by_head().get(word >> 24, ())
    encoding = next((row for row in rows if word & row.mask == row.value), None)
    return None if encoding is None else described(encoding, encoding.numbers(word))


def described(encoding: VectorEncoding, numbers: dict[str, int]) -> Instruction:
    """Return what an encoding with these numbers does; `count` is the latency of its result."""
    back = 1 << numbers["n"] if numbers.get("W") else 0
    writes = registers(numbers, encoding.writes)
    return Instruction(
        name=encoding.name,
        kind=encoding.kind,
        bytes=4,
        reads=registers(numbers, encoding.reads),
        writes=writes,
        early=0,
        added=0,
        address=registers(numbers, encoding.address),
        back=back,
        count=encoding.latency,
        marks=frozenset(("writes back",)) if back else frozenset(),
        base=None,
        distance=0,
    )


def registers(numbers: dict[str, int], letters: str) -> int:
    """Return the set of registers that letters of the table stand for."""
    found = 0
    for letter in letters:
        if letter == "F":
            found |= FLAGS
        elif letter == "l":
            found |= 1 << LINK
        elif letter in "fgh":
            found |= (1 << OF_A_VECTOR) - 1 << FIRST_FLOAT + OF_A_VECTOR * numbers[letter]
        elif letter in "EO":
            found |= 1 << 2 * numbers[letter] + (letter == "O")
        else:
            found |= 1 << numbers[letter]
    return found
