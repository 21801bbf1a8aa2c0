"""Decode Thumb instructions to what the cycle model needs of them: kind, registers that are read and written, marks."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, lru_cache

from textzoo.targets.cycles import mve
from textzoo.targets.cycles.encodings import (
    ADD,
    BITS,
    BRANCH,
    ENCODINGS,
    FLOAT_LOADS,
    FLOAT_STORES,
    INDIRECT,
    IT,
    JUMP,
    LOAD,
    LOADS,
    STORE,
    STORES,
    Encoding,
)
from textzoo.targets.cycles.instructions import Instruction, UnknownInstructionError

# Bits of a set of registers: r0 to r15, the flags, and s0 to s31.
STACK, LINK, PC, FLAGS, FIRST_FLOAT, FLOATS = 13, 14, 15, 1 << 16, 32, 32
SPECIAL = {"F": FLAGS, "l": 1 << LINK, "p": 1 << STACK, "q": 1 << PC}
FURTHER_BITS = {"d": "D", "n": "N", "m": "M"}
ALL_FLOATS = (1 << 64) - (1 << 32)
# The first five bits of the first half of an instruction of 32 bits.
WIDE_HEADS = (0b11101, 0b11110, 0b11111)
LONGEST_BLOCK, WIDE = 4, 32
# Operations whose result is a register and a constant.
SUMS = ("add", "sub", "addw", "subw", "mov")
# Instructions of 32 bits whose operand stands in two fields.
GIVEN_TWICE = ("rev", "rev16", "revsh", "rbit", "clz")


@cache
def encodings_by_head() -> dict[tuple[int, int], list[Encoding]]:
    """Return (bits, first seven bits) -> encodings that may begin so, the first match being the right one."""
    table: dict[tuple[int, int], list[Encoding]] = {}
    for encoding in ENCODINGS:
        shift = encoding.bits - 7
        for head in range(128):
            if (head ^ encoding.value >> shift) & encoding.mask >> shift == 0:
                table.setdefault((encoding.bits, head), []).append(encoding)
    return table


def is_wide(half: int) -> bool:
    """Return whether a half-word begins an instruction of 32 bits."""
    return half >> 11 in WIDE_HEADS


def encoding_of(word: int, bits: int) -> Encoding | None:
    """Return the row of an instruction, or None."""
    rows = encodings_by_head().get((bits, word >> bits - 7), ())
    return next((row for row in rows if word & row.mask == row.value), None)


@lru_cache(1 << 16)
def decode(word: int, bits: int) -> Instruction:
    """Decode one instruction that stands outside of IT blocks.

    Args:
        word: The instruction; one of 32 bits has its first half-word on top.
        bits: 16 or 32.

    Raises:
        UnknownInstructionError: It is not in the table; the message names it.
    """
    vector = mve.decode(word) if bits == WIDE else None
    if vector:
        return vector
    encoding = encoding_of(word, bits)
    if encoding is None or is_reserved(encoding, encoding.numbers(word)):
        raise UnknownInstructionError(name_of(word, bits))
    return described(encoding, encoding.numbers(word))


def name_of(word: int, bits: int) -> str:
    """Return an instruction's half-words as text."""
    return f"0x{word:04x}" if bits == 16 else f"0x{word >> 16:04x} 0x{word & 0xFFFF:04x}"


def is_reserved(encoding: Encoding, numbers: dict[str, int]) -> bool:
    """Return whether a row matches a pattern that means something else, or nothing."""
    if encoding.kind == IT:
        return numbers["i"] == 0
    if encoding.kind in (FLOAT_LOADS, FLOAT_STORES):
        return is_impossible_list(numbers)
    if encoding.name in GIVEN_TWICE and encoding.bits == 32:
        return numbers["n"] != numbers["m"]
    to_pc = numbers.get("t") == PC
    if encoding.kind in (LOAD, STORE) and "narrow" in encoding.marks and to_pc:
        return True
    return encoding.kind == STORE and (to_pc or numbers.get("n") == PC)


def is_impossible_list(numbers: dict[str, int]) -> bool:
    """Return whether a list of the FPU is empty, has half of a register, or more than there are."""
    double, count = bool(numbers["z"]), numbers["i"]
    first = (numbers["D"] << 4 | numbers["d"]) * 2 if double else numbers["d"] << 1 | numbers["D"]
    return count == 0 or bool(double and count & 1) or first + count > FLOATS


