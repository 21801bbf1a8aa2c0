"""AVERAGE_POOL_2D and MAX_POOL_2D: what a window holds of each channel becomes one element."""

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.ir.program import Call, Statement, Struct
from textzoo.compiler.operators.base import (
    INTEGER_RANGES,
    Operator,
    Target,
    activation_problems,
    activation_range,
    no_products,
    option,
    quantized,
)
from textzoo.compiler.operators.movement import same_format_problems
from textzoo.compiler.operators.windows import image_steps, window_axes, window_problems, window_struct

SUFFIXES = {"int8": "s8", "int16": "s16"}


class Pooling(Operator):
    """int8 or int16 (batch, height, width, channels)."""

    types = "int8 or int16, 4 axes; the output with the input's scale"
    same_scale = slice(0, 1)
    macs = no_products

    def __init__(self, name: str, kernel: str) -> None:
        self.name, self.kernel = name, kernel

    def problems(self, node: Node) -> list[str]:
        source = node.inputs[0]
        return (
            quantized(source, *SUFFIXES)
            or same_format_problems(node, self.tied(node))
            or window_problems(node, taps_of(node), source.shape[-1])
            or activation_problems(node.output, option(node, "fusedActivationFunction"))
            or sum_problems(node)
        )

    def lower(self, node: Node, target: Target) -> list[Statement]:
        source, output = node.inputs[0], node.output
        low, high = activation_range(output, option(node, "fusedActivationFunction"))
        window = window_struct(node, taps_of(node))
        fields = {"window": window, "channels": source.shape[3], "minimum": low, "maximum": high}
        kernel = f"{self.kernel}_{SUFFIXES[str(source.dtype)]}"
        struct = Struct("tz_pool_2d_t", fields)
        call = Call(node.operator, node.name, kernel, struct, [source], [output], header="pool_2d")
        call.repeats, call.steps = source.shape[0], image_steps(node)
        return [call]


def taps_of(node: Node) -> tuple[int, int]:
    return option(node, "filterHeight"), option(node, "filterWidth")


def sum_problems(node: Node) -> list[str]:
    """Return the problem of sums that 32 bits do not hold, with the half of the taps that rounds."""
    height, width = window_axes(node, taps_of(node))
    taps = height.inside * width.inside
    largest = taps * -INTEGER_RANGES[str(node.inputs[0].dtype)][0] + taps // 2
    return [] if largest < 2**31 else [f"averages of up to {taps} elements"]


AVERAGE_POOL_2D = Pooling("AVERAGE_POOL_2D", "average_pool_2d")
MAX_POOL_2D = Pooling("MAX_POOL_2D", "max_pool_2d")
