"""Metrics of Python code: functions, annotations, docstrings, comments, imports of private names.

A function's lines are those from its first decorator to its last line without blank lines; a nested function is also
counted separately.
"""

import ast
import io
import json
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from code_metrics.sources import PYTHON_SUFFIXES, Spread, code_files, non_blank_lines, share

LONGEST = 10
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Function:
    """One function or method; it is public if no enclosing name begins with an underscore or is a function."""

    location: str
    lines: int
    typed: bool
    public: bool
    documented: bool
    checked_by_d401: bool


@dataclass(frozen=True)
class PythonMetrics:
    """Metrics of one tree of Python files; shares in percent."""

    files: int
    lines: int
    functions: int
    function_lines: Spread
    longest_functions: list[str]
    typed_percent: float
    public_with_docstring_percent: float
    docstrings: int
    d401_violations: int
    imperative_percent: float
    comments_per_100_lines: float
    private_imports: list[str]


def python_metrics(folder: Path, root: Path) -> PythonMetrics:
    """Measure the Python files below a folder; locations are relative to `root`."""
    texts = {path: path.read_text(encoding="utf-8") for path in code_files(folder, PYTHON_SUFFIXES)}
    modules = {path.relative_to(root).as_posix(): (text, ast.parse(text, path)) for path, text in texts.items()}
    functions = [each for name, (text, tree) in modules.items() for each in functions_of(name, text, tree)]
    public = [function for function in functions if function.public]
    checked = sum(function.documented and function.checked_by_d401 for function in functions)
    violations = d401_violations(folder) if checked else 0
    comments = sum(number_of_comments(text) for text in texts.values())
    longest = sorted(functions, key=lambda function: (-function.lines, function.location))[:LONGEST]
    return PythonMetrics(
        files=len(texts),
        lines=sum(len(text.splitlines()) for text in texts.values()),
        functions=len(functions),
        function_lines=Spread.of([function.lines for function in functions]),
        longest_functions=[f"{function.location} {function.lines}" for function in longest],
        typed_percent=share(sum(function.typed for function in functions), len(functions)),
        public_with_docstring_percent=share(sum(function.documented for function in public), len(public)),
        docstrings=sum(function.documented for function in functions),
        d401_violations=violations,
        imperative_percent=share(checked - violations, checked),
        comments_per_100_lines=share(comments, sum(non_blank_lines(text.splitlines()) for text in texts.values())),
        private_imports=[f"{name}: {each}" for name, (_, tree) in modules.items() for each in private_imports(tree)],
    )


def functions_of(name: str, text: str, tree: ast.Module) -> Iterator[Function]:
    """Yield the functions of a module, nested ones after the enclosing one."""
    lines = text.splitlines()
    for node, public in function_nodes(tree):
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        yield Function(
            location=f"{name}:{node.lineno} {node.name}",
            lines=non_blank_lines(lines[first - 1 : node.end_lineno]),
            typed=is_typed(node),
            public=public,
            documented=ast.get_docstring(node) is not None,
            checked_by_d401=not node.name.startswith("test_") and not is_property(node),
        )


def function_nodes(node: ast.AST, public: bool = True) -> Iterator[tuple[FunctionNode, bool]]:
    """Yield (function, whether it is public) of the functions below a node."""
    for child in ast.iter_child_nodes(node):
        visible = public and not getattr(child, "name", "").startswith("_")
        if isinstance(child, FunctionNode):
            yield child, visible
        yield from function_nodes(child, visible and not isinstance(child, FunctionNode))


def is_typed(node: FunctionNode) -> bool:
    """Return whether the return and all parameters except `self` and `cls` are annotated."""
    arguments = node.args
    parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return node.returns is not None and all(
        parameter is None or parameter.annotation is not None or parameter.arg in ("self", "cls")
        for parameter in parameters
    )


def is_property(node: FunctionNode) -> bool:
    """Return whether a decorator makes the function a property, whose docstring names a value."""
    return any("property" in ast.unparse(decorator) for decorator in node.decorator_list)


def d401_violations(folder: Path) -> int:
    """Count docstrings whose first word is not imperative according to ruff (pydocstyle's D401).

    Ruff ignores tests, properties, and words that it does not know ("Whether", "Bytes"), so this is a lower bound.
    """
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--ignore-noqa", "--exit-zero"]
    command += ["--select", "D401", "--output-format", "json", str(folder)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return sum(finding["code"] == "D401" for finding in json.loads(answer.stdout))


def number_of_comments(text: str) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return sum(token.type == tokenize.COMMENT for token in tokens)


def private_imports(tree: ast.Module) -> Iterator[str]:
    """Yield the imported names with a part that begins with one underscore."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = [f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (name for name in names if any(map(is_private, name.split("."))))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")
