"""SLICE and STRIDED_SLICE: a part of a tensor between constant bounds."""

from dataclasses import dataclass

from textzoo.compiler.ir.graph import Node
from textzoo.compiler.ir.program import Loop, Operand
from textzoo.compiler.operators.base import option, row_major
from textzoo.compiler.operators.movement import (
    ANY,
    Rearrangement,
    constant_indices,
    copy_loop,
    whole,
)


class Slice(Rearrangement):
    name = "SLICE"
    types = f"{ANY}; constant begin and size"
    arity = (3, 3)
    same_scale = slice(1)

    def shape_problems(self, node: Node) -> list[str]:
        source, begin, size = node.inputs
        problems = constant_indices(begin, "the begin") + constant_indices(size, "the size")
        if problems:
            return problems
        if not begin.size == size.size == len(source.shape):
            return [f"begin {begin.value.tolist()} of {source.describe()}"]
        rows = zip(source.shape, begin.value.ravel().tolist(), size.value.ravel().tolist(), strict=True)
        bounds = [(limit, start, limit - start if length == -1 else length) for limit, start, length in rows]
        inside = all(start >= 0 and 0 < length <= limit - start for limit, start, length in bounds)
        if not inside or tuple(length for _, _, length in bounds) != node.output.shape:
            return [f"{node.output.describe()} from {begin.value.tolist()} of {source.describe()}"]
        return []

    def copies(self, node: Node) -> list[Loop]:
        source, begin = node.operands()[:2]
        strides = row_major(source.shape)
        offset = sum(int(start) * stride for start, stride in zip(begin.value.ravel(), strides, strict=True))
        return [copy_loop(node, node.output.shape, whole(node.output), Operand(source, strides, offset))]


@dataclass(frozen=True)
class Range:
    """start, start + step, ...: `length` elements of one axis.

    Attributes:
        axis: Of the input; None for a new one.
        shrunk: Whether the output is without this axis.
    """

    start: int
    step: int
    length: int
    axis: int | None = None
    shrunk: bool = False


class StridedSlice(Rearrangement):
    name = "STRIDED_SLICE"
    types = f"{ANY}; constant bounds; all masks"
    arity = (4, 4)
    same_scale = slice(1)

    def shape_problems(self, node: Node) -> list[str]:
        bounds = node.inputs[1:]
        problems = [text for tensor in bounds for text in constant_indices(tensor, "every bound", "int32")]
        problems += ["offset bounds"] if option(node, "offset", False) else []
        if problems or (problems := self.count_problems(node)):
            return problems
        ranges = self.ranges(node)
        kept = tuple(found.length for found in ranges if not found.shrunk)
        if kept != node.output.shape or min((found.length for found in ranges), default=1) < 1:
            return [f"a part of shape {kept} instead of {node.output.shape}"]
        return []

    def count_problems(self, node: Node) -> list[str]:
        """Return the problems of bounds that do not belong to the axes."""
        source, *bounds = node.inputs
        if any(tensor.size != bounds[0].size or len(tensor.shape) != 1 for tensor in bounds) or 0 in bounds[2].value:
            return [f"bounds that do not fit {source.describe()}"]
        # LiteRT takes masks of bounds that are not there for masks of other axes.
        strays = (option(node, "ellipsisMask") | option(node, "newAxisMask")) >> bounds[0].size
        left, ellipses = self.axes_left(node), self.marks(node).count("ellipsis")
        if left < 0 or strays:
            return [f"bounds or masks that do not fit {source.describe()}"]
        # LiteRT lets an ellipsis stand for one axis at least.
        wrong = ellipses > 1 or (ellipses == 1 and left == 0)
        return ["an ellipsis that stands for no axis, or several of them"] if wrong else []

    def marks(self, node: Node) -> list[str]:
        """Return what is done with each triple of bounds: the first mask that has its bit, or a range."""
        masks = {"ellipsis": "ellipsisMask", "new": "newAxisMask", "shrunk": "shrinkAxisMask"}
        bits = {mark: option(node, mask) for mark, mask in masks.items()}
        triples = range(node.inputs[1].size)
        return [next((mark for mark, mask in bits.items() if mask >> triple & 1), "range") for triple in triples]

    def axes_left(self, node: Node) -> int:
        """Return how many axes have no bounds: an ellipsis stands for all of them."""
        return len(node.inputs[0].shape) - sum(mark in ("shrunk", "range") for mark in self.marks(node))

    def ranges(self, node: Node) -> list[Range]:
        """Return what becomes of every axis, new ones among them; axes without bounds are taken whole."""
        whole_axes = [Range(0, 1, size, axis) for axis, size in enumerate(node.inputs[0].shape)]
        found, axis = [], 0
        for triple, mark in enumerate(self.marks(node)):
            if mark == "new":
                found.append(Range(0, 1, 1))
            elif mark == "ellipsis":
                found += whole_axes[axis : axis + self.axes_left(node)]
                axis += self.axes_left(node)
            else:
                found.append(self.range_of(node, triple, axis, shrunk=mark == "shrunk"))
                axis += 1
        return found + whole_axes[axis:]

    def range_of(self, node: Node, triple: int, axis: int, shrunk: bool) -> Range:
        """Return the elements of one axis: negative bounds count from the end, bounds outside are clamped.

        Empty where one element outside is to be taken: LiteRT reads what is there.
        """
        size = node.inputs[0].shape[axis]
        begin, end, step = (int(tensor.value.ravel()[triple]) for tensor in node.inputs[1:])
        from_start, to_end = (option(node, mask) >> triple & 1 for mask in ("beginMask", "endMask"))
        if shrunk:
            first = 0 if from_start else begin
            length = 1 if -size <= first < size and step > 0 else 0
            return Range(first % size, 1, length, axis, shrunk=True)
        elements = range(size)[None if from_start else begin : None if to_end else end : step]
        return Range(elements.start, elements.step, len(elements), axis)

    def copies(self, node: Node) -> list[Loop]:
        source = node.operands()[0]
        strides, ranges = row_major(source.shape), self.ranges(node)
        offset = sum(found.start * strides[found.axis] for found in ranges if found.axis is not None)
        steps = [0 if found.axis is None else found.step * strides[found.axis] for found in ranges if not found.shrunk]
        walk = Operand(source, tuple(steps), offset)
        return [copy_loop(node, node.output.shape, whole(node.output), walk)]


SLICE = Slice()
STRIDED_SLICE = StridedSlice()
