"""MEAN, SUM and ARG_MAX."""

import numpy as np

from textzoo.compiler.fixedpoint import Factor, float32, quantize_multiplier
from textzoo.compiler.graph import Node
from textzoo.compiler.operators.base import Operator, Target, constant, factor_problems, quantized
from textzoo.compiler.operators.movement import normal_axis
from textzoo.compiler.program import Call, Statement, Struct


class Reduction(Operator):
    """MEAN and SUM over neighbouring constant axes."""

    types = "int8 or int16, one scale per tensor; neighbouring constant axes"

    def __init__(self, name: str) -> None:
        self.name = name

    def problems(self, node: Node) -> list[str]:
        source, axes = node.inputs[:2]
        problems = quantized(source, "int8", "int16") + quantized(node.output, "int8", "int16")
        problems += constant(axes, "the axes")
        if problems:
            return problems
        if source.dtype != node.output.dtype:
            return [f"{source.describe()} to {node.output.describe()}"]
        places = reduced_axes(node)
        inside = all(0 <= axis < len(source.shape) for axis in places)
        if not inside or places != list(range(places[0], places[0] + len(places))):
            return [f"axes {places} of {source.describe()}, which are not neighbours"]
        outer, _, inner = three_axes(node)
        if node.output.size != outer * inner:
            return [f"{node.output.describe()} from axes {places} of {source.describe()}"]
        return factor_problems(scale_ratio(node))

    def lower(self, node: Node, target: Target) -> list[Statement]:
        outer, reduced, inner = three_axes(node)
        factor = quantize_multiplier(scale_ratio(node))
        if self.name == "MEAN":
            factor = divided(factor, reduced)
        fields = {
            "outer": outer,
            "reduced": reduced,
            "inner": inner,
            "offset": reduced * node.inputs[0].zero_point,
            "multiplier": factor.multiplier,
            "shift": factor.shift,
            "output_zero_point": node.output.zero_point,
        }
        width = "s8" if str(node.output.dtype) == "int8" else "s16"
        struct = Struct("tz_reduce_t", fields)
        return [Call(self.name, node.name, f"reduce_{width}", struct, [node.inputs[0]], [node.output], header="reduce")]


def reduced_axes(node: Node) -> list[int]:
    rank = len(node.inputs[0].shape)
    return sorted({normal_axis(int(axis), rank) for axis in node.inputs[1].value.ravel()})


def three_axes(node: Node) -> tuple[int, int, int]:
    """(outer, reduced, inner) sizes."""
    shape, axes = node.inputs[0].shape, reduced_axes(node)
    outer, reduced, inner = shape[: axes[0]], shape[axes[0] : axes[-1] + 1], shape[axes[-1] + 1 :]
    return int(np.prod(outer)), int(np.prod(reduced)), int(np.prod(inner))


def scale_ratio(node: Node) -> float:
    return float32(node.inputs[0].scale) / float32(node.output.scale)


def divided(factor: Factor, count: int) -> Factor:
    """A factor divided by a count as LiteRT's MEAN does it: the quotient may lie below 2**30."""
    extra = min(count.bit_length() - 1, 32, 31 + factor.shift)
    return Factor((factor.multiplier << extra) // count, factor.shift - extra)


class ArgMax(Operator):
    """ARG_MAX along one constant axis: the first of equal ones."""

    name = "ARG_MAX"
    types = "int8 or int16 to int32; constant axis"

    def problems(self, node: Node) -> list[str]:
        source, axis = node.inputs[:2]
        if problems := constant(axis, "the axis"):
            return problems
        if str(source.dtype) not in ("int8", "int16") or str(node.output.dtype) != "int32":
            return [f"{source.describe()} to {node.output.describe()}"]
        place = normal_axis(int(axis.value.ravel()[0]), len(source.shape))
        if not 0 <= place < len(source.shape) or node.output.size * source.shape[place] != source.size:
            return [f"axis {place} of {source.describe()} to {node.output.describe()}"]
        return []

    def lower(self, node: Node, target: Target) -> list[Statement]:
        source = node.inputs[0]
        axis = normal_axis(int(node.inputs[1].value.ravel()[0]), len(source.shape))
        fields = {
            "outer": int(np.prod(source.shape[:axis])),
            "places": source.shape[axis],
            "inner": int(np.prod(source.shape[axis + 1 :])),
        }
        width = "s8" if str(source.dtype) == "int8" else "s16"
        struct = Struct("tz_arg_max_t", fields)
        return [Call(self.name, node.name, f"arg_max_{width}", struct, [source], [node.output], header="arg_max")]


MEAN = Reduction("MEAN")
SUM = Reduction("SUM")
ARG_MAX = ArgMax()
