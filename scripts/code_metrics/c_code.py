"""Metrics of C and C++ code, found without a compiler: functions and comments.

A function's lines are those from its return type to its closing brace without blank lines. If `#if` and `#else` give
two versions of a line, the braces of both must balance.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from code_metrics.sources import C_SUFFIXES, Spread, code_files, non_blank_lines, share

LITERAL = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
COMMENT = r"//[^\n]*|/\*.*?\*/"
COMMENT_OR_LITERAL = re.compile(rf"(?P<comment>{COMMENT})|{LITERAL}", re.DOTALL)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
# The text before the brace of a function body; it does not match tables, structures or C++ namespaces.
FUNCTION_HEAD = re.compile(r"\w\s*\([^{}]*\)\s*(?:const|noexcept|override|\s)*$", re.DOTALL)


@dataclass(frozen=True)
class CMetrics:
    """Metrics of one tree of C files; `comment_percent` is the share of lines with a comment among non-blank lines."""

    files: int
    lines: int
    functions: int
    function_lines: Spread
    comment_percent: float


def c_metrics(folder: Path) -> CMetrics:
    """Measure the C and C++ files below a folder, without Jinja templates."""
    texts = [path.read_text(encoding="utf-8") for path in code_files(folder, C_SUFFIXES)]
    sizes = [non_blank_lines(text.splitlines()[first - 1 : last]) for text in texts for first, last in functions(text)]
    lines = sum(non_blank_lines(text.splitlines()) for text in texts)
    return CMetrics(
        files=len(texts),
        lines=lines,
        functions=len(sizes),
        function_lines=Spread.of(sizes),
        comment_percent=share(sum(map(comment_lines, texts)), lines),
    )


def comment_lines(text: str) -> int:
    """Count the lines that contain a comment or a part of one."""
    comments = (match["comment"] for match in COMMENT_OR_LITERAL.finditer(text) if match["comment"])
    return sum(non_blank_lines(comment.splitlines()) for comment in comments)


def blanked(match: re.Match[str]) -> str:
    """Return only the line ends of the match, so that all lines keep their numbers."""
    return "\n" * match[0].count("\n")


def without_comments(text: str) -> str:
    """Return the text without comments; all lines keep their numbers."""
    return COMMENT_OR_LITERAL.sub(lambda match: blanked(match) if match["comment"] else match[0], text)


def functions(text: str) -> Iterator[tuple[int, int]]:
    """Yield the first and the last line of each function."""
    code = DIRECTIVE.sub(blanked, COMMENT_OR_LITERAL.sub(blanked, text))
    head, start, depth = 0, None, 0
    for match in re.finditer(r"[{};]", code):
        before = code[head : match.start()]
        head = match.end()
        if start is None and match[0] == "{" and FUNCTION_HEAD.search(before):
            start, depth = match.start() - len(before.lstrip()), 0
        depth += {"{": 1, "}": -1, ";": 0}[match[0]]
        if start is not None and depth == 0:
            yield 1 + code.count("\n", 0, start), 1 + code.count("\n", 0, match.start())
            start = None
