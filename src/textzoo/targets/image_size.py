"""What an image takes, read from its ELF by the toolchain's own `size`."""

from dataclasses import dataclass
from pathlib import Path

from textzoo.common import processes

SIZE_SECONDS = 60


@dataclass(frozen=True)
class FlashSize:
    """What an image takes in flash, in bytes."""

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
        ram: Everything in RAM, the reserved stack included.
        stack_reserved: Of it, the stack.
    """

    flash: FlashSize
    ram: int
    stack_reserved: int


def sizes_of_sections(program: Path, size_tool: Path) -> ImageSize:
    """Sizes of a program whose sections a project's sections.ld names, by the toolchain's `size`."""
    sections = section_sizes(program, size_tool)
    weights, code = sections.get(".weights", 0), sections.get(".text", 0)
    constants = sections.get(".rodata", 0) + sections.get(".data", 0)
    stack = sections.get(".stack", 0)
    ram = stack + sections.get(".data", 0) + sections.get(".bss", 0)
    return ImageSize(FlashSize(weights, code, constants), ram, stack)


def section_sizes(program: Path, size_tool: Path) -> dict[str, int]:
    """Section -> bytes."""
    command = [str(size_tool), "-A", "-d", str(program)]
    done = processes.run_text(command, timeout=SIZE_SECONDS)
    done.check_returncode()
    rows = [line.split() for line in done.stdout.splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) == 3 and row[1].isdecimal()}
