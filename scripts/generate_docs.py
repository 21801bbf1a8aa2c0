"""Regenerate the parts of documents that are derived from the code: modes, keys, subpackages and annotated trees.

Run: python scripts/generate_docs.py [--check]; with --check nothing is written and a stale document exits with 1.
"""

import argparse
import ast
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from code_metrics.import_graph import graph_of_subpackages, import_graph, layers_of
from kernels_table import kernels_table
from packing_table import packing_table
from textzoo.config.chains import CHAINS
from textzoo.config.help import key_table_markdown, mode_text

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = PROJECT / "src" / "textzoo"
# Descriptions of files and folders without a docstring; a folder named here is shown without its files.
NOTES = {
    ".ci": "checks of every submission",
    "CHANGELOG.md": "changes of each version",
    "SECURITY.md": "which inputs are trusted, and how others are read",
    "CONTRIBUTING.md": "how to extend TextZoo",
    "LICENSE": "Apache-2.0",
    "Makefile": "hello, demo, test, setup, tools, lint, format, docs, site, lock, ui",
    "c_headers": "generated headers of the last deployment",
    "datasets/README.md": "provenance of the corpora, how to use your own",
    "experiments_outputs": "one folder per run (created by the first run)",
    "mlruns": "MLflow's store (created by the first run)",
    "pretrained_models": "small trained models with measured figures",
    "pyproject.toml": "package, extras, tools",
    "requirements.lock": "versions and hashes of all packages",
    "src/textzoo/testing/bare_metal": "test programs on emulated cores with exact instruction counts",
    "src/textzoo/targets/cycles/plugin": "the plugin for QEMU: memories, and the rules of each core",
    "benchmarks/silicon": "programs around sources of others, for benchmarks/cycle_model.py",
    "benchmarks/silicon_counts.json": "cycles that others measured and published, with their sources",
    "scripts/setup.sh": "creates .venv",
    "scripts/uv.lock": "version and hashes of uv, which creates .venv",
    "deployment/application": "the console application, the same on every target",
    "deployment/graph": "the console application of plain graphs, beside what it shares with deployment/application",
    "deployment/runtime/include": "public headers: the interfaces of the kernels",
    "deployment/runtime/internal": "internal headers of the kernels",
    "deployment/runtime/generic": "kernels for any core, in C99",
    "deployment/runtime/dsp": "kernels for Cortex-M4, M7 and M33",
    "deployment/runtime/cimv3": "kernels for CIMv3's host core: weights in the order of the model file",
    "deployment/runtime/mul32": "kernels for Xtensa, RV32 and Cortex-M0+: two MACs per multiplication",
    "deployment/runtime/mve": "kernels for Cortex-M55 (Helium)",
    "deployment/runtime/host": "kernels for PCs",
    "deployment/runtime/neon": "kernels for 64-bit Arm cores",
    "deployment/runtime/wasm": "kernels for WebAssembly",
    "deployment/weight_file": "the reader of weights.tzw in C (docs/reference/weight_files.md)",
    "deployment/platforms/common": "templates of model, weights and tokenizer; code that bare-metal ports share",
    "deployment/platforms/browser": "project for web browsers: a page of one file",
    "deployment/platforms/cimv3": "C++ project for CIMv3: the HAL, and the sequence of its modes for a token",
    "deployment/platforms/esp32": "project for ESP-IDF: ESP32, ESP32-S3, ESP32-C3, ESP32-P4",
    "deployment/platforms/host": "project for a PC",
    "deployment/platforms/library": "a library of two files, and the manifests and examples around them",
    "deployment/platforms/cortex_m": "what projects for Cortex-M share: start-up, counter, linker scripts, twin",
    "deployment/platforms/nrf52": "clocks and serial line of nRF52 chips",
    "deployment/platforms/rp2": "clocks, serial line and boot of RP2040 and RP2350",
    "deployment/platforms/stm32": "clocks and serial line of STM32 chips",
    "deployment/platforms/twins": "emulated boards with Xtensa and RV32 cores, for any platform",
    "benchmarks": "programs that print the figures of docs/lab_notes/results.md",
    "conf": "Hydra: config.yaml and one folder per group",
    "datasets": "how to use your own text; generated corpora",
    "deployment": "C code: console application, runtime, platforms",
    "docs": "documentation; docs/index.md lists the pages",
    "docs/theme": "additions to the theme of the site",
    "scripts": "set-up, tools, generated documents, code metrics",
    "src": "the package",
    "tests": "one folder per subpackage",
    "user_config.yaml": "an example configuration of your own",
}
# Folders that the tree of all files shows without their files.
FOLDED = frozenset(NOTES) - {"benchmarks", "datasets", "deployment", "docs", "scripts", "src"}
NOT_SHOWN = ("README.md", ".gitignore", "__init__.py")


