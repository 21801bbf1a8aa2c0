"""What a platform promises: how projects for a kind of boards are written, built, run and measured."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from textzoo.compiler.compile import CompiledModel
from textzoo.targets.boards import BOARD_IMAGE, Board, Emulator
from textzoo.targets.image_size import ImageSize
from textzoo.targets.project import ModelSizes, program_of


class Platform(ABC):
    """A kind of boards.

    Every project has a Makefile with `image IMAGE=<image> [PROFILE=1]`, `emulate`, `flash`, `size` and `clean`.

    Attributes:
        name: Key of PLATFORMS, and folder in deployment/platforms.
        image: What `make` builds, and whose ELF tells flash and RAM: the twin where the board's needs a framework.
        suffix: Of its programs.
        without_passes: Passes of the compiler whose results its projects have no place for.
        kernels: Of the runtime: what its own code calls, whether a model needs it or not.
        is_built_by_cmake: Whether `make` calls CMake, which does not work in folders of every name.
    """

    name: str
    image: str = BOARD_IMAGE
    suffix: str = ".elf"
    without_passes: frozenset[str] = frozenset()
    kernels: frozenset[str] = frozenset()
    is_built_by_cmake: bool = False

    @abstractmethod
    def check(self, board: Board) -> None:
        """UserError where a board's facts are not what the platform knows."""

    def model_files(self, compiled: CompiledModel) -> Mapping[str, str | bytes]:
        """What a model becomes: files of model/ by name, others by their path in the project.

        Raises:
            UserError: The platform cannot run the model.
        """
        return compiled.files

    def model_sizes(self, compiled: CompiledModel) -> ModelSizes:
        """What these files say of themselves in model.h."""
        return ModelSizes.of(compiled.context)

    @abstractmethod
    def render(self, board: Board | None, sizes: ModelSizes, folder: Path) -> None:
        """Write the platform's part of a project: everything but application/, runtime/ and what the model became."""

    @abstractmethod
    def compiler(self, board: Board | None, image: str) -> str:
        """Key of toolchains.TOOLS: what compiles an image."""

    @abstractmethod
    def emulator_tool(self, emulator: Emulator) -> str:
        """Key of toolchains.TOOLS: what runs one of a board's emulators."""

    @abstractmethod
    def emulator_command(self, emulator: Emulator, serial: str = "stdio") -> list[str]:
        """The command that runs an image, which follows as its last argument.

        Args:
            emulator: One of a board's.
            serial: QEMU's name of what the program's serial line is connected to: "stdio", "pty".
        """

    @abstractmethod
    def image_sizes(self, board: Board | None, program: Path) -> ImageSize:
        """What a program takes."""

    def image_path(self, project: Path, image: str, profile: bool = False) -> Path:
        """Where `make` puts a program."""
        folder = Path(project) / "build" / (f"{image}-profile" if profile else image)
        return folder / f"{program_of(project)}{self.suffix}"
