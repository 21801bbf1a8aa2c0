"""The plot of a benchmark: instructions per token by operator and by position; of a graph's inference by operator."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from textzoo.common.escaping import FONT_ENCODING, visible_line
from textzoo.common.pictures import Figure, save_png
from textzoo.records.report import BenchmarkReport

INCHES_PER_BAR = 0.28


def draw_instructions(report: BenchmarkReport, path: Path) -> None:
    """Write a PNG: cost by operator above, by position below, where there are positions."""
    save_png(instructions_picture(report), path)


def instructions_picture(report: BenchmarkReport) -> Figure:
    kinds = report.by_kind or {}
    heights = [0.6 + INCHES_PER_BAR * max(len(kinds), 2), *([2.4] if report.by_position else [])]
    figure = Figure(figsize=(8, sum(heights) + 0.8), layout="constrained")
    above, *below = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    draw_kinds(above, kinds)
    if below:
        draw_positions(below[0], report.by_position)
    else:
        above.set_xlabel("by operator")
    unit = "instructions" if report.instructions_per_token else "cost"
    title = report.worded(f"{unit} per token") + f" on {report.board} ({report.machine})"
    figure.suptitle(visible_line(title, FONT_ENCODING), parse_math=False)
    return figure


def draw_kinds(axes: Axes, kinds: dict[str, int]) -> None:
    """Draw a bar per operator, the most expensive on top, with its cost and share."""
    whole = max(sum(kinds.values()), 1)
    bars = axes.barh(range(len(kinds)), list(kinds.values()))
    axes.set_yticks(range(len(kinds)), list(kinds), fontsize=8, parse_math=False)
    axes.bar_label(bars, [f"{cost:,}  {cost / whole:.1%}" for cost in kinds.values()], padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.25)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("by operator, mean over all positions")


def draw_positions(axes: Axes, costs: list[int]) -> None:
    axes.plot(costs)
    axes.set_xlabel("by position")
    axes.set_ylim(0, 1.08 * max(costs, default=1))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(alpha=0.3)
