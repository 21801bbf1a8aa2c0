"""Emulated boards ("twins") for platforms whose own image needs a framework: bare-metal machines of QEMU.

The image "twin" is the portable part of a project (application/, model/, runtime/) with the start-up code and the
serial line of a machine; templates in deployment/platforms/twins. The project's Makefile includes twin/twin.mk.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textzoo.common.paths import PLATFORM_SOURCES
from textzoo.common.registry import unknown_name
from textzoo.targets.boards import FLASH, RAM, Board, Emulator, Memory, Region
from textzoo.targets.image_size import ImageSize, sizes_of_sections
from textzoo.targets.placement import copies_region
from textzoo.targets.project import STACK_BYTES, ModelSizes, copy_files, render_all
from textzoo.targets.toolchains import TOOLS, tool_beside

SOURCE = PLATFORM_SOURCES / "twins"
SHARED_FILES = ("counter_of_twin.c", "counter_of_twin.h", "mapped_weights.S", "sections.ld", "twin.c", "twin.h")
# One instruction takes 64 ns of virtual time, so that counts are exact and equal on every host.
COUNTING = ("-icount", "shift=6,sleep=off", "-display", "none", "-monitor", "none")


@dataclass(frozen=True)
class Twin:
    """A processor in a machine of QEMU.

    Attributes:
        compiler: Key of toolchains.TOOLS.
        flags: Compiler flags for the processor.
        emulator: Key of toolchains.TOOLS.
        options: Options of QEMU.
        reset: Memory that holds the reset vector.
        code, data: Memory of the program and its constants, and RAM; nothing is used below `data`.
    """

    compiler: str
    flags: str
    emulator: str
    options: tuple[str, ...]
    reset: Region
    code: Region
    data: Region

    @property
    def prefix(self) -> str:
        """Prefix of the compiler's programs."""
        return TOOLS[self.compiler].prefix

    @property
    def packages(self) -> str:
        """Debian packages that provide the compiler."""
        return TOOLS[self.compiler].packages

    @property
    def program(self) -> str:
        """Name of the emulator's program."""
        return TOOLS[self.emulator].program


# Name of an emulator in a board's YAML, and of a folder in deployment/platforms/twins -> machine.
TWINS = {
    "lx106": Twin(
        compiler="xtensa",
        flags="-mlongcalls -mtext-section-literals",
        emulator="qemu-xtensa",
        options=("-cpu", "lx106", "-semihosting"),
        reset=Region(0x50000000, 4096),
        code=Region(0x60800000, 16 << 20),
        data=Region(0x60000000, 8 << 20),
    ),
    "rv32": Twin(
        compiler="riscv",
        flags="-march=rv32imac -misa-spec=2.2 -mabi=ilp32 --specs=picolibc.specs -msmall-data-limit=0",
        emulator="qemu-riscv",
        options=("-bios", "none", "-semihosting-config", "enable=on,target=native"),
        reset=Region(0x80000000, 4096),
        code=Region(0x80001000, 16 << 20),
        data=Region(0x82000000, 8 << 20),
    ),
}


def twin_of(emulator: Emulator) -> Twin:
    """Return the machine of an emulator; raise UserError if it is unknown."""
    if emulator.name not in TWINS:
        raise unknown_name("emulated board", emulator.name, TWINS)
    return TWINS[emulator.name]


def twin_command(emulator: Emulator, serial: str = "stdio") -> list[str]:
    """Return the command that runs an emulated board, without its last argument, the image."""
    twin = twin_of(emulator)
    return [twin.program, "-M", emulator.machine, *twin.options, *COUNTING, "-serial", serial, "-kernel"]


def twin_sizes(emulator: Emulator, program: Path) -> ImageSize:
    twin = twin_of(emulator)
    return sizes_of_sections(program, tool_beside(twin.compiler, "size"))


def render_twin(board: Board, sizes: ModelSizes, model_name: str, folder: Path) -> None:
    """Write twin/ for a board's default emulator: sources, linker script, and the part of the Makefile for it."""
    render_machine(board, sizes, folder)
    render_all("twins", {"twin.mk": "twin.mk"}, makefile_values(board, board.emulator(), model_name), folder)


def render_machine(board: Board, sizes: ModelSizes, folder: Path) -> None:
    """Write the same without a Makefile, for projects with another build system."""
    emulator = board.emulator()
    copy_files(SOURCE, list(SHARED_FILES), folder)
    copy_files(PLATFORM_SOURCES / "common", ["bare_metal_port.c"], folder)
    copy_files(SOURCE / emulator.name, sorted(path.name for path in (SOURCE / emulator.name).iterdir()), folder)
    values = memory_values(board, emulator, sizes) | {"placement": sizes.placement}
    render_all("cortex_m", {"memory.ld": "memory.ld", "placement.ld": "placement.ld"}, values, folder)


def makefile_values(board: Board, emulator: Emulator, model_name: str) -> dict[str, Any]:
    command = " ".join(twin_command(emulator))
    return {"board": board, "twin": twin_of(emulator), "command": command, "model_name": model_name}


def memory_values(board: Board, emulator: Emulator, sizes: ModelSizes) -> dict[str, Any]:
    """Return the values of memory.ld: the machine's addresses, at most as many bytes as the board has."""
    twin, flash = twin_of(emulator), board.memory(FLASH)
    return {
        "title": f"QEMU {emulator.machine}, as large as {board.title}",
        "memories": [
            Memory("RESET", FLASH, twin.reset.origin, twin.reset.bytes),
            Memory("CODE_MEMORY", FLASH, twin.code.origin, min(twin.code.bytes, flash.bytes)),
            *data_regions(twin, board.data_memory(sizes.ram_bytes), sizes),
        ],
        "code": "CODE_MEMORY",
        "constants": "CODE_MEMORY",
        "weights": "CODE_MEMORY",
        "data": "DATA_MEMORY",
        "stack_bytes": STACK_BYTES,
    }


def data_regions(twin: Twin, data: Memory, sizes: ModelSizes) -> list[Memory]:
    """Return the regions of RAM: the program's, and behind it the one for copies of weights if there are any."""
    copied = sizes.placement.bytes_in(data.name)
    own = min(twin.data.bytes, data.bytes) - copied
    copies = [Memory(copies_region(data.name), RAM, twin.data.origin + own, copied)] if copied else []
    return [Memory("DATA_MEMORY", RAM, twin.data.origin, own), *copies]
