"""The memory map of a compiled model as a picture: what is in the arena when, and what fills flash and RAM."""

from pathlib import Path

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Rectangle
from matplotlib.transforms import Bbox

from textzoo.common.escaping import FONT_ENCODING, visible_line
from textzoo.common.pictures import DOTS_PER_INCH, Figure, save_png
from textzoo.compiler.backend.planner import Block, MemoryPlan
from textzoo.compiler.compile import CompiledModel

COLOURS = colormaps["tab20"].colors
# Of white in every colour, so that black labels can be read on all of them.
LIGHTENED = 0.4
# A label is drawn in the largest of these sizes, lying or upright, that fits its block, or not at all.
FONT_SIZES = (8, 7, 6, 5)
ANGLES = (0, 90)
# Blocks smaller than this share of the arena have no label.
SMALLEST_LABELLED = 0.01
MAX_LABEL_LENGTH = 28
LISTED_BLOCKS = 8


def draw_memory_map(compiled: CompiledModel, path: Path) -> None:
    """Write a PNG: the arena over time above, flash and RAM by kind below."""
    save_png(memory_map(compiled), path)


def memory_map(compiled: CompiledModel) -> Figure:
    """Draw the memory map; no two of its texts overlap."""
    figure = Figure(figsize=(9, 8), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    arena, flash, ram = figure.subplots(3, 1, height_ratios=(10, 1, 1))
    statements = len(compiled.program.statements)
    draw_blocks(arena, compiled.plan, statements)
    draw_bar(flash, "flash", compiled.flash.by_kind)
    draw_bar(ram, "RAM", {"state": compiled.plan.state_bytes, "arena": compiled.plan.arena_bytes})
    name = visible_line(compiled.facts.name, FONT_ENCODING)
    figure.suptitle(f"{name}: arena of {compiled.plan.arena_bytes:,} bytes", parse_math=False)
    list_largest(arena, compiled.plan)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # labels are measured: nothing may move after that
    label_blocks(arena, compiled.plan, statements)
    return figure


def colour_of(index: int) -> tuple[float, ...]:
    return tuple(LIGHTENED + (1 - LIGHTENED) * part for part in COLOURS[index % len(COLOURS)])


def extent(block: Block, statements: int) -> tuple[int, int]:
    """Return the steps [first, last) during which a block is alive, inputs and outputs cut to the program."""
    return max(block.first, 0), min(block.last, statements) + 1


def draw_blocks(axes: Axes, plan: MemoryPlan, statements: int) -> None:
    for index, block in enumerate(plan.blocks):
        left, right = extent(block, statements)
        corner = (left, block.offset)
        axes.add_patch(
            Rectangle(corner, right - left, block.bytes, facecolor=colour_of(index), edgecolor="white", linewidth=0.5)
        )
    axes.set_xlim(0, statements + 1)
    axes.set_ylim(0, max(plan.arena_bytes, 1))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("step of the program")
    axes.set_ylabel("offset in the arena [bytes]")


def label_of(block: Block) -> str:
    """Return the end of a block's name, which tells most."""
    label = visible_line(block.label, FONT_ENCODING)
    return label if len(label) <= MAX_LABEL_LENGTH else f"...{label[3 - MAX_LABEL_LENGTH :]}"


def list_largest(axes: Axes, plan: MemoryPlan) -> None:
    """Add a key below the arena: name and size of its largest blocks."""
    largest = sorted(enumerate(plan.blocks), key=lambda pair: -pair[1].bytes)[:LISTED_BLOCKS]
    patches = [Rectangle((0, 0), 1, 1, facecolor=colour_of(index)) for index, _ in largest]
    names = [f"{label_of(block)}  {block.bytes:,}" for _, block in largest]
    add_key(axes, patches, names, columns=2, below=-0.1, title="largest blocks [bytes]")


def add_key(axes: Axes, patches: list[Rectangle], names: list[str], *, columns: int, below: float, title: str) -> None:
    """Add a key below the axes; `below` is a share of their height."""
    options = {"loc": "upper center", "bbox_to_anchor": (0.5, below), "ncols": columns, "frameon": False}
    key = axes.legend(patches, names, title=title, fontsize=8, title_fontsize=8, **options)
    for text in key.get_texts():
        text.set_parse_math(False)


def label_blocks(axes: Axes, plan: MemoryPlan, statements: int) -> None:
    """Write names into the blocks that have room for them: as blocks do not overlap, neither do the names."""
    for block in plan.blocks:
        if block.bytes < SMALLEST_LABELLED * plan.arena_bytes:
            continue
        left, right = extent(block, statements)
        room = axes.transData.transform_bbox(Bbox([[left, block.offset], [right, block.offset + block.bytes]]))
        label_block(axes, block, ((left + right) / 2, block.offset + block.bytes / 2), room)


def label_block(axes: Axes, block: Block, middle: tuple[float, float], room: Bbox) -> None:
    """Write the name in the first size and angle that fits the room, in pixels."""
    text = axes.text(*middle, label_of(block), ha="center", va="center", in_layout=False, parse_math=False)
    for size in FONT_SIZES:
        for angle in ANGLES:
            text.set(fontsize=size, rotation=angle)
            if is_inside(text.get_window_extent(), room):
                return
    text.remove()


def is_inside(part: Bbox, whole: Bbox) -> bool:
    return whole.x0 <= part.x0 and part.x1 <= whole.x1 and whole.y0 <= part.y0 and part.y1 <= whole.y1


def draw_bar(axes: Axes, name: str, parts: dict[str, int]) -> None:
    """Draw one bar of parts side by side, with a key below it: parts may be too narrow for words."""
    start, bars = 0, []
    for index, size in enumerate(parts.values()):
        bars.append(axes.barh(0, size, left=start, color=colour_of(2 * index))[0])
        start += size
    axes.set_yticks([0], [name])
    axes.set_xticks([])
    axes.set_xlim(0, max(start, 1))
    names = [f"{part} {size:,}" for part, size in parts.items()]
    add_key(axes, bars, names, columns=max(len(parts), 1), below=-0.02, title="")
    axes.set_title(f"{start:,} bytes", loc="right", fontsize=8, pad=2)
