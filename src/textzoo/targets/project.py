"""Projects: a folder with everything that an image is built from, which needs no Python and can be copied anywhere."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

from textzoo.compiler.templates import DEPLOYMENT, template
from textzoo.errors import UserError
from textzoo.files import file_digest, write_json
from textzoo.targets import stm32
from textzoo.targets.boards import BOARD_IMAGE, EXTERNAL_FLASH, FLASH, TWIN_IMAGE, Board, Emulator, Memory

RUNTIME = DEPLOYMENT / "runtime"
APPLICATION = DEPLOYMENT / "application"
TEMPLATES = DEPLOYMENT / "templates"
# Marks a folder as rendered, so that only such folders are ever replaced; lists its files with their hashes.
MARKER = ".textzoo_project.json"
STACK_BYTES = 4096
# RAM of the application beside the model's state and arena: line buffer, recent tokens, options.
APPLICATION_RAM_BYTES = 2048
NANOSECONDS_PER_INSTRUCTION = 64  # -icount shift=6
DEFINE = re.compile(r"^#define (MODEL_\w+) (\S+)", re.MULTILINE)
PROGRAM_NAME = re.compile(r"[A-Za-z0-9_]+")
FOLDERS = ("application", "board", "model", "platform", "port", "runtime", "twin")


@dataclass(frozen=True)
class ModelSizes:
    """What model.h says about itself, as far as projects need it."""

    name: str
    version: int
    hash: str
    weight_bytes: int
    state_bytes: int
    arena_bytes: int
    check_tokens: int

    @classmethod
    def of(cls, model_header: str) -> "ModelSizes":
        """Read the #defines of a model.h; ValueError where one is missing."""
        defines = dict(DEFINE.findall(model_header))
        try:
            return cls(
                name=defines["MODEL_NAME"].strip('"'),
                version=int(defines["MODEL_VERSION"]),
                hash=defines["MODEL_HASH"].strip('"'),
                weight_bytes=int(defines["MODEL_WEIGHT_BYTES"]),
                state_bytes=int(defines["MODEL_STATE_BYTES"]),
                arena_bytes=int(defines["MODEL_ARENA_BYTES"]),
                check_tokens=int(defines["MODEL_CHECK_TOKENS"]),
            )
        except KeyError as error:
            raise ValueError(f"model.h does not define {error.args[0]}") from error

    @property
    def ram_bytes(self) -> int:
        return self.state_bytes + self.arena_bytes + STACK_BYTES + APPLICATION_RAM_BYTES


def render_project(board: Board, files: Mapping[str, str | bytes], runtime_sources: list[Path], folder: Path) -> Path:
    """Write a board's project; an older rendering of the folder is replaced as a whole, or not at all.

    Args:
        board: From `boards.load_board`.
        files: Generated sources for model/ by name: model.h, model.c, tokenizer.h, tokenizer.c and others.
        runtime_sources: The kernels' .c files, absolute or relative to deployment/runtime; headers come along.
        folder: Where to write; must not exist, be empty, or be an earlier project.

    Returns:
        The folder.

    Raises:
        UserError: The folder holds something else.
    """
    sizes = ModelSizes.of(text_of(files["model.h"]))
    with fresh_folder(folder) as temporary:
        write_sources(temporary, files, runtime_sources)
        render_stm32(board, sizes, temporary)
    return folder


def render_host_project(files: Mapping[str, str | bytes], runtime_sources: list[Path], folder: Path) -> Path:
    """The same for a program on a PC; see `render_project`."""
    sizes = ModelSizes.of(text_of(files["model.h"]))
    with fresh_folder(folder) as temporary:
        write_sources(temporary, files, runtime_sources)
        copy_files(TEMPLATES / "host", ["port.c"], temporary / "port")
        values = {"sizes": sizes, "model_name": program_name(sizes.name)}
        render_all("host", {name: name for name in ("Makefile", "CMakeLists.txt", "README.md")}, values, temporary)
    return folder


def text_of(content: str | bytes) -> str:
    return content if isinstance(content, str) else content.decode("utf-8")


def program_name(model_name: str) -> str:
    """The model's name as a file name; folders of the project have their names in build/ too."""
    usable = PROGRAM_NAME.fullmatch(model_name) and model_name not in FOLDERS
    return model_name if usable else "textzoo"


