"""A board that is named by key chooses the option of that name of the group `board`, which brings the board's facts.

One rule for the command line and for files, applied before Hydra composes: what either says of the board beside its
name wins over the option's facts.
"""

import dataclasses
from pathlib import Path
from typing import Any

from textzoo.common.paths import BOARD_FOLDER
from textzoo.config.schema import Config
from textzoo.targets.board_facts import required_facts

SECTION = "deployment.hardware_setup"
BOARD_KEY = f"{SECTION}.board"
GROUP = "board"


def board_names(folder: Path = BOARD_FOLDER) -> list[str]:
    """Return the boards of a folder, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def with_board_as_group(overrides: list[str]) -> list[str]:
    """Return the overrides of a command line with `deployment.hardware_setup.board=NAME` as `board=NAME`."""
    by_key = [text for text in overrides if text.startswith(f"{BOARD_KEY}=")]
    others = [text for text in overrides if text not in by_key and not (by_key and text.startswith(f"{GROUP}="))]
    return [*others, *(text.replace(BOARD_KEY, GROUP, 1) for text in by_key)]


def defaults_with_board(content: dict[str, Any]) -> list[Any] | None:
    """Return the defaults list that a file gets because it names a board; None where it keeps its own.

    Args:
        content: All keys of the file, from the root of the configuration on.
    """
    setup = section(section(content, "deployment"), "hardware_setup")
    name, defaults = setup.get("board"), content.get("defaults") or []
    if name not in board_names() or not isinstance(defaults, list):
        return None
    if defaults or not stands_alone(content):
        others = [entry for entry in defaults if not chooses_board(entry)]
        return [*others, {f"override /{GROUP}": name}]
    has_all_facts = all(entry.name in setup for entry in required_facts())
    return None if has_all_facts else [{f"/{GROUP}": name}, "_self_"]


def chooses_board(entry: Any) -> bool:
    """Tell whether an entry of a defaults list overrides the group of boards."""
    return isinstance(entry, dict) and {*entry} <= {f"override {GROUP}", f"override /{GROUP}"}


def stands_alone(content: dict[str, Any]) -> bool:
    """Return whether a file holds every section itself, and builds upon no other file."""
    return not content.get("defaults") and {entry.name for entry in dataclasses.fields(Config)} <= {*content}


def section(values: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a section of nested values; an empty one for anything else, which is reported elsewhere."""
    found = values.get(name)
    return found if isinstance(found, dict) else {}
