"""Code metrics of the project: functions, files, docstrings, imports, duplicates, documents, tests.

Run: python scripts/measure_code.py [--json FILE] [--tests] [--root FOLDER]
Only the text of the sources is read, and nothing is imported, so that any version of the project can be measured
(`--root`).
`--tests` also runs and times `make quick` (if it exists) and `make test`.
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
# Test targets of the Makefile -> maximum seconds on two cores.
TARGETS = {"quick": 180, "test": 900}


@dataclass(frozen=True)
class Documents:
    """The size of the README, and the number of pages in docs/."""

    readme_bytes: int
    pages: int


@dataclass(frozen=True)
class SuiteSources:
    """Numbers of test functions, each with any number of rows, and of their files."""

    files: int
    functions: int


@dataclass(frozen=True)
class TargetRun:
    """The run of a target of the Makefile: exit code, wall time, and pytest's last counts, e.g. of `passed`."""

    target: str
    exit_code: int
    seconds: float
    counts: dict[str, int]


@dataclass(frozen=True)
class Measures:
    """All metrics of the project."""

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
    """A metric with an upper limit."""

    name: str
    value: float
    limit: float

    @property
    def holds(self) -> bool:
        return self.value <= self.limit


def measured(root: Path) -> Measures:
    """Measure the version of the project in a folder."""
    folders = [root / tree for tree in TREES]
    python = [path for folder in folders for path in code_files(folder, PYTHON_SUFFIXES)]
    code = [path for folder in folders for path in code_files(folder, CODE_SUFFIXES)]
    metrics = {tree: python_metrics(root / tree, root) for tree in PYTHON_TREES}
    sources = sources_below(folders, root)
    return Measures(
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
    """Run those of TARGETS that the Makefile has, one after the other."""
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    return [run_of(target, root) for target in TARGETS if re.search(rf"^{target}:", makefile, re.MULTILINE)]


def run_of(target: str, root: Path) -> TargetRun:
    """Run a target of the Makefile, with its output on stderr."""
    start = time.perf_counter()
    command = ["make", "--no-print-directory", target]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        lines = []
        for line in process.stdout or ():
            print(line, end="", file=sys.stderr, flush=True)
            lines.append(line)
    return TargetRun(target, process.returncode, round(time.perf_counter() - start, 1), outcome_counts(lines))


def outcome_counts(lines: Iterable[str]) -> dict[str, int]:
    """Return the counts of pytest's last line, e.g. `== 1 failed, 20 passed in 3.10s ==`."""
    counts: dict[str, int] = {}
    for line in lines:
        found = re.findall(r"(\d+) (passed|failed|skipped|errors?|xfailed|xpassed|deselected)\b", line)
        if found and re.search(r" in \d+(\.\d+)?s\b", line):
            counts = {outcome: int(number) for number, outcome in found}
    return counts


def limits(measures: Measures) -> list[Limit]:
    """Return the metrics with limits."""
    source = measures.python["src"]
    seconds = {run.target: run.seconds for run in measures.runs}
    return [
        Limit("import cycles of modules", len(measures.imports.module_cycles), 0),
        Limit("import cycles of subpackages", len(measures.imports.subpackage_cycles), 0),
        Limit("median lines of functions in src", source.function_lines.median, 7),
        Limit("p90 lines of functions in src", source.function_lines.p90, 20),
        Limit("bytes of README.md", measures.documents.readme_bytes, 15_000),
        *(Limit(f"seconds of make {name}", seconds[name], most) for name, most in TARGETS.items() if name in seconds),
    ]


def report(measures: Measures) -> str:
    """Return all metrics as text."""
    imports = measures.imports
    subpackages = [f"{name} {layer}" for name, layer in imports.subpackages.items()]
    cycles = [" <-> ".join(cycle) for cycle in (*imports.module_cycles, *imports.subpackage_cycles)]
    runs = [
        f"make {each.target}: {each.seconds} s, exit code {each.exit_code}, {each.counts}" for each in measures.runs
    ]
    parts = [
        ("Python", table(measures.python, without=("longest_functions",))),
        ("Imports", table({PACKAGE: imports})),
        ("Subpackages and their layers", [", ".join(subpackages)]),
        ("Import cycles", cycles),
        ("C", table(measures.c)),
        ("Documents", table({"": measures.documents})),
        ("Sources of tests", table({"tests": measures.tests})),
        *((f"Longest functions of {tree}", each.longest_functions) for tree, each in measures.python.items()),
        ("Private names imported", [name for each in measures.python.values() for name in each.private_imports]),
        (f"Python files of more than {LONG_PYTHON} lines", measures.long_python_files),
        (f"C files of more than {LONG_C} lines", measures.long_c_files),
        (f"Folders of more than {FULL_FOLDER} files of code", measures.full_folders),
        (f"Duplicates of {AT_LEAST} lines and more: {len(measures.duplicates)}", list(map(str, measures.duplicates))),
        (f"Duplicates of the same shape: {len(measures.of_same_shape)}", list(map(str, measures.of_same_shape))),
        ("Runs of the tests", runs or ["not run (--tests)"]),
        ("Limits", aligned([limit_row(limit) for limit in limits(measures)])),
    ]
    return "\n\n".join("\n".join([title, *(f"  {line}" for line in lines or ["none"])]) for title, lines in parts)


def limit_row(limit: Limit) -> tuple[str, ...]:
    return (limit.name, f"{limit.value:g}", f"<= {limit.limit:g}", "holds" if limit.holds else "does not hold")


def table(metrics: Mapping[str, Any], without: Sequence[str] = ()) -> list[str]:
    """Return dataclasses of one type as a table with a column each; lists are shown by their length."""
    names = [each.name for each in dataclasses.fields(next(iter(metrics.values()))) if each.name not in without]
    rows = [(name.replace("_", " "), *(cell(getattr(each, name)) for each in metrics.values())) for name in names]
    return aligned([("", *metrics), *rows])


def cell(value: Any) -> str:
    return str(len(value) if isinstance(value, list | dict) else value)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return padded rows of a table: the first column left-aligned, the others right-aligned."""
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
    parser.add_argument("--root", type=Path, default=PROJECT, help="the version of the project to measure")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    measures = measured(root)
    if arguments.tests:
        measures = dataclasses.replace(measures, runs=runs_of_tests(root))
    print(report(measures))
    if arguments.json:
        numbers = dataclasses.asdict(measures) | {"limits": [dataclasses.asdict(limit) for limit in limits(measures)]}
        arguments.json.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    return int(any(run.exit_code for run in measures.runs))


if __name__ == "__main__":
    sys.exit(main())