@contextlib.contextmanager
def fresh_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder` that replaces it on success."""
    folder = Path(folder)
    if folder.exists() and not (folder.is_dir() and (is_project(folder) or not any(folder.iterdir()))):
        raise UserError(
            f"'{folder}' exists and is not a project made by TextZoo",
            expected="a new folder, an empty one, or an earlier project",
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        yield temporary
        write_marker(temporary)
        temporary.chmod(0o755)
        replace_folder(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def is_project(folder: Path) -> bool:
    return (folder / MARKER).is_file()


def write_marker(folder: Path) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    write_json(folder / MARKER, {path.relative_to(folder).as_posix(): file_digest(path) for path in paths})


def replace_folder(new: Path, folder: Path) -> None:
    """Put `new` in the place of `folder`; the old one is set aside first, and comes back where that fails."""
    aside = new.with_name(f"{new.name}-old")
    if folder.exists():
        folder.rename(aside)
    try:
        new.rename(folder)
    except OSError:
        if aside.exists():
            aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def write_sources(folder: Path, files: Mapping[str, str | bytes], runtime_sources: list[Path]) -> None:
    """application/, model/ and runtime/: the same on every target."""
    names = [path.name for path in APPLICATION.iterdir() if path.suffix in (".c", ".h", ".md")]
    copy_files(APPLICATION, names, folder / "application")
    for name, content in files.items():
        path = folder / "model" / checked_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    for source in [*runtime_sources, *headers_for(runtime_sources)]:
        copy_runtime(RUNTIME / source, folder / "runtime")


def checked_name(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError(f"{name!r} does not name a file below the project")
    return name


def headers_for(sources: list[Path]) -> list[Path]:
    """The public headers, and those beside the sources."""
    beside = {header for source in sources for header in (RUNTIME / source).parent.glob("*.h")}
    return sorted(beside | set((RUNTIME / "include").rglob("*.h")))


def copy_runtime(source: Path, folder: Path) -> None:
    """Copy below `folder` with the path that it has in deployment/runtime (or in extra/ if it is not from there)."""
    inside = source.resolve().is_relative_to(RUNTIME)
    target = folder / (source.resolve().relative_to(RUNTIME) if inside else Path("extra") / source.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def copy_files(source: Path, names: list[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copyfile(source / name, folder / name)


def render_all(group: str, names: dict[str, str], values: dict[str, Any], folder: Path) -> None:
    """Render templates of deployment/templates/GROUP: template's name without .j2 -> file in the project."""
    for source, target in names.items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template(f"{group}/{source}.j2").render(values), encoding="utf-8", newline="\n")


def render_stm32(board: Board, sizes: ModelSizes, folder: Path) -> None:
    source = TEMPLATES / "stm32"
    family = stm32.family_of(board)
    values = project_values(board, sizes)
    copy_files(source, ["cortex.h", "family.h", "start.c", "memory_functions.c", "sections.ld"], folder / "platform")
    copy_files(source, ["port_stm32.c", family.source], folder / "board")
    names = {name: name for name in ("Makefile", "CMakeLists.txt", "README.md", "toolchain.cmake")}
    render_all("stm32", names | {"board.h": "board/board.h"}, values, folder)
    render_all("stm32", {"memory.ld": "board/memory.ld"}, board_memory_values(board, sizes), folder)
    if values["external"]:
        external = board_memory_values(board, sizes, external=True)
        render_all("stm32", {"memory.ld": "board/memory_external.ld"}, external, folder)
    for emulator in board.emulators.values():
        if emulator.image == TWIN_IMAGE:
            copy_files(source, ["port_twin.c"], folder / "twin")
            render_all("stm32", {"twin_board.h": "twin/board.h"}, twin_values(emulator), folder)
            render_all("stm32", {"memory.ld": "twin/memory.ld"}, twin_memory_values(board, emulator, sizes), folder)


def project_values(board: Board, sizes: ModelSizes) -> dict[str, Any]:
    """What Makefile, CMakeLists.txt, README.md and board.h are rendered with."""
    name = program_name(sizes.name)
    default = board.emulator()
    external = board.memory(EXTERNAL_FLASH)
    files = {ending: f"$(BUILD)/$(NAME).{ending}" for ending in ("elf", "bin", "hex")}
    return {
        "board": board,
        "sizes": sizes,
        "model_name": name,
        "cpu_flags": stm32.core_flags(board),
        "uart": stm32.uart_values(board),
        "family_defines": stm32.family_defines(board),
        "flash": {tool: arguments.format(**files) for tool, arguments in board.flash.items()},
        "emulators": {
            key: {"command": " ".join(emulator_command(emulator)), "image": emulator.image}
            for key, emulator in board.emulators.items()
        },
        "default_emulator": default.name,
        "default_image": default.image,
        "twin_note": default.note,
        "has_twin": any(emulator.image == TWIN_IMAGE for emulator in board.emulators.values()),
        "external": external is not None,
        "external_origin": external.origin if external else 0,
        "used_memories": used_memories(board, sizes),
    }


def used_memories(board: Board, sizes: ModelSizes) -> list[tuple[Memory, str]]:
    data = board.data_memory(sizes.ram_bytes)
    uses = {board.memory(FLASH).name: "program and weights", data.name: "state, arena, stack"}
    if external := board.memory(EXTERNAL_FLASH):
        uses[external.name] = "weights with `make WEIGHTS=external`"
    return [(memory, uses[memory.name]) for memory in board.memories if memory.name in uses]


def board_memory_values(board: Board, sizes: ModelSizes, external: bool = False) -> dict[str, Any]:
    """What the board's memory.ld is rendered with."""
    flash, data = board.memory(FLASH), board.data_memory(sizes.ram_bytes)
    weights = board.memory(EXTERNAL_FLASH) if external else flash
    return {
        "title": board.title,
        "memories": [memory for memory in board.memories if memory in (flash, data, weights)],
        "code": flash.name,
        "constants": flash.name,
        "weights": weights.name,
        "data": data.name,
        "stack_bytes": STACK_BYTES,
    }


def twin_memory_values(board: Board, emulator: Emulator, sizes: ModelSizes) -> dict[str, Any]:
    """The same for its twin: the machine's addresses, no more bytes than the board has."""
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
    """What the twin's board.h is rendered with: a tick of the timer as nanoseconds and as instructions."""
    nanoseconds = Fraction(10**9, emulator.timer_hz)
    return {
        "emulator": emulator,
        "nanoseconds_per_instruction": NANOSECONDS_PER_INSTRUCTION,
        "instructions": binary_factor(nanoseconds / NANOSECONDS_PER_INSTRUCTION, emulator),
        "nanoseconds": binary_factor(nanoseconds, emulator),
    }


def binary_factor(value: Fraction, emulator: Emulator) -> dict[str, int]:
    """value = factor / 2**shift; UserError where it is not such a number, because counts would not be exact."""
    if value.denominator & (value.denominator - 1) or nanoseconds_of(emulator) >= NANOSECONDS_PER_INSTRUCTION:
        raise UserError(
            f"the timer of {emulator.name} cannot count instructions exactly",
            expected=f"a tick shorter than {NANOSECONDS_PER_INSTRUCTION} ns and a binary fraction of it",
            received=f"timer_hz: {emulator.timer_hz}",
        )
    return {"factor": value.numerator, "shift": value.denominator.bit_length() - 1}


def nanoseconds_of(emulator: Emulator) -> Fraction:
    return Fraction(10**9, emulator.timer_hz)


def emulator_command(emulator: Emulator, serial: str = "stdio") -> list[str]:
    """The command that runs a machine, without the image: -kernel FILE follows.

    Args:
        serial: QEMU's name of what the program's serial line is connected to: "stdio", "pty".
    """
    command = ["qemu-system-arm", "-M", emulator.machine, "-icount", "shift=6,sleep=off", "-display", "none"]
    command += ["-monitor", "none"]
    command += ["-serial", "null"] * emulator.serial + ["-serial", serial]
    if emulator.image == TWIN_IMAGE:
        command += ["-semihosting-config", "enable=on,target=native"]
    if emulator.exits_by_reset:
        command.append("-no-reboot")
    return command


def image_path(project: Path, emulator: Emulator | None = None, profile: bool = False) -> Path:
    """Where `make` puts the image: the board's, or the one that an emulator runs."""
    image = emulator.image if emulator else BOARD_IMAGE
    folder = Path(project) / "build" / (f"{image}-profile" if profile else image)
    model_header = (Path(project) / "model" / "model.h").read_text(encoding="utf-8")
    return folder / f"{program_name(ModelSizes.of(model_header).name)}.elf"
