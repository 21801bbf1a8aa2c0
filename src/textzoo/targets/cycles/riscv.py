"""Decode RISC-V instructions to what the cycle model needs; bits 0 to 31 of a set of registers are x0 to x31."""

from collections.abc import Iterator
from functools import cache, lru_cache

from textzoo.targets.cycles.encodings import LOAD, STORE, Encoding
from textzoo.targets.cycles.instructions import Instruction, UnknownInstructionError
from textzoo.targets.cycles.riscv_encodings import ENCODINGS, RESERVED

ZERO, LINK, STACK = 0, 1, 2
SPECIAL = {"l": 1 << LINK, "p": 1 << STACK}
FIRST_OF_SHORT = 8  # a field of three bits is one of x8 to x15


@cache
def encodings_by_opcode() -> dict[tuple[int, int], list[Encoding]]:
    """Return `opcode_of` -> rows in their order."""
    table: dict[tuple[int, int], list[Encoding]] = {}
    for encoding in ENCODINGS:
        table.setdefault(opcode_of(encoding.value, encoding.bits), []).append(encoding)
    return table


def opcode_of(word: int, bits: int) -> tuple[int, int]:
    """Return the bits, and the lowest seven of them; of 16 bits the lowest two and the highest three."""
    return bits, word & 0x7F if bits == 32 else word & 3 | word >> 13 << 7


def is_wide(half: int) -> bool:
    """Return whether a half-word begins an instruction of 32 bits; longer ones do not exist on these cores."""
    return half & 3 == 3


@lru_cache(1 << 16)
def decode(word: int, bits: int) -> Instruction:
    """Decode one instruction.

    Args:
        word: The instruction.
        bits: 16 or 32.

    Raises:
        UnknownInstructionError: It is not in the table; the message names it.
    """
    rows = encodings_by_opcode().get(opcode_of(word, bits), ())
    encoding = next((row for row in rows if word & row.mask == row.value), None)
    if encoding is None or encoding.name == RESERVED:
        raise UnknownInstructionError(f"0x{word:0{bits // 4}x}")
    return described(encoding, encoding.numbers(word))


def described(encoding: Encoding, numbers: dict[str, int]) -> Instruction:
    """Return what an encoding with these numbers does; writing x0 does nothing."""
    writes = registers(numbers, encoding.writes)
    jumps = encoding.name in ("jal", "jalr") and writes
    return Instruction(
        name=encoding.name,
        kind=encoding.kind,
        bytes=encoding.bits // 8,
        reads=registers(numbers, encoding.reads),
        writes=writes,
        early=0,
        added=0,
        address=registers(numbers, encoding.address),
        back=0,
        count=int(encoding.kind in (LOAD, STORE)),
        marks=frozenset(("calls",)) if jumps else frozenset(encoding.marks),
        base=None,
        distance=0,
    )


def registers(numbers: dict[str, int], letters: str) -> int:
    """Return the set of registers that letters of the table stand for, without x0."""
    found = 0
    for letter in letters:
        if letter in SPECIAL:
            found |= SPECIAL[letter]
        else:
            found |= 1 << numbers[letter] + (FIRST_OF_SHORT if letter.isupper() else 0)
    return found & ~(1 << ZERO)


def decode_run(start: int, code: bytes) -> Iterator[tuple[int, Instruction | UnknownInstructionError]]:
    """Yield (address, instruction) of a run of code, or the error in place of one that is unknown.

    Args:
        start: Address of the first one.
        code: The bytes.
    """
    position = 0
    while position + 2 <= len(code):
        half = int.from_bytes(code[position : position + 2], "little")
        size = 4 if is_wide(half) and position + 4 <= len(code) else 2
        word = int.from_bytes(code[position : position + size], "little")
        try:
            yield start + position, decode(word, size * 8)
        except UnknownInstructionError as error:
            yield start + position, error
        position += size
