"""The table of packed weights in deployment/runtime/README.md, from the descriptions of textzoo/compiler/packing."""

from textzoo.compiler.packing.base import Layout
from textzoo.compiler.packing.order import Block, Order
from textzoo.compiler.packing.registry import VARIANTS

HEADINGS = ("variant", "kernel", "weights", "tiles", "blocks", "an element", "in front")


def packing_table() -> str:
    """Return a row for each layout: how its weights are cut into blocks, and what is in an element of a block."""
    rows = [f"| {' | '.join(HEADINGS)} |", f"|{'---|' * len(HEADINGS)}"]
    for variant, layouts in VARIANTS.items():
        for kernel, layout in layouts.items():
            rows.append(f"| {' | '.join((variant, f'`{kernel}`', *cells(layout)))} |")
    return "\n".join(rows)


def cells(layout: Layout) -> tuple[str, ...]:
    """Return the cells of a layout behind its name."""
    order = layout.order
    elements = dict.fromkeys(element_text(block) for block in order.blocks)
    return (
        f"{layout.lowest} to {layout.highest}",
        tile_text(order),
        ", ".join(f"{height_text(block)} x {block.width}" for block in order.blocks),
        "; ".join(elements),
        front_text(order),
    )


def tile_text(order: Order) -> str:
    rows = f"{order.tile} rows" if order.tile else ""
    columns = f"{order.chunk} columns" if order.chunk else ""
    return " x ".join(filter(None, (rows, columns)))


def height_text(block: Block) -> str:
    return str(block.height()) if all(block.rows.values()) else "tile"


def element_text(block: Block) -> str:
    count = block.joined
    return f"{block.element.bits} bits" + (f", {count} weights" if count > 1 else "")


def front_text(order: Order) -> str:
    """Return in front of what the kernel finds numbers of int32."""
    return ", ".join(
        text for text, head in (("matrix", order.head), ("blocks", order.blocks[0].heads)) if head is not None
    )
