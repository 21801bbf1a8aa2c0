"""PAD, PADV2 and MIRROR_PAD: a tensor in the middle of a larger one."""

import numpy as np

from textzoo.compiler.ir.graph import Node, Tensor
from textzoo.compiler.ir.program import Loop, Operand, Statement
from textzoo.compiler.operators.base import INTEGER_RANGES, Target, option, row_major, unshifted
from textzoo.compiler.operators.movement import ANY, Moving, constant_indices, copy_loop, whole
from textzoo.compiler.operators.repetition import along_axes, constant_of, fill_loop

MAX_PADDED_AXES = 5
PADDING_TYPES = ("int8", "int16", "int32", "int64")
# MIRROR_PAD's modes -> how many elements at the edge are not repeated.
EDGES = {0: 1, 1: 0}


def paddings(node: Node) -> list[tuple[int, int]]:
    """Return the elements added before and after each axis."""
    return [(int(before), int(after)) for before, after in node.inputs[1].value]


def padding_problems(node: Node, *dtypes: str) -> list[str]:
    """Return the problems of paddings that do not make the output of the input."""
    source, given = node.inputs[:2]
    if problems := constant_indices(given, "the paddings", *dtypes):
        return problems
    if not source.shape or given.shape != (len(source.shape), 2) or given.value.min() < 0:
        return [f"paddings {given.value.tolist()} of {source.describe()}"]
    pairs = zip(paddings(node), source.shape, strict=True)
    expected = tuple(before + size + after for (before, after), size in pairs)
    return [] if expected == node.output.shape else [f"{node.output.describe()} instead of {expected}"]


class Pad(Moving):
    """PAD fills with what stands for 0, PADV2 with its third input."""

    same_scale = slice(0, None, 2)  # not the paddings

    def __init__(self, name: str, inputs: int) -> None:
        self.name, self.arity = name, (inputs, inputs)
        self.types = f"{ANY}, at most {MAX_PADDED_AXES} axes; constant paddings"

    def shape_problems(self, node: Node) -> list[str]:
        if problems := padding_problems(node, *PADDING_TYPES):
            return problems
        if len(node.output.shape) > MAX_PADDED_AXES:
            return [f"{len(node.output.shape)} axes, more than LiteRT's {MAX_PADDED_AXES}"]
        filling = node.inputs[2:]
        return [f"{tensor.describe()} as the only value" for tensor in filling if tensor.size != 1]

    def problems(self, node: Node) -> list[str]:
        return super().problems(node) or zero_problems(node.output)

    def lower(self, node: Node, target: Target) -> list[Statement]:
        """Fill everything, then copy the input into it."""
        source, output = node.inputs[0], node.output
        strides = row_major(output.shape)
        offset = sum(before * step for (before, _), step in zip(paddings(node), strides, strict=True))
        filling = node.inputs[2] if len(node.inputs) > 2 else constant_of(output, zero_of(output))
        inside = copy_loop(node, source.shape, Operand(output, strides, offset), whole(source))
        return [inside] if source.size == output.size else [fill_loop(node, filling), inside]


def zero_of(tensor: Tensor) -> int:
    """Return the value that stands for 0: the zero point where LiteRT uses it."""
    return tensor.zero_point if str(tensor.dtype) in INTEGER_RANGES else 0


def zero_problems(tensor: Tensor) -> list[str]:
    """Return the problems of a zero point outside of its type."""
    low, high = INTEGER_RANGES.get(str(tensor.dtype), (0, 0))
    return [] if low <= zero_of(tensor) <= high else [f"{tensor.describe()} with zero point {tensor.zero_point}"]


class MirrorPad(Moving):
    """MIRROR_PAD: the elements at the edge, backwards; with the mode REFLECT the edge itself is not repeated."""

    name = "MIRROR_PAD"
    types = f"{ANY}; constant paddings"
    arity = (2, 2)
    same_scale = slice(1)

    def shape_problems(self, node: Node) -> list[str]:
        if problems := padding_problems(node, "int32", "int64"):
            return problems
        edge = EDGES.get(option(node, "mode"))
        if edge is None:
            return [f"mode {option(node, 'mode')}"]
        pairs = zip(paddings(node), node.inputs[0].shape, strict=True)
        if any(max(pair) > size - edge for pair, size in pairs):
            return [f"paddings {node.inputs[1].value.tolist()}, longer than what they mirror"]
        return []

    def problems(self, node: Node) -> list[str]:
        return super().problems(node) or unshifted(node.output)

    def lower(self, node: Node, target: Target) -> list[Statement]:
        sizes = {axis: node.output.shape[axis] for axis, pair in enumerate(paddings(node)) if any(pair)}
        return along_axes(node, sizes, mirrored)


def mirrored(node: Node, source: Tensor, output: Tensor, axis: int) -> list[Statement]:
    """Pad one axis: the input in the middle, then the elements at its edges, backwards."""
    outer, inner = int(np.prod(source.shape[:axis])), int(np.prod(source.shape[axis + 1 :]))
    size, edge = source.shape[axis], EDGES[option(node, "mode")]

    def copy(count: int, start: int, first: int, step: int) -> Loop:
        """Copy `count` elements to `start` of the output on: the input's from `first` on."""
        into = Operand(output, (output.shape[axis] * inner, inner, 1), start * inner)
        walk = Operand(source, (size * inner, step * inner, 1), first * inner)
        return copy_loop(node, (outer, count, inner), into, walk)

    before, after = paddings(node)[axis]
    left, right = copy(before, 0, before - 1 + edge, -1), copy(after, before + size, size - 1 - edge, -1)
    return [copy(size, before, 0, 1), *([left] if before else []), *([right] if after else [])]


PAD = Pad("PAD", 2)
PADV2 = Pad("PADV2", 3)
MIRROR_PAD = MirrorPad()
