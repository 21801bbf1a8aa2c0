"""Matrix products shared by two cores: one call becomes two of the same kernel, each with some of the rows."""

from dataclasses import replace
from typing import Any

import numpy as np

from textzoo.compiler.graph import Tensor, View
from textzoo.compiler.packing.registry import Packed, layout_of, pack
from textzoo.compiler.program import Call, Half, Parallel, Part, Program, Scratch, Statement, Struct

# Multiplications below which a matrix stays whole. On an ESP32 one takes about 26 ns (3.9 instructions of 1.6 cycles at
# 240 MHz): the half of these takes as long as waking the other core and waiting for it may take twice over, 10 us each.
SMALLEST_SHARED = 2048
# Fields of a kernel's struct with one element per row.
PER_ROW = ("bias", "multipliers", "shifts", "rests")


def in_halves(whole: Packed, weights: np.ndarray) -> tuple[Packed, tuple[Half, ...]]:
    """Packed weights (rows, columns) so that two cores can share them, each half packed by itself.

    They are cut at a border of the layout's blocks of rows, so that they take as many bytes as before; the first half
    is not the smaller one. A matrix that is too small to gain by it comes back as it is, without halves.
    """
    rows, columns = weights.shape
    block = layout_of(whole.kernel, whole.variant).block_rows
    border = block * -(-rows // (2 * block))
    if rows * columns < SMALLEST_SHARED or border >= rows:
        return whole, ()
    first, second = (pack(part, whole.kernel, whole.variant) for part in (weights[:border], weights[border:]))
    halves = (
        Half(0, border, 0, first.scratch_bytes),
        Half(border, rows - border, first.values.size, second.scratch_bytes),
    )
    return replace(whole, values=np.concatenate([first.values, second.values])), halves


def run(program: Program) -> None:
    """Let two cores share the calls that can be shared."""
    program.statements = [shared(statement) for statement in program.statements]


def shared(statement: Statement) -> Statement:
    if not isinstance(statement, Call) or not statement.halves:
        return statement
    first, second = (half_of(statement, half) for half in statement.halves)
    return Parallel(statement.kind, statement.name, first, second)


def half_of(call: Call, half: Half) -> Call:
    """The call for some of its rows: constants and outputs from the first of them on, scratch memory of its own."""
    fields = {name: field_of(name, value, half) for name, value in call.struct.fields.items()}
    scratch = Scratch(half.scratch_bytes) if call.scratch is not None else None
    output = rows_of(call.outputs[0], half)
    return replace(call, struct=Struct(call.struct.type, fields), outputs=[output], scratch=scratch, halves=())


def field_of(name: str, value: Any, half: Half) -> Any:
    if name == "rows":
        return half.rows
    if name == "weights":
        return Part(value, half.element)
    return Part(value, half.first) if name in PER_ROW else value


def rows_of(output: Tensor, half: Half) -> Tensor:
    """The half's part of an output; the first one begins where the output does."""
    if half.first == 0:
        return output
    shape, symbol = (half.rows,), f"{output.symbol}_second"
    return replace(output, symbol=symbol, shape=shape, view=View(output, half.first))
