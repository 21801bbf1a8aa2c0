"""The plot of a benchmark: cost per token or inference by operator and by position, in instructions and in cycles."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from textzoo.common.escaping import FONT_ENCODING, visible_line
from textzoo.common.pictures import Figure, save_png
from textzoo.records.report import BenchmarkReport, Projection

INCHES_PER_BAR = 0.28


def draw_instructions(report: BenchmarkReport, path: Path) -> None:
    """Write a PNG: cost by operator above, by position below, where there are positions."""
    save_png(instructions_picture(report), path)


def instructions_picture(report: BenchmarkReport) -> Figure:
    kinds, projected = report.by_kind or {}, report.projected
    heights = [0.6 + INCHES_PER_BAR * max(len(kinds), 2), *([2.4] if report.by_position else [])]
    figure = Figure(figsize=(8, sum(heights) + 0.8), layout="constrained")
    above, *below = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    unit = "instructions" if report.instructions_per_token else "cost"
    if projected and projected.by_kind:
        draw_cycles(above, kinds, projected)
        unit = "projected cycles and instructions"
    else:
        draw_kinds(above, kinds)
    if below:
        draw_positions(below[0], positions_of(report))
    else:
        above.set_xlabel("by operator")
    title = report.worded(f"{unit} per token") + f" on {report.board} ({report.machine})"
    figure.suptitle(visible_line(title, FONT_ENCODING), parse_math=False)
    return figure


def positions_of(report: BenchmarkReport) -> dict[str, list[int]]:
    """Return what is drawn by position: unit -> costs."""
    unit = "instructions" if report.instructions_per_token else "cycles" if report.cycles_per_token else "cost"
    predicted = (report.projected and report.projected.by_position) or []
    return {unit: report.by_position or []} | ({"projected cycles": predicted} if predicted else {})


def draw_kinds(axes: Axes, kinds: dict[str, int]) -> None:
    """Draw a bar per operator, the most expensive on top, with its cost and share."""
    whole = max(sum(kinds.values()), 1)
    bars = axes.barh(range(len(kinds)), list(kinds.values()))
    axes.bar_label(bars, [f"{cost:,}  {cost / whole:.1%}" for cost in kinds.values()], padding=3, fontsize=8)
    finish_bars(axes, kinds)


def draw_cycles(axes: Axes, instructions: dict[str, int], projected: Projection) -> None:
    """Draw a bar of cycles per operator, those of the core first, then stalls; with its instructions."""
    cycles, stalls = projected.by_kind or {}, projected.stalls_by_kind or {}
    waits = [stalls.get(kind, 0) for kind in cycles]
    core = [cost - wait for cost, wait in zip(cycles.values(), waits, strict=True)]
    axes.barh(range(len(cycles)), core, label="core")
    bars = axes.barh(range(len(cycles)), waits, left=core, label="stalls")
    labels = [f"{cost:,} cycles, {instructions.get(kind, 0):,} instructions" for kind, cost in cycles.items()]
    axes.bar_label(bars, labels, padding=3, fontsize=8)
    axes.legend(loc="lower right", fontsize=8)
    finish_bars(axes, cycles)
    axes.margins(x=0.6)


def finish_bars(axes: Axes, kinds: dict[str, int]) -> None:
    """Name the bars, the first one on top, and mark the axis of costs."""
    axes.set_yticks(range(len(kinds)), list(kinds), fontsize=8, parse_math=False)
    axes.invert_yaxis()
    axes.margins(x=0.25)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("by operator, mean over all positions")


def draw_positions(axes: Axes, lines: dict[str, list[int]]) -> None:
    """Draw a line per unit, named if there are several."""
    for unit, costs in lines.items():
        axes.plot(costs, label=unit)
    if len(lines) > 1:
        axes.legend(loc="lower right", fontsize=8)
    axes.set_xlabel("by position")
    axes.set_ylim(0, 1.08 * max((max(costs, default=1) for costs in lines.values()), default=1))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.grid(alpha=0.3)
