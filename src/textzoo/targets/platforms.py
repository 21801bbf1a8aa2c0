"""Projects for any platform."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from textzoo.targets.base import Platform
from textzoo.targets.boards import Board
from textzoo.targets.project import ModelSizes, checked_name, fresh_folder, write_files, write_sources
from textzoo.targets.registry import HOST, PLATFORMS


def platform_of(board: Board | None) -> Platform:
    """The platform of a board, or of this machine."""
    return PLATFORMS.get(board.platform if board else HOST)


def render_project(
    board: Board | None,
    files: Mapping[str, str | bytes],
    sizes: ModelSizes,
    runtime_sources: list[Path],
    folder: Path,
    beside: Mapping[str, Mapping[str, bytes]] = MappingProxyType({}),
) -> Path:
    """Write a project; an older rendering of the folder is replaced as a whole, or not at all.

    Args:
        board: None for this machine.
        files: Generated sources by name, for model/ (model.h, tokenizer.h, tokenizer.c and others), or by their path.
        sizes: Of the model that the files hold.
        runtime_sources: The kernels' .c files, absolute or relative to deployment/runtime; headers come along.
        folder: Where to write; must not exist, be empty, or be an earlier project.
        beside: Folders of the project with files that no image is built from: folder -> file name -> content.

    Returns:
        The folder.

    Raises:
        UserError: The folder holds something else, or the platform does not know the board's parts.
    """
    platform = platform_of(board)
    if board:
        platform.check(board)
    with fresh_folder(folder) as temporary:
        write_sources(temporary, files, runtime_sources)
        for name, contents in beside.items():
            write_files(temporary / checked_name(name), contents)
        platform.render(board, sizes, temporary)
    return folder
