"""Cortex-M without an operating system: a project with an image for the board and one for an emulated board.

A platform of such boards adds its chips: clocks, the serial line, and what its boot ROM looks for.
"""

from abc import abstractmethod
from fractions import Fraction
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.paths import PLATFORM_SOURCES
from textzoo.targets.base import Platform
from textzoo.targets.board_facts import check_twin
from textzoo.targets.boards import (
    BOARD_IMAGE,
    EMULATED_IMAGE,
    EXTERNAL_FLASH,
    FLASH,
    RAM,
    TWIN_IMAGE,
    Board,
    Emulator,
    Memory,
    ram_addresses,
)
from textzoo.targets.cortex_m.cores import core_flags
from textzoo.targets.flash_tools import installation, with_probe
from textzoo.targets.image_size import ImageSize, sizes_of_sections
from textzoo.targets.placement import Copied, copies_region
from textzoo.targets.project import STACK_BYTES, ModelSizes, copy_files, program_name, render_all
from textzoo.targets.toolchains import TOOLS, tool_beside

GROUP = "cortex_m"
SOURCE = PLATFORM_SOURCES / GROUP
SHARED_FILES = ("cortex.h", "family.h", "start.c", "memory_functions.c", "sections.ld")
TWIN_FACTS = ("code", "constants", "data", "uart_base", "timer_base", "timer_count", "timer_hz")
# Endings of the files that {elf}, {bin}, {hex} and {uf2} stand for in a board's `flash`.
FLASH_FILES = ("elf", "bin", "hex", "uf2")
NANOSECONDS_PER_INSTRUCTION = 64  # -icount shift=6


class CortexM(Platform):
    """Cortex-M, without an operating system; its own files are in deployment/platforms/<name>, board.h.j2 among them.

    Attributes:
        oscillator: What the clock is made from, for the README.
        led_file: The platform's own file that switches a board's LED.
    """

    copies_weights = True
    oscillator: str
    led_file: str

    @abstractmethod
    def check_chip(self, board: Board) -> None:
        """Raise UserError if a board's chip, serial line or pins are not supported."""

    @abstractmethod
    def chip_files(self, board: Board) -> list[str]:
        """Return the platform's own files that a board's image needs."""

    @abstractmethod
    def header_values(self, board: Board) -> dict[str, Any]:
        """Return the values of board.h, beside `board`."""

    @abstractmethod
    def led_values(self, board: Board) -> dict[str, Any]:
        """Return the values of board.h about the LED of a board that has one; raise UserError for wrong pins."""

    def uf2_family(self, board: Board) -> int | None:
        """Return the chip's family in UF2 files, for boards that take such files; else None."""
        return None

    def boot_bytes(self, board: Board) -> int:
        """Return the bytes in front of the program that the boot ROM runs first, with a checksum; else 0."""
        return 0

    def check(self, board: Board) -> None:
        core_flags(board)
        self.check_chip(board)
        if board.led:
            self.led_values(board)
        self.check_flash(board)
        for emulator in board.emulation.values():
            if emulator.image == TWIN_IMAGE:
                check_twin(board, emulator, TWIN_FACTS)

    def check_flash(self, board: Board) -> None:
        """Raise UserError if a tool is to write a file that is not built."""
        for tool, arguments in board.flash.items():
            if "{uf2}" in arguments and self.uf2_family(board) is None:
                what = f"flash.{tool} of {board.name} names a file that is not built"
                raise UserError(what, expected="{elf}, {bin} or {hex}", received="{uf2}")

    def compiler(self, board: Board | None, image: str) -> str:
        return "arm"

    def emulator_tool(self, emulator: Emulator) -> str:
        return "qemu"

    def emulator_command(self, emulator: Emulator, serial: str = "stdio") -> list[str]:
        return [*machine_command(emulator, serial), "-kernel"]

    def image_sizes(self, board: Board | None, program: Path) -> ImageSize:
        return sizes_of_sections(program, tool_beside("arm", "size"))

    def render(self, board: Board, sizes: ModelSizes, folder: Path) -> None:
        copy_files(SOURCE, list(SHARED_FILES), folder / "platform")
        copy_files(PLATFORM_SOURCES / "common", ["bare_metal_port.c"], folder / "platform")
        copy_files(SOURCE, ["port_cortex.c", "serial.h"], folder / "board")
        copy_files(PLATFORM_SOURCES / self.name, self.chip_files(board), folder / "board")
        led = self.led_values(board) if board.led and sizes.has_commands else None
        copy_files(PLATFORM_SOURCES / self.name, [self.led_file] if led else [], folder / "board")
        values = {"board": board, "led": led} | self.header_values(board)
        render_all(self.name, {"board.h": "board/board.h"}, values, folder)
        names = {name: name for name in ("Makefile", "CMakeLists.txt", "README.md", "toolchain.cmake")}
        render_all(GROUP, names, project_values(self, board, sizes), folder)
        if self.uf2_family(board) is not None:
            copy_files(SOURCE / "host", ["uf2.c"], folder / "host")
        render_memories(board, sizes, folder, self.boot_bytes(board))


