"""CONV_2D: filters of constant weights slide over an image."""

import numpy as np

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.ir.program import Call, Constant, Scratch, Statement, Struct
from textzoo.compiler.operators.base import Operator, Target
from textzoo.compiler.operators.filters import filter_fields, filter_problems, sum_problems
from textzoo.compiler.operators.windows import image_steps
from textzoo.compiler.packing.registry import CONV_2D_S8, GENERIC, Packed, pack, pack_fitting


class Convolution(Operator):
    """int8 (batch, height, width, channels) by weights (filters, height, width, channels of a group)."""

    name = "CONV_2D"
    types = (
        "int8 activations, 4 axes; constant int8 weights, one scale per tensor or per filter; constant bias, int32; "
        "any strides, dilations and groups"
    )
    arity = (3, 3)

    def problems(self, node: Node) -> list[str]:
        weights = node.inputs[1]
        filters = weights.shape[0] if weights.shape else 0
        return filter_problems(node, filters) or group_problems(node) or sum_problems(node, matrix_of(node))

    def macs(self, node: Node) -> int:
        weights = node.inputs[1]
        return node.output.size * (weights.size // weights.shape[0])

    def lower(self, node: Node, target: Target) -> list[Statement]:
        source, weights = node.inputs[:2]
        packed = packed_for(node, target)
        shape = ", ".join(map(str, weights.shape))
        comment = f"int8 ({shape}), packed: {packed.variant} {packed.kernel}"
        constant = Constant(f"{node.output.symbol}_weights", packed.values, comment, "weights")
        fields = filter_fields(node, constant, matrix_of(node)) | {"depth": weights.shape[3]}
        struct = Struct("tz_conv_2d_s8_t", fields)
        call = Call(node.operator, node.name, packed.kernel, struct, [source], [node.output], header="conv_2d_s8")
        call.scratch, call.variant = Scratch(packed.scratch_bytes), packed.variant
        call.repeats, call.steps = source.shape[0], image_steps(node)
        return [call]


def matrix_of(node: Node) -> np.ndarray:
    """Return the weights as (filters, weights of a filter) int8."""
    weights = node.inputs[1]
    return weights.value.reshape(weights.shape[0], -1)


def groups_of(node: Node) -> int:
    return node.inputs[0].shape[3] // node.inputs[1].shape[3]


def group_problems(node: Node) -> list[str]:
    """Return the problems of channels and filters that do not make groups."""
    (filters, _, _, depth), channels = node.inputs[1].shape, node.inputs[0].shape[3]
    if channels % depth or filters % (channels // depth):
        return [f"{filters} filters of {depth} channels over {channels} channels"]
    return []


def packed_for(node: Node, target: Target) -> Packed:
    """Pack the weights for the variant's kernel; where there are groups, for the generic one."""
    if groups_of(node) > 1:
        return pack(matrix_of(node), f"{CONV_2D_S8}_any", GENERIC)
    return pack_fitting(matrix_of(node), target.variant, (CONV_2D_S8,))


CONV_2D = Convolution()
