"""Code metrics of the project: functions, files, docstrings, imports, circles, duplicates, documents, tests.

Run: python scripts/house.py [--json FILE] [--tests] [--root FOLDER]
Everything is read from the text of the sources, nothing is imported, so that any state of the project can be measured
(`--root`). `--tests` also runs `make quick` (where there is one) and `make test`, with their seconds.
"""

import argparse
import ast
import dataclasses
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from code_metrics.c_code import CMetrics, c_metrics
from code_metrics.duplicates import AT_LEAST, Duplicate, duplicates, shapes, sources_below
from code_metrics.import_graph import ImportMetrics, import_metrics
from code_metrics.python_code import PythonMetrics, python_metrics
from code_metrics.sources import (
    C_SUFFIXES,
    CODE_SUFFIXES,
    PYTHON_SUFFIXES,
    code_files,
    files_longer_than,
    folders_with_more_files_than,
)

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = "src/textzoo"
PYTHON_TREES = ("src", "tests", "benchmarks", "scripts")
C_TREES = ("deployment", "deployment/runtime", "deployment/application")
TREES = (*PYTHON_TREES, "datasets", "deployment")
LONG_PYTHON, LONG_C, FULL_FOLDER = 450, 300, 20
# The test targets of the Makefile, and the seconds that each may take on two cores.
TARGETS = {"quick": 180, "test": 900}


@dataclass(frozen=True)
class Documents:
    """The README's bytes, the pages below docs/."""

    readme_bytes: int
    pages: int


@dataclass(frozen=True)
class SuiteSources:
    """Test functions (each may have many rows) and the files that hold them."""

    files: int
    functions: int


@dataclass(frozen=True)
class TargetRun:
    """One target of the Makefile: its exit code, wall time, and pytest's last counts, as of `passed`."""

    target: str
    exit_code: int
    seconds: float
    counts: dict[str, int]


@dataclass(frozen=True)
class House:
    """All numbers."""

    python: dict[str, PythonMetrics]
    imports: ImportMetrics
    c: dict[str, CMetrics]
    long_python_files: list[str]
    long_c_files: list[str]
    full_folders: list[str]
    duplicates: list[Duplicate]
    of_same_shape: list[Duplicate]
    documents: Documents
    tests: SuiteSources
    runs: list[TargetRun] = field(default_factory=list)


@dataclass(frozen=True)
class Limit:
    """A number that has a limit."""

    name: str
    value: float
    limit: float

    @property
    def holds(self) -> bool:
        return self.value <= self.limit


def measured(root: Path) -> House:
    """Measure a state of the project that lies in a folder."""
    folders = [root / tree for tree in TREES]
    python = [path for folder in folders for path in code_files(folder, PYTHON_SUFFIXES)]
    code = [path for folder in folders for path in code_files(folder, CODE_SUFFIXES)]
    metrics = {tree: python_metrics(root / tree, root) for tree in PYTHON_TREES}
    sources = sources_below(folders, root)
    return House(
        python=metrics,
        imports=import_metrics(root / PACKAGE),
        c={tree: c_metrics(root / tree) for tree in C_TREES},
        long_python_files=files_longer_than(python, LONG_PYTHON, root),
        long_c_files=files_longer_than(code_files(root / "deployment", C_SUFFIXES), LONG_C, root),
        full_folders=folders_with_more_files_than(code, FULL_FOLDER, root),
        duplicates=duplicates(sources),
        of_same_shape=duplicates(shapes(sources), different=AT_LEAST),
        documents=Documents((root / "README.md").stat().st_size, len(list((root / "docs").rglob("*.md")))),
        tests=sources_of_tests(root / "tests"),
    )


