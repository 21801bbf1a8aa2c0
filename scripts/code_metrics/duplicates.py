"""Duplicates: sequences of equal lines, or of lines of the same shape, that occur twice.

Lines are compared without indentation and comments; blank lines, imports and lines of brackets only are ignored: they
neither count nor end a sequence. Lines have the same shape if they differ only in names, numbers and strings.
"""

import ast
import io
import itertools
import keyword
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from code_metrics.c_code import without_comments
from code_metrics.sources import C_SUFFIXES, PYTHON_SUFFIXES, code_files

AT_LEAST = 6
ONLY_BRACKETS = re.compile(r"[\s()\[\]{},;]*")
INCLUDE = re.compile(r"\s*#\s*include\b")
WORD = re.compile(r"""(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<number>\b\d[\w.]*)|(?P<name>[A-Za-z_]\w*)""")
C_KEYWORDS = (
    "break case char const default do double else enum extern float for if inline int long return short signed sizeof "
    "static struct switch typedef union unsigned void volatile while"
)
KEYWORDS = frozenset({*keyword.kwlist, *C_KEYWORDS.split()})
# The lines of a file that are compared, each with its number.
Lines = list[tuple[int, str]]


@dataclass(frozen=True)
class Duplicate:
    """Two sequences of equal lines, each as `file:first-last`."""

    first: str
    second: str
    lines: int

    def __str__(self) -> str:
        return f"{self.first} ~ {self.second} ({self.lines} lines)"


def sources_below(folders: Iterable[Path], root: Path) -> dict[str, Lines]:
    """Return path below `root` -> compared lines, for all Python and C files below folders."""
    sources = {}
    for path in sorted({path for folder in folders for path in code_files(folder, PYTHON_SUFFIXES | C_SUFFIXES)}):
        text = path.read_text(encoding="utf-8")
        lines = python_lines(text) if path.suffix in PYTHON_SUFFIXES else c_lines(text)
        sources[path.relative_to(root).as_posix()] = lines
    return sources


def python_lines(text: str) -> Lines:
    """Return the compared lines of Python code."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return compared(lines)


def c_lines(text: str) -> Lines:
    """Return the compared lines of C code."""
    return compared("" if INCLUDE.match(line) else line for line in without_comments(text).split("\n"))


def compared(lines: Iterable[str]) -> Lines:
    """Return the lines with their numbers, without blank lines and lines of brackets only."""
    numbered = ((number, " ".join(line.split())) for number, line in enumerate(lines, 1))
    return [(number, line) for number, line in numbered if not ONLY_BRACKETS.fullmatch(line)]


def shapes(sources: Mapping[str, Lines]) -> dict[str, Lines]:
    """Return the lines with the same placeholder for all names, another for all numbers and another for strings."""
    return {name: [(number, WORD.sub(shape_of, line)) for number, line in lines] for name, lines in sources.items()}


def shape_of(word: re.Match[str]) -> str:
    return word[0] if word[0] in KEYWORDS else f"<{word.lastgroup}>"


def duplicates(sources: Mapping[str, Lines], at_least: int = AT_LEAST, different: int = 1) -> list[Duplicate]:
    """Find the pairs of sequences of `at_least` or more equal lines, as long as possible, the longest first.

    Args:
        sources: The lines of each file.
        at_least: Minimum number of equal lines.
        different: Minimum number of distinct lines among `at_least` consecutive ones; for shapes all of them, because
            the rows of any two tables have the same shape.
    """
    found = pairs(sources, at_least, different)
    return sorted(found, key=lambda each: (-each.lines, each.first, each.second))


def pairs(sources: Mapping[str, Lines], at_least: int, different: int) -> Iterator[Duplicate]:
    """Yield the pairs that `duplicates` returns, unsorted."""
    for (name, other, distance), indices in equal_windows(sources, at_least, different).items():
        for first, last in runs(sorted(indices)):
            end = last + at_least
            # In one file a sequence does not overlap its copy: it ends where the copy begins, and the next one follows.
            step = distance if name == other else end - first
            for start in range(first, end - at_least + 1, step):
                length = min(step, end - start)
                if length >= at_least:
                    copy = location(other, sources[other], start + distance, length)
                    yield Duplicate(location(name, sources[name], start, length), copy, length)


def equal_windows(sources: Mapping[str, Lines], at_least: int, different: int) -> dict[tuple[str, str, int], list[int]]:
    """Return (file, other file, distance) -> indices at which `at_least` lines equal those at the distance.

    Consecutive windows of the same distance belong to the same sequence.
    """
    windows: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
    for name, lines in sources.items():
        texts = [text for _, text in lines]
        for index in range(len(texts) - at_least + 1):
            windows[tuple(texts[index : index + at_least])].append((name, index))
    starts: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    for found in (found for window, found in windows.items() if len(set(window)) >= different):
        for (name, index), (other, position) in itertools.combinations(found, 2):
            starts[name, other, position - index].append(index)
    return starts


def runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last number of each run of consecutive numbers; `numbers` are sorted."""
    for _, group in itertools.groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        members = [number for _, number in group]
        yield members[0], members[-1]


def location(name: str, lines: Lines, first: int, length: int) -> str:
    return f"{name}:{lines[first][0]}-{lines[first + length - 1][0]}"
