"""BATCH_MATMUL: the product of two computed tensors."""

import numpy as np

from textzoo.compiler.fixedpoint import float32, quantize_multiplier
from textzoo.compiler.graph import Node, Tensor
from textzoo.compiler.operators.base import Operator, Target, factor_problems, option, row_major
from textzoo.compiler.operators.elementwise import same_type_problems
from textzoo.compiler.program import Call, Statement, Struct

BATCH_AXES = 3


class BatchMatmul(Operator):
    """(batch..., rows, depth) times (batch..., depth, columns); adjX and adjY say which comes transposed."""

    name = "BATCH_MATMUL"
    types = "int8 or int16, both alike, one scale per tensor; batches broadcast, up to 3 axes of them"

    def problems(self, node: Node) -> list[str]:
        if problems := same_type_problems(node, "int8", "int16"):
            return problems
        a, b = node.operands()
        if min(len(a.shape), len(b.shape)) < 2 or max(len(a.shape), len(b.shape)) > 2 + BATCH_AXES:
            return [f"{a.describe()} times {b.describe()}"]
        left, right = matrix_shapes(node)
        try:
            batches = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        except ValueError:
            batches = None
        if batches is None or left[1] != right[0] or node.output.shape != (*batches, left[0], right[1]):
            return [f"{a.describe()} times {b.describe()} does not make {node.output.describe()}"]
        return factor_problems(product_factor(node))

    def lower(self, node: Node, target: Target) -> list[Statement]:
        width = "s8" if str(node.output.dtype) == "int8" else "s16"
        struct = Struct("tz_batch_matmul_t", {**walks(node), **numbers(node)})
        return [
            Call(
                self.name,
                node.name,
                f"batch_matmul_{width}",
                struct,
                node.operands(),
                [node.output],
                header="batch_matmul",
            )
        ]


def matrix_shapes(node: Node) -> tuple[tuple[int, int], tuple[int, int]]:
    """(rows, depth) and (depth, columns), transpositions undone."""
    a, b = (tensor.shape[-2:] for tensor in node.operands())
    a = a[::-1] if option(node, "adjX", False) else a
    b = b[::-1] if option(node, "adjY", False) else b
    return a, b


def product_factor(node: Node) -> float:
    """a * b in float32, divided by the output's scale in double precision."""
    a, b = (np.float32(tensor.scale) for tensor in node.operands())
    return float(a * b) / float32(node.output.scale)


def walks(node: Node) -> dict[str, object]:
    """Sizes and strides of both operands."""
    (rows, depth), (_, columns) = matrix_shapes(node)
    a, b = node.operands()
    a_strides, b_strides = row_major(a.shape)[-2:], row_major(b.shape)[-2:]
    a_row, a_depth = a_strides[::-1] if option(node, "adjX", False) else a_strides
    b_depth, b_column = b_strides[::-1] if option(node, "adjY", False) else b_strides
    batches = node.output.shape[:-2]
    return {
        "batches": (1,) * (BATCH_AXES - len(batches)) + batches,
        "a_batch_strides": batch_strides(a, len(batches)),
        "b_batch_strides": batch_strides(b, len(batches)),
        "rows": rows,
        "depth": depth,
        "columns": columns,
        "a_row_stride": a_row,
        "a_depth_stride": a_depth,
        "b_depth_stride": b_depth,
        "b_column_stride": b_column,
    }


def batch_strides(tensor: Tensor, axes: int) -> tuple[int, ...]:
    """Elements per step of each of the three batch axes; 0 where the tensor is broadcast or the axis missing."""
    own = tensor.shape[:-2]
    strides = [0 if size == 1 else step for size, step in zip(own, row_major(tensor.shape)[:-2], strict=True)]
    return (0,) * (BATCH_AXES - len(own)) + tuple(strides)


def numbers(node: Node) -> dict[str, int]:
    """Zero points and factor; int16 takes 16 bits of the multiplier."""
    a, b = node.operands()
    factor = quantize_multiplier(product_factor(node))
    narrow = str(node.output.dtype) == "int8"
    return {
        "a_zero_point": a.zero_point,
        "b_zero_point": b.zero_point,
        "output_zero_point": node.output.zero_point,
        "multiplier": factor.multiplier if narrow else factor.reduced,
        "shift": factor.shift,
    }


BATCH_MATMUL = BatchMatmul()