def sources_of_tests(folder: Path) -> SuiteSources:
    """Count the functions that pytest collects."""
    files = [path for path in code_files(folder, PYTHON_SUFFIXES) if path.name.startswith("test_")]
    nodes = (node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return SuiteSources(len(files), sum(isinstance(n, ast.FunctionDef) and n.name.startswith("test_") for n in nodes))


def runs_of_tests(root: Path) -> list[TargetRun]:
    """Run the test targets that the Makefile has, one after the other."""
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    return [run_of(target, root) for target in TARGETS if re.search(rf"^{target}:", makefile, re.MULTILINE)]


def run_of(target: str, root: Path) -> TargetRun:
    """Run a target of the Makefile; its output is shown as it comes, on stderr."""
    start = time.perf_counter()
    command = ["make", "--no-print-directory", target]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        lines = []
        for line in process.stdout or ():
            print(line, end="", file=sys.stderr, flush=True)
            lines.append(line)
    return TargetRun(target, process.returncode, round(time.perf_counter() - start, 1), outcome_counts(lines))


def outcome_counts(lines: Iterable[str]) -> dict[str, int]:
    """Return the counts of pytest's last line, such as `== 1 failed, 20 passed in 3.10s ==`."""
    counts: dict[str, int] = {}
    for line in lines:
        found = re.findall(r"(\d+) (passed|failed|skipped|errors?|xfailed|xpassed|deselected)\b", line)
        if found and re.search(r" in \d+(\.\d+)?s\b", line):
            counts = {outcome: int(number) for number, outcome in found}
    return counts


def limits(house: House) -> list[Limit]:
    """Return the numbers that are to stay below a limit."""
    source = house.python["src"]
    seconds = {run.target: run.seconds for run in house.runs}
    return [
        Limit("circles of modules", len(house.imports.circles_of_modules), 0),
        Limit("circles of rooms", len(house.imports.circles_of_rooms), 0),
        Limit("median lines of functions in src", source.function_lines.median, 7),
        Limit("p90 lines of functions in src", source.function_lines.p90, 20),
        Limit("bytes of README.md", house.documents.readme_bytes, 15_000),
        *(Limit(f"seconds of make {name}", seconds[name], most) for name, most in TARGETS.items() if name in seconds),
    ]


def report(house: House) -> str:
    """Write all numbers as text."""
    imports = house.imports
    rooms = [f"{room} {floor}" for room, floor in imports.rooms.items()]
    circles = [" <-> ".join(circle) for circle in (*imports.circles_of_modules, *imports.circles_of_rooms)]
    runs = [f"make {each.target}: {each.seconds} s, exit code {each.exit_code}, {each.counts}" for each in house.runs]
    parts = [
        ("Python", table(house.python, without=("longest_functions",))),
        ("Imports", table({PACKAGE: imports})),
        ("Rooms and their floors", [", ".join(rooms)]),
        ("Circles", circles),
        ("C", table(house.c)),
        ("Documents", table({"": house.documents})),
        ("Sources of tests", table({"tests": house.tests})),
        *((f"Longest functions of {tree}", each.longest_functions) for tree, each in house.python.items()),
        ("Private names imported", [name for each in house.python.values() for name in each.private_imports]),
        (f"Python files of more than {LONG_PYTHON} lines", house.long_python_files),
        (f"C files of more than {LONG_C} lines", house.long_c_files),
        (f"Folders of more than {FULL_FOLDER} files of code", house.full_folders),
        (f"Duplicates of {AT_LEAST} lines and more: {len(house.duplicates)}", list(map(str, house.duplicates))),
        (f"Duplicates of the same shape: {len(house.of_same_shape)}", list(map(str, house.of_same_shape))),
        ("Runs of the tests", runs or ["not run (--tests)"]),
        ("Limits", aligned([limit_row(limit) for limit in limits(house)])),
    ]
    return "\n\n".join("\n".join([title, *(f"  {line}" for line in lines or ["none"])]) for title, lines in parts)


def limit_row(limit: Limit) -> tuple[str, ...]:
    return (limit.name, f"{limit.value:g}", f"<= {limit.limit:g}", "holds" if limit.holds else "does not hold")


def table(metrics: Mapping[str, Any], without: Sequence[str] = ()) -> list[str]:
    """Write dataclasses of one kind beside each other, a column each; of lists the number of items."""
    names = [each.name for each in dataclasses.fields(next(iter(metrics.values()))) if each.name not in without]
    rows = [(name.replace("_", " "), *(cell(getattr(each, name)) for each in metrics.values())) for name in names]
    return aligned([("", *metrics), *rows])


def cell(value: Any) -> str:
    return str(len(value) if isinstance(value, list | dict) else value)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Pad the cells of a table: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    parser.add_argument("--tests", action="store_true", help="also run and time the test targets")
    parser.add_argument("--root", type=Path, default=PROJECT, help="the state of the project that is measured")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    house = measured(root)
    if arguments.tests:
        house = dataclasses.replace(house, runs=runs_of_tests(root))
    print(report(house))
    if arguments.json:
        numbers = dataclasses.asdict(house) | {"limits": [dataclasses.asdict(limit) for limit in limits(house)]}
        arguments.json.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    return int(any(run.exit_code for run in house.runs))


if __name__ == "__main__":
    sys.exit(main())
