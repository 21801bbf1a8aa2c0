"""Check every architecture with every recipe on every target: exact, or refused with a reason.

Run: python benchmarks/matrix.py [--models ...] [--recipes ...] [--targets ...] [--toy]
    [--page docs/reference/matrix.md]
Prints JSON: per cell the logits that differ from LiteRT's reference kernels, instructions per token, flash and RAM; or
why the target refuses the model. Sizes are those of conf/model/, weights are random, because exactness and cost do not
depend on them; `--toy` uses small models. `--page` also writes the table, with the cells of earlier runs
(`--known JSON ...`) first.
"""

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from textzoo.common.errors import UserError
from textzoo.common.paths import BOARD_FOLDER, CONFIGURATION
from textzoo.config.boards import load_board
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.models.registry import MODELS
from textzoo.models.settings import ModelConfig
from textzoo.pipeline.firmware import Firmware, make_firmware
from textzoo.quantizers.recipes import RECIPES
from textzoo.services.benchmarking import INSTRUCTIONS, mismatches
from textzoo.targets.console import Console
from textzoo.targets.emulators import build_image, emulate, run_host
from textzoo.targets.platforms import platform_of
from textzoo.targets.registry import HOST
from textzoo.testing.random_models import random_decode_step, tokenizer_for

MODEL_NAMES = tuple(sorted(MODELS.names()))
RECIPE_NAMES = tuple(name for name, recipe in RECIPES.items() if recipe.is_static)
# Boards with exactly the kernels of another one are left out.
SAME_KERNELS = {
    "STM32H743": "STM32H7",
    "ESP32S3": "ESP32",
    "ESP32P4": "ESP32C3",
    "PICO2": "STM32U5",
    **dict.fromkeys(("MICROBIT", "NRF52840", "STM32F401", "STM32G4", "STM32L4"), "STM32F4"),
}
TARGETS = (HOST, *sorted({path.stem for path in BOARD_FOLDER.glob("*.yaml")} - set(SAME_KERNELS)))
# Tokens of each architecture's own tokenizer: characters, bytes, words.
VOCABULARIES = {"pico_gpt": 65, "gpt": 65, "tiny_bert_generator": 2048, "tiny_lm": 256, "lstm": 256}
TOY_VOCABULARY = 11
TOY = {"n_layers": 1, "d_model": 16, "context_length": 8}
# The minimum width of CIMv3's blocks.
TOY_WIDTHS = {"pico_gpt": 128}
# Keys whose "auto" training resolves by the corpus.
DECIDED = {"gpt": {"weight_tying": "tied"}}
TOKENS_CHECKED = 64
WINDOWS = 8


def decode_step(name: str, recipe: str, folder: Path, toy: bool) -> Path:
    """Make a quantized decode step with random weights."""
    from textzoo.models.files import build_model

    shape = yaml.safe_load((CONFIGURATION / "model" / f"{name}.yaml").read_text(encoding="utf-8"))
    shape |= DECIDED.get(name, {})
    if toy:
        shape |= {**TOY, "d_model": TOY_WIDTHS.get(name, TOY["d_model"])}
    vocabulary = TOY_VOCABULARY if toy else VOCABULARIES[name]
    return random_decode_step(lambda: build_model(ModelConfig(**shape), vocabulary), recipe, folder, WINDOWS)


def cell(path: Path, target: str, tokens_checked: int) -> dict[str, Any]:
    """Compile and measure a decode step on a target; return the figures, or why it is refused."""
    board = None if target == HOST else load_board(target)
    tokenizer = tokenizer_for(path, LitertReferenceEngine(path).vocabulary_size)
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = make_firmware(path, tokenizer, board, Path(folder) / target, tokens_checked=tokens_checked)
        except UserError as error:
            return {"refused": str(error)}
        with running(made) as console:
            wrong = mismatches(made, console, tokens_checked)
            cost = console.ask({"command": "benchmark"})
        sizes = platform_of(board).image_sizes(board, build_image(made.project, board))
    result = {"mismatching_logits": wrong, "tokens_checked": tokens_checked}
    if board:
        result |= {"flash_bytes": sizes.flash.total, "ram_bytes": sizes.ram}
    if cost["counter"] == INSTRUCTIONS:
        result["instructions_per_token"] = cost["mean"]
    return result


@contextlib.contextmanager
def running(made: Firmware) -> Iterator[Console]:
    """Run the project on this machine, or on its emulated board."""
    with emulate(made.project, made.board) if made.board else run_host(made.project) as console:
        yield console


def matrix(models: list[str], recipes: list[str], targets: list[str], toy: bool) -> Iterator[dict[str, Any]]:
    """Yield the cells of the matrix."""
    for name in models:
        for recipe in recipes:
            with tempfile.TemporaryDirectory() as folder:
                path = decode_step(name, recipe, Path(folder), toy)
                for target in targets:
                    yield {"model": name, "recipe": recipe, "target": target, **cell(path, target, TOKENS_CHECKED)}


def page(cells: list[dict[str, Any]], command: str) -> str:
    """Return the page with the table: rows of models and recipes, columns of targets; reasons of refusals below."""
    targets = list(dict.fromkeys(row["target"] for row in cells))
    reasons = list(dict.fromkeys(reason_of(row) for row in cells if "refused" in row))
    lines = ["# The matrix: model x precision x target", "", f"`{command}`", ""]
    lines.append("Instructions per token on the emulated board of each target, with 0 logits that differ from LiteRT's")
    lines += ["reference kernels unless a cell says otherwise; numbers in brackets are refusals, explained below.", ""]
    lines += ["| model | recipe | " + " | ".join(targets) + " |", "|---" * (2 + len(targets)) + "|"]
    for name, recipe in dict.fromkeys((row["model"], row["recipe"]) for row in cells):
        texts = [cell_text(row, reasons) for row in cells if (row["model"], row["recipe"]) == (name, recipe)]
        lines.append(f"| {name} | {recipe} | " + " | ".join(texts) + " |")
    lines += ["", *(f"{index}. {reason}" for index, reason in enumerate(reasons, 1))]
    return "\n".join(lines).rstrip() + "\n"


def reason_of(row: dict[str, Any]) -> str:
    """Return why a cell is refused, without the parts that depend on the model."""
    return row["refused"].splitlines()[0].partition("; received")[0]


def cell_text(row: dict[str, Any], reasons: list[str]) -> str:
    if "refused" in row:
        return f"[{reasons.index(reason_of(row)) + 1}]"
    text = f"{row['instructions_per_token']:,}" if "instructions_per_token" in row else "exact"
    return text if row["mismatching_logits"] == 0 else f"**{row['mismatching_logits']:,} differ**"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="*", default=MODEL_NAMES)
    parser.add_argument("--recipes", nargs="*", default=RECIPE_NAMES)
    parser.add_argument("--targets", nargs="*", default=TARGETS)
    parser.add_argument("--toy", action="store_true")
    parser.add_argument("--page", type=Path)
    parser.add_argument("--known", nargs="*", default=[], type=Path)
    arguments = parser.parse_args()
    cells = [row for path in arguments.known for row in json.loads(path.read_text(encoding="utf-8"))]
    for row in matrix(arguments.models, arguments.recipes, arguments.targets, arguments.toy):
        print(json.dumps(row), file=sys.stderr, flush=True)
        cells.append(row)
    if arguments.page:
        arguments.page.write_text(page(cells, "python benchmarks/matrix.py"), encoding="utf-8")
    print(json.dumps(cells, indent=2))
    return int(any(row.get("mismatching_logits") for row in cells))


if __name__ == "__main__":
    sys.exit(main())
