"""Imports run one way: a room uses only rooms below it, and no module leads back to itself."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import textzoo

ROOT = Path(textzoo.__file__).parent
# From the lowest floor to the highest; the compiler has floors of its own.
FLOORS = ["common", "hub", "text", "baselines", "grammars", "models"]
FLOORS += [f"compiler.{floor}" for floor in ("tflite", "ir", "numerics", "packing", "operators", "passes")]
FLOORS += ["compiler.frontend", "compiler.backend", "compiler", "compiler.artifacts"]
FLOORS += ["targets", "engines", "serving", "quantizers", "training", "config", "records", "pipeline"]
FLOORS += ["publication", "services", "runs"]
FLOORS += ["testing", "main", "__main__"]
MODULES = {path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): path for path in ROOT.rglob("*.py")}
NAMES = {name.removesuffix(".__init__") for name in MODULES} - {"__init__"}


def imports_of(path):
    """Every module of the package that a file imports, inside of functions, too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "textzoo":
            base = node.module.removeprefix("textzoo").removeprefix(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".removeprefix(".")
                yield inner if inner in NAMES else base
        elif isinstance(node, ast.Import):
            yield from (alias.name[8:] for alias in node.names if alias.name.startswith("textzoo."))


def floor_of(module):
    """The longest name of a floor that the module's begins with."""
    parts = module.split(".")
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next(name for name in names if name in FLOORS)


@pytest.mark.parametrize("name", sorted(set(MODULES) - {"__init__"}))
def test_a_room_uses_only_rooms_below_it(name):
    own = FLOORS.index(floor_of(name.removesuffix(".__init__")))
    above = [other for other in imports_of(MODULES[name]) if FLOORS.index(floor_of(other)) > own]
    assert not above


def test_no_module_leads_back_to_itself():
    graph = {name.removesuffix(".__init__"): {*imports_of(path)} - {""} for name, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_services_do_not_know_each_other():
    services = [name for name in MODULES if name.startswith("services.") and name != "services.__init__"]
    known = {name: [other for other in imports_of(MODULES[name]) if other.startswith("services.")] for name in services}
    assert not {name: others for name, others in known.items() if others}
