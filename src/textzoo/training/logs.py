"""Logs of a training run: CSV, TensorBoard and the learning curves."""

import csv
import io
import socket
from pathlib import Path

from textzoo.common.errors import UserError
from textzoo.common.files import write_text
from textzoo.common.pictures import Figure, save_png

COLUMNS = (
    "step",
    "training_loss",
    "validation_loss",
    "learning_rate",
    "gradient_norm",
    "tokens_per_second",
    "seconds",
)
LOSS_AXIS = "loss (nats/token)"


def write_csv(history: list[dict[str, float]], path: Path) -> None:
    """Write one line per evaluation, with the columns of COLUMNS, then the losses on the sources of a mixture.

    The whole file is written each time, so that a resumed run has no gap.
    """
    buffer = io.StringIO()
    columns = [*COLUMNS, *sorted({name for row in history for name in row} - set(COLUMNS))]
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    write_text(path, buffer.getvalue())


def plot_learning_curves(history: list[dict[str, float]], path: Path) -> None:
    """Plot training and validation loss, and the learning rate, over the steps, as PNG."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    losses, rates = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    steps = [row["step"] for row in history]
    for name, label in (("training_loss", "training"), ("validation_loss", "validation")):
        losses.plot(steps, [row[name] for row in history], marker=".", label=label)
    best = min(history, key=lambda row: row["validation_loss"])
    losses.axhline(best["validation_loss"], color="grey", linewidth=0.5)
    losses.set_title(f"best validation loss {best['validation_loss']:.4f} nats/token at step {best['step']:,}")
    losses.set_ylabel(LOSS_AXIS)
    losses.legend()
    rates.plot(steps, [row["learning_rate"] for row in history])
    rates.set_ylabel("learning rate")
    rates.set_xlabel("step")
    rates.xaxis.set_major_formatter("{x:,.0f}")
    losses.grid(alpha=0.3)
    save_png(figure, path)


class TensorBoardLog:
    """Scalars for TensorBoard.

    Args:
        folder: Log directory.
    """

    def __init__(self, folder: Path) -> None:
        from tensorboard.summary import Writer

        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"the log folder {folder} cannot be created", received=str(error)) from error
        self.writer = Writer(str(folder))
        # The library puts the machine's name into the file's name; logs may be published.
        for path in folder.glob(f"*.{socket.gethostname()}.*"):
            path.rename(path.with_name(path.name.replace(f".{socket.gethostname()}.", ".")))

    def write(self, step: int, metrics: dict[str, float]) -> None:
        for name, value in metrics.items():
            self.writer.add_scalar(name, value, step)

    def close(self) -> None:
        self.writer.close()
