"""Operators that only move elements: every output element is an input element."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from textzoo.compiler.graph import Move, Node, Tensor, View
from textzoo.compiler.operators.base import (
    ANY_NUMBER,
    Activation,
    Operator,
    Target,
    axes_problems,
    index_constant,
    option,
    row_major,
)
from textzoo.compiler.packing.registry import pack_table
from textzoo.compiler.program import Call, Compute, Constant, Loop, Operand, Statement, Struct

ANY = "any type"


def copy_loop(node: Node, shape: tuple[int, ...], target: Operand, source: Operand) -> Loop:
    return Loop(node.operator, node.name, shape, [Compute(target, "", [source])])


def whole(tensor: Tensor, shape: tuple[int, ...] | None = None, offset: int = 0) -> Operand:
    """A contiguous walk over a tensor, or over a part of it that has `shape` and begins at `offset`."""
    return Operand(tensor, row_major(tensor.shape if shape is None else shape), offset)


def part(tensor: Tensor, axis: int, start: int) -> Operand:
    """A walk over the part of a tensor that begins at `start` of an axis."""
    strides = row_major(tensor.shape)
    return Operand(tensor, strides, start * strides[axis])


def lies_at(tensor: Tensor, place: Operand) -> bool:
    """Whether a tensor was made a view of the place where it belongs; one that belongs to two places is at one only."""
    storage, offset, moves = tensor.place()
    target, target_offset, target_moves = place.tensor.place()
    return storage is target and offset == target_offset + place.offset and moves == target_moves


def same_format_problems(node: Node, sources: list[Tensor]) -> list[str]:
    """Problems of a node that would have to convert elements while moving them."""
    wanted = (node.output.dtype, node.output.scales, node.output.zero_points)
    tensors = (*sources, *node.outputs)
    different = [tensor for tensor in tensors if (tensor.dtype, tensor.scales, tensor.zero_points) != wanted]
    problems = [f"{tensor.describe()} has another type or scale than the output" for tensor in different]
    constants = [f"{tensor.describe()} is a constant" for tensor in sources if is_float_constant(tensor)]
    return problems or constants or axes_problems(node)


def is_float_constant(tensor: Tensor) -> bool:
    """The device has no floats but dequantized outputs."""
    return tensor.is_constant and str(tensor.dtype) == "float32"


def no_bool_problems(tensor: Tensor) -> list[str]:
    """Problems of operators that LiteRT has for all types but bool."""
    return [f"{tensor.describe()}, which LiteRT does not take"] if str(tensor.dtype) == "bool" else []


def normal_axis(axis: int, rank: int) -> int:
    return axis + rank if axis < 0 else axis


@dataclass(frozen=True)
class Reshape(Operator):
    """RESHAPE, EXPAND_DIMS, SQUEEZE: the same elements in the same order.

    Attributes:
        shape: The output's shape by the node's constants and options; None where that is not a shape.
    """

    name: str
    shape: Callable[[Node], tuple[int, ...] | None]
    arity: tuple[int, int] = (1, 1)
    types = f"{ANY}; constant axes and shapes"

    def problems(self, node: Node) -> list[str]:
        source = node.inputs[0]
        if len(node.inputs) > 1 and (problems := index_constant(node.inputs[1], "the second input")):
            return problems
        if self.shape(node) != node.output.shape or source.size != node.output.size:
            return [f"{source.describe()} does not make {node.output.describe()}"]
        return same_format_problems(node, [source])

    def lower(self, node: Node, target: Target) -> list[Statement]:
        shape = (node.output.size,)
        return [copy_loop(node, shape, Operand(node.output, (1,)), Operand(node.operands()[0], (1,)))]


def reshaped(node: Node) -> tuple[int, ...] | None:
    """The sizes that the second input or the option gives; one of them may be -1: what is left."""
    given = node.inputs[1].value if len(node.inputs) > 1 else option(node, "newShape", ())
    sizes = [int(size) for size in np.ravel(given)]
    if sizes.count(-1) == 1:
        known = -int(np.prod(sizes))
        sizes[sizes.index(-1)] = node.inputs[0].size // known if known > 0 else 0
    return tuple(sizes)


def expanded(node: Node) -> tuple[int, ...] | None:
    shape, axis = list(node.inputs[0].shape), int(node.inputs[1].value.ravel()[0])
    place = normal_axis(axis, len(shape) + 1)
    return (*shape[:place], 1, *shape[place:]) if 0 <= place <= len(shape) else None


def squeezed(node: Node) -> tuple[int, ...] | None:
    """Without the axes that the option names, or without all of size 1 where it names none."""
    shape = node.inputs[0].shape
    named = {normal_axis(int(axis), len(shape)) for axis in np.ravel(option(node, "squeezeDims", ()))}
    if any(not 0 <= axis < len(shape) or shape[axis] != 1 for axis in named):
        return None
    gone = named or {axis for axis, size in enumerate(shape) if size == 1}
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


class Split(Operator):
    name = "SPLIT"
    types = "any type but bool; equal parts along a constant axis"
    arity = (2, 2)
    outputs = 0

    def problems(self, node: Node) -> list[str]:
        axis, source = node.inputs
        problems = index_constant(axis, "the axis") + no_bool_problems(source)
        if problems or option(node, "numSplits") != len(node.outputs):
            return problems or [f"{len(node.outputs)} outputs instead of {option(node, 'numSplits')}"]
        place = normal_axis(int(axis.value.ravel()[0]), len(source.shape))
        if not 0 <= place < len(source.shape) or source.shape[place] % len(node.outputs):
            return [f"axis {place} of {source.describe()} in {len(node.outputs)} parts"]
        expected = list(source.shape)
        expected[place] //= len(node.outputs)
        wrong = any(list(output.shape) != expected for output in node.outputs)
        return ["parts of other shapes"] if wrong else same_format_problems(node, [source])

    def parts(self, node: Node) -> list[tuple[Tensor, Operand]]:
        """Each output and where it begins in the input."""
        axis = normal_axis(int(node.inputs[0].value.ravel()[0]), len(node.inputs[1].shape))
        step = node.output.shape[axis]
        return [(output, part(node.inputs[1], axis, index * step)) for index, output in enumerate(node.outputs)]

    def lower(self, node: Node, target: Target) -> list[Statement]:
        """Copy each part, unless it is read where it lies."""
        return [
            copy_loop(node, output.shape, whole(output), source)
            for output, source in self.parts(node)
            if not lies_at(output, source)
        ]


class Concatenation(Operator):
    name = "CONCATENATION"
    types = f"{ANY}; all with the same scale"
    arity = (1, ANY_NUMBER)

    def problems(self, node: Node) -> list[str]:
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
        return same_format_problems(node, node.operands())

    def axis(self, node: Node) -> int:
        return normal_axis(option(node, "axis"), len(node.output.shape))

    def parts(self, node: Node) -> list[tuple[Tensor, Operand]]:
        """Each input and where it begins in the output."""
        axis = self.axis(node)
        starts = np.cumsum([0, *(tensor.shape[axis] for tensor in node.operands())])
        return [
            (source, part(node.output, axis, int(start)))
            for source, start in zip(node.operands(), starts, strict=False)
        ]

    def lower(self, node: Node, target: Target) -> list[Statement]:
        """Copy each input to its place, unless it was computed there."""
        return [
            copy_loop(node, source.shape, place, whole(source))
            for source, place in self.parts(node)
            if not lies_at(source, place)
        ]


class Pack(Operator):
    name = "PACK"
    types = "any type but bool; all with the same scale"
    arity = (1, ANY_NUMBER)

    def problems(self, node: Node) -> list[str]:
        sources, axis = node.operands(), self.axis(node)
        if problems := no_bool_problems(node.output):
            return problems
        shape = node.output.shape
        fits = 0 <= axis < len(shape) and shape[axis] == len(sources) == option(node, "valuesCount")
        if not fits:
            return [f"axis {axis} of {node.output.describe()} from {len(sources)} inputs"]
        rest = shape[:axis] + shape[axis + 1 :]
        wrong = [tensor.describe() for tensor in sources if tensor.shape != rest]
        return [f"{', '.join(wrong)} instead of {rest}"] if wrong else same_format_problems(node, sources)

    def axis(self, node: Node) -> int:
        return normal_axis(option(node, "axis"), len(node.output.shape))

    def parts(self, node: Node) -> list[tuple[Tensor, Operand]]:
        """Each input and where it begins in the output."""
        axis, strides = self.axis(node), row_major(node.output.shape)
        rest = strides[:axis] + strides[axis + 1 :]
        return [
            (source, Operand(node.output, rest, index * strides[axis])) for index, source in enumerate(node.operands())
        ]

    def lower(self, node: Node, target: Target) -> list[Statement]:
        """Copy each input to its place, unless it was computed there."""
        return [
            copy_loop(node, source.shape, place, whole(source))
            for source, place in self.parts(node)
            if not lies_at(source, place)
        ]


class Transpose(Operator):
    name = "TRANSPOSE"
    types = f"{ANY}; constant permutation"
    arity = (2, 2)

    def problems(self, node: Node) -> list[str]:
        source, permutation = node.inputs
        if problems := index_constant(permutation, "the permutation"):
            return problems
        order = [int(axis) for axis in permutation.value.ravel()]
        if sorted(order) != list(range(len(source.shape))):
            return [f"permutation {order} of {source.describe()}"]
        fits = tuple(source.shape[axis] for axis in order) == node.output.shape
        return (
            same_format_problems(node, [source]) if fits else [f"{order} of {source.shape} is not {node.output.shape}"]
        )

    def lower(self, node: Node, target: Target) -> list[Statement]:
        source, permutation = node.operands()
        strides = row_major(source.shape)
        walk = Operand(source, tuple(strides[int(axis)] for axis in permutation.value.ravel()))
        return [copy_loop(node, node.output.shape, whole(node.output), walk)]


class Slice(Operator):
    name = "SLICE"
    types = f"{ANY}; constant begin and size"
    arity = (3, 3)

    def problems(self, node: Node) -> list[str]:
        source, begin, size = node.inputs
        problems = index_constant(begin, "the begin") + index_constant(size, "the size")
        if problems:
            return problems
        if not begin.size == size.size == len(source.shape):
            return [f"begin {begin.value.tolist()} of {source.describe()}"]
        rows = zip(source.shape, begin.value.ravel().tolist(), size.value.ravel().tolist(), strict=True)
        bounds = [(limit, start, limit - start if length == -1 else length) for limit, start, length in rows]
        inside = all(start >= 0 and 0 < length <= limit - start for limit, start, length in bounds)
        if not inside or tuple(length for _, _, length in bounds) != node.output.shape:
            return [f"{node.output.describe()} from {begin.value.tolist()} of {source.describe()}"]
        return same_format_problems(node, [source])

    def lower(self, node: Node, target: Target) -> list[Statement]:
        source, begin = node.operands()[:2]
        strides = row_major(source.shape)
        offset = sum(int(start) * stride for start, stride in zip(begin.value.ravel(), strides, strict=True))
        return [copy_loop(node, node.output.shape, whole(node.output), Operand(source, strides, offset))]


@dataclass
class Range:
    """start, start + step, ...: `length` places of one axis."""

    start: int
    step: int
    length: int


class StridedSlice(Operator):
    name = "STRIDED_SLICE"
    types = f"{ANY}; constant bounds; masks of begin, end and shrunk axes"
    arity = (4, 4)

    def problems(self, node: Node) -> list[str]:
        source, *bounds = node.inputs
        problems = [text for tensor in bounds for text in index_constant(tensor, "every bound")]
        masks = [name for name in ("ellipsisMask", "newAxisMask") if option(node, name)]
        problems += [f"{name} is used" for name in masks] + (["offset bounds"] if option(node, "offset", False) else [])
        if problems:
            return problems
        count = bounds[0].size
        if any(tensor.size != count for tensor in bounds) or count > len(source.shape) or 0 in bounds[2].value:
            return [f"bounds that do not fit {source.describe()}"]
        ranges = self.ranges(node)
        kept = [found.length for axis, found in enumerate(ranges) if not self.shrunk(node, axis)]
        if tuple(kept) != node.output.shape or min((found.length for found in ranges), default=1) < 1:
            return [f"a part of shape {tuple(kept)} instead of {node.output.shape}"]
        return same_format_problems(node, [source])

    def shrunk(self, node: Node, axis: int) -> bool:
        return bool(option(node, "shrinkAxisMask") >> axis & 1)

    def ranges(self, node: Node) -> list[Range]:
        """The places taken of every axis; axes without bounds are taken whole."""
        columns = [tensor.value.ravel().tolist() for tensor in node.inputs[1:]]
        bounds = zip(*columns, strict=True)
        found = [self.range_of(node, axis, *bound) for axis, bound in enumerate(bounds)]
        return found + [Range(0, 1, size) for size in node.inputs[0].shape[len(found) :]]

    def range_of(self, node: Node, axis: int, begin: int, end: int, step: int) -> Range:
        """Of one axis: negative bounds count from the end, bounds outside are clamped.

        Empty where one place is to be taken that lies outside: LiteRT reads what is there.
        """
        size = node.inputs[0].shape[axis]
        from_start, to_end = (option(node, mask) >> axis & 1 for mask in ("beginMask", "endMask"))
        if self.shrunk(node, axis):
            first = 0 if from_start else begin
            return Range(first % size, 1, 1 if -size <= first < size and step > 0 else 0)
        places = range(size)[None if from_start else begin : None if to_end else end : step]
        return Range(places.start, places.step, len(places))

    def lower(self, node: Node, target: Target) -> list[Statement]:
        source = node.operands()[0]
        strides, ranges = row_major(source.shape), self.ranges(node)
        offset = sum(found.start * stride for found, stride in zip(ranges, strides, strict=True))
        steps = [
            found.step * stride
            for axis, (found, stride) in enumerate(zip(ranges, strides, strict=True))
            if not self.shrunk(node, axis)
        ]
        walk = Operand(source, tuple(steps), offset)
        return [copy_loop(node, node.output.shape, whole(node.output), walk)]


class Gather(Operator):
    """GATHER and EMBEDDING_LOOKUP: parts of a table at run-time indices; indices outside are clamped."""

    types = f"{ANY}; int32 indices"
    arity = (2, 2)

    def __init__(self, name: str, table: int, indices: int) -> None:
        self.name, self._table, self._indices = name, table, indices

    def table(self, node: Node) -> Tensor:
        return node.inputs[self._table]

    def indices(self, node: Node) -> Tensor:
        return node.inputs[self._indices]

    def axis(self, node: Node) -> int:
        return normal_axis(option(node, "axis"), len(self.table(node).shape))

    def problems(self, node: Node) -> list[str]:
        table, indices, axis = self.table(node), self.indices(node), self.axis(node)
        if option(node, "batchDims") != 0 or str(indices.dtype) != "int32":
            return [f"batch dimensions, or indices {indices.describe()} instead of int32"]
        if not 0 <= axis < len(table.shape):
            return [f"axis {axis} of {table.describe()}"]
        if self.name == "EMBEDDING_LOOKUP" and (len(indices.shape) != 1 or len(table.shape) < 2):
            return [f"indices {indices.describe()} of {table.describe()}"]
        expected = table.shape[:axis] + indices.shape + table.shape[axis + 1 :]
        if node.output.shape != expected:
            return [f"{node.output.describe()} instead of {expected}"]
        if indices.is_constant and not 0 <= indices.value.min() <= indices.value.max() < table.shape[axis]:
            return [f"constant indices outside of {table.describe()}"]
        return same_format_problems(node, [table])

    def sizes(self, node: Node) -> tuple[int, int, int]:
        """(outer, places, inner): the table as three axes, of which the middle one is indexed."""
        shape, axis = self.table(node).shape, self.axis(node)
        return int(np.prod(shape[:axis])), shape[axis], int(np.prod(shape[axis + 1 :]))

    def view(self, node: Node) -> View | None:
        """Where the result lies in the table, if it is one contiguous part of it."""
        outer, places, inner = self.sizes(node)
        if outer != 1 or self.indices(node).size != 1 or self.is_packed(node):
            return None
        return View(self.table(node), 0, (Move(self.indices(node), 0, inner, places - 1),))

    def entries(self, node: Node) -> np.ndarray:
        """A constant table as (outer * places, inner)."""
        return self.table(node).value.reshape(-1, self.sizes(node)[2])

    def is_packed(self, node: Node) -> bool:
        """Whether a pass has found that the table is to be packed."""
        return option(node, "packed", False)

    def lower(self, node: Node, target: Target) -> list[Statement]:
        if self.is_packed(node):
            return self.lower_packed(node)
        outer, places, inner = self.sizes(node)
        fields = {
            "outer": outer,
            "places": places,
            "inner_bytes": inner * node.output.dtype.itemsize,
            "count": self.indices(node).size,
        }
        inputs = [self.table(node), self.indices(node)]
        return [Call(self.name, node.name, "gather", Struct("tz_gather_t", fields), inputs, [node.output])]

    def lower_packed(self, node: Node) -> list[Statement]:
        """The look-up in a packed table, which is a parameter of the kernel."""
        outer, places, inner = self.sizes(node)
        table = self.table(node)
        packed = pack_table(self.entries(node))
        comment = f"{table.describe()}, packed: {packed.kernel}"
        fields = {
            "table": Constant(f"{table.symbol}_packed", packed.values, comment, "embedding"),
            "outer": outer,
            "places": places,
            "inner": inner,
            "count": self.indices(node).size,
        }
        struct = Struct("tz_gather_packed_t", fields)
        call = Call(self.name, node.name, packed.kernel, struct, [self.indices(node)], [node.output])
        call.header = "gather"
        return [call]


class DynamicUpdateSlice(Operator):
    """A tensor with a part replaced at run-time indices, which are clamped so that the part stays inside."""

    name = "DYNAMIC_UPDATE_SLICE"
    types = f"{ANY}; int32 indices"
    arity = (3, 3)

    def problems(self, node: Node) -> list[str]:
        source, update, indices = node.inputs
        if str(indices.dtype) != "int32" or indices.shape != (len(source.shape),):
            return [f"indices {indices.describe()} instead of int32 ({len(source.shape)})"]
        if source.shape != node.output.shape or len(update.shape) != len(source.shape):
            return [f"{update.describe()} in {source.describe()}"]
        if any(small > large for small, large in zip(update.shape, source.shape, strict=True)):
            return [f"{update.describe()} does not fit {source.describe()}"]
        return same_format_problems(node, [source, update])

    def lower(self, node: Node, target: Target) -> list[Statement]:
        """Copy what stays, unless it is there already; then write the new part."""
        source, update, indices = node.operands()
        strides = row_major(source.shape)
        moves = tuple(
            Move(indices, axis, strides[axis], source.shape[axis] - update.shape[axis])
            for axis in range(len(source.shape))
            if source.shape[axis] != update.shape[axis]
        )
        place = Tensor(f"{node.name} at its place", f"place_in_{node.output.symbol}", update.shape, update.dtype)
        place.view = View(node.output, 0, moves)
        written = copy_loop(node, update.shape, Operand(place, strides), whole(update))
        if node.output.storage is source.storage:
            return [written]
        return [copy_loop(node, source.shape, whole(node.output), whole(source)), written]


RESHAPE = Reshape("RESHAPE", reshaped, (1, 2))
EXPAND_DIMS = Reshape("EXPAND_DIMS", expanded, (2, 2))
SQUEEZE = Reshape("SQUEEZE", squeezed)
SPLIT = Split()
CONCATENATION = Concatenation()
PACK = Pack()
TRANSPOSE = Transpose()
SLICE = Slice()
STRIDED_SLICE = StridedSlice()
GATHER = Gather("GATHER", table=0, indices=1)
EMBEDDING_LOOKUP = Gather("EMBEDDING_LOOKUP", table=1, indices=0)
DYNAMIC_UPDATE_SLICE = DynamicUpdateSlice()
