"""MEAN, SUM and ARG_MAX."""

from dataclasses import dataclass

import numpy as np

from textzoo.compiler.fixedpoint import Factor, float32, quantize_multiplier
from textzoo.compiler.graph import Node, Tensor
from textzoo.compiler.operators.base import (
    Operator,
    Target,
    axes_problems,
    factor_problems,
    index_constant,
    option,
    quantized,
)
from textzoo.compiler.operators.movement import copy_loop, normal_axis, whole
from textzoo.compiler.program import Call, Statement, Struct

# The schema's TensorType -> what ARG_MAX writes.
INDEX_TYPES = {2: "int32", 4: "int64"}


@dataclass(frozen=True)
class Reduction(Operator):
    """MEAN and SUM over neighbouring constant axes.

    Attributes:
        kernels: dtype -> kernel.
    """

    name: str
    kernels: dict[str, str]
    arity: tuple[int, int] = (2, 2)

    @property
    def types(self) -> str:
        return f"{' or '.join(self.kernels)}, one scale per tensor; constant axes that lie side by side"

    def problems(self, node: Node) -> list[str]:
        source, axes = node.inputs
        problems = quantized(source, *self.kernels) + quantized(node.output, *self.kernels)
        problems += index_constant(axes, "the axes")
        if problems:
            return problems
        if source.dtype != node.output.dtype:
            return [f"{source.describe()} to {node.output.describe()}"]
        return self.axis_problems(node) or factor_problems(scale_ratio(node))

    def axis_problems(self, node: Node) -> list[str]:
        source, axes = node.inputs[0], reduced_axes(node)
        if not axes or not all(0 <= axis < len(source.shape) for axis in axes):
            return [f"axes {axes} of {source.describe()}"]
        kept = 1 if option(node, "keepDims", False) else None
        sizes = [kept if axis in axes else size for axis, size in enumerate(source.shape)]
        if tuple(size for size in sizes if size is not None) != node.output.shape:
            return [f"{node.output.describe()} from axes {axes} of {source.describe()}"]
        outer, reduced, inner = three_axes(node)
        is_whole = outer * reduced * inner == source.size
        return [] if is_whole else [f"axes {axes} of {source.describe()}, which do not lie side by side"]

    def lower(self, node: Node, target: Target) -> list[Statement]:
        source, output = node.inputs[0], node.output
        outer, reduced, inner = three_axes(node)
        factor = quantize_multiplier(scale_ratio(node))
        if self.name == "MEAN":
            factor = divided(factor, reduced)
        fields = {
            "outer": outer,
            "reduced": reduced,
            "inner": inner,
            "offset": reduced * source.zero_point,
            "multiplier": factor.multiplier,
            "shift": factor.shift,
            "output_zero_point": output.zero_point,
        }
        struct = Struct("tz_reduce_t", fields)
        return [
            Call(self.name, node.name, self.kernels[str(source.dtype)], struct, [source], [output], header="reduce")
        ]


def reduced_axes(node: Node) -> list[int]:
    rank = len(node.inputs[0].shape)
    return sorted({normal_axis(int(axis), rank) for axis in node.inputs[1].value.ravel()})


def three_axes(node: Node) -> tuple[int, int, int]:
    """(outer, reduced, inner) sizes; their product is the tensor's size if the reduced axes lie side by side.

    Axes of size 1 count for neither.
    """
    shape, axes = node.inputs[0].shape, reduced_axes(node)
    axes = [axis for axis in axes if shape[axis] > 1] or axes[:1]
    outer, inner = shape[: axes[0]], shape[axes[-1] + 1 :]
    return int(np.prod(outer)), int(np.prod([shape[axis] for axis in axes])), int(np.prod(inner))


def scale_ratio(node: Node) -> float:
    return float32(node.inputs[0].scale) / float32(node.output.scale)


def divided(factor: Factor, count: int) -> Factor:
    """A factor divided by a count as LiteRT's MEAN does it: the quotient may lie below 2**30."""
    extra = min(count.bit_length() - 1, 32, 31 + factor.shift)
    return Factor((factor.multiplier << extra) // count, factor.shift - extra)


class ArgMax(Operator):
    """ARG_MAX along one constant axis: the first of equal ones."""

    name = "ARG_MAX"
    types = "int8 to int32 or int64; constant axis"
    arity = (2, 2)

    def problems(self, node: Node) -> list[str]:
        source, axis = node.inputs
        if problems := index_constant(axis, "the axis"):
            return problems
        written = INDEX_TYPES.get(option(node, "outputType"))
        if str(source.dtype) != "int8" or str(node.output.dtype) != written:
            return [f"{source.describe()} to {node.output.describe()}"]
        place = normal_axis(int(axis.value.ravel()[0]), len(source.shape))
        rest = source.shape[:place] + source.shape[place + 1 :]
        if axis.size != 1 or not 0 <= place < len(source.shape) or node.output.shape != rest:
            return [f"axis {place} of {source.describe()} to {node.output.describe()}"]
        return axes_problems(node)

    def lower(self, node: Node, target: Target) -> list[Statement]:
        """The kernel gives int32; int64 is a copy of that."""
        source, output = node.inputs[0], node.output
        axis = normal_axis(int(node.inputs[1].value.ravel()[0]), len(source.shape))
        fields = {
            "outer": int(np.prod(source.shape[:axis])),
            "places": source.shape[axis],
            "inner": int(np.prod(source.shape[axis + 1 :])),
        }
        places = output
        if str(output.dtype) == "int64":
            places = Tensor(f"{output.name} in 32 bits", f"{output.symbol}_places", output.shape, np.dtype("int32"))
        struct = Struct("tz_arg_max_t", fields)
        found = Call(self.name, node.name, "arg_max_s8", struct, [source], [places], header="arg_max")
        return [found] if places is output else [found, copy_loop(node, output.shape, whole(output), whole(places))]


MEAN = Reduction("MEAN", {"int8": "reduce_s8", "int16": "reduce_s16"})
SUM = Reduction("SUM", {"int8": "sum_s8"})
ARG_MAX = ArgMax()
