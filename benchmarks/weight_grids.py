"""Low-bit weights: rounding after training at many thresholds, compared with training on the grid.

Run: python benchmarks/weight_grids.py RUN [--trained ternary=RUN int4=RUN ...] [--tokens 20000] [--picture FILE.png]
RUN is the folder of a training run (experiments_outputs/...). Prints JSON: the loss over its first validation tokens
with matrices on a grid, embeddings and activations in float, and the bytes of the stored weights; then the loss with
only the embeddings on a grid.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import matplotlib
import numpy as np

from textzoo.engines.metrics import evaluate
from textzoo.engines.opening import open_engine
from textzoo.models.base import LanguageModel
from textzoo.models.configs import EMBEDDINGS
from textzoo.models.files import load_float_model
from textzoo.pipeline.budget import stored_bytes
from textzoo.pipeline.inputs import DATASET_FOLDER
from textzoo.quantizers.stored_weights import matrices_of
from textzoo.quantizers.weight_grids import GRIDS, Grid, TernaryGrid, UniformGrid, is_on_grid, rounded
from textzoo.records.workspace import ROLES
from textzoo.text.prepare import open_prepared
from textzoo.text.windows import evaluation_windows

matplotlib.use("Agg")
from matplotlib import pyplot

THRESHOLDS = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5)
UNIFORM_BITS = (8, 6, 5, 4, 3)
AFTERWARDS, TRAINED = "rounded afterwards", "trained on the grid"
LossOf = Callable[[LanguageModel], float]


def validation_loss(run: Path, tokens: int) -> LossOf:
    """Return a function from a model to its loss in nats per token, over the run's validation text."""
    held_out = open_prepared(run / DATASET_FOLDER).validation

    def loss_of(model: LanguageModel) -> float:
        windows = evaluation_windows(held_out, model.context_length, tokens)
        return evaluate(open_engine("keras", model), *windows).loss_nats

    return loss_of


def model_of(run: Path) -> LanguageModel:
    return load_float_model(run / ROLES["float_model"])


def rounded_losses(run: Path, loss_of: LossOf) -> list[dict[str, Any]]:
    """Return a float model's loss, and its losses with the matrices on every grid."""
    model = model_of(run)
    matrices = matrices_of(model)
    kernels = [keras.ops.convert_to_numpy(matrix.value) for matrix in matrices]
    float_loss = loss_of(model)
    uniform = [(f"int{bits}", UniformGrid(bits, 2 ** (bits - 1) - 1), None) for bits in UNIFORM_BITS]
    ternary = [("ternary", TernaryGrid(threshold), threshold) for threshold in THRESHOLDS]
    rows = [row(run, model, "float", 32, "as trained", float_loss)]
    for name, grid, threshold in [*uniform, *ternary]:
        for matrix, kernel in zip(matrices, kernels, strict=True):
            matrix.assign(rounded(kernel, grid))
        extra = {} if threshold is None else {"threshold": threshold}
        rows.append({**row(run, model, name, grid.bits, AFTERWARDS, loss_of(model)), **extra})
    return rows


def embedding_losses(run: Path, loss_of: LossOf) -> list[dict[str, Any]]:
    """Return the losses with only token and position embeddings rounded, one scale per row."""
    model = model_of(run)
    tables = [variable for variable in model.trainable_variables if variable.path.endswith(EMBEDDINGS)]
    arrays = [keras.ops.convert_to_numpy(table.value) for table in tables]
    rows = []
    for name, grid in GRIDS.items():
        for table, array in zip(tables, arrays, strict=True):
            table.assign(keras.ops.transpose(rounded(array.T, grid)))
        rows.append({"run": str(run), "embeddings_only": name, "loss_nats": round(loss_of(model), 4)})
    return rows


def trained_row(name: str, run: Path, loss_of: LossOf) -> dict[str, Any]:
    """Return the row of a model that was trained on its grid."""
    model, grid = model_of(run), GRIDS[name]
    if not all(is_on_grid(matrix.value, grid) for matrix in matrices_of(model)):
        raise SystemExit(f"{run} was not trained with training.qat={name}")
    return {**row(run, model, name, grid.bits, TRAINED, loss_of(model)), **zeros(model, grid)}


def zeros(model: LanguageModel, grid: Grid) -> dict[str, float]:
    """Return the share of weights that became 0."""
    arrays = [keras.ops.convert_to_numpy(matrix.value) for matrix in matrices_of(model)]
    return {"zeros": round(float(np.mean(np.concatenate([array.ravel() for array in arrays]) == 0)), 3)}


def row(run: Path, model: LanguageModel, grid: str, bits: int, way: str, loss: float) -> dict[str, Any]:
    size = 4 * model.count_params() if grid == "float" else stored_bytes(model, bits)
    return {"run": str(run), "grid": grid, "way": way, "weight_bytes": size, "loss_nats": round(loss, 4)}


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw the loss by threshold on the left, and by size on the right."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.2))
    draw_thresholds(rows, left)
    draw_sizes(rows, right)
    for axes in (left, right):
        axes.axhline(rows[0]["loss_nats"], color="grey", linestyle="--", label="float")
        axes.set_ylabel("loss [nats per character]")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def draw_thresholds(rows: list[dict[str, Any]], axes: pyplot.Axes) -> None:
    """Draw the ternary losses of the first model by threshold, and the loss of training on the grid."""
    points = [entry for entry in rows if "threshold" in entry and entry["run"] == rows[0]["run"]]
    thresholds, losses = ([entry[key] for entry in points] for key in ("threshold", "loss_nats"))
    axes.plot(thresholds, losses, "o-", label="ternary, rounded afterwards")
    for entry in rows:
        if entry["way"] == TRAINED and entry["grid"] == "ternary":
            axes.axhline(entry["loss_nats"], color="tab:green", label="ternary, trained on the grid")
    axes.set_xlabel("threshold [mean magnitude of the channel]")


def draw_sizes(rows: list[dict[str, Any]], axes: pyplot.Axes) -> None:
    """Draw all models; of the ternary ones that were rounded afterwards only the best."""
    best = min((entry for entry in rows if "threshold" in entry), key=lambda entry: entry["loss_nats"])
    for way, marker, colour in ((AFTERWARDS, "o", "tab:blue"), (TRAINED, "s", "tab:green")):
        points = [entry for entry in rows if entry["way"] == way and (entry is best or "threshold" not in entry)]
        coordinates = [(entry["weight_bytes"] / 1000, entry["loss_nats"]) for entry in points]
        axes.plot(*zip(*coordinates, strict=True) if coordinates else ([], []), marker, color=colour, label=way)
        for entry, position in zip(points, coordinates, strict=True):
            axes.annotate(entry["grid"], position, textcoords="offset points", xytext=(5, 4), fontsize=8)
    axes.set_xlabel("stored weights [KB]")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="runs trained in float")
    parser.add_argument("--trained", nargs="*", default=[], help="GRID=RUN: trained with training.qat=GRID")
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--picture", type=Path)
    arguments = parser.parse_args()
    loss_of = validation_loss(arguments.runs[0], arguments.tokens)
    rows = [entry for run in arguments.runs for entry in rounded_losses(run, loss_of)]
    for name, run in (pair.split("=", 1) for pair in arguments.trained):
        rows.append(trained_row(name, Path(run), loss_of))
    if arguments.picture:
        draw(rows, arguments.picture)
    print(json.dumps(rows + embedding_losses(arguments.runs[0], loss_of), indent=2))


if __name__ == "__main__":
    main()
