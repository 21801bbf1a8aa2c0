"""Add a trained model to pretrained_models/: its files, measured figures, and the table of all models.

Run: python scripts/make_pretrained.py NAME RUN [RUN ...]
NAME is an option of the group `model`; the first RUN is the folder of a finished `operation_mode=chain_tqe
experiment=...`, others are of the same model with low-bit weights (`training.qat`). Every quantized model is then
measured on emulated boards by `operation_mode=benchmarking`. Without RUN the existing files are measured again; without
NAME only the table is written.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from textzoo.common.files import file_digest, write_json, write_text
from textzoo.common.untrusted_json import read_json_object
from textzoo.config import pretrained
from textzoo.config.schema import walk
from textzoo.quantizers.recipes import recipe_of_file
from textzoo.records.report.rows import end_text
from textzoo.text.commands.schema import FILE as GRAMMAR_FILE

PROJECT = Path(__file__).resolve().parents[1]
BOARDS = ("STM32F4", "STM32H7", "STM32N6", "ESP32", "CIMv3")
SECTIONS = ("dataset", "tokenizer", "model", "training", "quantization")
FIGURES = ("instructions_per_token", "mismatching_logits", "tokens_checked")
# Of the projection; those of the model are absent where cycles are assumed.
PROJECTED = ("core_cycles", "cycles", "stall_cycles", "error_percent", "tokens_per_second")
REFERENCE_ENGINE = "litert_ref"
MAX_REPORT_BYTES = 1 << 24
README_HEAD = """# Pretrained models

`python stm32ai_main.py operation_mode=prediction model=<name> pretrained=true` generates text; every other mode that
uses a trained model accepts `pretrained=true`, too, e.g. `operation_mode=benchmarking board=STM32F4 model=tiny_lm
pretrained=true`. Each folder holds the float model, its quantized decode steps, the tokenizer, the configuration that
trained it (`config.yaml`) and measured figures (`card.json`). `python scripts/make_pretrained.py NAME RUN` makes one
from a run, and writes this page.

Losses are over held-out text, in bits per character: of the float model, and of each quantized decode step by LiteRT's
reference kernels, whose integers every board reproduces. Instructions are exact, counted on emulated boards. Cycles,
with the waits of memories, are projected by [a model](../docs/explanations/cycles.md) or, where it says so, from an
assumed number of cycles per instruction; tokens per second follow from them and a board's clock.
"""


def report_of(run: Path) -> dict[str, Any]:
    return read_json_object(run / "report.json", MAX_REPORT_BYTES)


def collect(name: str, runs: list[Path]) -> dict[str, Any]:
    """Copy the files of the runs; return the model's card without measured figures."""
    folder = pretrained.FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    report = report_of(runs[0])
    config = yaml.safe_load((runs[0] / ".hydra" / "config.yaml").read_text(encoding="utf-8"))
    own = runs[0] / "models" / pretrained.FLOAT_MODEL  # a chain without training names one instead
    shutil.copyfile(own if own.is_file() else config["model"]["float_model_path"], folder / pretrained.FLOAT_MODEL)
    shutil.copyfile(runs[0] / "models" / pretrained.TOKENIZER, folder / pretrained.TOKENIZER)
    for beside in (pretrained.CHAT_TEMPLATE, GRAMMAR_FILE):
        if (file := runs[0] / "models" / beside).is_file():
            shutil.copyfile(file, folder / beside)
    losses = {"float": loss_of(report, "keras")}
    for run in runs:
        (decode,) = (run / "models").glob("decode_*.tflite")
        shutil.copyfile(decode, folder / decode.name)
        losses[recipe_of_file(decode)] = loss_of(report_of(run), REFERENCE_ENGINE)
    write_text(folder / "config.yaml", yaml.safe_dump(without_paths(config), sort_keys=False))
    return {
        "experiment": experiment_of(runs[0]),
        "corpus": config["dataset"]["name"],
        "tokenizer": config["tokenizer"]["name"],
        "seed": config["general"]["seed"],
        "model": report["model"],
        "steps": config["training"]["steps"],
        "losses": losses,
        "files": {path.name: file_digest(path) for path in sorted(folder.iterdir()) if path.name != pretrained.CARD},
    }


def loss_of(report: dict[str, Any], engine: str) -> dict[str, Any]:
    """Return the figures of one engine over the whole corpus."""
    row = next(row for row in report["evaluation"] if row["engine"] == engine and not row.get("corpus", ""))
    return {key: row[key] for key in ("tokens", "loss_nats", "bits_per_character", "top1_accuracy")}


def experiment_of(run: Path) -> str:
    choices = yaml.safe_load((run / ".hydra" / "hydra.yaml").read_text(encoding="utf-8"))["hydra"]["runtime"]["choices"]
    return choices["experiment"]


def without_paths(config: dict[str, Any]) -> dict[str, Any]:
    """Return the sections that determine a model, without paths on this machine."""
    paths = {name for name, entry in walk() if entry.metadata.get("path")}
    return {
        section: {key: None if f"{section}.{key}" in paths else value for key, value in config[section].items()}
        for section in SECTIONS
    }