def described(encoding: Encoding, numbers: dict[str, int]) -> Instruction:
    """Return what an encoding with these numbers does."""
    marks = {mark for mark in encoding.marks if mark in ("narrow", "offset", "calls")}
    writes = registers(encoding, numbers, encoding.writes)
    if writes & FLAGS and encoding.kind != BITS:  # these write the flags GE, which no branch reads
        marks.add("sets")
    if writes >> PC & 1:
        marks.add("to pc")
    if is_shifted(encoding, numbers):
        marks.add("shifted")
    back = written_back(encoding, numbers)
    if back and numbers.get("P") == 0:
        marks.add("after")
    return Instruction(
        name=encoding.name,
        kind=kind_of(encoding, writes),
        bytes=encoding.bits // 8,
        reads=registers(encoding, numbers, encoding.reads),
        writes=writes & ~back,
        early=early_operands(encoding, numbers),
        added=registers(encoding, numbers, encoding.added),
        address=registers(encoding, numbers, encoding.address),
        back=back,
        count=count_of(encoding, numbers),
        marks=frozenset(marks | ({"writes back"} if back else set())),
        base=base_of(encoding, numbers),
        distance=distance_of(encoding, numbers),
    )


def base_of(encoding: Encoding, numbers: dict[str, int]) -> int | None:
    """Return the register of an address without an offset in another one, or of a sum with a constant, or of a move."""
    letters = encoding.address
    if encoding.kind == ADD and encoding.name in SUMS and ("j" in numbers or "i" in numbers or encoding.name == "mov"):
        letters = encoding.reads.replace("F", "")
    return registers(encoding, numbers, letters).bit_length() - 1 if len(letters) == 1 else None


def distance_of(encoding: Encoding, numbers: dict[str, int]) -> int:
    """Return how far an access, or the result of a sum, is from its base."""
    if encoding.name in ("push", "stmdb", "ldmdb", "vstmdb", "vldmdb"):
        return -4 * count_of(encoding, numbers)
    if "constant" in encoding.marks and encoding.kind == ADD and encoding.name in SUMS:
        return expanded(numbers["i"]) * (-1 if encoding.name == "sub" else 1)
    return numbers.get("j", 0) * encoding.scale * (-1 if numbers.get("U") == 0 else 1)


def expanded(number: int) -> int:
    """Return the constant that 12 bits stand for (Arm DDI 0403, A5.3.2)."""
    byte = number & 0xFF
    if number >> 10:
        rotation = number >> 7
        byte = number & 0x7F | 0x80
        return (byte >> rotation | byte << 32 - rotation) & 0xFFFFFFFF
    patterns = (byte, byte << 16 | byte, byte << 24 | byte << 8, byte * 0x01010101)
    return patterns[number >> 8 & 3]


def kind_of(encoding: Encoding, writes: int) -> str:
    """Return the kind: an operation that writes the program counter is a jump."""
    if writes >> PC & 1 and encoding.kind in ("ADD", "LOGIC", "SHIFT"):
        return INDIRECT
    return encoding.kind


def registers(encoding: Encoding, numbers: dict[str, int], letters: str) -> int:
    """Return the set of registers that letters of the table stand for."""
    found = 0
    for letter in letters:
        found |= SPECIAL.get(letter, 0)
        if letter == "S":
            found |= FLAGS if numbers["s"] else 0
        elif letter == "L":
            found |= listed(encoding, numbers["L"])
        elif letter not in SPECIAL:
            found |= float_set(encoding, numbers, letter) if is_float(encoding, letter) else 1 << numbers[letter]
    return found


def is_float(encoding: Encoding, letter: str) -> bool:
    """Return whether a letter of a row is a register of the FPU: its further bit is a field, too."""
    return FURTHER_BITS.get(letter) in encoding.fields


def listed(encoding: Encoding, bits: int) -> int:
    """Return the registers of a list; the ninth bit of short ones is lr for push, and pc for pop."""
    if "pushes" in encoding.marks or "pops" in encoding.marks:
        return bits & 0xFF | (bits >> 8) << (LINK if "pushes" in encoding.marks else PC)
    return bits


