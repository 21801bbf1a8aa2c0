"""ESP32 microcontrollers: a project for ESP-IDF, and its portable part for an emulated twin beside it."""

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
from textzoo.targets.project import (
    SECOND_STACK_BYTES,
    ModelSizes,
    copy_files,
    program_name,
    render_all,
)
from textzoo.targets.twins import render_twin, twin_command, twin_of, twin_sizes

SOURCE = PLATFORM_SOURCES / "esp32"
# Family, as the framework calls the chip -> what its core is called, how many a program can use, clocks it can run at.
FAMILIES = {
    "esp32": ("xtensa-lx6", (1, 2), (80_000_000, 160_000_000, 240_000_000)),
    "esp32s3": ("xtensa-lx7", (1, 2), (80_000_000, 160_000_000, 240_000_000)),
    "esp32c3": ("rv32imc", (1,), (80_000_000, 160_000_000)),
}
FLASH_MEGABYTES = (2, 4, 8, 16, 32)
MEGABYTE = 1 << 20
TASK_STACK_BYTES = 8192  # ours and what the framework's drivers need
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
# tz_parallel of these boards; what the twin has in its place (IN_SEQUENCE) is no part of their program.
SECOND_CORE = "second_core.c"


class Esp32(Platform):
    """ESP32, ESP32-S3, ESP32-C3."""

    name = "esp32"
    image = TWIN_IMAGE

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
                    f"{board.name} has a wrong fact: {what}",
                    expected=f"one of {', '.join(map(str, known))}",
                    received=str(value),
                )
        gpio_number(board.uart.tx)
        gpio_number(board.uart.rx)
        twin_of(board.emulator())

    def compiler(self, board: Board, image: str) -> str:
        # ESP-IDF builds the image of the board: the Makefile says where that is missing.
        return twin_of(board.emulator()).compiler

    def emulator_tool(self, emulator: Emulator) -> str:
        return twin_of(emulator).emulator

    def emulator_command(self, emulator: Emulator, serial: str = "stdio") -> list[str]:
        return twin_command(emulator, serial)

    def image_sizes(self, board: Board, program: Path) -> ImageSize:
        return twin_sizes(board.emulator(), program)

    def model_files(self, compiled: CompiledModel) -> Mapping[str, str | bytes]:
        """The constants also as a file for their partition."""
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
    """What the templates are rendered with."""
    emulator = board.emulator()
    return {
        "board": board,
        "sizes": sizes,
        "partitions": partitions_of(sizes),
        "flash_megabytes": board.memory(FLASH).bytes // MEGABYTE,
        "clock_megahertz": board.clock_hz // 1_000_000,
        "tx": gpio_number(board.uart.tx),
        "rx": gpio_number(board.uart.rx),
        "stack_bytes": TASK_STACK_BYTES,
        "second_stack_bytes": SECOND_STACK_BYTES,
        "emulator": emulator,
        "twin": twin_of(emulator),
        "dram": board.data_memory(sizes.ram_bytes),
    }


def kernels_in(folder: Path) -> list[str]:
    """Names of the kernels' sources of a project."""
    return sorted({path.stem for path in (folder / "runtime").glob("*/*.c")} - {IN_SEQUENCE})


def gpio_number(pin: str) -> int:
    """GPIO43 -> 43."""
    number = pin.removeprefix("GPIO")
    if number == pin or not number.isdecimal() or int(number) > 48:
        raise UserError("a pin cannot be read", expected="GPIO and a number up to 48, e.g. GPIO1", received=pin)
    return int(number)


PLATFORM = Esp32()
