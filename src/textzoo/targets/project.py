"""Projects: folders with all sources of an image, which need no Python and can be copied anywhere.

This module has the parts that all platforms share.
"""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.files import file_digest, write_json
from textzoo.common.paths import APPLICATION, GRAPH_APPLICATION, RUNTIME
from textzoo.common.untrusted_json import read_json_object
from textzoo.compiler.backend.rendering import plain_text
from textzoo.compiler.backend.templates import template
from textzoo.targets.boards import Board
from textzoo.targets.placement import Placement

# Marks a folder as a project, so that only projects are replaced; lists its files with their hashes.
MARKER = ".textzoo_project.json"
MAX_MARKER_BYTES = 1 << 20
STACK_BYTES = 4096
# Stack of the task that runs kernels on a second core. The deepest kernel needs less than 300 bytes (lx106,
# -fstack-usage); the wait for the next job and interrupts need the rest. ESP-IDF's own idle tasks have 1,536.
SECOND_STACK_BYTES = 2048
# RAM of the application without the model's state and arena: received bytes, line, tokens, options.
APPLICATION_RAM_BYTES = 4096
# Sources of deployment/application that the application of plain graphs has, too, beside those of deployment/graph.
SHARED_SOURCES = (
    *("commands.h", "console.c", "console.h", "costs.c", "costs.h", "counter.c", "counter.h", "crc32.c", "crc32.h"),
    *("decimal.c", "decimal.h", "device.c", "device.h", "divide.c", "divide.h", "input.c", "input.h"),
    *("interruption.c", "interruption.h", "json.c", "json.h", "main.c", "memory.c", "memory.h", "port.h", "protocol.h"),
    *("reply.c", "reply.h", "text.c", "text.h", "utf8.c", "utf8.h", "weights_image.c", "weights_image.h"),
)
# The users' own file: what they change in it stays when the project is made again.
USER_FILE = "on_command.c"
# Intents in its comment, which they must not end: how many, and how many characters of one with its slots.
INTENT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
MAX_INTENTS, MAX_SHOWN = 100, 110
MODEL_NAME = re.compile(r"^#define MODEL_NAME \"([^\"\n]*)\"$", re.MULTILINE)
# Names without characters that make, CMake, linkers and shells interpret.
PROGRAM_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
FOLDERS = ("application", "board", "model", "platform", "port", "runtime", "twin")
# Names of targets that CMake's generators reserve.
CMAKE_TARGETS = (
    *("all", "clean", "depend", "edit_cache", "help", "install", "package", "package_source", "rebuild_cache", "test"),
    *("ALL_BUILD", "INSTALL", "PACKAGE", "RUN_TESTS", "ZERO_CHECK"),
)


@dataclass(frozen=True)
class ModelSizes:
    """The facts of a compiled model that projects need, as in its model.h.

    Attributes:
        is_graph: Whether it is a plain graph.
        has_commands: Whether a line is a command, for which on_command is called.
        further_ram_bytes: Of a grammar and of commands.
    """

    name: str
    version: int
    hash: str
    weight_bytes: int
    image_bytes: int
    state_bytes: int
    arena_bytes: int
    check_tokens: int
    has_second_core: bool = False
    placement: Placement = field(default_factory=Placement)
    is_graph: bool = False
    has_commands: bool = False
    further_ram_bytes: int = 0

    @classmethod
    def of(cls, printed: Mapping[str, Any]) -> "ModelSizes":
        """Return the sizes of a compiled model.

        Args:
            printed: The values of model.h's template: `CompiledModel.context`, or those of a platform.
        """
        facts, plan = printed["facts"], printed["plan"]
        return cls(
            name=plain_text(facts.name),
            version=printed["version"],
            hash=facts.sha256,
            weight_bytes=printed["flash"].total,
            image_bytes=printed["image_bytes"],
            state_bytes=plan.state_bytes,
            arena_bytes=plan.arena_bytes,
            check_tokens=len(facts.check.tokens),
            has_second_core=bool(printed["shards"]),
            is_graph=not printed["is_decode"],
        )

    @property
    def ram_bytes(self) -> int:
        stacks = STACK_BYTES + (SECOND_STACK_BYTES if self.has_second_core else 0)
        return self.state_bytes + self.arena_bytes + stacks + APPLICATION_RAM_BYTES + self.further_ram_bytes


def program_name(model_name: str) -> str:
    """Return the model's name if it can be the name of a file, a target and a folder in build/; else "textzoo"."""
    usable = PROGRAM_NAME.fullmatch(model_name) and model_name not in (*FOLDERS, *CMAKE_TARGETS)
    return model_name if usable else "textzoo"