def float_set(encoding: Encoding, numbers: dict[str, int], letter: str) -> int:
    """Return the registers s0 to s31 that an operand of the FPU consists of."""
    further = numbers[FURTHER_BITS[letter]]
    double = is_double(encoding, numbers, letter)
    number = (further << 4 | numbers[letter]) * 2 if double else numbers[letter] << 1 | further
    count = 2 if double or "two" in encoding.marks else 1
    if encoding.kind in (FLOAT_LOADS, FLOAT_STORES):
        count = numbers["i"]
    return ((1 << count) - 1) << (FIRST_FLOAT + number) & ALL_FLOATS


def is_double(encoding: Encoding, numbers: dict[str, int], letter: str) -> bool:
    """Return whether an operand has 64 bits."""
    double = bool(numbers.get("z", "half" in encoding.marks))
    if "other precision" in encoding.marks and letter == "d":
        return not double
    is_single = ("to single" in encoding.marks and letter == "d") or ("from single" in encoding.marks and letter == "m")
    return double and not is_single


def is_shifted(encoding: Encoding, numbers: dict[str, int]) -> bool:
    """Return whether the second operand went through the shifter: a shift, or a constant made by one."""
    if "shifts" in encoding.marks:
        return bool(numbers["k"] or numbers["y"])
    return "constant" in encoding.marks and numbers["i"] >> 10 != 0


def early_operands(encoding: Encoding, numbers: dict[str, int]) -> int:
    if "shifts" in encoding.marks and is_shifted(encoding, numbers):
        return registers(encoding, numbers, "m")
    return registers(encoding, numbers, encoding.early)


def written_back(encoding: Encoding, numbers: dict[str, int]) -> int:
    """Return the register of the address if it is written back."""
    if "pushes" in encoding.marks or "pops" in encoding.marks:
        return 1 << STACK
    if not (numbers.get("W") or "writes_back" in encoding.marks):
        return 0
    base = 1 << numbers["n"]
    return 0 if encoding.kind == LOADS and listed(encoding, numbers["L"]) & base else base


def count_of(encoding: Encoding, numbers: dict[str, int]) -> int:
    """Return how many words an access transfers; 0 for other instructions."""
    if encoding.kind in (LOADS, STORES):
        return listed(encoding, numbers["L"]).bit_count()
    if encoding.kind in (FLOAT_LOADS, FLOAT_STORES):
        return numbers["i"]
    if encoding.kind in ("FLOAT_LOAD", "FLOAT_STORE"):
        return 1 + numbers["z"]
    if "two" in encoding.marks:
        return 2
    return {LOAD: 1, STORE: 1, "LOAD2": 2, "STORE2": 2}.get(encoding.kind, 0)


def conditional(instruction: Instruction) -> Instruction:
    """Return an instruction as it is within an IT block: it reads the flags, and a short one does not write them."""
    writes, marks = instruction.writes, instruction.marks | {"conditional"}
    compares = writes == FLAGS
    if instruction.bytes == 2 and not compares:
        writes, marks = writes & ~FLAGS, marks - {"sets"}
    kind = BRANCH if instruction.kind == JUMP else instruction.kind
    return replace(instruction, reads=instruction.reads | FLAGS, writes=writes, marks=marks, kind=kind)


def block_length(word: int) -> int:
    """Return how many instructions an IT makes conditional: its mask ends with a 1."""
    mask = word & 15
    return LONGEST_BLOCK - ((mask & -mask).bit_length() - 1)


def decode_run(start: int, code: bytes) -> Iterator[tuple[int, Instruction | UnknownInstructionError]]:
    """Yield (address, instruction) of a run of code, or the error in place of one that is unknown.

    Args:
        start: Address of the first one.
        code: The bytes.
    """
    position, block = 0, 0
    while position + 2 <= len(code):
        half = int.from_bytes(code[position : position + 2], "little")
        bits = 32 if is_wide(half) and position + 4 <= len(code) else 16
        word = half << 16 | int.from_bytes(code[position + 2 : position + 4], "little") if bits == 32 else half
        try:
            found: Instruction | UnknownInstructionError = decode(word, bits)
        except UnknownInstructionError as error:
            found = error
        is_it = isinstance(found, Instruction) and found.kind == IT
        if block and isinstance(found, Instruction) and not is_it:
            found = conditional(found)
        block = block_length(word) if is_it else max(block - 1, 0)
        yield start + position, found
        position += bits // 8
