"""The imports of a package: its rooms (subpackages), their floors (layers) and circular imports.

A room is the first part of a module's name below the package: a folder, or a file directly in it. Imports inside of
functions and for type checkers only (`if TYPE_CHECKING:`) count, too; the latter do not for metrics `at_run_time`.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from code_metrics.sources import PYTHON_SUFFIXES, code_files

Graph = Mapping[str, set[str]]


@dataclass(frozen=True)
class ImportMetrics:
    """Rooms with their floors (0 imports no other room), imports between rooms, circles of modules and of rooms."""

    modules: int
    rooms: dict[str, int]
    floors: int
    arrows: int
    circles_of_modules: list[list[str]]
    circles_of_rooms: list[list[str]]
    circles_of_modules_at_run_time: list[list[str]]
    circles_of_rooms_at_run_time: list[list[str]]


def import_metrics(package: Path) -> ImportMetrics:
    """Measure the imports within the package in a folder."""
    modules, run_time = import_graph(package), import_graph(package, run_time=True)
    rooms = graph_of_rooms(modules)
    heights = floors_of(rooms)
    return ImportMetrics(
        modules=len(modules),
        rooms=dict(sorted(heights.items(), key=lambda item: (item[1], item[0]))),
        floors=len(set(heights.values())),
        arrows=sum(map(len, rooms.values())),
        circles_of_modules=circles(modules),
        circles_of_rooms=circles(rooms),
        circles_of_modules_at_run_time=circles(run_time),
        circles_of_rooms_at_run_time=circles(graph_of_rooms(run_time)),
    )


def import_graph(package: Path, run_time: bool = False) -> dict[str, set[str]]:
    """Return module -> imported modules of the package; with `run_time` without imports for type checkers only."""
    paths = {module_name(path, package): path for path in code_files(package, PYTHON_SUFFIXES)}
    graph = {}
    for name, path in paths.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        tree = WithoutTypeChecking().visit(tree) if run_time else tree
        found = {nearest(imported, paths) for imported in imported_names(tree, name, path.name == "__init__.py")}
        graph[name] = found - {None, name}
    return graph


class WithoutTypeChecking(ast.NodeTransformer):
    """Replaces `if TYPE_CHECKING:` by its `else` branch."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.AST]:
        if ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            return [self.visit(child) for child in node.orelse]
        return self.generic_visit(node)


def module_name(path: Path, package: Path) -> str:
    return ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")


def imported_names(tree: ast.Module, module: str, is_package: bool) -> Iterator[str]:
    """Yield the full names of everything that a module imports; for `from a import b`, `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # One dot is the package that contains the module.
            parts = module.split(".")
            above = parts[: len(parts) - node.level + is_package] if node.level else []
            base = [*above, *([node.module] if node.module else [])]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def nearest(name: str, modules: Mapping[str, Path]) -> str | None:
    """Return the module that a name refers to or is defined in; None outside of the package."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name or None


def graph_of_rooms(modules: Graph) -> dict[str, set[str]]:
    """Return which rooms each room imports from."""
    rooms: dict[str, set[str]] = {room_of(name): set() for name in modules}
    for name, imported in modules.items():
        rooms[room_of(name)] |= {room_of(other) for other in imported} - {room_of(name)}
    return rooms


def room_of(module: str) -> str:
    """Return the first part of a name below the package; for the package itself, its name."""
    return module.split(".")[:2][-1]


def circles(graph: Graph) -> list[list[str]]:
    """Return the strongly connected components of more than one node."""
    reached = {node: reachable(graph, node) for node in graph}
    groups = {frozenset(other for other in reached[node] if node in reached[other]) for node in graph}
    return sorted(sorted(group) for group in groups if len(group) > 1)


def reachable(graph: Graph, start: str) -> set[str]:
    """Return all nodes that can be reached from a node; including itself if it is on a circle."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting.extend(new)
    return found


def floors_of(graph: Graph) -> dict[str, int]:
    """Return the length of the longest path from each node; the nodes of a circle have the same floor."""
    group_of = {node: frozenset({node}) for node in graph}
    group_of |= {node: frozenset(circle) for circle in circles(graph) for node in circle}
    below: dict[frozenset[str], set[frozenset[str]]] = {group: set() for group in group_of.values()}
    for node, others in graph.items():
        below[group_of[node]] |= {group_of[other] for other in others} - {group_of[node]}
    heights: dict[frozenset[str], int] = {}
    for group in TopologicalSorter(below).static_order():
        heights[group] = 1 + max((heights[other] for other in below[group]), default=-1)
    return {node: heights[group_of[node]] for node in graph}
