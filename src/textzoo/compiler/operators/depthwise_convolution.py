"""DEPTHWISE_CONV_2D: each channel of an image by filters of its own."""

import numpy as np

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.ir.program import Call, Constant, Scratch, Statement, Struct
from textzoo.compiler.operators.base import Operator, Target
from textzoo.compiler.operators.filters import filter_fields, filter_problems, sum_problems
from textzoo.compiler.operators.windows import Axis, image_steps, window_axes

KERNEL = "depthwise_conv_2d_s8"


def no_scratch(height: Axis, width: Axis) -> int:
    return 0


def scratch_dsp(height: Axis, width: Axis) -> int:
    """Return the bytes that deployment/runtime/dsp/depthwise_conv_2d_s8.c takes: also rows of an image with edges."""
    rows = height.taps * width.covered if height.leaves_image or width.leaves_image else 0
    return 128 + 8 * height.taps * width.taps + 4 * rows


# Variant -> bytes of scratch memory for windows along height and width; none where it is not listed.
SCRATCH = {"dsp": scratch_dsp}


class DepthwiseConvolution(Operator):
    """int8 (batch, height, width, channels) by weights (1, height, width, channels * multiplier)."""

    name = "DEPTHWISE_CONV_2D"
    types = (
        "int8 activations, 4 axes; constant int8 weights, one scale per tensor or per channel; constant bias, int32, "
        "or none; any strides, dilations and depth multipliers"
    )
    arity = (2, 3)

    def problems(self, node: Node) -> list[str]:
        weights = node.inputs[1]
        filters = weights.shape[-1] if weights.shape else 0
        return filter_problems(node, filters) or channel_problems(node) or sum_problems(node, matrix_of(node))

    def macs(self, node: Node) -> int:
        _, height, width, _ = node.inputs[1].shape
        return node.output.size * height * width

    def lower(self, node: Node, target: Target) -> list[Statement]:
        source, weights = node.inputs[:2]
        shape = ", ".join(map(str, weights.shape[1:]))
        constant = Constant(f"{node.output.symbol}_weights", weights.value.ravel(), f"int8 ({shape})", "weights")
        struct = Struct("tz_depthwise_conv_2d_s8_t", filter_fields(node, constant, matrix_of(node)))
        call = Call(node.operator, node.name, KERNEL, struct, [source], [node.output])
        axes = window_axes(node, weights.shape[1:3])
        call.scratch = Scratch(SCRATCH.get(target.variant, no_scratch)(*axes))
        call.repeats, call.steps = source.shape[0], image_steps(node)
        return [call]


def matrix_of(node: Node) -> np.ndarray:
    """Return the weights as (filters, taps) int8."""
    weights = node.inputs[1]
    return weights.value.reshape(-1, weights.shape[3]).T


def channel_problems(node: Node) -> list[str]:
    """Return the problems of filters that are not so many for each channel."""
    weights, channels = node.inputs[1], node.inputs[0].shape[3]
    fits = weights.shape[0] == 1 and weights.shape[3] % channels == 0
    return [] if fits else [f"weights {weights.describe()} for {channels} channels"]


DEPTHWISE_CONV_2D = DepthwiseConvolution()
