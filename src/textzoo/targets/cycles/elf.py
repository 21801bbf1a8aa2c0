"""What the cycle model reads of an ELF: its code, and the names of its functions and objects (32 bits, little endian).

Arm: the symbols $t and $d ("ELF for the Arm Architecture", mapping symbols) tell instructions from constants between
them. RISC-V, whose files need not have such symbols: the instructions are those of functions whose size is known.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from textzoo.common.errors import UserError
from textzoo.common.files import read_bytes

MAX_BYTES = 256 << 20
HEADER, SECTION, SYMBOL = struct.Struct("<16sHHIIIIIHHHHHH"), struct.Struct("<10I"), struct.Struct("<IIIBBH")
MAGIC = b"\x7fELF\x01\x01"
SYMBOL_TABLE, NO_BITS, ALLOCATED, EXECUTABLE = 2, 8, 2, 4
OBJECT, FUNCTION = 1, 2
ARM, RISCV = 40, 243  # machines
UNDEFINED = 0  # number of the section of symbols that the file does not define


@dataclass(frozen=True)
class Section:
    """A section: its type and flags, its address, where it lies in the file, and the section it refers to."""

    kind: int
    flags: int
    address: int
    offset: int
    bytes: int
    link: int


@dataclass(frozen=True)
class Symbol:
    """A symbol: its name, address without the Thumb bit, size and kind, and the number of its section."""

    name: str
    address: int
    bytes: int
    kind: int
    section: int


class Elf:
    """An ELF.

    Args:
        path: The file.

    Raises:
        UserError: It is no such file, is damaged, or has no symbols.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content = read_bytes(path, MAX_BYTES)
        try:
            self.machine, self.sections = self._header_and_sections()
            self.symbols = list(self._symbols())
        except (struct.error, IndexError, UnicodeDecodeError, ValueError) as error:
            raise UserError(f"'{path}' is no ELF of 32 bits that can be read", received=str(error)) from error
        if not self.symbols:
            raise UserError(f"'{path}' has no symbols", remedy="Build it without strip.")

    def _header_and_sections(self) -> tuple[int, list[Section]]:
        if not self.content.startswith(MAGIC):
            raise ValueError("another beginning")
        header = HEADER.unpack_from(self.content)
        start, count = header[6], header[12]
        rows = [SECTION.unpack_from(self.content, start + SECTION.size * index) for index in range(count)]
        return header[2], [Section(row[1], row[2], row[3], row[4], row[5], row[6]) for row in rows]

    def _symbols(self) -> Iterator[Symbol]:
        for section in self.sections:
            if section.kind == SYMBOL_TABLE:
                names = self.data_of(self.sections[section.link])
                for row in SYMBOL.iter_unpack(self.data_of(section)):
                    yield symbol_of(row, names)

    def data_of(self, section: Section) -> bytes:
        """Return the content of a section; ValueError if it is not in the file."""
        if section.offset + section.bytes > len(self.content):
            raise ValueError("a section beyond the end")
        return self.content[section.offset : section.offset + section.bytes]

    @cached_property
    def functions(self) -> list[Symbol]:
        """Functions by address."""
        return self._of_kind(FUNCTION)

    @cached_property
    def objects(self) -> list[Symbol]:
        """Objects of data by address; those without a size are left out."""
        return [symbol for symbol in self._of_kind(OBJECT) if symbol.bytes]

    def _of_kind(self, kind: int) -> list[Symbol]:
        found = [symbol for symbol in self.symbols if symbol.kind == kind and symbol.section != UNDEFINED]
        return sorted(found, key=lambda symbol: (symbol.address, symbol.name))

    def address_of(self, name: str) -> int:
        """Return the address of a symbol; raise UserError if there is none of that name."""
        for symbol in self.symbols:
            if symbol.name == name and symbol.section != UNDEFINED:
                return symbol.address
        raise UserError(f"'{self.path}' has no symbol {name}")

    def code(self) -> Iterator[tuple[int, bytes]]:
        """Yield (address, bytes) of each run of instructions."""
        for number, section in enumerate(self.sections):
            if section.flags & EXECUTABLE and section.flags & ALLOCATED and section.kind != NO_BITS:
                yield from self._runs(number, section) if self.machine == ARM else self._function_runs(number, section)

    def _function_runs(self, number: int, section: Section) -> Iterator[tuple[int, bytes]]:
        """Yield the functions of one section."""
        data = self.data_of(section)
        for symbol in self.functions:
            start = symbol.address - section.address
            if symbol.section == number and symbol.bytes and start >= 0 and start + symbol.bytes <= len(data):
                yield symbol.address, data[start : start + symbol.bytes]

    def _runs(self, number: int, section: Section) -> Iterator[tuple[int, bytes]]:
        """Yield the runs of one section: from each $t to the next mapping symbol."""
        marks = sorted({(mark.address, is_code(mark.name)) for mark in self.symbols if is_mark(mark, number)})
        data, end = self.data_of(section), section.address + section.bytes
        for (start, holds_code), following in zip(marks, [*marks[1:], (end, False)], strict=True):
            if holds_code and section.address <= start < following[0] <= end:
                yield start, data[start - section.address : following[0] - section.address]


def symbol_of(row: tuple[int, ...], names: bytes) -> Symbol:
    """Return the symbol of a row: name, address, size, kind and binding, visibility, section."""
    name, address, size, information, _, section = row
    kind = information & 15
    return Symbol(text_at(names, name), address & ~1 if kind == FUNCTION else address, size, kind, section)


def is_code(name: str) -> bool:
    return name.startswith("$t")


def is_mark(symbol: Symbol, section: int) -> bool:
    """Return whether a symbol of a section separates instructions and data."""
    return symbol.section == section and symbol.name[:2] in ("$t", "$d") and symbol.name[2:3] in ("", ".")


def text_at(names: bytes, offset: int) -> str:
    """Return the name that begins at an offset of a table of strings."""
    return names[offset : names.index(b"\0", offset)].decode()
