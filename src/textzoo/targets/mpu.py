"""STM32 MPUs: a program for the board's Linux, and a bare-metal image for an emulated board, to count instructions."""

from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.paths import PLATFORM_SOURCES
from textzoo.common.registry import unknown_name
from textzoo.targets.base import Platform
from textzoo.targets.board_facts import check_twin
from textzoo.targets.boards import BOARD_IMAGE, Board, Emulator
from textzoo.targets.image_size import ImageSize, sizes_of_sections
from textzoo.targets.project import STACK_BYTES, ModelSizes, copy_files, program_name, render_all
from textzoo.targets.toolchains import TOOLS, tool_beside

# Core -> flags of GCC and clang.
CORES = {"cortex-a35": "-mcpu=cortex-a35"}
LINUX_USER = "linux-user"


class Mpu(Platform):
    """Cortex-A with Linux."""

    name = "mpu"

    def check(self, board: Board) -> None:
        if board.core not in CORES:
            raise unknown_name(f"core of {board.name}", board.core, CORES)
        check_twin(board, board.emulator("virt"), ("code", "data"))
        for tool, arguments in board.flash.items():
            if any(name in arguments for name in ("{bin}", "{hex}", "{uf2}")):
                raise UserError(f"flash.{tool} of {board.name} names a file that is not built", expected="{elf}")

    def compiler(self, board: Board | None, image: str) -> str:
        return "aarch64"

    def emulator_tool(self, emulator: Emulator) -> str:
        return "qemu-user" if emulator.machine == LINUX_USER else "qemu-aarch64"

    def emulator_command(self, emulator: Emulator, serial: str = "stdio") -> list[str]:
        if emulator.machine == LINUX_USER:
            return [TOOLS["qemu-user"].program, "-cpu", "cortex-a35", "-L", "/usr/aarch64-linux-gnu"]
        command = [TOOLS["qemu-aarch64"].program, "-M", emulator.machine, "-cpu", "cortex-a35"]
        command += ["-icount", "shift=6,sleep=off", "-nic", "none", "-display", "none", "-monitor", "none"]
        return [*command, "-serial", serial, "-kernel"]

    def image_sizes(self, board: Board | None, program: Path) -> ImageSize:
        return sizes_of_sections(program, tool_beside("aarch64", "size"))

    def render(self, board: Board, sizes: ModelSizes, folder: Path) -> None:
        values = project_values(self, board, sizes)
        copy_files(PLATFORM_SOURCES / "host", ["port.c"], folder / "board")
        copy_files(PLATFORM_SOURCES / "cortex_m", ["memory_functions.c"], folder / "twin")
        copy_files(PLATFORM_SOURCES / "mpu", ["start.c", "port_twin.c", "sections.ld"], folder / "twin")
        copy_files(PLATFORM_SOURCES / "common", ["bare_metal_port.c"], folder / "twin")
        copy_files(PLATFORM_SOURCES / "mpu", ["weights.ld"], folder / "board")
        names = {name: name for name in ("Makefile", "CMakeLists.txt", "README.md", "toolchain.cmake")}
        render_all("mpu", names | {"memory.ld": "twin/memory.ld"}, values, folder)


def project_values(platform: Mpu, board: Board, sizes: ModelSizes) -> dict[str, Any]:
    """Return the values of the templates."""
    elf = f"build/{BOARD_IMAGE}/$(NAME).elf"
    return {
        "board": board,
        "sizes": sizes,
        "model_name": program_name(sizes.name),
        "cpu_flags": CORES[board.core],
        "flash": {tool: arguments.format(elf=elf) for tool, arguments in board.flash.items()},
        "emulators": {
            name: {"command": " ".join(platform.emulator_command(emulator)), "image": emulator.image}
            for name, emulator in board.emulation.items()
        },
        "default_emulator": board.emulator().name,
        "twin": board.emulator("virt"),
        "stack_bytes": 4 * STACK_BYTES,
    }


PLATFORM = Mpu()
