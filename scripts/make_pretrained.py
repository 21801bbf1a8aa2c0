"""Add a trained model to pretrained_models/: its files, measured figures, and the table of all models.

Run: python scripts/make_pretrained.py NAME RUN [RUN ...] [--baselines]
NAME is an option of the group `model`; the first RUN is the folder of a finished `operation_mode=chain_tqe
experiment=...`, others are of the same model with low-bit weights (`training.qat`). Every quantized model is then
measured on emulated boards by `operation_mode=benchmarking`, after what a user would take instead was measured on the
same held-out text: a model that is not better than an n-gram model of its size is not added. Without RUN the existing
files are measured again on boards, or with --baselines against what a user would take instead; without NAME only the
table is written.
"""

import argparse
import dataclasses
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from textzoo.baselines.comparison import NGRAM
from textzoo.common.errors import UserError
from textzoo.common.files import file_digest, write_json, write_text
from textzoo.common.untrusted_json import read_json_object
from textzoo.config import pretrained
from textzoo.config.schema import walk
from textzoo.pipeline.baselines import measured_baselines
from textzoo.pipeline.inputs import DATASET_FOLDER
from textzoo.publication.against import check_better
from textzoo.publication.facts import loss_of as published_loss
from textzoo.publication.files import FLOAT
from textzoo.quantizers.recipes import recipe_of_file
from textzoo.records.report import BaselineReport
from textzoo.records.report.rows import end_text
from textzoo.text.commands.schema import FILE as GRAMMAR_FILE
from textzoo.text.prepare import PreparedDataset, open_prepared, prepare_dataset
from textzoo.text.settings import DatasetConfig, TokenizerConfig

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
INSTEAD_HEAD = """## Against what you would use instead

On the held-out text of the losses above, in bits per character. An n-gram model (interpolated modified Kneser-Ney, in
the format of `src/textzoo/baselines/ngram_file.py`) is pruned to the bytes that weights and tables of the model take in
flash, and sees what the model sees: at most its window; in brackets, without that limit. Compressors know the training
text. A model that is not better than its n-gram model is not added here, nor published by `operation_mode=publish`.
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
    losses, steps = losses_and_steps(name, runs)
    for step in steps.values():
        shutil.copyfile(step, folder / step.name)
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


def losses_and_steps(name: str, runs: list[Path]) -> tuple[dict[str, Any], dict[str, Path]]:
    """Return the losses of the float model and of each recipe, and recipe -> decode step; of the runs, if any."""
    if not runs:
        losses = pretrained.card(name)["losses"]
        recipes = [recipe for recipe in losses if recipe != FLOAT]
        return losses, {recipe: pretrained.FOLDER / name / f"decode_{recipe}.tflite" for recipe in recipes}
    losses, steps = {FLOAT: loss_of(report_of(runs[0]), "keras")}, {}
    for run in runs:
        (decode,) = (run / "models").glob("decode_*.tflite")
        steps[recipe_of_file(decode)] = decode
        losses[recipe_of_file(decode)] = loss_of(report_of(run), REFERENCE_ENGINE)
    return losses, steps


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


def corpus_of(name: str, runs: list[Path]) -> PreparedDataset:
    """Return the corpus that a model was trained on: of its run, or as its configuration makes it now."""
    if runs:
        return open_prepared(runs[0] / DATASET_FOLDER)
    config = yaml.safe_load((pretrained.FOLDER / name / pretrained.CONFIGURATION).read_text(encoding="utf-8"))
    tokenizer = {**config["tokenizer"], "path": str(pretrained.FOLDER / name / pretrained.TOKENIZER)}
    folder = Path(tempfile.mkdtemp(prefix="textzoo-corpus-"))
    return prepare_dataset(DatasetConfig(**config["dataset"]), TokenizerConfig(**tokenizer), folder)


def baselines(losses: dict[str, Any], steps: dict[str, Path], data: PreparedDataset) -> dict[str, Any]:
    """Measure what a user would take instead of a model; end unless that is worse than each of its decode steps."""
    rows = measured_baselines(data, steps, losses[FLOAT]["tokens"])
    try:
        check_better({recipe: published_loss(recipe, losses[recipe], "") for recipe in steps}, rows)
    except UserError as error:
        raise SystemExit(str(error)) from None
    return {"data_sha256": data.sha256, "rows": [without_none(row) for row in rows]}


def without_none(row: BaselineReport) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(row).items() if value is not None}


def readme() -> str:
    """Return the page with the tables of all models."""
    cards = {name: pretrained.card(name) for name in pretrained.names()}
    tables = [*losses_table(cards), "", *boards_table(cards), "", *instead_table(cards)]
    return "\n".join([README_HEAD, *tables, *samples_list(cards)])


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


def instead_table(cards: dict[str, Any]) -> list[str]:
    """Return the section about what a user would take instead, of the models whose cards have it."""
    known = {name: card["baselines"]["rows"] for name, card in cards.items() if "baselines" in card}
    if not known:
        return []
    rows = [
        INSTEAD_HEAD,
        "| model | recipe | the model | n-gram model | its bytes | xz -9 | zstd --ultra -22 |",
        "|---" * 7 + "|",
    ]
    for name, baselines in known.items():
        others = [figure_text(row.get("bits_per_character")) for row in baselines if row["baseline"] != NGRAM]
        for row in baselines:
            if row["baseline"] == NGRAM:
                model = cards[name]["losses"][row["against"]]["bits_per_character"]
                ngram = f"{figure_text(row['bits_per_character'])} ({figure_text(row['without_windows'])})"
                cells = [f"`{name}`", row["against"], figure_text(model), ngram, f"{row['file_bytes']:,}", *others]
                rows.append(f"| {' | '.join(cells)} |")
    return [*rows, ""]


def figure_text(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


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
    parser.add_argument("--baselines", action="store_true", help="measure only what a user would take instead")
    arguments = parser.parse_args()
    if arguments.name:
        path = pretrained.FOLDER / arguments.name / pretrained.CARD
        losses, steps = losses_and_steps(arguments.name, arguments.runs)
        is_compared = bool(arguments.runs) or arguments.baselines
        compared = baselines(losses, steps, corpus_of(arguments.name, arguments.runs)) if is_compared else {}
        card = collect(arguments.name, arguments.runs) if arguments.runs else pretrained.card(arguments.name)
        card |= {"baselines": compared} if compared else {}
        write_json(path, card)  # the program requires a card
        if not arguments.baselines:
            write_json(path, {**card, **measured(arguments.name)})
    write_text(pretrained.FOLDER / "README.md", readme())
    return 0


if __name__ == "__main__":
    sys.exit(main())
