"""SPLIT, SPLIT_V and UNPACK: the parts of a tensor as tensors of their own."""

import numpy as np

from textzoo.compiler.ir.graph import Node, Tensor
from textzoo.compiler.ir.program import Loop, Operand
from textzoo.compiler.operators.base import option, row_major
from textzoo.compiler.operators.movement import (
    Rearrangement,
    constant_indices,
    copy_loop,
    no_bool_problems,
    normal_axis,
    part,
    whole,
)


class Split(Rearrangement):
    name = "SPLIT"
    types = "any type but bool; equal parts along a constant axis"
    arity = (2, 2)
    outputs = 0
    same_scale = slice(1, 2)

    def shape_problems(self, node: Node) -> list[str]:
        axis, source = node.inputs
        problems = constant_indices(axis, "the axis") + no_bool_problems(source)
        if problems or option(node, "numSplits") != len(node.outputs):
            return problems or [f"{len(node.outputs)} outputs instead of {option(node, 'numSplits')}"]
        split_axis = normal_axis(int(axis.value.ravel()[0]), len(source.shape))
        if not 0 <= split_axis < len(source.shape) or source.shape[split_axis] % len(node.outputs):
            return [f"axis {split_axis} of {source.describe()} in {len(node.outputs)} parts"]
        expected = list(source.shape)
        expected[split_axis] //= len(node.outputs)
        wrong = any(list(output.shape) != expected for output in node.outputs)
        return ["parts of other shapes"] if wrong else []

    def parts(self, node: Node) -> list[tuple[Tensor, Operand]]:
        """Return each output and where it begins in the input."""
        axis = normal_axis(int(node.inputs[0].value.ravel()[0]), len(node.inputs[1].shape))
        step = node.output.shape[axis]
        return [(output, part(node.inputs[1], axis, index * step)) for index, output in enumerate(node.outputs)]

    def copies(self, node: Node) -> list[Loop]:
        return [copy_loop(node, output.shape, whole(output), source) for output, source in self.parts(node)]


class SplitV(Split):
    """Parts of given sizes; one of them may be -1: what is left."""

    name = "SPLIT_V"
    types = "any type but bool; parts of constant sizes along a constant axis"
    arity = (3, 3)
    same_scale = slice(1)

    def shape_problems(self, node: Node) -> list[str]:
        source, sizes, axis = node.inputs
        problems = constant_indices(sizes, "the sizes") + constant_indices(axis, "the axis") + no_bool_problems(source)
        if problems:
            return problems
        if axis.size != 1 or not 0 <= self.axis(node) < len(source.shape):
            return [f"axis {axis.value.tolist()} of {source.describe()}"]
        if not len(node.outputs) == sizes.size == option(node, "numSplits"):
            return [f"{len(node.outputs)} outputs and {sizes.size} sizes instead of {option(node, 'numSplits')}"]
        return self.part_problems(node)

    def part_problems(self, node: Node) -> list[str]:
        """Return the problems of sizes that do not make the axis, or not the outputs."""
        source, axis, lengths = node.inputs[0], self.axis(node), self.lengths(node)
        if min(lengths) < 1 or sum(lengths) != source.shape[axis]:
            return [f"sizes {node.inputs[1].value.tolist()} of axis {axis} of {source.describe()}"]
        expected = [(*source.shape[:axis], length, *source.shape[axis + 1 :]) for length in lengths]
        return [] if [output.shape for output in node.outputs] == expected else ["parts of other shapes"]

    def axis(self, node: Node) -> int:
        return normal_axis(int(node.inputs[2].value.ravel()[0]), len(node.inputs[0].shape))

    def lengths(self, node: Node) -> list[int]:
        """Return the length of each part along the axis."""
        sizes = [int(size) for size in node.inputs[1].value.ravel()]
        if sizes.count(-1) == 1:
            sizes[sizes.index(-1)] = node.inputs[0].shape[self.axis(node)] - (sum(sizes) + 1)
        return sizes

    def parts(self, node: Node) -> list[tuple[Tensor, Operand]]:
        """Return each output and where it begins in the input."""
        starts = np.cumsum([0, *self.lengths(node)])
        axis = self.axis(node)
        return [
            (output, part(node.inputs[0], axis, int(start)))
            for output, start in zip(node.outputs, starts, strict=False)
        ]


class Unpack(Split):
    """Every element of one axis as a tensor without that axis."""

    name = "UNPACK"
    types = "any type but int64; along a constant axis"
    arity = (1, 1)
    same_scale = slice(1)

    def shape_problems(self, node: Node) -> list[str]:
        source, axis = node.inputs[0], self.axis(node)
        if str(source.dtype) == "int64":
            return [f"{source.describe()}, which LiteRT does not take"]
        if not 0 <= axis < len(source.shape):
            return [f"axis {axis} of {source.describe()}"]
        if not len(node.outputs) == option(node, "num") == source.shape[axis]:
            return [f"{len(node.outputs)} outputs from axis {axis} of {source.describe()}"]
        rest = source.shape[:axis] + source.shape[axis + 1 :]
        wrong = [output.describe() for output in node.outputs if output.shape != rest]
        return [f"{', '.join(wrong)} instead of {rest}"] if wrong else []

    def axis(self, node: Node) -> int:
        return normal_axis(option(node, "axis"), len(node.inputs[0].shape))

    def parts(self, node: Node) -> list[tuple[Tensor, Operand]]:
        """Return each output and where it begins in the input."""
        source, axis = node.inputs[0], self.axis(node)
        strides = row_major(source.shape)
        rest = strides[:axis] + strides[axis + 1 :]
        return [(output, Operand(source, rest, index * strides[axis])) for index, output in enumerate(node.outputs)]


SPLIT = Split()
SPLIT_V = SplitV()
UNPACK = Unpack()