def render_memories(board: Board, sizes: ModelSizes, folder: Path, boot_bytes: int) -> None:
    """Write the linker scripts of all images, and the sources of the emulated board."""
    own = board_memory_values(board, sizes) | {"boot_bytes": boot_bytes}
    render_all(GROUP, {"memory.ld": "board/memory.ld"}, own, folder)
    render_all(GROUP, {"placement.ld": "platform/placement.ld"}, {"placement": sizes.placement}, folder)
    if board.memory(EXTERNAL_FLASH):
        external = board_memory_values(board, sizes, external=True)
        render_all(GROUP, {"memory.ld": "board/memory_external.ld"}, external, folder)
    for emulator in board.emulation.values():
        if emulator.image == TWIN_IMAGE:
            render_twin(board, emulator, sizes, folder / "twin")
        elif emulator.image == EMULATED_IMAGE:
            values = board_memory_values(board, sizes, emulator=emulator)
            render_all(GROUP, {"memory.ld": "board/memory_emulated.ld"}, values, folder)


def render_twin(board: Board, emulator: Emulator, sizes: ModelSizes, folder: Path) -> None:
    copy_files(SOURCE, ["port_twin.c"], folder)
    copy_files(PLATFORM_SOURCES / "twins", ["counter_of_twin.c", "counter_of_twin.h"], folder)
    render_all(GROUP, {"twin_board.h": "board.h", "twin_ticks.h": "ticks.h"}, twin_values(emulator), folder)
    render_all(GROUP, {"memory.ld": "memory.ld"}, twin_memory_values(board, emulator, sizes), folder)


def project_values(platform: CortexM, board: Board, sizes: ModelSizes) -> dict[str, Any]:
    """Return the values of the templates of Makefile, CMakeLists.txt, README.md and toolchain.cmake."""
    name = program_name(sizes.name)
    default = board.emulator()
    external = board.memory(EXTERNAL_FLASH)
    files = {ending: f"$(BUILD)/$(NAME).{ending}" for ending in FLASH_FILES}
    return {
        "board": board,
        "sizes": sizes,
        "model_name": name,
        "platform": platform,
        "cpu_flags": core_flags(board),
        "uf2_family": platform.uf2_family(board),
        "boot_bytes": platform.boot_bytes(board),
        "flash_origin": board.memory(FLASH).origin,
        "flash": {tool: with_probe(tool, arguments.format(**files)) for tool, arguments in board.flash.items()},
        "flash_installation": "; ".join(map(installation, board.flash)),
        "emulators": {
            key: {"command": " ".join(machine_command(emulator)), "image": emulator.image}
            for key, emulator in board.emulation.items()
        },
        "default_emulator": default.name,
        "default_image": default.image,
        "twin_note": default.note,
        "has_twin": any(emulator.image == TWIN_IMAGE for emulator in board.emulation.values()),
        "images": sorted({BOARD_IMAGE, *(emulator.image for emulator in board.emulation.values())}),
        "external": external is not None,
        "external_origin": external.origin if external else 0,
        "used_memories": used_memories(board, sizes),
    }


def used_memories(board: Board, sizes: ModelSizes) -> list[tuple[Memory, str]]:
    """Return the memories that a board's image needs, and what is in them."""
    uses = {board.memory(FLASH).name: "program and weights"}
    uses |= {name: f"{copied.bytes:,} bytes of weights, copied at the start" for name, copied in copies_of(sizes)}
    data = board.data_memory(sizes.ram_bytes).name
    uses[data] = "state, arena, stack" + (f"; {uses[data]}" if data in uses else "")
    if external := board.memory(EXTERNAL_FLASH):
        uses[external.name] = "weights with `make WEIGHTS=external`"
    return [(memory, uses[memory.name]) for memory in board.memories.values() if memory.name in uses]


def copies_of(sizes: ModelSizes) -> list[tuple[str, Copied]]:
    return list(sizes.placement.copies.items())


