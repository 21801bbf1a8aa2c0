"""Imports run one way: a room uses only rooms below it."""

import ast
from pathlib import Path

import pytest

import textzoo

ROOT = Path(textzoo.__file__).parent
# From the lowest to the highest. The sections of the configuration are known to every room.
COMMON = {"common", "config"}
ROOMS = ["text", "models", "compiler", "targets", "engines", "quantizers", "training"]
ROOMS += ["records", "pipeline", "services"]
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def imported_by_from(node):
    return [f"textzoo.{alias.name}" for alias in node.names] if node.module == "textzoo" else [node.module]


def imported_rooms(path):
    """The first part below `textzoo` of everything that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = imported_by_from(node) if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            if name and name.startswith("textzoo."):
                yield name.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_room_uses_only_rooms_below_it(path):
    room = path.relative_to(ROOT).parts[0]
    allowed = COMMON | set(ROOMS[: ROOMS.index(room) + 1])
    assert set(imported_rooms(path)) <= allowed


def imported_modules(path):
    """The full names of everything that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", sorted((ROOT / "services").glob("*.py")), ids=lambda path: path.stem)
def test_a_service_uses_no_other_service(path):
    """What they share is a floor below, in `pipeline`."""
    assert [name for name in imported_modules(path) if name.startswith("textzoo.services")] == []
