"""The memory map of a compiled model as a picture: what lies in the arena when, and what fills flash and RAM."""

from pathlib import Path

from matplotlib import pyplot
from matplotlib.patches import Rectangle

from textzoo.compiler.compile import CompiledModel
from textzoo.compiler.planner import MemoryPlan

COLOURS = pyplot.get_cmap("tab20").colors
LABELLED_FRACTION = 0.03


def draw_memory_map(compiled: CompiledModel, path: Path) -> None:
    """Write a PNG: the arena over time above, flash and RAM by kind below."""
    figure, (above, below) = pyplot.subplots(2, 1, figsize=(11, 7), height_ratios=(3, 1))
    draw_arena(above, compiled.plan, len(compiled.program.statements))
    bars = {
        "flash": {**compiled.flash.by_kind},
        "RAM": {"state": compiled.plan.state_bytes, "arena": compiled.plan.arena_bytes},
    }
    for row, parts in enumerate(bars.values()):
        draw_bar(below, row, parts)
    below.set_yticks(range(len(bars)), list(bars))
    below.set_xlabel("bytes")
    figure.suptitle(f"{compiled.facts.name}: arena {compiled.plan.arena_bytes:,} bytes", parse_math=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def draw_arena(axes: pyplot.Axes, plan: MemoryPlan, statements: int) -> None:
    for index, block in enumerate(plan.blocks):
        left, right = max(block.first, 0), min(block.last, statements) + 1
        colour = COLOURS[index % len(COLOURS)]
        axes.add_patch(Rectangle((left, block.offset), right - left, block.bytes, facecolor=colour, edgecolor="white"))
        if block.bytes > LABELLED_FRACTION * plan.arena_bytes:
            place = (left + 0.1, block.offset + block.bytes / 2)
            axes.text(*place, block.label[-22:], fontsize=5, va="center", parse_math=False)
    axes.set_xlim(0, statements + 1)
    axes.set_ylim(0, max(plan.arena_bytes, 1))
    axes.set_xlabel("step of the program")
    axes.set_ylabel("offset in the arena [bytes]")


def draw_bar(axes: pyplot.Axes, row: int, parts: dict[str, int]) -> None:
    start = 0
    for index, (label, size) in enumerate(parts.items()):
        axes.barh(row, size, left=start, color=COLOURS[index], label=f"{label} {size:,}")
        axes.text(start + size / 2, row, f"{label}\n{size:,}", ha="center", va="center", fontsize=7)
        start += size
