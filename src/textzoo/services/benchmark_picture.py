"""The picture of a benchmark: where the instructions of a token go."""

from pathlib import Path

from matplotlib import pyplot

from textzoo.report import BenchmarkReport


def draw_instructions(report: BenchmarkReport, path: Path) -> None:
    """Write a PNG: cost by operator to the left, by position to the right."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4))
    kinds = report.by_kind or {}
    bars = left.barh(list(kinds)[::-1], list(kinds.values())[::-1])
    left.bar_label(bars, labels=[f"{value:,}" for value in list(kinds.values())[::-1]], fontsize=7)
    left.margins(x=0.15)
    left.tick_params(labelsize=7)
    left.set_xlabel("per token, mean over all positions")
    right.plot(report.by_position or [])
    right.set_xlabel("position")
    right.set_ylabel("per token")
    right.set_ylim(bottom=0)
    right.grid(alpha=0.3)
    unit = "instructions" if report.instructions_per_token else "cost"
    figure.suptitle(f"{unit} per token on {report.board} ({report.machine})", parse_math=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
