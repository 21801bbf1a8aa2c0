"""Tests that cannot fail: those without any assertion, and assertions whose outcome no code decides."""

import ast
from collections.abc import Iterator
from pathlib import Path

# What else ends a test: functions of pytest, and what raises where a program fails.
ENDINGS = {"raises", "warns", "fail", "check_call", "check_output"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def without_assertion(folder: Path) -> list[str]:
    """Return the tests below a folder of which neither they nor what they call or are given there asserts anything.

    Functions and fixtures are told apart by their names alone.
    """
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))}
    functions = {path: [*functions_in(tree)] for path, tree in trees.items()}
    asserting = asserting_names([function for found in functions.values() for function in found])
    return [
        f"{path.relative_to(folder)}:{function.lineno} {function.name}"
        for path, found in functions.items()
        for function in found
        if path.name.startswith("test_") and function.name.startswith("test_")
        if not asserts(function) and not names_used(function) & asserting
    ]


def functions_in(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def asserting_names(functions: list[Function]) -> set[str]:
    """Return the names of the functions that assert something, or use one that does."""
    names = {function.name for function in functions if asserts(function)}
    while more := {function.name for function in functions if names_used(function) & names} - names:
        names |= more
    return names


def asserts(function: Function) -> bool:
    """Whether a function can fail by itself."""
    return any(isinstance(node, ast.Assert) or ends(node) for node in ast.walk(function))


def ends(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = called_name(node)
    checked = any(keyword.arg == "check" and ast.unparse(keyword.value) == "True" for keyword in node.keywords)
    return name in ENDINGS or name.startswith("assert_") or checked


def called_name(call: ast.Call) -> str:
    """Return the last part of what is called: f, and of a.f, too."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def names_used(function: Function) -> set[str]:
    """Return what a function calls, and its parameters, which are fixtures of a test."""
    calls = {called_name(node) for node in ast.walk(function) if isinstance(node, ast.Call)}
    return calls | {argument.arg for argument in function.args.args}


def constant_assertions(source: str) -> list[int]:
    """Return the lines of assertions that name nothing, or that hold whatever the rest of them is: `x or True`."""
    found = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert))
    return [node.lineno for node in found if is_constant(node.test)]


def is_constant(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp):
        decided = [part for part in test.values if isinstance(part, ast.Constant)]
        return any(bool(part.value) == isinstance(test.op, ast.Or) for part in decided)
    return not any(isinstance(node, ast.Name) for node in ast.walk(test))