def modes_table() -> str:
    rows = "\n".join(f"| `{mode}` | {mode_text(mode)} |" for mode in CHAINS)
    return f"| operation_mode | what it runs |\n|---|---|\n{rows}"


def tracked_files() -> list[Path]:
    """Return all files that git tracks, sorted."""
    command = ["git", "-C", str(PROJECT), "ls-files"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    return sorted(Path(name) for name in listed if name and (PROJECT / name).exists())


def tree() -> str:
    """Return a tree of all files that git tracks, one phrase each; FOLDED folders are shown without their files."""
    lines: list[str] = []
    shown: set[Path] = set()
    for file in tracked_files():
        for path in [*reversed(file.parents[:-1]), file]:
            if path not in shown and path.name not in NOT_SHOWN:
                shown.add(path)
                lines.append(tree_line(path))
            if str(path) in FOLDED:
                break
    return "```text\n" + "\n".join(lines) + "\n```"


def tree_line(path: Path) -> str:
    indented = "  " * (len(path.parts) - 1) + path.name + ("/" if (PROJECT / path).is_dir() else "")
    return f"{indented:34} {note_of(path)}".rstrip()


def note_of(path: Path) -> str:
    """Return the note of a path, or the first sentence of the docstring of a module or package."""
    if str(path) in NOTES:
        return NOTES[str(path)]
    source = PROJECT / path / "__init__.py" if (PROJECT / path).is_dir() else PROJECT / path
    if source.suffix != ".py" or not source.is_file():
        return ""
    text = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return re.split(r"\.\s|\.$|\n\n", text.replace("\n", " "), maxsplit=1)[0]


def tracked_folders() -> list[Path]:
    """Return all folders with a file that git tracks, sorted."""
    return sorted(
        {folder for file in tracked_files() for folder in file.parents[:-1] if not folder.name.startswith(".")}
    )


def subpackages() -> str:
    """Return a table of subpackages: layer, purpose, and the ones that each imports from, the highest first."""
    graph = graph_of_subpackages(import_graph(PACKAGE))
    layers = layers_of(graph)
    lines = ["| layer | package | purpose | imports |", "|---|---|---|---|"]
    for name in sorted(set(graph) - {PACKAGE.name}, key=lambda name: (-layers[name], name)):
        path = PACKAGE / name
        note = note_of((path if path.is_dir() else path.with_suffix(".py")).relative_to(PROJECT))
        used = sorted(graph[name] - {PACKAGE.name}, key=lambda other: (-layers[other], other))
        lines.append(f"| {layers[name]} | `{name}` | {note} | {', '.join(used)} |")
    return "\n".join(lines)


# Document -> its generated parts.
PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {"modes": modes_table},
    "docs/reference/configuration.md": {"keys": key_table_markdown},
    "docs/reference/architecture.md": {"rooms": subpackages, "files": tree},
    "deployment/runtime/README.md": {"kernels": kernels_table, "packing": packing_table},
}


def regenerated(document: str, text: str) -> str:
    """Return a document with new text for each part between `<!-- begin:name -->` and `<!-- end:name -->`."""
    for name, make in PARTS[document].items():
        begin, end = f"<!-- begin:{name} -->", f"<!-- end:{name} -->"
        head, found, rest = text.partition(begin)
        _, closed, tail = rest.partition(end)
        if not found or not closed:
            raise SystemExit(f"{document} lacks the markers {begin} and {end}")
        text = f"{head}{begin}\n{make()}\n{end}{tail}"
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    stale = 0
    for document in PARTS:
        path = PROJECT / document
        old = path.read_text(encoding="utf-8")
        new = regenerated(document, old)
        stale |= old != new
        if not arguments.check:
            path.write_text(new, encoding="utf-8")
    return int(stale and arguments.check)


if __name__ == "__main__":
    sys.exit(main())
