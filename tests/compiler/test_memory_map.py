"""The picture of the memory map can be read: no two of its texts overlap, and names lie inside of their blocks."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.text import Text

from textzoo.compiler.artifacts.memory_map import LISTED_BLOCKS, draw_memory_map, is_inside, memory_map
from textzoo.compiler.backend.planner import Block, MemoryPlan, aligned, place


def compiled_model(blocks, statements, flash):
    """What the picture needs of a compiled model, its blocks placed as the planner does."""
    place(blocks)
    arena = max((block.offset + aligned(block.bytes) for block in blocks), default=0)
    return SimpleNamespace(
        plan=MemoryPlan(arena_bytes=arena, state_bytes=98_304, blocks=blocks),
        program=SimpleNamespace(statements=[None] * statements),
        flash=SimpleNamespace(by_kind=flash),
        facts=SimpleNamespace(name="model $x_1$ of_a_user 漢字"),
    )


def random_blocks(seed, count, statements):
    """Blocks of every size and life time, with names short and long."""
    random = np.random.default_rng(seed)
    blocks = []
    for index in range(count):
        first = int(random.integers(-1, statements))
        last = min(first + int(random.geometric(0.3)), statements)
        name = f"$block_{index}$/" + "x" * int(random.integers(0, 60))
        blocks.append(Block(name, int(2 ** random.uniform(0, 12)), first, last))
    return blocks


CASES = {
    "none": ([], 3, {}),
    "one": ([Block("only", 64, -1, 2)], 2, {"weights": 10}),
    "many": (random_blocks(1, 120, 80), 80, {"weights": 400_000, "parameters": 30, "table": 20, "embedding": 10}),
    "few steps": (random_blocks(2, 12, 4), 4, {"weights": 1, "parameters": 1, "table": 1, "embedding": 1}),
    "very many": (random_blocks(3, 400, 300), 300, {"weights": 400_000, "table": 0}),
}


def labels_beside_the_axes(figure):
    """Matplotlib keeps labels of ticks outside of the limits, and does not draw them."""
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            if not low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)


@pytest.mark.parametrize("case", CASES)
def test_no_two_texts_of_the_map_overlap(case):
    figure = memory_map(compiled_model(*CASES[case]))
    figure.draw_without_rendering()
    not_drawn = set(labels_beside_the_axes(figure))
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text not in not_drawn]
    for (name, one), (other_name, other) in itertools.combinations(boxes, 2):
        shared = min(one.x1, other.x1) - max(one.x0, other.x0), min(one.y1, other.y1) - max(one.y0, other.y0)
        assert min(shared) <= 1, (name, other_name)
    outside = [name for name, box in boxes if not is_inside(box, figure.bbox)]
    assert outside == []


def test_large_blocks_are_named_and_all_sizes_are_told():
    blocks = [Block(f"wide_{index}", 500 + index, 10 * index, 10 * index + 9) for index in range(3)]
    figure = memory_map(compiled_model(blocks, 30, {"weights": 1234, "table": 56}))
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert {"wide_0", "wide_1", "wide_2"} <= set(texts)
    assert {"wide_2  502", "weights 1,234", "table 56", "state 98,304", "1,290 bytes"} <= set(texts)
    many = memory_map(compiled_model(random_blocks(4, 60, 40), 40, {"weights": 1}))
    assert len(many.axes[0].get_legend().get_texts()) == LISTED_BLOCKS


def test_the_picture_is_written_whole(tmp_path):
    draw_memory_map(compiled_model(*CASES["one"]), tmp_path / "plots" / "memory_map.png")
    assert (tmp_path / "plots/memory_map.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["memory_map.png"]
