"""Regenerates the parts of README.md that come from the code: modes, keys and the annotated tree.

Run: python scripts/generate_readme.py [--check]; with --check nothing is written and a stale README exits with 1.
"""

import argparse
import ast
import re
import subprocess
import sys
from pathlib import Path

from textzoo.config import help as describe
from textzoo.config.chains import CHAINS

PROJECT = Path(__file__).resolve().parents[1]
README = PROJECT / "README.md"
# What a file or folder without a docstring is for; a folder named here is shown without its files.
NOTES = {
    ".ci": "what runs on every submission",
    "CHANGELOG.md": "what changed",
    "SECURITY.md": "what is trusted, and what is only data",
    "CONTRIBUTING.md": "how to add things",
    "LICENSE": "Apache-2.0",
    "Makefile": "hello, demo, test, setup, tools, lint, format, docs, lock, ui",
    "c_headers": "generated headers of the last deployment",
    "datasets/README.md": "provenance of the corpora, how to bring your own",
    "docs": "results with their commands, experiments, formats",
    "experiments_outputs": "one folder per run (made by the first run)",
    "mlruns": "MLflow's store (made by the first run)",
    "pretrained_models": "small trained models with their measured table",
    "pyproject.toml": "package, extras, tools",
    "requirements.lock": "versions and hashes of all packages",
    "src/textzoo/testing/bare_metal": "programs on emulated cores, instructions counted exactly",
    "scripts/setup.sh": "makes .venv",
    "scripts/uv.lock": "version and hashes of uv, which makes .venv",
    "deployment/application": "the console application, the same on every target",
    "deployment/runtime/include": "public headers: the contracts of the kernels",
    "deployment/runtime/internal": "what kernels share, for no one else",
    "deployment/runtime/generic": "kernels for any core, in C99",
    "deployment/runtime/dsp": "kernels for Cortex-M4, M7 and M33",
    "deployment/runtime/cimv3": "kernels for CIMv3's host core: weights as they are in the model file",
    "deployment/runtime/mul32": "kernels for Xtensa and RV32: two MACs in a multiplication",
    "deployment/runtime/mve": "kernels for Cortex-M55 (Helium)",
    "deployment/runtime/host": "kernels for PCs",
    "deployment/runtime/neon": "kernels for 64-bit Arm cores",
    "deployment/weight_file": "the reader of weights.tzw in C (docs/weight_files.md)",
    "deployment/platforms/common": "templates of model, weights and tokenizer; what bare-metal ports share",
    "deployment/platforms/cimv3": "C++ project for CIMv3: the HAL, the way of a token through its modes",
    "deployment/platforms/esp32": "project for ESP-IDF: ESP32, ESP32-S3, ESP32-C3",
    "deployment/platforms/host": "project for a PC",
    "deployment/platforms/stm32": "project for STM32 boards and their emulated twins",
    "deployment/platforms/twins": "emulated twins on Xtensa and RV32, for any platform",
    "conf": "Hydra: config.yaml and one folder per group",
    "tests": "one folder per room",
    "user_config.yaml": "an example configuration of your own",
}
NOT_SHOWN = ("README.md", ".gitignore", "__init__.py")


def modes_table() -> str:
    rows = "\n".join(f"| `{mode}` | {describe.mode_text(mode)} |" for mode in CHAINS)
    return f"| operation_mode | what it runs |\n|---|---|\n{rows}"


def tree() -> str:
    """Every file that git tracks, one phrase each; folders with a note stand for their files."""
    command = ["git", "-C", str(PROJECT), "ls-files"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    files = sorted(Path(name) for name in listed if name and (PROJECT / name).exists())
    lines: list[str] = []
    shown: set[Path] = set()
    for file in files:
        for path in [*reversed(file.parents[:-1]), file]:
            if path not in shown and path.name not in NOT_SHOWN:
                shown.add(path)
                lines.append(tree_line(path))
            if str(path) in NOTES:
                break
    return "```\n" + "\n".join(lines) + "\n```"


def tree_line(path: Path) -> str:
    indented = "  " * (len(path.parts) - 1) + path.name + ("/" if (PROJECT / path).is_dir() else "")
    return f"{indented:34} {note_of(path)}".rstrip()


def note_of(path: Path) -> str:
    """The note of a path, or the first sentence of the docstring of a module or package."""
    if str(path) in NOTES:
        return NOTES[str(path)]
    source = PROJECT / path / "__init__.py" if (PROJECT / path).is_dir() else PROJECT / path
    if source.suffix != ".py" or not source.is_file():
        return ""
    text = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return re.split(r"\.\s|\.$|\n\n", text.replace("\n", " "), maxsplit=1)[0]


PARTS = {"modes": modes_table, "keys": describe.key_table_markdown, "tree": tree}


def regenerated(text: str) -> str:
    """README's text with each part between `<!-- begin:name -->` and `<!-- end:name -->` made anew."""
    for name, make in PARTS.items():
        begin, end = f"<!-- begin:{name} -->", f"<!-- end:{name} -->"
        head, found, rest = text.partition(begin)
        _, closed, tail = rest.partition(end)
        if not found or not closed:
            raise SystemExit(f"README.md lacks the markers {begin} and {end}")
        text = f"{head}{begin}\n{make()}\n{end}{tail}"
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    old = README.read_text(encoding="utf-8")
    new = regenerated(old)
    if arguments.check:
        return int(old != new)
    README.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
