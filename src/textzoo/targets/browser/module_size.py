"""Bytes of a WebAssembly module by kind, read from its sections."""

import re
from collections.abc import Iterator
from pathlib import Path

from textzoo.targets.image_size import FlashSize, ImageSize

MAGIC = b"\0asm\1\0\0\0"
PAGE_BYTES = 65536
MEMORY, CODE, DATA = 5, 10, 11
WEIGHT_BYTES = re.compile(r"^#define MODEL_WEIGHT_BYTES (\d+)", re.MULTILINE)


def module_size(program: Path, stack_bytes: int) -> ImageSize:
    """Return the sizes of a module in a project's folder build/IMAGE.

    A module's constants lie in its memory, too: here they count as flash, and only the rest of the memory as RAM.

    Args:
        program: The module.
        stack_bytes: Bytes that the linker reserved for the stack in its memory.
    """
    sections = dict(sections_of(program.read_bytes()))
    pages = memory_pages(sections[MEMORY])
    header = (program.parents[2] / "model" / "model.h").read_text(encoding="utf-8")
    weights, data = int(WEIGHT_BYTES.search(header)[1]), len(sections[DATA])
    flash = FlashSize(weights, len(sections[CODE]), data - weights)
    return ImageSize(flash, pages * PAGE_BYTES - data, stack_bytes)


def sections_of(module: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (number, content) of every section.

    Raises:
        ValueError: It is not a WebAssembly module, or cut off.
    """
    if not module.startswith(MAGIC):
        raise ValueError("not a WebAssembly module")
    place = len(MAGIC)
    while place < len(module):
        size, start = unsigned_at(module, place + 1)
        if start + size > len(module):
            raise ValueError("the module ends in the middle of a section")
        yield module[place], module[start : start + size]
        place = start + size


def memory_pages(section: bytes) -> int:
    """Return the initial size of the first memory, in pages; behind the number of memories are flags of its limits."""
    _, flags = unsigned_at(section, 0)
    return unsigned_at(section, flags + 1)[0]


def unsigned_at(content: bytes, place: int) -> tuple[int, int]:
    """Read a number in LEB128: 7 bits in each byte, the lowest first; return it and the place behind it."""
    number = shift = 0
    while True:
        if place >= len(content):
            raise ValueError("the module ends in the middle of a number")
        number |= (content[place] & 0x7F) << shift
        shift += 7
        place += 1
        if content[place - 1] < 0x80:
            return number, place
