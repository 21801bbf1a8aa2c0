"""MEAN, SUM and the REDUCE_* operators over constant axes.

Axes that are not side by side are brought together by a copy. Each operator has one form per type: quantized values
have a way to the output's scale, others are taken as they are.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from textzoo.compiler.ir.graph import Node, Tensor
from textzoo.compiler.ir.program import Call, Operand, Statement, Struct
from textzoo.compiler.numerics.fixedpoint import Factor, float32, quantize_multiplier
from textzoo.compiler.operators.base import (
    Operator,
    Target,
    axes_problems,
    factor_problems,
    no_products,
    option,
    quantized,
    row_major,
    unshifted,
)
from textzoo.compiler.operators.movement import constant_indices, copy_loop, normal_axis, whole

# LiteRT scales values of 64 bits by such factors only.
MAX_FACTOR_OF_PRODUCTS = 2.0**7


@dataclass(frozen=True)
class Form:
    """How a reduction computes one type.

    Attributes:
        kernel: Its name.
        header: That declares it.
        struct: (node, number of reduced elements) -> the kernel's parameters but the sizes.
        check: Problems of a node.
    """

    kernel: str
    header: str
    struct: Callable[[Node, int], Struct]
    check: Callable[[Node], list[str]]


@dataclass(frozen=True)
class Reduction(Operator):
    """One operator.

    Attributes:
        forms: dtype -> how it is computed.
        undefined: dtype -> why LiteRT's result is not one.
    """

    name: str
    forms: dict[str, Form]
    undefined: dict[str, str] = field(default_factory=dict)
    arity: tuple[int, int] = (2, 2)
    macs = no_products

    @property
    def types(self) -> str:
        return f"{', '.join(self.forms)}; constant axes"

    def problems(self, node: Node) -> list[str]:
        source, axes = node.inputs
        dtypes = [str(tensor.dtype) for tensor in (source, node.output)]
        if dtypes[0] in self.undefined:
            return [f"{source.describe()}: {self.undefined[dtypes[0]]}"]
        if dtypes[0] not in self.forms or dtypes[0] != dtypes[1]:
            return [f"{source.describe()} to {node.output.describe()} instead of {' or '.join(self.forms)}, both alike"]
        problems = constant_indices(axes, "the axes", "int32") or self.axis_problems(node)
        return problems or self.forms[dtypes[0]].check(node)

    def axis_problems(self, node: Node) -> list[str]:
        source, axes = node.inputs[0], reduced_axes(node)
        if not axes or not all(0 <= axis < len(source.shape) for axis in axes):
            return [f"axes {axes} of {source.describe()}"]
        kept = 1 if option(node, "keepDims", False) else None
        sizes = [kept if axis in axes else size for axis, size in enumerate(source.shape)]
        if tuple(size for size in sizes if size is not None) != node.output.shape:
            return [f"{node.output.describe()} from axes {axes} of {source.describe()}"]
        return [] if lie_side_by_side(node) else axes_problems(node)

    def lower(self, node: Node, target: Target) -> list[Statement]:
        form = self.forms[str(node.output.dtype)]
        source, statements, (outer, reduced, inner) = side_by_side(node)
        struct = form.struct(node, reduced)
        struct.fields = {"outer": outer, "reduced": reduced, "inner": inner, **struct.fields}
        return [
            *statements,
            Call(self.name, node.name, form.kernel, struct, [source], [node.output], header=form.header),
        ]


# ---- axes ----


def reduced_axes(node: Node) -> list[int]:
    rank = len(node.inputs[0].shape)
    return sorted({normal_axis(int(axis), rank) for axis in node.inputs[1].value.ravel()})


def three_axes(node: Node) -> tuple[int, int, int]:
    """Return (outer, reduced, inner) sizes; their product is the tensor's size if the reduced axes are side by side.

    Axes of size 1 count for neither.
    """
    shape, axes = node.inputs[0].shape, reduced_axes(node)
    axes = [axis for axis in axes if shape[axis] > 1] or axes[:1]
    outer, inner = shape[: axes[0]], shape[axes[-1] + 1 :]
    return int(np.prod(outer)), int(np.prod([shape[axis] for axis in axes])), int(np.prod(inner))


def lie_side_by_side(node: Node) -> bool:
    return math.prod(three_axes(node)) == node.inputs[0].size


def side_by_side(node: Node) -> tuple[Tensor, list[Statement], tuple[int, int, int]]:
    """Return the input with its reduced axes side by side, the statements that bring them there, and its three axes."""
    source, axes = node.inputs[0], reduced_axes(node)
    if lie_side_by_side(node):
        return source, [], three_axes(node)
    order = [axis for axis in range(len(source.shape)) if axis not in axes] + axes
    shape, strides = tuple(source.shape[axis] for axis in order), row_major(source.shape)
    symbol = f"{node.output.symbol}_in_order"
    ordered = replace(source, name=f"{node.name} in order", symbol=symbol, shape=shape, value=None, view=None)
    walk = Operand(source, tuple(strides[axis] for axis in order))
    return (
        ordered,
        [copy_loop(node, shape, whole(ordered), walk)],
        (node.output.size, source.size // node.output.size, 1),
    )


# ---- quantized values ----


def check_scaled(node: Node) -> list[str]:
    """Return the problems of a node that goes from one scale to another."""
    problems = [text for tensor in (node.inputs[0], node.output) for text in quantized(tensor, "int8", "int16")]
    return problems or factor_problems(scale_ratio(node))


def scale_ratio(node: Node) -> float:
    return float32(node.inputs[0].scale) / float32(node.output.scale)


def divided(factor: Factor, count: int) -> Factor:
    """Divide a factor by a count as LiteRT's MEAN does it: the quotient may be below 2**30."""
    extra = min(count.bit_length() - 1, 32, 31 + factor.shift)
    return Factor((factor.multiplier << extra) // count, factor.shift - extra)


def scaled_struct(node: Node, reduced: int, factor: Factor) -> Struct:
    fields = {"multiplier": factor.multiplier, "shift": factor.shift, "output_zero_point": node.output.zero_point}
    return Struct("tz_reduce_t", {"offset": reduced * node.inputs[0].zero_point, **fields})


def mean_struct(node: Node, reduced: int) -> Struct:
    return scaled_struct(node, reduced, divided(quantize_multiplier(scale_ratio(node)), reduced))


def sum_struct(node: Node, reduced: int) -> Struct:
    return scaled_struct(node, reduced, quantize_multiplier(scale_ratio(node)))


def product_ratio(node: Node) -> float:
    """Return the factor of each multiplication: n of them make scale**n / output scale."""
    count = node.inputs[0].size // node.output.size
    return float32(node.inputs[0].scale) / math.pow(float32(node.output.scale), 1.0 / count)


def check_product(node: Node) -> list[str]:
    """Refuse factors near another one: LiteRT takes the root of the scale from the C library, which may differ."""
    problems = [text for tensor in (node.inputs[0], node.output) for text in quantized(tensor, "int8", "int16")]
    if problems or node.is_known:
        return problems or ["a constant, which LiteRT's optimized kernel multiplies"]
    ratio = product_ratio(node)
    if ratio >= MAX_FACTOR_OF_PRODUCTS:
        return [f"a factor of {ratio:g} per multiplication"]
    factors = [quantize_multiplier(ratio * (1 + error * 2.0**-51)) for error in (-1, 0, 1)]
    is_same = len({(factor.reduced, factor.shift) for factor in factors}) == 1
    return [] if is_same else [f"a factor of {ratio!r}, which depends on the C library"]


def product_struct(node: Node, reduced: int) -> Struct:
    factor = quantize_multiplier(product_ratio(node))
    scale = Struct("tz_wide_scale_t", {"multiplier": factor.reduced, "shift": factor.shift})
    zero_points = {"zero_point": node.inputs[0].zero_point, "output_zero_point": node.output.zero_point}
    return Struct("tz_reduce_prod_t", {"scale": scale, **zero_points})


# ---- values as they are ----


def check_plain(node: Node) -> list[str]:
    tensors = (node.inputs[0], node.output)
    formats = {(tensor.scales, tensor.zero_points) for tensor in tensors}
    if len(formats) > 1:
        return [f"{node.inputs[0].describe()} has another scale than the output"]
    return unshifted(node.output)


def plain_struct(node: Node, reduced: int) -> Struct:
    return Struct("tz_reduce_plain_t", {})


SUFFIXES = {"int8": "s8", "int16": "s16", "int32": "s32", "int64": "s64"}


def plain_forms(name: str, *dtypes: str) -> dict[str, Form]:
    """Return the kernels reduce_<name>_<type>."""
    return {
        dtype: Form(f"reduce_{name}_{SUFFIXES[dtype]}", "reduce_plain", plain_struct, check_plain) for dtype in dtypes
    }


ANY_OF = {"bool": Form("reduce_any", "reduce_plain", plain_struct, check_plain)}
ALL_OF = {"bool": Form("reduce_all", "reduce_plain", plain_struct, check_plain)}
MEAN = Reduction(
    "MEAN",
    {
        "int8": Form("reduce_s8", "reduce", mean_struct, check_scaled),
        "int16": Form("reduce_s16", "reduce", mean_struct, check_scaled),
        **plain_forms("mean", "int32", "int64"),
    },
)
SUM = Reduction(
    "SUM",
    {"int8": Form("sum_s8", "reduce", sum_struct, check_scaled), **plain_forms("sum", "int32", "int64")},
    undefined={"int16": "LiteRT takes its bytes for uint8 and leaves half of the output unwritten"},
)
REDUCE_PROD = Reduction(
    "REDUCE_PROD",
    {
        "int8": Form("reduce_prod_s8", "reduce_prod", product_struct, check_product),
        "int16": Form("reduce_prod_s16", "reduce_prod", product_struct, check_product),
        **plain_forms("prod", "int32", "int64"),
    },
)
REDUCE_MAX = Reduction("REDUCE_MAX", {**plain_forms("max", *SUFFIXES), **ANY_OF})
REDUCE_MIN = Reduction("REDUCE_MIN", {**plain_forms("min", *SUFFIXES), **ALL_OF})
REDUCE_ANY = Reduction("REDUCE_ANY", ANY_OF)
REDUCE_ALL = Reduction("REDUCE_ALL", ALL_OF)
