"""Flash and RAM of an image, read from its ELF by the toolchain's `size`."""

from dataclasses import dataclass
from pathlib import Path

from textzoo.common import processes

SIZE_SECONDS = 60
# End of the names of sections whose weights are copied into RAM at the start.
COPIED = "_WEIGHTS"


@dataclass(frozen=True)
class FlashSize:
    """Flash that an image needs, in bytes."""

    weights: int
    code: int
    constants: int

    @property
    def total(self) -> int:
        return self.weights + self.code + self.constants


@dataclass(frozen=True)
class ImageSize:
    """Bytes by kind.

    Attributes:
        flash: Weights, code and other constants.
        ram: RAM, including the reserved stack, without copies of weights.
        stack_reserved: The stack's part of it.
        copied_weights: RAM that holds copies of weights.
    """

    flash: FlashSize
    ram: int
    stack_reserved: int
    copied_weights: int = 0


def sizes_of_sections(program: Path, size_tool: Path) -> ImageSize:
    """Return the sizes of a program with the sections of a project's sections.ld."""
    sections = section_sizes(program, size_tool)
    copied = sum(size for name, size in sections.items() if name.endswith(COPIED))
    weights, code = sections.get(".weights", 0) + copied, sections.get(".text", 0)
    constants = sum(sections.get(name, 0) for name in (".rodata", ".copies", ".data"))
    stack = sections.get(".stack", 0)
    ram = stack + sections.get(".data", 0) + sections.get(".bss", 0) + sections.get(".noinit", 0)
    return ImageSize(FlashSize(weights, code, constants), ram, stack, copied)


def section_sizes(program: Path, size_tool: Path) -> dict[str, int]:
    """Return section -> bytes."""
    command = [str(size_tool), "-A", "-d", str(program)]
    done = processes.run_text(command, timeout=SIZE_SECONDS)
    done.check_returncode()
    rows = [line.split() for line in done.stdout.splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) == 3 and row[1].isdecimal()}
