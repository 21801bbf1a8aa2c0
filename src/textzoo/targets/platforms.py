"""Render projects for any platform."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from textzoo.targets.base import Platform
from textzoo.targets.boards import Board
from textzoo.targets.project import ModelSizes, checked_name, fresh_folder, write_files, write_sources, write_user_file
from textzoo.targets.registry import HOST, PLATFORMS


def platform_of(board: Board | None) -> Platform:
    """Return the platform of a board, or of this machine (None)."""
    return PLATFORMS.get(board.platform if board else HOST)


def render_project(
    board: Board | None,
    files: Mapping[str, str | bytes],
    sizes: ModelSizes,
    runtime_sources: list[Path],
    folder: Path,
    beside: Mapping[str, Mapping[str, bytes]] = MappingProxyType({}),
    intents: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Path:
    """Write a project; an earlier project in the folder is replaced completely, or not at all.

    Args:
        board: None for this machine.
        files: Generated sources by name, for model/ (model.h, tokenizer.h, tokenizer.c and others), or by their path.
        sizes: Sizes of the model in the files.
        runtime_sources: The kernels' .c files, absolute or relative to deployment/runtime; headers are copied, too.
        folder: The folder to write; must not exist, be empty, or be an earlier project.
        beside: Additional files that are not part of an image: folder in the project -> file name -> content.
        intents: Of a project with commands: intent -> its slots, as far as they are known.

    Returns:
        The folder.

    Raises:
        UserError: The folder holds something else, or the platform does not support the board.
    """
    platform = platform_of(board)
    if board:
        platform.check(board)
    with fresh_folder(folder) as temporary:
        write_sources(temporary, files, runtime_sources, is_graph=sizes.is_graph)
        for name, contents in beside.items():
            write_files(temporary / checked_name(name), contents)
        if sizes.has_commands:
            write_user_file(temporary, board, intents)
        platform.render(board, sizes, temporary)
    return folder
