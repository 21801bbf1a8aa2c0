"""The cost of a token of every pretrained model on every emulated core.

Run: python benchmarks/pretrained_costs.py [--models ...] [--boards ...] [--host] [--json FILE] [--before FILE]
Prints a table: exact instructions per token (mean over all positions of the context), bytes of flash and of RAM, per
model, recipe and board; or why the board refuses the model. `--host` adds the instructions on this machine (valgrind).
`--json` also writes the figures; with `--before`, the figures of an earlier run, the table shows the differences, and
the exit code is 1 if a token takes more instructions than before, or a model is newly refused.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from decode_cost import host_row
from textzoo.common.errors import UserError
from textzoo.config import pretrained
from textzoo.config.boards import load_board
from textzoo.pipeline.firmware import make_firmware
from textzoo.targets.emulators import build_image, emulate
from textzoo.targets.platforms import platform_of
from textzoo.text.tokenizers.base import load_tokenizer

# One of each kind of core and variant of the kernels.
BOARDS = ("STM32F4", "STM32H7", "STM32U5", "STM32N6", "ESP32", "ESP32C3", "CIMv3", "STM32MP2")
THIS_MACHINE = "host"
FIGURES = ("instructions", "flash", "ram")

Costs = dict[str, Any]


def board_costs(name: str, recipe: str, board_name: str) -> Costs:
    """Measure a decode step on an emulated board; return the figures, or why the board refuses it."""
    folder = pretrained.FOLDER / name
    board, tokenizer = load_board(board_name), load_tokenizer(folder / pretrained.TOKENIZER)
    with tempfile.TemporaryDirectory() as project:
        try:
            made = make_firmware(folder / f"decode_{recipe}.tflite", tokenizer, board, Path(project) / board_name)
        except UserError as error:
            return {"refused": str(error).splitlines()[0]}
        with emulate(made.project, board) as console:
            mean = console.ask({"command": "benchmark"})["mean"]
        sizes = platform_of(board).image_sizes(board, build_image(made.project, board))
    return {"instructions": mean, "flash": sizes.flash.total, "ram": sizes.ram}


def host_costs(name: str, recipe: str) -> Costs:
    """Measure a decode step on this machine, without flash and RAM."""
    folder = pretrained.FOLDER / name
    row = host_row(folder / f"decode_{recipe}.tflite", load_tokenizer(folder / pretrained.TOKENIZER))
    return {"refused": row["skipped"]} if "skipped" in row else {"instructions": row["instructions_per_token"]}


def costs(name: str, recipe: str, board_name: str) -> Costs:
    if board_name == THIS_MACHINE:
        return host_costs(name, recipe)
    return board_costs(name, recipe, board_name)


def text_of(figure: int | None, before: int | None) -> str:
    """Return a figure, and its earlier value if that differs."""
    text = "-" if figure is None else f"{figure:,}"
    return text if before in (None, figure) else f"{text} (was {before:,})"


def line_of(label: str, found: Costs, before: Costs) -> str:
    if "refused" in found:
        return f"{label} | refused: {found['refused'].partition(';')[0]}"
    return " | ".join([label, *(text_of(found.get(key), before.get(key)) for key in FIGURES)])


def is_worse(found: Costs, before: Costs) -> bool:
    """Return whether a token takes more instructions than before, or the model is newly refused."""
    return "instructions" in before and found.get("instructions", float("inf")) > before["instructions"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="*", default=pretrained.names())
    parser.add_argument("--boards", nargs="*", default=BOARDS)
    parser.add_argument("--host", action="store_true")
    parser.add_argument("--before", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    known = json.loads(given.before.read_text(encoding="utf-8")) if given.before else {}
    found: dict[str, Costs] = {}
    print(f"model | recipe | board | {' | '.join(FIGURES)}", flush=True)
    for name in given.models:
        for recipe in pretrained.recipes(name):
            for board in (*given.boards, *([THIS_MACHINE] if given.host else [])):
                label = f"{name} | {recipe} | {board}"
                found[label] = costs(name, recipe, board)
                print(line_of(label, found[label], known.get(label, {})), flush=True)
    if given.json:
        given.json.write_text(json.dumps(found, indent=2), encoding="utf-8")
    return int(any(is_worse(found[label], before) for label, before in known.items() if label in found))


if __name__ == "__main__":
    sys.exit(main())
