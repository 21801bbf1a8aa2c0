"""Change the code in drawn places, one at a time, and report which changes no test notices.

Run: python scripts/mutation.py [--kind python|c] [--places 50] [--seed 0] [--only 3,7] [--mark "not slow"]
A line of JSON for each place says what was changed and what became of it; the last line holds the score. Everything
happens in a copy of the files that git tracks. Results and how to read them: docs/lab_notes/mutation.md.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import TypeVar

from code_metrics.import_graph import import_graph
from code_metrics.mutants import Mutant, c_mutants, python_mutants

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = "src/textzoo"
RUNTIME, APPLICATION = "deployment/runtime", "deployment/application"
# Room -> tests that look into it; those that import the changed module come first.
TESTS = {
    f"{PACKAGE}/baselines": ["baselines"],
    f"{PACKAGE}/common": ["application/test_processes.py", "app/test_workspace.py", "app/test_configuration.py"],
    f"{PACKAGE}/compiler": ["compiler/test_operators.py", "compiler/test_compile.py", "compiler"],
    f"{PACKAGE}/config": ["app/test_configuration.py", "app/test_overrides.py", "app/test_publishing.py"],
    f"{PACKAGE}/engines": ["engines"],
    f"{PACKAGE}/grammars": ["grammars"],
    f"{PACKAGE}/hub": ["app/test_hub.py", "app/test_publish.py"],
    f"{PACKAGE}/models": ["models", "training/test_layers.py"],
    f"{PACKAGE}/pipeline": ["app/test_report.py", "app/test_compare.py", "app/test_devices.py", "app/test_runs.py"],
    f"{PACKAGE}/publication": ["app/test_publish.py"],
    f"{PACKAGE}/quantizers": ["quantizers"],
    f"{PACKAGE}/records": ["app/test_tracking.py", "app/test_stores.py", "app/test_ledger.py", "app/test_report.py"],
    f"{PACKAGE}/runs": ["app/test_runs.py", "app/test_workspace.py", "app/test_configuration.py"],
    f"{PACKAGE}/services": ["app/test_compare.py", "app/test_devices.py", "app/test_runs.py"],
    f"{PACKAGE}/serving": ["serving", "serve", "app/test_chat.py"],
    f"{PACKAGE}/targets": ["application/test_projects.py", "application", "app/test_devices.py"],
    f"{PACKAGE}/testing": ["kernels"],
    f"{PACKAGE}/text": ["text"],
    f"{PACKAGE}/training": ["training"],
    RUNTIME: ["kernels", "compiler/test_operators.py"],
    APPLICATION: ["application"],
}
# Kind of code -> its rooms, the suffixes of its files, how they are changed.
Change = Callable[[str], list[Mutant]]
KINDS: dict[str, tuple[list[str], tuple[str, ...], Change]] = {
    "python": ([room for room in TESTS if room.startswith(PACKAGE)], (".py",), python_mutants),
    "c": ([RUNTIME, APPLICATION], (".c", ".h", ".inc"), c_mutants),
}
# Imported once for all places: the tests of each run in a process that is forked with them.
LIBRARIES = [
    "pytest",
    "hypothesis",
    "tensorflow",
    "keras",
    "mlflow",
    "matplotlib.pyplot",
    "ai_edge_quantizer.quantizer",
]
# Libraries that pytest would rewrite are there already.
PYTEST_OPTIONS = [
    "-p", "no:cacheprovider", "-n", "0", "-x", "-q", "--tb=short", "-W", "ignore::pytest.PytestAssertRewriteWarning",
]  # fmt: skip
COMPILER_ERROR = re.compile(r"\.(?:c|h|inc):\d+:\d+: error:")
FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", re.MULTILINE)
NO_TESTS = 5  # none has the mark
KILLED, SURVIVED, BROKEN, UNDECIDED = "killed", "survived", "broken", "undecided"

Place = TypeVar("Place")
_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(LIBRARIES)


def tracked_files(*below: str) -> list[str]:
    """List the files that git tracks, sorted; all, or those below some folders."""
    command = ["git", "-C", str(PROJECT), "ls-files", "--", *below]
    return sorted(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())


def all_places(kind: str) -> list[tuple[str, Mutant]]:
    """List all mutants of a kind of code with their files."""
    rooms, suffixes, change = KINDS[kind]
    files = [name for name in tracked_files(*rooms) if name.endswith(suffixes)]
    return [(name, mutant) for name in files for mutant in change((PROJECT / name).read_text(encoding="utf-8"))]


def draw(places: Sequence[Place], number: int, seed: int) -> list[Place]:
    """Draw one place of each of `number` parts of equal size, so that every room gets its share."""
    random = Random(seed)
    return [places[int((part + random.random()) * len(places) / number)] for part in range(number)]


def copy_project(folder: Path) -> None:
    """Copy the files that git tracks; the environment is shared."""
    for name in tracked_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, folder / name)
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
    (folder / ".venv").symlink_to(PROJECT / ".venv")


def tests_of(name: str) -> list[str]:
    """List test files for a file of code: those that name it, those that name what imports it, others of its room.

    Those come first that name few modules, they are quick and test little else; the last are as the table has them.
    """
    room = next(room for room in TESTS if name.startswith(f"{room}/"))
    found = [file for test in TESTS[room] for file in tracked_files(f"tests/{test}") if is_test(file)]
    of_room = {file: number for number, file in enumerate(dict.fromkeys(found))}
    if not name.endswith(".py"):
        return sorted(of_room, key=lambda file: (Path(name).stem not in words_of(file), file))
    graph = import_graph(PROJECT / PACKAGE)
    module = name.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    importing = {other for other in graph if module in graph[other]}
    ranks = {}
    for file in filter(is_test, tracked_files("tests")):
        named = words_of(file) & set(graph)
        distance = 0 if module in named else 1 if named & importing else 2
        if distance < 2 or file in of_room:
            ranks[file] = (distance, len(named) if distance < 2 else of_room[file], file)
    return sorted(ranks, key=ranks.__getitem__)


def words_of(file: str) -> set[str]:
    """Return the words and dotted names of a file."""
    return set(re.findall(r"[\w.]+", (PROJECT / file).read_text(encoding="utf-8")))


def is_test(file: str) -> bool:
    return Path(file).name.startswith("test_")


def run_pytest(folder: Path, arguments: Sequence[str], output: Path) -> None:
    """Become pytest in a copy of the project, as the leader of a group of processes."""
    os.setsid()
    os.chdir(folder)
    os.environ["PYTHONPATH"] = str(folder / "src")
    sys.path[:0] = [str(folder / "src")]
    for descriptor in (1, 2):
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), descriptor)
    import pytest

    sys.exit(pytest.main([*PYTEST_OPTIONS, *arguments]))


def run_tests(folder: Path, arguments: Sequence[str], limit: float) -> tuple[int | None, str]:
    """Run tests in a copy of the project.

    Args:
        folder: The copy.
        arguments: Of pytest.
        limit: Seconds after which they are stopped.

    Returns:
        pytest's exit code, None where they were stopped; what they printed.
    """
    with tempfile.TemporaryDirectory() as outputs:
        output = Path(outputs) / "output"
        output.touch()
        process = _server.Process(target=run_pytest, args=(folder, arguments, output))
        process.start()
        process.join(limit)
        exit_code = process.exitcode
        if exit_code is None:
            with contextlib.suppress(ProcessLookupError):  # it leads no group yet
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.join()
        return exit_code, output.read_text(encoding="utf-8", errors="replace")


def judge(exit_code: int | None, output: str, kind: str = "python") -> tuple[str, str]:
    """Return the verdict on a mutant, and the test that noticed it: what C compilers say of generated code counts."""
    failed = FAILED.findall(output)
    if exit_code is None:
        return UNDECIDED, ""
    if exit_code in (0, NO_TESTS):
        return SURVIVED, ""
    if not failed:
        raise RuntimeError(f"pytest ended with {exit_code} before any test: {output[-2000:]}")
    if (kind == "c" and COMPILER_ERROR.search(output)) or not any("::" in test for test in failed):
        return BROKEN, ""
    return KILLED, failed[0]


def first_verdict(folder: Path, tests: Sequence[str], kind: str, mark: str, limit: float) -> tuple[str, str]:
    """Run files of tests, each in a process of its own, until one notices the mutant or the seconds are over."""
    deadline = time.monotonic() + limit
    for test in tests:
        left = deadline - time.monotonic()
        verdict = judge(*run_tests(folder, ["-m", mark, test], left), kind) if left > 0 else (UNDECIDED, "")
        if verdict[0] != SURVIVED:
            return verdict
    return SURVIVED, ""


def try_mutant(folder: Path, name: str, mutant: Mutant, mark: str, limit: float) -> dict[str, object]:
    """Apply a mutant in a copy of the project, run the tests, take it back; return the report."""
    text = (PROJECT / name).read_text(encoding="utf-8")
    started = time.monotonic()
    (folder / name).write_text(mutant.apply(text), encoding="utf-8")
    try:
        verdict, killer = first_verdict(folder, tests_of(name), "python" if name.endswith(".py") else "c", mark, limit)
    finally:
        shutil.copy2(PROJECT / name, folder / name)
    seconds = round(time.monotonic() - started)
    change = {"file": name, "line": mutant.line, "before": mutant.before(text), "after": mutant.after}
    return {**change, "verdict": verdict, "by": killer, "seconds": seconds}


def score(verdicts: Sequence[str]) -> dict[str, object]:
    """Count verdicts; the score is the share of killed mutants among those that are decided."""
    counts = Counter(verdicts)
    decided = counts[KILLED] + counts[SURVIVED]
    return {**counts, "score": round(counts[KILLED] / decided, 3) if decided else None}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=KINDS, default="python")
    parser.add_argument("--places", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=lambda text: set(map(int, text.split(","))), help="numbers of places")
    parser.add_argument("--mark", default="not slow", help="which tests, as pytest's -m")
    parser.add_argument("--limit", type=float, default=180, help="seconds for the tests of a place")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    drawn = list(enumerate(draw(all_places(options.kind), options.places, options.seed)))
    chosen = [row for row in drawn if not options.only or row[0] in options.only]
    reports = []
    with tempfile.TemporaryDirectory(prefix="mutation-") as parent:
        folder = Path(parent) / "textzoo"
        copy_project(folder)
        for number, (name, mutant) in chosen:
            reports.append({"place": number, **try_mutant(folder, name, mutant, options.mark, options.limit)})
            print(json.dumps(reports[-1]), flush=True)
        killers = sorted({report["by"] for report in reports} - {""})
        wrong = [killer for killer in killers if judge(*run_tests(folder, [killer], options.limit))[0] != SURVIVED]
    verdicts = score([report["verdict"] for report in reports])
    print(json.dumps({**verdicts, "killers that fail without a change": wrong}))


if __name__ == "__main__":
    main()
