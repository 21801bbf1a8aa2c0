"""The source files below a folder, and statistics of sizes."""

import math
import statistics
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

PYTHON_SUFFIXES = frozenset({".py"})
C_SUFFIXES = frozenset({".c", ".h", ".cc", ".cpp", ".inc"})
CODE_SUFFIXES = PYTHON_SUFFIXES | C_SUFFIXES | {".S", ".j2"}
GENERATED_FOLDERS = frozenset({"__pycache__", "build", "dist"})


@dataclass(frozen=True)
class Spread:
    """Median, 90th percentile (the nearest rank) and maximum of sizes."""

    median: float
    p90: int
    maximum: int

    @classmethod
    def of(cls, sizes: Collection[int]) -> "Spread":
        """Return the spread of sizes; zeros if there are none."""
        if not sizes:
            return cls(0, 0, 0)
        ordered = sorted(sizes)
        return cls(statistics.median(ordered), ordered[math.ceil(0.9 * len(ordered)) - 1], ordered[-1])

    def __str__(self) -> str:
        return f"{self.median:g} / {self.p90} / {self.maximum}"


def code_files(folder: Path, suffixes: Collection[str] = CODE_SUFFIXES) -> list[Path]:
    """List the source files below a folder, sorted, without hidden and generated folders."""
    found = (path for path in folder.rglob("*") if path.suffix in suffixes and path.is_file())
    return sorted(path for path in found if not is_generated(path.relative_to(folder)))


def is_generated(path: Path) -> bool:
    return any(part.startswith(".") or part in GENERATED_FOLDERS for part in path.parts)


def non_blank_lines(lines: Iterable[str]) -> int:
    return sum(1 for line in lines if line.strip())


def share(part: int, whole: int) -> float:
    """Return a part in percent of the whole, with one decimal; 0 if the whole is 0."""
    return round(100 * part / whole, 1) if whole else 0.0


def files_longer_than(paths: Iterable[Path], limit: int, root: Path) -> list[str]:
    """List files of more than `limit` lines with their number of lines, the longest first."""
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    longest = sorted((path for path in sizes if sizes[path] > limit), key=lambda path: (-sizes[path], path))
    return [f"{path.relative_to(root).as_posix()} {sizes[path]}" for path in longest]


def folders_with_more_files_than(paths: Iterable[Path], limit: int, root: Path) -> list[str]:
    """List folders that directly contain more than `limit` of the files, with their number, the largest first."""
    folders = [path.parent for path in paths]
    numbers = {folder: folders.count(folder) for folder in set(folders)}
    fullest = sorted((folder for folder in numbers if numbers[folder] > limit), key=lambda each: (-numbers[each], each))
    return [f"{folder.relative_to(root).as_posix()} {numbers[folder]}" for folder in fullest]
