"""The interface of a platform: how projects for a family of boards are written, built, run and measured."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from textzoo.compiler.compile import CompiledModel
from textzoo.targets.boards import BOARD_IMAGE, Board, Emulator
from textzoo.targets.image_size import ImageSize
from textzoo.targets.project import ModelSizes, program_of


class Platform(ABC):
    """A family of boards whose projects are made in the same way.

    Every project has a Makefile with `image IMAGE=<image> [PROFILE=1]`, `emulate`, `flash`, `size` and `clean`.

    Attributes:
        name: Key of PLATFORMS, and folder in deployment/platforms.
        image: The image that `make` builds and whose ELF gives flash and RAM: "twin", for the emulated board, if the
            board's own image needs a framework.
        suffix: Suffix of its programs.
        without_passes: Passes of the compiler whose results its projects cannot use.
        kernels: Kernels of the runtime that its own code calls, whether a model needs them or not.
        copies_weights: Whether its images can copy weights into RAM at the start.
        runs_graphs: Whether its projects can run plain graphs, and not only language models.
        image_tools: Programs that build `image`, beside its compiler; keys of toolchains.TOOLS.
        is_built_by_cmake: Whether `make` calls CMake, which does not accept every folder name.
    """

    name: str
    image: str = BOARD_IMAGE
    suffix: str = ".elf"
    without_passes: frozenset[str] = frozenset()
    kernels: frozenset[str] = frozenset()
    copies_weights: bool = False
    runs_graphs: bool = True
    image_tools: tuple[str, ...] = ()
    is_built_by_cmake: bool = False

    @abstractmethod
    def check(self, board: Board) -> None:
        """Raise UserError if the platform does not support the board's facts."""

    def model_files(self, compiled: CompiledModel) -> Mapping[str, str | bytes]:
        """Return the files of a model: those of model/ by name, others by their path in the project.

        Raises:
            UserError: The platform cannot run the model.
        """
        return compiled.files

    def model_sizes(self, compiled: CompiledModel) -> ModelSizes:
        """Return the sizes that these files state in model.h."""
        return ModelSizes.of(compiled.context)

    @abstractmethod
    def render(self, board: Board | None, sizes: ModelSizes, folder: Path) -> None:
        """Write the platform's part of a project: everything except application/, runtime/ and the model's files."""

    @abstractmethod
    def compiler(self, board: Board | None, image: str) -> str:
        """Return the compiler of an image, a key of toolchains.TOOLS."""

    @abstractmethod
    def emulator_tool(self, emulator: Emulator) -> str:
        """Return the program that runs one of a board's emulators, a key of toolchains.TOOLS."""

    @abstractmethod
    def emulator_command(self, emulator: Emulator, serial: str = "stdio") -> list[str]:
        """Return the command that runs an image, without its last argument, the image.

        Args:
            emulator: One of a board's emulators.
            serial: QEMU's name of the device that the program's serial line is connected to: "stdio", "pty".
        """

    @abstractmethod
    def image_sizes(self, board: Board | None, program: Path) -> ImageSize:
        """Return the flash and RAM that a program needs."""

    def image_path(self, project: Path, image: str, profile: bool = False) -> Path:
        """Return the path of a program that `make` builds."""
        folder = Path(project) / "build" / (f"{image}-profile" if profile else image)
        return folder / f"{program_of(project)}{self.suffix}"
