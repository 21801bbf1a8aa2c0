"""The names that a C file defines at file scope: functions, objects, types, tags, constants of enums, and macros.

It reads the C of this project, which has no declarations of the old style, and whose preprocessor conditions balance
braces on each of their sides.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

TOKEN = re.compile(
    r"(?P<space>\s+|\\\n)|(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<directive>(?m:^)[ \t]*#(?:\\\n|/\*.*?\*/|[^\n])*)"
    r"|(?P<text>\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')|(?P<name>[A-Za-z_]\w*)|(?P<other>\w+|.)",
    re.DOTALL,
)
DEFINE = re.compile(r"\s*#\s*define\s+(\w+)(?:[ \t]+(\w+)[ \t]*$)?")
# What is written like a function before or behind a declarator.
ATTRIBUTES = ("__attribute__", "__asm__", "asm", "_Static_assert")
TAGGED = ("struct", "union", "enum")
OPENING, CLOSING = "([{", ")]}"


@dataclass
class Names:
    """The names that a file defines.

    Attributes:
        own: Names without linkage outside of the file: static functions and objects, types, tags, enum constants.
        shared: Functions and objects that other files can use.
        macros: Macros, those that the file itself removes included -> the word that they stand for, or "".
    """

    own: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    macros: dict[str, str] = field(default_factory=dict)


def names_of(source: str) -> Names:
    """Return the names that a C file, or a part of one, defines at file scope."""
    found = Names()
    for declaration in declarations(source, found.macros):
        note_tags_and_constants(declaration, found.own)
        declared = {found.macros.get(name) or name for name in declarators(declaration)}
        words = {word for word, depth in declaration if depth == 0}
        if "typedef" in words or "static" in words:
            found.own.update(declared)
        elif "extern" not in words and is_definition(declaration):
            found.shared.update(declared)
    return found


def declarations(source: str, macros: dict[str, str]) -> Iterator[list[tuple[str, int]]]:
    """Yield the declarations at file scope as (token, depth of brackets around it); add the macros to `macros`."""
    waiting: list[tuple[str, int]] = []
    depth = 0
    for match in TOKEN.finditer(source):
        kind, token = match.lastgroup, match[0]
        if kind == "directive" and (defined := DEFINE.match(token)):
            macros[defined[1]] = defined[2] or ""
        if kind not in ("name", "other", "text"):
            continue
        depth -= token in CLOSING
        waiting.append((token, depth))
        depth += token in OPENING
        if depth == 0 and (token == ";" or (token == "}" and has_body(waiting))):
            yield waiting
            waiting = []


def has_body(declaration: list[tuple[str, int]]) -> bool:
    """Return whether a declaration that ends with } is that of a function: ) { before its body."""
    outer = [token for token, depth in declaration if depth == 0]
    return outer[-3:] == [")", "{", "}"]


def is_definition(declaration: list[tuple[str, int]]) -> bool:
    """Return whether this defines something: a function with its body, or an object; no prototype, no type alone."""
    outer = [token for token, depth in without_attributes(declaration) if depth == 0]
    return has_body(declaration) or "(" not in outer


def without_attributes(declaration: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return a declaration without __attribute__((...)) and the like."""
    kept: list[tuple[str, int]] = []
    skipping = False
    for token, depth in declaration:
        if depth == 0 and token in ATTRIBUTES:
            skipping = True
        elif not skipping:
            kept.append((token, depth))
        elif depth == 0 and token == ")":
            skipping = False
    return kept


def declarators(declaration: list[tuple[str, int]]) -> set[str]:
    """Return the names that a declaration gives to functions, objects or types: those before ( [ = , and ; of it."""
    outer = [token for token, depth in without_attributes(declaration) if depth == 0]
    declared = set()
    is_initializer = False
    for before, token in pairwise(outer):
        if token in "([=,;" and not is_initializer and before.isidentifier():
            declared.add(before)
        is_initializer = token == "=" or (is_initializer and token != ",")
        if token == "(":
            break
    return declared


def note_tags_and_constants(declaration: list[tuple[str, int]], own: set[str]) -> None:
    """Add the tags of structs, unions and enums that are defined, and the constants of enums."""
    for index, (token, depth) in enumerate(declaration):
        if token not in TAGGED:
            continue
        at = index + 1
        if declaration[at][0].isidentifier():
            at += 1
        if declaration[at][0] != "{":
            continue
        if at == index + 2:
            own.add(declaration[index + 1][0])
        if token == "enum":
            own.update(enum_constants(declaration[at:], depth))


def enum_constants(tokens: list[tuple[str, int]], depth: int) -> Iterator[str]:
    """Yield the constants between the braces with which the tokens begin."""
    for (before, _), (token, inside) in pairwise(tokens):
        if inside == depth and token == "}":
            return
        if inside == depth + 1 and before in "{," and token.isidentifier():
            yield token