def board_memory_values(
    board: Board, sizes: ModelSizes, external: bool = False, emulator: Emulator | None = None
) -> dict[str, Any]:
    """Return the values of the template of the board's memory.ld.

    Args:
        board: The board.
        sizes: Of the model.
        external: Whether the weights are in the external flash.
        emulator: The machine whose addresses are meant; None for the board itself.
    """
    flash = board.memory(FLASH)
    weights = board.memory(EXTERNAL_FLASH) if external else flash
    return {
        "title": board.title,
        "memories": [flash, *([weights] if external else []), *ram_regions(board, emulator, sizes)],
        "code": flash.name,
        "constants": flash.name,
        "weights": weights.name,
        "data": board.data_memory(sizes.ram_bytes).name,
        "stack_bytes": STACK_BYTES,
    }


def twin_memory_values(board: Board, emulator: Emulator, sizes: ModelSizes) -> dict[str, Any]:
    """Return the same for the emulated board: the machine's addresses, at most as many bytes as the board has."""
    flash = board.memory(FLASH)
    shared = emulator.code.origin == emulator.constants.origin
    memories = [Memory("CODE_MEMORY", FLASH, emulator.code.origin, min(emulator.code.bytes, flash.bytes))]
    if not shared:
        size = min(emulator.constants.bytes, flash.bytes)
        memories.append(Memory("CONSTANT_MEMORY", FLASH, emulator.constants.origin, size))
    constants = memories[-1].name
    return {
        "title": f"{emulator.machine}, as large as {board.title}",
        "memories": [*memories, *ram_regions(board, emulator, sizes)],
        "code": memories[0].name,
        "constants": constants,
        "weights": constants,
        "data": board.data_memory(sizes.ram_bytes).name,
        "stack_bytes": STACK_BYTES,
    }


def ram_regions(board: Board, emulator: Emulator | None, sizes: ModelSizes) -> list[Memory]:
    """Return the regions of RAM that an image uses: that of its data, and one for each memory's copies of weights.

    A memory that has both is cut in two, the copies at its end.
    """
    data = board.data_memory(sizes.ram_bytes)
    addresses = ram_addresses(board, emulator, data)
    room = emulator.data.bytes if emulator and emulator.data else data.bytes
    copies = [
        Memory(copies_region(memory.name), RAM, addresses[memory.name] + memory.bytes - copied, copied)
        for memory in board.rams
        if (copied := sizes.placement.bytes_in(memory.name))
    ]
    own = min(room, data.bytes - sizes.placement.bytes_in(data.name))
    return [Memory(data.name, RAM, addresses[data.name], own), *copies]


def twin_values(emulator: Emulator) -> dict[str, Any]:
    """Return the values of the emulated board's board.h: a tick of the timer in nanoseconds and in instructions."""
    nanoseconds = nanoseconds_of(emulator)
    return {
        "emulator": emulator,
        "nanoseconds_per_instruction": NANOSECONDS_PER_INSTRUCTION,
        "instructions": binary_factor(nanoseconds / NANOSECONDS_PER_INSTRUCTION, emulator),
        "nanoseconds": binary_factor(nanoseconds, emulator),
    }


def binary_factor(value: Fraction, emulator: Emulator) -> dict[str, int]:
    """Return factor and shift with value = factor / 2**shift; raise UserError if there are none (inexact counts)."""
    if value.denominator & (value.denominator - 1) or nanoseconds_of(emulator) >= NANOSECONDS_PER_INSTRUCTION:
        raise UserError(
            f"the timer of {emulator.name} cannot count instructions exactly",
            expected=f"a tick shorter than {NANOSECONDS_PER_INSTRUCTION} ns, and a binary fraction of that",
            received=f"timer_hz: {emulator.timer_hz}",
        )
    return {"factor": value.numerator, "shift": value.denominator.bit_length() - 1}


def nanoseconds_of(emulator: Emulator) -> Fraction:
    return Fraction(10**9, emulator.timer_hz)


def machine_command(emulator: Emulator, serial: str = "stdio") -> list[str]:
    """Return the command that runs a machine, without the image: -kernel FILE follows.

    Args:
        emulator: One of a board's emulators.
        serial: QEMU's name of the device that the program's serial line is connected to: "stdio", "pty".
    """
    command = [TOOLS["qemu"].program, "-M", emulator.machine, "-icount", "shift=6,sleep=off", "-display", "none"]
    command += ["-monitor", "none"]
    command += ["-serial", "null"] * emulator.serial + ["-serial", serial]
    if emulator.image == TWIN_IMAGE:
        command += ["-semihosting-config", "enable=on,target=native"]
    if emulator.exits_by_reset:
        command.append("-no-reboot")
    return command