@contextlib.contextmanager
def fresh_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder next to `folder`, which replaces it on success."""
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
        write_marker(temporary)  # before, so that it tells what users changed
        keep_user_files(folder, temporary)
        temporary.chmod(0o755)
        replace_folder(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def is_project(folder: Path) -> bool:
    return (folder / MARKER).is_file()


def write_user_file(folder: Path, board: Board | None, intents: Mapping[str, Sequence[str]]) -> None:
    """Write the example of the users' commands.

    Args:
        folder: The project.
        board: None for this machine.
        intents: Intent -> its slots, for a comment; those with other characters than names have are left out.
    """
    known = [
        ": ".join([name, *filter(None, [", ".join(slots)])])[:MAX_SHOWN]
        for name, slots in list(intents.items())[:MAX_INTENTS]
        if all(INTENT_NAME.fullmatch(text) for text in (name, *slots))
    ]
    render_all("common", {USER_FILE: USER_FILE}, {"board": board, "intents": known}, folder)


def keep_user_files(earlier: Path, new: Path) -> None:
    """Copy what users wrote beside an earlier project's README into a new one that takes its place.

    Raises:
        UserError: They changed their commands, and the new project has none.
    """
    changed = changed_by_user(earlier)
    if (new / USER_FILE).is_file():
        for name in changed:
            shutil.copyfile(earlier / name, new / name)
    elif USER_FILE in changed:
        raise UserError(
            f"'{earlier / USER_FILE}' has your own commands, and would be lost: the new project has none",
            remedy="Move the file away, or set deployment.on_command=true.",
        )


def changed_by_user(project: Path) -> list[str]:
    """Return the names of the C files beside a project's README that are not as they were rendered."""
    if not is_project(project):
        return []
    rendered = read_json_object(project / MARKER, MAX_MARKER_BYTES)
    files = [path for path in sorted(project.glob("*.c")) if path.is_file()]
    return [path.name for path in files if rendered.get(path.name) != file_digest(path)]


def write_marker(folder: Path) -> None:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    write_json(folder / MARKER, {path.relative_to(folder).as_posix(): file_digest(path) for path in paths})


def replace_folder(new: Path, folder: Path) -> None:
    """Replace `folder` by `new`; the old one is renamed first, and restored if that fails."""
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


def write_sources(
    folder: Path, files: Mapping[str, str | bytes], runtime_sources: list[Path], *, is_graph: bool = False
) -> None:
    """Write application/, runtime/, and the generated files: by their path, or in model/ if they only have a name."""
    if is_graph:
        copy_files(APPLICATION, list(SHARED_SOURCES), folder / "application")
    own = GRAPH_APPLICATION if is_graph else APPLICATION
    names = [path.name for path in own.iterdir() if path.suffix in (".c", ".h", ".md")]
    copy_files(own, names, folder / "application")
    write_files(folder, {name if "/" in name else f"model/{name}": content for name, content in files.items()})
    for source in [*runtime_sources, *headers_for(runtime_sources)]:
        copy_runtime(RUNTIME / source, folder / "runtime")


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below a folder: name -> content."""
    for name, content in files.items():
        path = folder / checked_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def checked_name(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError(f"{name!r} does not name a file below the project")
    return name


def headers_for(sources: list[Path]) -> list[Path]:
    """Return the files that sources may include: public and internal headers, and .h and .inc of their folders."""
    folders = {RUNTIME / "internal", *((RUNTIME / source).parent for source in sources)}
    beside = {path for folder in folders for ending in ("*.h", "*.inc") for path in folder.glob(ending)}
    return sorted(beside | set((RUNTIME / "include").rglob("*.h")))


def copy_runtime(source: Path, folder: Path) -> None:
    """Copy a source into `folder` with its path in deployment/runtime (into extra/ if it is not from there)."""
    inside = source.resolve().is_relative_to(RUNTIME)
    target = folder / (source.resolve().relative_to(RUNTIME) if inside else Path("extra") / source.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def copy_files(source: Path, names: list[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copyfile(source / name, folder / name)


def render_all(group: str, names: dict[str, str], values: dict[str, Any], folder: Path) -> None:
    """Render templates of deployment/platforms/GROUP: name of the template without .j2 -> file in the project."""
    for source, target in names.items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template(f"{group}/{source}.j2").render(values), encoding="utf-8", newline="\n")


def program_of(project: Path) -> str:
    """Return the name of the program that a rendered project builds."""
    model_header = (Path(project) / "model" / "model.h").read_text(encoding="utf-8")
    name = MODEL_NAME.search(model_header)
    if name is None:
        raise ValueError("model.h does not define MODEL_NAME")
    return program_name(name[1])
