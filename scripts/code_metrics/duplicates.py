"""Duplicates: stretches of equal lines, or of lines of the same shape, in two places.

Compared are lines without indentation and comments; blank lines, imports and lines of brackets alone are left out. They
neither count nor end a stretch. Lines have the same shape where they differ in names, numbers and strings only.
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
BRACKETS_ALONE = re.compile(r"[\s()\[\]{},;]*")
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
    """Equal lines in two places, each `file:first-last`."""

    first: str
    second: str
    lines: int

    def __str__(self) -> str:
        return f"{self.first} ~ {self.second} ({self.lines} lines)"


def sources_below(folders: Iterable[Path], root: Path) -> dict[str, Lines]:
    """Return the lines that are compared of all Python and C files below folders, by their paths below `root`."""
    sources = {}
    for path in sorted({path for folder in folders for path in code_files(folder, PYTHON_SUFFIXES | C_SUFFIXES)}):
        text = path.read_text(encoding="utf-8")
        lines = python_lines(text) if path.suffix in PYTHON_SUFFIXES else c_lines(text)
        sources[path.relative_to(root).as_posix()] = lines
    return sources


def python_lines(text: str) -> Lines:
    """Return the lines of Python that are compared."""
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
    """Return the lines of C that are compared."""
    return compared("" if INCLUDE.match(line) else line for line in without_comments(text).split("\n"))


def compared(lines: Iterable[str]) -> Lines:
    """Number the lines and leave out those that say nothing."""
    numbered = ((number, " ".join(line.split())) for number, line in enumerate(lines, 1))
    return [(number, line) for number, line in numbered if not BRACKETS_ALONE.fullmatch(line)]


def shapes(sources: Mapping[str, Lines]) -> dict[str, Lines]:
    """Return lines with one word for all names, one for all numbers and one for all strings."""
    return {name: [(number, WORD.sub(shape_of, line)) for number, line in lines] for name, lines in sources.items()}


def shape_of(word: re.Match[str]) -> str:
    return word[0] if word[0] in KEYWORDS else f"<{word.lastgroup}>"


def duplicates(sources: Mapping[str, Lines], at_least: int = AT_LEAST, different: int = 1) -> list[Duplicate]:
    """Find the pairs of places that share `at_least` or more lines, as long as possible, the longest first.

    Args:
        sources: The lines of each file.
        at_least: Fewer equal lines are no duplicate.
        different: So many of any `at_least` lines in a row differ among themselves; of shapes, all of them, because
            the rows of any two tables have the same one.
    """
    found = pairs(sources, at_least, different)
    return sorted(found, key=lambda each: (-each.lines, each.first, each.second))


def pairs(sources: Mapping[str, Lines], at_least: int, different: int) -> Iterator[Duplicate]:
    """Yield what `duplicates` finds, each pair once."""
    for (name, other, distance), indices in equal_windows(sources, at_least, different).items():
        for first, last in runs(sorted(indices)):
            end = last + at_least
            # In one file a stretch does not overlap its copy: it ends where the copy begins, and the next one follows.
            step = distance if name == other else end - first
            for start in range(first, end - at_least + 1, step):
                length = min(step, end - start)
                if length >= at_least:
                    copy = place(other, sources[other], start + distance, length)
                    yield Duplicate(place(name, sources[name], start, length), copy, length)


def equal_windows(sources: Mapping[str, Lines], at_least: int, different: int) -> dict[tuple[str, str, int], list[int]]:
    """Return where `at_least` lines equal others: (file, other file, distance) -> indices of the first line.

    Windows of one distance, one after another, belong to the same stretch.
    """
    windows: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
    for name, lines in sources.items():
        texts = [text for _, text in lines]
        for index in range(len(texts) - at_least + 1):
            windows[tuple(texts[index : index + at_least])].append((name, index))
    starts: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    for places in (places for window, places in windows.items() if len(set(window)) >= different):
        for (name, index), (other, position) in itertools.combinations(places, 2):
            starts[name, other, position - index].append(index)
    return starts


def runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of each run of consecutive numbers, which are sorted."""
    for _, group in itertools.groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        members = [number for _, number in group]
        yield members[0], members[-1]


def place(name: str, lines: Lines, first: int, length: int) -> str:
    return f"{name}:{lines[first][0]}-{lines[first + length - 1][0]}"
