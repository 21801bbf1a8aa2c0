"""The host: a program for this machine with its console on standard input and output."""

from pathlib import Path

from textzoo.common.paths import PLATFORM_SOURCES
from textzoo.targets.base import Platform
from textzoo.targets.boards import Board, Emulator
from textzoo.targets.image_size import ImageSize, sizes_of_sections
from textzoo.targets.project import ModelSizes, copy_files, program_name, render_all


class Host(Platform):
    """PCs with Linux or macOS."""

    name = "host"
    suffix = ""

    def check(self, board: Board) -> None:
        raise NotImplementedError("no board is a PC")

    def compiler(self, board: Board | None, image: str) -> str:
        return "host"

    def emulator_tool(self, emulator: Emulator) -> str:
        raise NotImplementedError("this machine needs no emulator")

    def emulator_command(self, emulator: Emulator, serial: str = "stdio") -> list[str]:
        raise NotImplementedError("this machine needs no emulator")

    def image_sizes(self, board: Board | None, program: Path) -> ImageSize:
        return sizes_of_sections(program, Path("size"))

    def image_path(self, project: Path, image: str, profile: bool = False) -> Path:
        return super().image_path(project, "host", profile)

    def render(self, board: Board | None, sizes: ModelSizes, folder: Path) -> None:
        copy_files(PLATFORM_SOURCES / "host", ["port.c"], folder / "port")
        values = {"board": board, "sizes": sizes, "model_name": program_name(sizes.name)}
        render_all("host", {name: name for name in ("Makefile", "CMakeLists.txt", "README.md")}, values, folder)


PLATFORM = Host()
