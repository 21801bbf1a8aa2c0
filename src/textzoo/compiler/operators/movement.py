"""Operators that only move elements: what they have in common, and those that join, transpose or reverse."""

from abc import abstractmethod

import numpy as np

from textzoo.compiler.ir.graph import Node, Tensor
from textzoo.compiler.ir.program import Compute, Loop, Operand, Statement, straightened
from textzoo.compiler.operators.base import (
    ANY_NUMBER,
    Activation,
    Operator,
    Target,
    axes_problems,
    constant,
    no_products,
    option,
    row_major,
)

ANY = "any type"


def copy_loop(node: Node, shape: tuple[int, ...], target: Operand, source: Operand) -> Loop:
    return Loop(node.operator, node.name, shape, [Compute(target, "", [source])])


def whole(tensor: Tensor, shape: tuple[int, ...] | None = None, offset: int = 0) -> Operand:
    """Return a contiguous walk over a tensor, or over a part of it that has `shape` and begins at `offset`."""
    return Operand(tensor, row_major(tensor.shape if shape is None else shape), offset)


def part(tensor: Tensor, axis: int, start: int) -> Operand:
    """Return a walk over the part of a tensor that begins at `start` of an axis."""
    strides = row_major(tensor.shape)
    return Operand(tensor, strides, start * strides[axis])


class Moving(Operator):
    """An operator that does not change elements: outputs have the type and scale of the inputs of `same_scale`."""

    macs = no_products

    @abstractmethod
    def shape_problems(self, node: Node) -> list[str]:
        """Return the problems of a node but for what it must not convert, in a few words each."""

    def problems(self, node: Node) -> list[str]:
        return self.shape_problems(node) or same_format_problems(node, self.tied(node))


class Rearrangement(Moving):
    """An operator whose outputs are made of its inputs' elements by `copies`."""

    def lower(self, node: Node, target: Target) -> list[Statement]:
        """Copy what a pass has not made a view: what belongs to two locations is a view of one of them only."""
        return copies_needed(self.copies(node))


def copies_needed(loops: list[Loop]) -> list[Loop]:
    """Return those loops whose elements are not where they belong yet."""
    return [loop for loop in loops if not lies_there(loop)]


def lies_there(loop: Loop) -> bool:
    """Return whether a loop copies elements to where they are; the stride of an axis of size 1 does not matter."""
    (compute,) = straightened(loop).body
    return compute.operands[0].same_walk(compute.target)


def same_format_problems(node: Node, sources: list[Tensor]) -> list[str]:
    """Return the problems of a node that would have to convert elements while moving them."""
    wanted = (node.output.dtype, node.output.scales, node.output.zero_points)
    tensors = (*sources, *node.outputs)
    different = [tensor for tensor in tensors if (tensor.dtype, tensor.scales, tensor.zero_points) != wanted]
    problems = [f"{tensor.describe()} has another type or scale than the output" for tensor in different]
    return problems or axes_problems(node)


def no_bool_problems(tensor: Tensor) -> list[str]:
    """Return the problems of operators that LiteRT has for all types but bool."""
    return [f"{tensor.describe()}, which LiteRT does not take"] if str(tensor.dtype) == "bool" else []


def normal_axis(axis: int, rank: int) -> int:
    return axis + rank if axis < 0 else axis


def constant_indices(tensor: Tensor, what: str, *dtypes: str) -> list[str]:
    """Return the problems of axes and sizes, which must be constant; int32 or int64 where no dtype is named."""
    dtypes = dtypes or ("int32", "int64")
    wrong = [f"{what}: {tensor.describe()} instead of {' or '.join(dtypes)}"] if str(tensor.dtype) not in dtypes else []
    return constant(tensor, what) or wrong


class Concatenation(Rearrangement):
    name = "CONCATENATION"
    types = f"{ANY}; all with the same scale"
    arity = (1, ANY_NUMBER)
    same_scale = slice(None)

    def shape_problems(self, node: Node) -> list[str]:
        axis = self.axis(node)
        shapes = [tensor.shape for tensor in node.operands()]
        rank = len(node.output.shape)
        if option(node, "fusedActivationFunction", Activation.NONE) != Activation.NONE:
            return ["a fused activation"]
        if not 0 <= axis < rank or any(len(shape) != rank for shape in shapes):
            return [f"axis {axis} of {shapes}"]
        rests = {shape[:axis] + shape[axis + 1 :] for shape in shapes}
        joined = (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])
        if joined != node.output.shape or len(rests) != 1:
            return [f"{shapes} do not make {node.output.shape}"]
        return []

    def axis(self, node: Node) -> int:
        return normal_axis(option(node, "axis"), len(node.output.shape))

    def parts(self, node: Node) -> list[tuple[Tensor, Operand]]:
        """Return each input and where it begins in the output."""
        axis = self.axis(node)
        starts = np.cumsum([0, *(tensor.shape[axis] for tensor in node.operands())])
        return [
            (source, part(node.output, axis, int(start)))
            for source, start in zip(node.operands(), starts, strict=False)
        ]

    def copies(self, node: Node) -> list[Loop]:
        return [copy_loop(node, source.shape, target, whole(source)) for source, target in self.parts(node)]


