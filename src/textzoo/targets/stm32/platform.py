"""STM32 microcontrollers: a bare-metal project with an image for the board and one for an emulated board."""

from fractions import Fraction
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.paths import PLATFORM_SOURCES
from textzoo.targets.base import Platform
from textzoo.targets.board_facts import check_twin
from textzoo.targets.boards import EXTERNAL_FLASH, FLASH, TWIN_IMAGE, Board, Emulator, Memory
from textzoo.targets.image_size import ImageSize, sizes_of_sections
from textzoo.targets.project import STACK_BYTES, ModelSizes, copy_files, program_name, render_all
from textzoo.targets.stm32 import chips
from textzoo.targets.toolchains import TOOLS, tool_beside

SOURCE = PLATFORM_SOURCES / "stm32"
TWIN_FACTS = ("code", "constants", "data", "uart_base", "timer_base", "timer_count", "timer_hz")
NANOSECONDS_PER_INSTRUCTION = 64  # -icount shift=6


class Stm32(Platform):
    """Cortex-M, without an operating system."""

    name = "stm32"

    def check(self, board: Board) -> None:
        chips.check(board)
        for emulator in board.emulation.values():
            if emulator.image == TWIN_IMAGE:
                check_twin(board, emulator, TWIN_FACTS)

    def compiler(self, board: Board | None, image: str) -> str:
        return "arm"

    def emulator_tool(self, emulator: Emulator) -> str:
        return "qemu"

    def emulator_command(self, emulator: Emulator, serial: str = "stdio") -> list[str]:
        return [*machine_command(emulator, serial), "-kernel"]

    def image_sizes(self, board: Board | None, program: Path) -> ImageSize:
        return sizes_of_sections(program, tool_beside("arm", "size"))

    def render(self, board: Board, sizes: ModelSizes, folder: Path) -> None:
        values = project_values(board, sizes)
        copy_files(
            SOURCE, ["cortex.h", "family.h", "start.c", "memory_functions.c", "sections.ld"], folder / "platform"
        )
        copy_files(PLATFORM_SOURCES / "common", ["bare_metal_port.c"], folder / "platform")
        copy_files(SOURCE, ["port_stm32.c", chips.family_of(board).source], folder / "board")
        names = {name: name for name in ("Makefile", "CMakeLists.txt", "README.md", "toolchain.cmake")}
        render_all("stm32", names | {"board.h": "board/board.h"}, values, folder)
        render_all("stm32", {"memory.ld": "board/memory.ld"}, board_memory_values(board, sizes), folder)
        if values["external"]:
            external = board_memory_values(board, sizes, external=True)
            render_all("stm32", {"memory.ld": "board/memory_external.ld"}, external, folder)
        for emulator in board.emulation.values():
            if emulator.image == TWIN_IMAGE:
                render_twin(board, emulator, sizes, folder / "twin")


def render_twin(board: Board, emulator: Emulator, sizes: ModelSizes, folder: Path) -> None:
    copy_files(SOURCE, ["port_twin.c"], folder)
    copy_files(PLATFORM_SOURCES / "twins", ["counter_of_twin.c", "counter_of_twin.h"], folder)
    render_all("stm32", {"twin_board.h": "board.h", "twin_ticks.h": "ticks.h"}, twin_values(emulator), folder)
    render_all("stm32", {"memory.ld": "memory.ld"}, twin_memory_values(board, emulator, sizes), folder)


def project_values(board: Board, sizes: ModelSizes) -> dict[str, Any]:
    """Return the values of the templates of Makefile, CMakeLists.txt, README.md and board.h."""
    name = program_name(sizes.name)
    default = board.emulator()
    external = board.memory(EXTERNAL_FLASH)
    files = {ending: f"$(BUILD)/$(NAME).{ending}" for ending in ("elf", "bin", "hex")}
    return {
        "board": board,
        "sizes": sizes,
        "model_name": name,
        "cpu_flags": chips.core_flags(board),
        "uart": chips.uart_values(board),
        "family_defines": chips.family_defines(board),
        "flash": {tool: arguments.format(**files) for tool, arguments in board.flash.items()},
        "emulators": {
            key: {"command": " ".join(machine_command(emulator)), "image": emulator.image}
            for key, emulator in board.emulation.items()
        },
        "default_emulator": default.name,
        "default_image": default.image,
        "twin_note": default.note,
        "has_twin": any(emulator.image == TWIN_IMAGE for emulator in board.emulation.values()),
        "external": external is not None,
        "external_origin": external.origin if external else 0,
        "used_memories": used_memories(board, sizes),
    }


def used_memories(board: Board, sizes: ModelSizes) -> list[tuple[Memory, str]]:
    data = board.data_memory(sizes.ram_bytes)
    uses = {board.memory(FLASH).name: "program and weights", data.name: "state, arena, stack"}
    if external := board.memory(EXTERNAL_FLASH):
        uses[external.name] = "weights with `make WEIGHTS=external`"
    return [(memory, uses[memory.name]) for memory in board.memories.values() if memory.name in uses]


def board_memory_values(board: Board, sizes: ModelSizes, external: bool = False) -> dict[str, Any]:
    """Return the values of the template of the board's memory.ld."""
    flash, data = board.memory(FLASH), board.data_memory(sizes.ram_bytes)
    weights = board.memory(EXTERNAL_FLASH) if external else flash
    return {
        "title": board.title,
        "memories": [memory for memory in board.memories.values() if memory in (flash, data, weights)],
        "code": flash.name,
        "constants": flash.name,
        "weights": weights.name,
        "data": data.name,
        "stack_bytes": STACK_BYTES,
    }


def twin_memory_values(board: Board, emulator: Emulator, sizes: ModelSizes) -> dict[str, Any]:
    """Return the same for the emulated board: the machine's addresses, at most as many bytes as the board has."""
    flash, data = board.memory(FLASH), board.data_memory(sizes.ram_bytes)
    shared = emulator.code.origin == emulator.constants.origin
    memories = [Memory("CODE_MEMORY", FLASH, emulator.code.origin, min(emulator.code.bytes, flash.bytes))]
    if not shared:
        size = min(emulator.constants.bytes, flash.bytes)
        memories.append(Memory("CONSTANT_MEMORY", FLASH, emulator.constants.origin, size))
    memories.append(Memory("DATA_MEMORY", "ram", emulator.data.origin, min(emulator.data.bytes, data.bytes)))
    constants = memories[0].name if shared else memories[1].name
    return {
        "title": f"{emulator.machine}, as large as {board.title}",
        "memories": memories,
        "code": memories[0].name,
        "constants": constants,
        "weights": constants,
        "data": memories[-1].name,
        "stack_bytes": STACK_BYTES,
    }


def twin_values(emulator: Emulator) -> dict[str, Any]:
    """Return the values of the emulated board's board.h: a tick of the timer in nanoseconds and in instructions."""
    nanoseconds = Fraction(10**9, emulator.timer_hz)
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


PLATFORM = Stm32()
