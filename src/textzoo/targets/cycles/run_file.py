"""The file that tells the plugin what to measure, and the one that it writes; plugin/run_file.c and spans.c.

Lines of the first: `core NUMBER`, `level1 ...`, `memories COUNT`, `memory ...`, `place ...`, `object ...`, `span ...`,
`within ADDRESS`, `output PATH`, and an `insn ...` for each instruction, by address.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from textzoo.common.errors import UserError
from textzoo.targets.cycles import riscv, thumb
from textzoo.targets.cycles.elf import ARM, RISCV, Elf, Symbol
from textzoo.targets.cycles.instructions import Instruction
from textzoo.targets.cycles.timing import CORES, Level1, MemoryTiming, Timing

# Mark of an instruction -> its letter; the order is that of the plugin's bits.
MARKS = {"sets": "s", "shifted": "x", "offset": "o", "narrow": "n", "to pc": "p", "conditional": "i", "calls": "c"}
MARKS |= {"writes back": "w", "after": "a"}
NO_REGISTER = 255
DECODERS = {ARM: thumb.decode_run, RISCV: riscv.decode_run}


def instructions_of(elf: Elf) -> tuple[dict[int, Instruction], dict[int, str]]:
    """Return (address -> instruction, address -> name of an unknown one) of a program.

    Raises:
        UserError: It is for another machine than those that can be decoded.
    """
    if elf.machine not in DECODERS:
        raise UserError(
            f"the cycle model does not know the instructions of '{elf.path}'",
            expected="a program for Arm or RISC-V",
            received=f"machine {elf.machine} of the ELF",
        )
    known: dict[int, Instruction] = {}
    unknown: dict[int, str] = {}
    for start, code in elf.code():
        for address, found in DECODERS[elf.machine](start, code):
            if isinstance(found, Instruction):
                known[address] = found
            else:
                unknown[address] = str(found)
    return known, unknown


def instruction_line(address: int, instruction: Instruction) -> str:
    marks = "".join(letter for mark, letter in MARKS.items() if mark in instruction.marks) or "-"
    sets = (instruction.reads, instruction.writes, instruction.early, instruction.added)
    masks = " ".join(f"{mask:x}" for mask in (*sets, instruction.address, instruction.back))
    base = NO_REGISTER if instruction.base is None else instruction.base
    start = f"insn {address:x} {instruction.bytes} {instruction.kind} {instruction.count} {marks}"
    return f"{start} {masks} {base} {instruction.distance}"


def timing_lines(timing: Timing) -> Iterator[str]:
    """Yield the lines about the core and the memories."""
    yield f"core {CORES[timing.core].number}"
    if timing.level1:
        yield level1_line(timing.level1)
    yield f"memories {len(timing.memories)}"
    yield from (memory_line(memory) for memory in timing.memories.values())


def level1_line(caches: Level1) -> str:
    lines = (caches.instruction_bytes // caches.line, caches.data_bytes // caches.line)
    return f"level1 {log2(caches.line)} {lines[0]} {caches.instruction_ways} {lines[1]} {caches.data_ways}"


def memory_line(memory: MemoryTiming) -> str:
    flags = f"{memory.shared:d} {memory.read_ahead:d} {memory.code:d}"
    lines = f"{memory.instruction_lines} {memory.data_lines} {memory.ways}"
    return f"memory {memory.stall} {log2(memory.line)} {memory.cached:d} {lines} {flags}"


def log2(number: int) -> int:
    return number.bit_length() - 1


def output_lines(path: Path) -> list[list[str]]:
    """Return the words of each line that the plugin wrote.

    Raises:
        UserError: The file is not complete.
    """
    lines = path.read_text(encoding="ascii").splitlines() if path.is_file() else []
    if not lines or lines[-1] != "end":
        raise UserError("QEMU ended before the cycles were written", remedy="Let the program end by itself.")
    return [line.split() for line in lines[:-1]]


def function_sizes(elf: Elf) -> dict[str, Symbol]:
    """Return name -> function, the first of each name."""
    found: dict[str, Symbol] = {}
    for symbol in elf.functions:
        found.setdefault(symbol.name, symbol)
    return found


def object_lines(objects: Sequence[Symbol]) -> Iterator[str]:
    yield from (f"object {symbol.address:x} {symbol.bytes:x}" for symbol in objects)