class Pack(Rearrangement):
    name = "PACK"
    types = "any type but bool; all with the same scale"
    arity = (1, ANY_NUMBER)
    same_scale = slice(None)

    def shape_problems(self, node: Node) -> list[str]:
        sources, axis = node.operands(), self.axis(node)
        if problems := no_bool_problems(node.output):
            return problems
        shape = node.output.shape
        fits = 0 <= axis < len(shape) and shape[axis] == len(sources) == option(node, "valuesCount")
        if not fits:
            return [f"axis {axis} of {node.output.describe()} from {len(sources)} inputs"]
        rest = shape[:axis] + shape[axis + 1 :]
        wrong = [tensor.describe() for tensor in sources if tensor.shape != rest]
        return [f"{', '.join(wrong)} instead of {rest}"] if wrong else []

    def axis(self, node: Node) -> int:
        return normal_axis(option(node, "axis"), len(node.output.shape))

    def parts(self, node: Node) -> list[tuple[Tensor, Operand]]:
        """Return each input and where it begins in the output."""
        axis, strides = self.axis(node), row_major(node.output.shape)
        rest = strides[:axis] + strides[axis + 1 :]
        return [
            (source, Operand(node.output, rest, index * strides[axis])) for index, source in enumerate(node.operands())
        ]

    def copies(self, node: Node) -> list[Loop]:
        return [copy_loop(node, source.shape, target, whole(source)) for source, target in self.parts(node)]


class Transpose(Rearrangement):
    name = "TRANSPOSE"
    types = f"{ANY}; constant permutation"
    arity = (2, 2)
    same_scale = slice(1)

    def shape_problems(self, node: Node) -> list[str]:
        source, permutation = node.inputs
        if problems := constant_indices(permutation, "the permutation"):
            return problems
        order = [int(axis) for axis in permutation.value.ravel()]
        if sorted(order) != list(range(len(source.shape))):
            return [f"permutation {order} of {source.describe()}"]
        fits = tuple(source.shape[axis] for axis in order) == node.output.shape
        return [] if fits else [f"{order} of {source.shape} is not {node.output.shape}"]

    def copies(self, node: Node) -> list[Loop]:
        source, permutation = node.operands()
        strides = row_major(source.shape)
        walk = Operand(source, tuple(strides[int(axis)] for axis in permutation.value.ravel()))
        return [copy_loop(node, node.output.shape, whole(node.output), walk)]


class Reverse(Rearrangement):
    """REVERSE_V2: some axes backwards. LiteRT computes it for axes that lie side by side."""

    name = "REVERSE_V2"
    types = f"{ANY}; constant axes that lie side by side"
    arity = (2, 2)
    same_scale = slice(1)

    def shape_problems(self, node: Node) -> list[str]:
        source, given = node.inputs
        if problems := constant_indices(given, "the axes", "int32"):
            return problems
        axes, rank = self.axes(node), len(source.shape)
        if len(given.shape) != 1 or axes != list(range(axes[0], axes[0] + len(axes))):
            return [f"axes {axes}, which do not lie side by side"]
        if not 0 <= axes[0] <= axes[-1] < rank or source.shape != node.output.shape:
            return [f"axes {axes} of {source.describe()} to {node.output.describe()}"]
        return []

    def axes(self, node: Node) -> list[int]:
        return sorted(normal_axis(int(axis), len(node.inputs[0].shape)) for axis in node.inputs[1].value.ravel())

    def copies(self, node: Node) -> list[Loop]:
        source, axes = node.inputs[0], self.axes(node)
        strides = row_major(source.shape)
        last = sum((source.shape[axis] - 1) * strides[axis] for axis in axes)
        walk = Operand(source, tuple(-step if axis in axes else step for axis, step in enumerate(strides)), last)
        return [copy_loop(node, source.shape, whole(node.output), walk)]


CONCATENATION = Concatenation()
PACK = Pack()
TRANSPOSE = Transpose()
REVERSE_V2 = Reverse()
