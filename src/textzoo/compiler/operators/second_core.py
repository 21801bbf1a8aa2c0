"""Kernels shared by two cores: one call becomes two of the same kernel, each with some of the rows or heads."""

from dataclasses import replace
from typing import Any

import numpy as np

from textzoo.compiler.ir.graph import Tensor, View
from textzoo.compiler.ir.program import Call, Parallel, Part, Program, Scratch, Shard, Statement, Struct
from textzoo.compiler.packing.registry import Packed, layout_of, pack

# Multiplications below which a call stays whole. On an ESP32 one takes about 20 ns (3 instructions of 1.6 cycles at
# 240 MHz): the half of these takes 20 us, and waking the other core about 10 us.
SMALLEST_SHARED = 2048
# Fields of a kernel's struct with one element per row.
PER_ROW = ("bias", "multipliers", "shifts", "low_multipliers")


def in_shards(whole: Packed, weights: np.ndarray) -> tuple[Packed, tuple[Shard, ...]]:
    """Pack weights (rows, columns) so that two cores can share them, each shard packed by itself.

    They are cut at a border of the layout's blocks of rows, so that they take as many bytes as before; the first shard
    is not the smaller one. A matrix that is too small to gain by it comes back as it is, without shards.
    """
    rows, columns = weights.shape
    block = layout_of(whole.kernel, whole.variant).block_rows
    border = block * -(-rows // (2 * block))
    if border >= rows or not is_worth_sharing(rows * columns):
        return whole, ()
    first, second = (pack(part, whole.kernel, whole.variant) for part in (weights[:border], weights[border:]))
    shards = (
        shard_of_rows(0, border, 0, first.scratch_bytes),
        shard_of_rows(border, rows - border, first.values.size, second.scratch_bytes),
    )
    return replace(whole, values=np.concatenate([first.values, second.values])), shards


def is_worth_sharing(multiplications: int) -> bool:
    return multiplications >= SMALLEST_SHARED


def shard_of_rows(first: int, rows: int, element: int, scratch_bytes: int) -> Shard:
    starts = {"weights": element} | dict.fromkeys(PER_ROW, first)
    return Shard({"rows": rows}, starts, inputs=(0,), output=first, scratch_bytes=scratch_bytes)


def run(program: Program) -> None:
    """Let two cores share the calls that can be shared."""
    program.statements = [shared(statement) for statement in program.statements]


def shared(statement: Statement) -> Statement:
    if not isinstance(statement, Call) or not statement.shards:
        return statement
    first, second = (shard_of(statement, shard) for shard in statement.shards)
    return Parallel(statement.kind, statement.name, first, second)


def shard_of(call: Call, shard: Shard) -> Call:
    """Return the call for some of its rows or heads: parts of arrays and tensors, scratch memory of its own."""
    arrays = {name: part_of(value, shard.starts.get(name, 0)) for name, value in call.struct.fields.items()}
    inputs = [view_of(tensor, start) for tensor, start in zip(call.inputs, shard.inputs, strict=True)]
    return replace(
        call,
        struct=Struct(call.struct.type, arrays | shard.fields),
        inputs=inputs,
        outputs=[view_of(call.outputs[0], shard.output)],
        scratch=Scratch(shard.scratch_bytes) if call.scratch is not None else None,
        shards=(),
    )


def part_of(value: Any, start: int) -> Any:
    return Part(value, start) if start else value


def view_of(tensor: Tensor, start: int) -> Tensor:
    """Return the tensor from one of its elements on."""
    if start == 0:
        return tensor
    shape, symbol = (tensor.size - start,), f"{tensor.symbol}_second"
    return replace(tensor, symbol=symbol, shape=shape, view=View(tensor, start))
