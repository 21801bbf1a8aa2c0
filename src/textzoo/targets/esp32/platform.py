"""ESP32 microcontrollers: a project for ESP-IDF, and its portable part for an emulated board."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.paths import PLATFORM_SOURCES
from textzoo.common.registry import unknown_name
from textzoo.compiler.backend.kernels import IN_SEQUENCE
from textzoo.compiler.compile import CompiledModel
from textzoo.targets.base import Platform
from textzoo.targets.boards import FLASH, TWIN_IMAGE, Board, Emulator
from textzoo.targets.esp32.partitions import check_partitions, partitions_of
from textzoo.targets.image_size import ImageSize
from textzoo.targets.project import SECOND_STACK_BYTES, ModelSizes, copy_files, program_name, render_all
from textzoo.targets.twins import render_twin, twin_command, twin_of, twin_sizes

SOURCE = PLATFORM_SOURCES / "esp32"
# ESP-IDF's name of the chip -> name of its core, possible numbers of cores, possible clocks in Hz.
FAMILIES = {
    "esp32": ("xtensa-lx6", (1, 2), (80_000_000, 160_000_000, 240_000_000)),
    "esp32s3": ("xtensa-lx7", (1, 2), (80_000_000, 160_000_000, 240_000_000)),
    "esp32c3": ("rv32imc", (1,), (80_000_000, 160_000_000)),
    "esp32p4": ("rv32imafc", (1,), (360_000_000, 400_000_000)),
}
FRAMEWORK_TOOL = "idf.py"
FLASH_MEGABYTES = (2, 4, 8, 16, 32)
MEGABYTE = 1 << 20
TASK_STACK_BYTES = 8192  # for the application and ESP-IDF's drivers
FILES = {
    "Makefile": "Makefile",
    "README.md": "README.md",
    "CMakeLists.txt": "CMakeLists.txt",
    "partitions.csv": "partitions.csv",
    "sdkconfig.defaults": "sdkconfig.defaults",
    "board.h": "main/board.h",
    "linker.lf": "components/textzoo/linker.lf",
}
MAIN_FILES = (
    *("CMakeLists.txt", "Kconfig.projbuild", "app_main.c"),
    *("port_esp32.c", "port_esp32.h", "weights_partition.c"),
)
# tz_parallel of these boards; the emulated board has IN_SEQUENCE instead.
SECOND_CORE = "second_core.c"


class Esp32(Platform):
    """ESP32, ESP32-S3, ESP32-C3, ESP32-P4."""

    name = "esp32"
    image = TWIN_IMAGE
    copies_weights = True

    def check(self, board: Board) -> None:
        if board.family not in FAMILIES:
            raise unknown_name(f"family of {board.name}", board.family, FAMILIES)
        core, cores, clocks = FAMILIES[board.family]
        facts = {
            "core": (board.core, (core,)),
            "cores": (board.cores, cores),
            "clock_hz": (board.clock_hz, clocks),
            "bytes of flash": (board.memory(FLASH).bytes, tuple(size * MEGABYTE for size in FLASH_MEGABYTES)),
        }
        for what, (value, known) in facts.items():
            if value not in known:
                raise UserError(
                    f"{board.name} has an invalid value: {what}",
                    expected=f"one of {', '.join(map(str, known))}",
                    received=str(value),
                )
        if list(board.flash) != [FRAMEWORK_TOOL]:
            raise UserError(
                f"{board.name}: its project is written by ESP-IDF",
                expected=f"flash with {FRAMEWORK_TOOL} and its arguments",
                received=", ".join(board.flash) or "none",
            )
        gpio_number(board.uart.tx)
        gpio_number(board.uart.rx)
        led_number(board)
        twin_of(board.emulator())

    def compiler(self, board: Board, image: str) -> str:
        # ESP-IDF builds the board's own image; the Makefile reports if it is missing.
        return twin_of(board.emulator()).compiler

    def emulator_tool(self, emulator: Emulator) -> str:
        return twin_of(emulator).emulator

    def emulator_command(self, emulator: Emulator, serial: str = "stdio") -> list[str]:
        return twin_command(emulator, serial)

    def image_sizes(self, board: Board, program: Path) -> ImageSize:
        return twin_sizes(board.emulator(), program)

    def model_files(self, compiled: CompiledModel) -> Mapping[str, str | bytes]:
        """Return the compiler's files, and the constants as a file for their partition."""
        return {**compiled.files, "weights.bin": compiled.weights_image}

    def render(self, board: Board, sizes: ModelSizes, folder: Path) -> None:
        check_partitions(board, sizes)
        model_name = program_name(sizes.name)
        render_twin(board, sizes, model_name, folder / "twin")
        values = project_values(board, sizes) | {"model_name": model_name, "kernels": kernels_in(folder)}
        render_all("esp32", FILES, values, folder)
        second = [SECOND_CORE] if sizes.has_second_core else []
        copy_files(SOURCE / "main", [*MAIN_FILES, *second], folder / "main")
        copy_files(SOURCE / "textzoo", ["CMakeLists.txt"], folder / "components" / "textzoo")


def project_values(board: Board, sizes: ModelSizes) -> dict[str, Any]:
    """Return the values of the templates."""
    emulator = board.emulator()
    return {
        "board": board,
        "flash_arguments": board.flash[FRAMEWORK_TOOL],
        "sizes": sizes,
        "partitions": partitions_of(sizes),
        "flash_megabytes": board.memory(FLASH).bytes // MEGABYTE,
        "clock_megahertz": board.clock_hz // 1_000_000,
        "tx": gpio_number(board.uart.tx),
        "rx": gpio_number(board.uart.rx),
        "led": led_number(board) if sizes.has_commands else None,
        "stack_bytes": TASK_STACK_BYTES,
        "second_stack_bytes": SECOND_STACK_BYTES,
        "emulator": emulator,
        "twin": twin_of(emulator),
        "dram": board.data_memory(sizes.ram_bytes),
    }


def kernels_in(folder: Path) -> list[str]:
    """Return the names of a project's kernels, without .c."""
    return sorted({path.stem for path in (folder / "runtime").glob("*/*.c")} - {IN_SEQUENCE})


def led_number(board: Board) -> int | None:
    """Return the number of the pin of a board's LED; None without one."""
    return gpio_number(board.led.pin) if board.led else None


def gpio_number(pin: str) -> int:
    """Return the number of a pin: GPIO43 -> 43."""
    number = pin.removeprefix("GPIO")
    if number == pin or not number.isdecimal() or int(number) > 48:
        raise UserError("invalid name of a pin", expected="GPIO and a number up to 48, e.g. GPIO1", received=pin)
    return int(number)


PLATFORM = Esp32()
