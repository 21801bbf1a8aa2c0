"""The loss by position in the window, float against quantized: it shows positions that calibration missed."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from textzoo.common.files import write_json
from textzoo.common.pictures import Figure, save_png
from textzoo.engines.keras_engine import KerasEngine
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.engines.metrics import Metrics, evaluate
from textzoo.models.base import LanguageModel
from textzoo.quantizers.tensor_report import PICTURE_DOTS_PER_INCH
from textzoo.text.windows import evaluation_windows


@dataclass
class PositionReport:
    """Losses per position, and the files they were written to.

    Attributes:
        losses: Label -> mean loss in nats at each position.
        means: Label -> mean loss in nats over all tokens.
        tables: JSON files.
        plots: PNG files.
    """

    losses: dict[str, list[float]]
    means: dict[str, float]
    tables: list[Path] = field(default_factory=list)
    plots: list[Path] = field(default_factory=list)


def report_by_position(
    model: LanguageModel, quantized_path: Path, tokens: np.ndarray, max_tokens: int, folder: Path
) -> PositionReport:
    """Evaluate both models on the same validation tokens; write loss_by_position.json and .png."""
    windows = evaluation_windows(tokens, model.context_length, max_tokens)
    engines = {"float": KerasEngine(model), "quantized": LitertReferenceEngine(quantized_path)}
    metrics = {label: evaluate(engine, *windows, description=f"loss of {label}") for label, engine in engines.items()}
    report = PositionReport(
        losses={label: figures.loss_by_position for label, figures in metrics.items()},
        means={label: figures.loss_nats for label, figures in metrics.items()},
        tables=[folder / "loss_by_position.json"],
        plots=[folder / "loss_by_position.png"],
    )
    write_json(report.tables[0], {label: asdict(figures) for label, figures in metrics.items()})
    draw_positions(metrics, report.plots[0])
    return report


def draw_positions(metrics: dict[str, Metrics], path: Path) -> None:
    """Draw both losses, and their difference below."""
    figure = Figure(figsize=(8, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    for label, figures in metrics.items():
        above.plot(figures.loss_by_position, label=f"{label}: {figures.loss_nats:.4f}", linewidth=1)
    above.set_ylabel("loss [nats/token]")
    above.set_title(f"Loss by position, {metrics['float'].tokens:,} validation tokens")
    above.legend()
    difference = np.subtract(metrics["quantized"].loss_by_position, metrics["float"].loss_by_position)
    below.bar(range(len(difference)), difference, width=1.0)
    below.axhline(metrics["quantized"].loss_nats - metrics["float"].loss_nats, color="black", linewidth=0.8)
    below.set_xlabel("position in the window")
    below.set_ylabel("quantized - float")
    for axes in (above, below):
        axes.grid(alpha=0.3)
    save_png(figure, path, PICTURE_DOTS_PER_INCH)
