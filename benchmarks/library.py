"""Libraries of the pretrained models: how long they take to compile, and how much code they add.

Run: python benchmarks/library.py [--models ...] [--repeats N]
Prints JSON: for each model the processor seconds that gcc -O2 and g++ -O2 need for the one file (the least of N), its
bytes on Cortex-M0+ (kernels for any core) and Cortex-M4 (DSP), -Os as Arduino compiles, constants and code apart, and
its RAM.
"""

import argparse
import json
import resource
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from textzoo.common.paths import PRETRAINED_MODELS
from textzoo.config.boards import load_board
from textzoo.pipeline.library import Library, make_library
from textzoo.targets.settings import BOARD_CORE, DeploymentConfig
from textzoo.targets.toolchains import require_tool, tool_beside
from textzoo.text.tokenizers.base import load_tokenizer

NAME = "textzoo_model"
RECIPE = "static_wi8_ai8"
HOSTS = {"gcc": ["gcc", "-std=c99", "-O2"], "g++": ["g++", "-x", "c++", "-std=c++17", "-O2"]}
# Core -> board whose kernels it has, or None; flags
CORES = {"cortex-m0plus": (None, "-mcpu=cortex-m0plus"), "cortex-m4": ("STM32F4", "-mcpu=cortex-m4")}


def library_for(model: str, board: str | None, folder: Path) -> Library:
    """Make the library of a pretrained model, with the kernels of a board or with those for any core."""
    path = PRETRAINED_MODELS / model / f"decode_{RECIPE}.tflite"
    settings = DeploymentConfig(library_name=NAME)
    if board:
        settings = replace(settings, library_kernels=BOARD_CORE, hardware_setup=load_board(board))
    tokenizer = load_tokenizer(path.parent / "tokenizer.json")
    return make_library(path, tokenizer, folder, name=model, settings=settings)


def seconds_of(command: list[str], source: Path, repeats: int) -> float:
    """Return the least processor seconds that a compiler takes for a file."""
    seconds = []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*command, "-c", str(source), "-o", str(source.with_suffix(".o"))], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(seconds)


def code_bytes(made: Library, flag: str) -> dict[str, int]:
    """Return the bytes of a library on a core, by sections."""
    source = made.folder / "src" / f"{NAME}.c"
    target = source.with_suffix(".o")
    subprocess.run([str(require_tool("arm")), flag, "-mthumb", "-Os", "-c", str(source), "-o", str(target)], check=True)
    listed = subprocess.run(
        [str(tool_beside("arm", "size")), "-A", str(target)], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split() for line in listed.splitlines() if line.startswith(".")]
    sizes = {row[0]: int(row[1]) for row in rows}
    constants = sum(size for name, size in sizes.items() if name.startswith(".rodata"))
    return {"code_bytes": sizes[".text"], "constant_bytes": constants}


def measure(model: str, folder: Path, repeats: int) -> dict[str, Any]:
    """Return the figures of one model."""
    made = {core: library_for(model, board, folder / core / NAME) for core, (board, _) in CORES.items()}
    portable = made["cortex-m0plus"].folder / "src" / f"{NAME}.c"
    return {
        "source_bytes": portable.stat().st_size,
        "compile_seconds": {name: round(seconds_of(command, portable, repeats), 3) for name, command in HOSTS.items()},
        "cores": {core: code_bytes(made[core], flag) for core, (_, flag) in CORES.items()},
        "state_bytes": made["cortex-m0plus"].compiled.plan.state_bytes,
        "arena_bytes": made["cortex-m0plus"].compiled.plan.arena_bytes,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    models = sorted(path.parent.name for path in PRETRAINED_MODELS.glob(f"*/decode_{RECIPE}.tflite"))
    parser.add_argument("--models", nargs="+", default=models, choices=models)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = {model: measure(model, Path(folder) / model, options.repeats) for model in options.models}
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
