"""The imports of a package: its subpackages, their layers and circular imports.

A subpackage is the first part of a module's name below the package: a folder, or a file directly in it. Imports inside
of functions and for type checkers only (`if TYPE_CHECKING:`) count, too; the latter do not for metrics `at_run_time`.
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
    """Subpackages with their layers (0 imports no other one), imports between them, import cycles of both kinds."""

    modules: int
    subpackages: dict[str, int]
    layers: int
    subpackage_imports: int
    module_cycles: list[list[str]]
    subpackage_cycles: list[list[str]]
    module_cycles_at_run_time: list[list[str]]
    subpackage_cycles_at_run_time: list[list[str]]


def import_metrics(package: Path) -> ImportMetrics:
    """Measure the imports within the package in a folder."""
    modules, run_time = import_graph(package), import_graph(package, run_time=True)
    subpackages = graph_of_subpackages(modules)
    layers = layers_of(subpackages)
    return ImportMetrics(
        modules=len(modules),
        subpackages=dict(sorted(layers.items(), key=lambda item: (item[1], item[0]))),
        layers=len(set(layers.values())),
        subpackage_imports=sum(map(len, subpackages.values())),
        module_cycles=cycles(modules),
        subpackage_cycles=cycles(subpackages),
        module_cycles_at_run_time=cycles(run_time),
        subpackage_cycles_at_run_time=cycles(graph_of_subpackages(run_time)),
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


def graph_of_subpackages(modules: Graph) -> dict[str, set[str]]:
    """Return which subpackages each subpackage imports from."""
    subpackages: dict[str, set[str]] = {subpackage_of(name): set() for name in modules}
    for name, imported in modules.items():
        subpackages[subpackage_of(name)] |= {subpackage_of(other) for other in imported} - {subpackage_of(name)}
    return subpackages


def subpackage_of(module: str) -> str:
    """Return the first part of a name below the package; for the package itself, its name."""
    return module.split(".")[:2][-1]


def cycles(graph: Graph) -> list[list[str]]:
    """Return the strongly connected components of more than one node."""
    reached = {node: reachable(graph, node) for node in graph}
    groups = {frozenset(other for other in reached[node] if node in reached[other]) for node in graph}
    return sorted(sorted(group) for group in groups if len(group) > 1)


def reachable(graph: Graph, start: str) -> set[str]:
    """Return all nodes that can be reached from a node; including itself if it is on a cycle."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting.extend(new)
    return found


def layers_of(graph: Graph) -> dict[str, int]:
    """Return the length of the longest path from each node; the nodes of a cycle have the same layer."""
    group_of = {node: frozenset({node}) for node in graph}
    group_of |= {node: frozenset(cycle) for cycle in cycles(graph) for node in cycle}
    below: dict[frozenset[str], set[frozenset[str]]] = {group: set() for group in group_of.values()}
    for node, others in graph.items():
        below[group_of[node]] |= {group_of[other] for other in others} - {group_of[node]}
    heights: dict[frozenset[str], int] = {}
    for group in TopologicalSorter(below).static_order():
        heights[group] = 1 + max((heights[other] for other in below[group]), default=-1)
    return {node: heights[group_of[node]] for node in graph}
