"""BATCH_MATMUL: the product of two computed tensors."""

import numpy as np

from textzoo.compiler.ir.graph import Node, Tensor
from textzoo.compiler.ir.program import Call, Statement, Struct
from textzoo.compiler.numerics.fixedpoint import float32, quantize_multiplier
from textzoo.compiler.operators.base import Operator, Target, factor_problems, option, quantized, row_major

BATCH_AXES = 3
# Types of a, b and the output -> the kernel's ending.
KERNELS = {
    ("int8", "int8", "int8"): "s8",
    ("int8", "int8", "int32"): "s8_s32",
    ("int16", "int16", "int16"): "s16",
    ("int16", "int8", "int16"): "s16_s8",
}
# What tz_scale_wide takes: sums below 2**47, and LiteRT's own bound of its shift.
MAX_WIDE_ROW_LENGTH = 2**16
MAX_WIDE_SHIFT = 7


class BatchMatmul(Operator):
    """(batch..., rows, depth) times (batch..., depth, columns); adjX and adjY say which comes transposed."""

    name = "BATCH_MATMUL"
    types = (
        "int8 or int16, or int16 times int8; one scale per tensor; int8 without zero points to int32; batches "
        "broadcast, up to 3 axes of them"
    )
    arity = (2, 2)

    def problems(self, node: Node) -> list[str]:
        a, b = node.operands()
        if problems := type_problems(node):
            return problems
        if min(len(a.shape), len(b.shape)) < 2 or max(len(a.shape), len(b.shape)) > 2 + BATCH_AXES:
            return [f"{a.describe()} times {b.describe()}"]
        left, right = matrix_shapes(node)
        try:
            batches = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        except ValueError:
            batches = None
        if batches is None or left[1] != right[0] or node.output.shape != (*batches, left[0], right[1]):
            return [f"{a.describe()} times {b.describe()} does not make {node.output.describe()}"]
        if str(node.output.dtype) == "int32":
            return []
        return factor_problems(product_factor(node)) or wide_problems(node)

    def macs(self, node: Node) -> int:
        (_, depth), _ = matrix_shapes(node)
        return node.output.size * depth

    def lower(self, node: Node, target: Target) -> list[Statement]:
        kernel = f"batch_matmul_{KERNELS[types_of(node)]}"
        struct = Struct("tz_batch_matmul_t", {**walks(node), **numbers(node)})
        return [Call(self.name, node.name, kernel, struct, node.operands(), [node.output], header="batch_matmul")]


def types_of(node: Node) -> tuple[str, ...]:
    return tuple(str(tensor.dtype) for tensor in (*node.operands(), node.output))


def type_problems(node: Node) -> list[str]:
    """Return the problems of tensors that are not quantized, or whose types have no kernel."""
    tensors = (*node.operands(), *([] if str(node.output.dtype) == "int32" else [node.output]))
    problems = [text for tensor in tensors for text in quantized(tensor, "int8", "int16")]
    if problems or types_of(node) not in KERNELS:
        return problems or [f"mixed types {', '.join(types_of(node))}"]
    is_shifted = any(tensor.zero_point for tensor in tensors)
    if is_shifted and str(node.output.dtype) == "int32":
        return ["zero points, which LiteRT leaves out"]
    return ["zero points beside int16"] if is_shifted and str(node.output.dtype) == "int16" else []


def wide_problems(node: Node) -> list[str]:
    """Return the problems of int16 sums that LiteRT's arithmetic does not hold."""
    if str(node.output.dtype) == "int8":
        return []
    if quantize_multiplier(product_factor(node)).shift > MAX_WIDE_SHIFT:
        return [f"a factor of {product_factor(node):g} between the scales of int16"]
    (_, depth), _ = matrix_shapes(node)
    return [f"rows of {depth}, more than {MAX_WIDE_ROW_LENGTH}"] if depth > MAX_WIDE_ROW_LENGTH else []


def matrix_shapes(node: Node) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (rows, depth) and (depth, columns), transpositions undone."""
    a, b = (tensor.shape[-2:] for tensor in node.operands())
    a = a[::-1] if option(node, "adjX", False) else a
    b = b[::-1] if option(node, "adjY", False) else b
    return a, b


def product_factor(node: Node) -> float:
    """Return a * b in float32, divided by the output's scale in double precision."""
    a, b = (np.float32(tensor.scale) for tensor in node.operands())
    with np.errstate(all="ignore"):
        return float(a * b) / float32(node.output.scale)


def walks(node: Node) -> dict[str, object]:
    """Return the sizes and strides of both operands."""
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
    """Return the elements per step of each of the three batch axes; 0 where it is broadcast or missing."""
    own = tensor.shape[:-2]
    strides = [0 if size == 1 else step for size, step in zip(own, row_major(tensor.shape)[:-2], strict=True)]
    return (0,) * (BATCH_AXES - len(own)) + tuple(strides)


def numbers(node: Node) -> dict[str, int]:
    """Return the zero points and the factor; int16 takes 16 bits of the multiplier, int32 none of them."""
    a, b = node.operands()
    kept = {"a_zero_point": a.zero_point, "b_zero_point": b.zero_point}
    if str(node.output.dtype) == "int32":
        return {**kept, "output_zero_point": 0, "multiplier": 0, "shift": 0}
    factor = quantize_multiplier(product_factor(node))
    narrow = str(node.output.dtype) == "int8"
    return {
        **kept,
        "output_zero_point": node.output.zero_point,
        "multiplier": factor.multiplier if narrow else factor.reduced,
        "shift": factor.shift,
    }


BATCH_MATMUL = BatchMatmul()
