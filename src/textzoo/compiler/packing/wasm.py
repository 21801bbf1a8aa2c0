"""For WebAssembly with vectors of 128 bits; see deployment/runtime/wasm."""

from textzoo.compiler.packing.base import Layout
from textzoo.compiler.packing.order import Block, Order, round_up

LANES = 4  # rows whose sums are in a vector
BLOCK = 16  # rows
PAIR = {"column": 2}  # whose products are added at once

S8 = Order((Block({"row": BLOCK}, PAIR), Block({"row": LANES}, PAIR, fewest=1)))


def scratch_s8(rows: int, columns: int) -> int:
    return 2 * round_up(columns, PAIR["column"])


# Lowest and highest weight, instructions per multiplication (13 for 32 of them in the loop), bytes of code.
LAYOUTS = {"fully_connected_s8": Layout(S8, scratch_s8, -128, 127, 0.41, 2601)}