def run_mode(mode: str, name: str, recipe: str, *further: str) -> dict[str, Any]:
    """Run the program; return its report.json, or why it refused."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "stm32ai_main.py", f"operation_mode={mode}", f"model={name}", "pretrained=true"]
        command += [f"quantization={recipe}", f"hydra.run.dir={folder}/run", *further]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
        if done.returncode == 2:
            return {"refused": first_reason(done.stderr)}
        if done.returncode:
            raise SystemExit(done.stderr)
        return report_of(Path(folder) / "run")


def first_reason(errors: str) -> str:
    """Return the first error that the program lists, or its whole output."""
    mistakes = [line.strip(" *") for line in errors.splitlines() if line.startswith("  * ")]
    return mistakes[0] if mistakes else errors.strip()


def board_figures(name: str, recipe: str, board: str) -> dict[str, Any]:
    """Measure a decode step on an emulated board; return the figures, or why the board refuses it."""
    report = run_mode("benchmarking", name, recipe, f"board={board}")
    if "refused" in report:
        return report
    benchmark = report["benchmark"]
    if "projected" not in benchmark:
        raise SystemExit(f"{board}: no cycles; {report['skipped']}")
    return {
        **{key: benchmark[key] for key in FIGURES},
        "flash_bytes": benchmark["flash_bytes"]["total"],
        "ram_bytes": benchmark["ram_bytes"]["total"],
        "projected": {key: benchmark["projected"][key] for key in PROJECTED if key in benchmark["projected"]},
    }


def measured(name: str) -> dict[str, Any]:
    """Measure every recipe on every board, and generate a sample with each recipe."""
    return {
        "boards": {
            recipe: {board: board_figures(name, recipe, board) for board in BOARDS}
            for recipe in pretrained.recipes(name)
        },
        "samples": {recipe: run_mode("prediction", name, recipe)["samples"][0] for recipe in pretrained.recipes(name)},
    }


def readme() -> str:
    """Return the page with the tables of all models."""
    cards = {name: pretrained.card(name) for name in pretrained.names()}
    return "\n".join([README_HEAD, *losses_table(cards), "", *boards_table(cards), "", *samples_list(cards)])


def losses_table(cards: dict[str, Any]) -> list[str]:
    recipes = sorted({recipe for card in cards.values() for recipe in card["losses"]} - {"float"}, reverse=True)
    rows = [
        "| model | architecture | parameters | corpus | tokens | trained by `experiment=` | float | "
        + " | ".join(recipes)
        + " |"
    ]
    rows.append("|---" * (7 + len(recipes)) + "|")
    for name, card in cards.items():
        losses = [loss_text(card["losses"].get(key)) for key in ("float", *recipes)]
        model = card["model"]
        about = [f"`{name}`", model["name"], f"{model['parameters']:,}", card["corpus"]]
        about += [f"{card['tokenizer']}, {model['vocabulary_size']:,}", f"`{card['experiment']}`"]
        rows.append("| " + " | ".join([*about, *losses]) + " |")
    return rows


def loss_text(loss: dict[str, Any] | None) -> str:
    return f"{loss['bits_per_character']:.3f} ({loss['loss_nats']:.4f} nats/token)" if loss else "-"


def boards_table(cards: dict[str, Any]) -> list[str]:
    heads = ["model", "recipe", "board", "instructions/token", "cycles/token (projected)", "tokens/s (projected)"]
    heads += ["flash", "RAM", "logits that differ"]
    rows = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, card in cards.items():
        for recipe, boards in card["boards"].items():
            rows += [board_row(name, recipe, board, figures) for board, figures in boards.items()]
    return rows


def board_row(name: str, recipe: str, board: str, figures: dict[str, Any]) -> str:
    head = f"| `{name}` | {recipe} | {board} |"
    if "refused" in figures:
        return f"{head} refused: {figures['refused']} | | | | | |"
    numbers = [f"{figures[key]:,}" for key in ("instructions_per_token", "flash_bytes", "ram_bytes")]
    wrong = f"{figures['mismatching_logits']:,} over {figures['tokens_checked']:,} tokens"
    return f"{head} {numbers[0]} | {projected_cells(figures['projected'])} | {numbers[1]} | {numbers[2]} | {wrong} |"


def projected_cells(projected: dict[str, Any]) -> str:
    """Return the cells with cycles and their error, and the range of tokens per second."""
    assumed = "" if "core_cycles" in projected else ", assumed"
    speeds = " to ".join(map(end_text, projected["tokens_per_second"]))
    return f"{projected['cycles']:,} ±{projected['error_percent']:g} %{assumed} | {speeds}"


def samples_list(cards: dict[str, Any]) -> list[str]:
    lines = ["## Samples", ""]
    for name, card in cards.items():
        for recipe, sample in card["samples"].items():
            lines += [
                f"`{name}`, {recipe}, seed {sample['seed']}:",
                "```text",
                sample["prompt"] + sample["text"],
                "```",
                "",
            ]
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?")
    parser.add_argument("runs", nargs="*", type=Path)
    arguments = parser.parse_args()
    if arguments.name:
        path = pretrained.FOLDER / arguments.name / pretrained.CARD
        card = collect(arguments.name, arguments.runs) if arguments.runs else pretrained.card(arguments.name)
        write_json(path, card)  # the program requires a card
        write_json(path, {**card, **measured(arguments.name)})
    write_text(pretrained.FOLDER / "README.md", readme())
    return 0


if __name__ == "__main__":
    sys.exit(main())
