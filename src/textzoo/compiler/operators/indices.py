"""Indices that are known only at run time: clamped, and of 32 bits."""

import numpy as np

from textzoo.compiler.ir.graph import Move, Node, Tensor
from textzoo.compiler.ir.program import Compute, Loop, Operand, Statement

INDEX_TYPES = ("int16", "int32", "int64")


def moved(index: Tensor, element: int, stride: int, limit: int) -> tuple[int, tuple[Move, ...]]:
    """Return what an index, clamped to [0, limit], adds to an offset: elements if it is constant, or else a move."""
    if not index.is_constant:
        return 0, (Move(index, element, stride, limit),)
    return int(np.clip(index.value.ravel()[element], 0, limit)) * stride, ()


def in_32_bits(node: Node, indices: Tensor, function: str = "tz_saturate_s32") -> tuple[Tensor, list[Statement]]:
    """Return the indices as kernels take them, and the statements that make these of other ones.

    Args:
        node: Whose indices they are.
        indices: int16, int32 or int64.
        function: What is done with those of 64 bits that do not fit.
    """
    if str(indices.dtype) == "int32":
        return indices, []
    narrow = Tensor(f"{indices.name} in 32 bits", f"{indices.symbol}_s32", indices.shape, np.dtype("int32"))
    walk, shape = Operand(indices, (1,)), (indices.size,)
    wide = str(indices.dtype) == "int64"
    compute = Compute(Operand(narrow, (1,)), function if wide else "", [walk])
    return narrow, [Loop(node.operator, narrow.name, shape, [compute])]
