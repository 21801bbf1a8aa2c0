"""What each architecture's constructor takes, read in its source: importing an architecture takes seconds.

So a configuration is checked against the classes themselves, and mistakes are told at once.
"""

import ast
import functools
import importlib.util
from pathlib import Path

from textzoo.models.registry import MODELS


def arguments_of(name: str) -> frozenset[str] | None:
    """The names of the arguments of an architecture's constructor; None where its source does not tell.

    Args:
        name: In the table of architectures.
    """
    module, _, class_name = MODELS.places.get(name, "").partition(":")
    return _arguments(module, class_name)


def _arguments(module: str, class_name: str) -> frozenset[str] | None:
    """Of a class: its own constructor's, or else those of the first base that has any."""
    tree = _source(module)
    definition = next((node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == class_name), None)
    if definition is None:
        return None
    constructor = next((node for node in definition.body if getattr(node, "name", "") == "__init__"), None)
    if constructor is not None:
        arguments = constructor.args
        return frozenset(entry.arg for entry in [*arguments.args[1:], *arguments.kwonlyargs])
    bases = [base.id for base in definition.bases if isinstance(base, ast.Name)]
    found = (_arguments(_module_of(tree, base, module), base) for base in bases)
    return next((arguments for arguments in found if arguments is not None), None)


@functools.cache
def _source(module: str) -> ast.Module:
    """The syntax tree of one of this project's modules; an empty one of any other, or of a module without source."""
    place = importlib.util.find_spec(module) if module.startswith("textzoo.") else None
    path = Path(place.origin) if place and place.origin else None
    return ast.parse(path.read_text(encoding="utf-8") if path and path.suffix == ".py" else "")


def _module_of(tree: ast.Module, name: str, module: str) -> str:
    """Where a name comes from: another module that it is imported from, or this one."""
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module]
    return next((node.module for node in imports if name in {alias.name for alias in node.names}), module)
