"""Operators that only move elements: every output element is an input element."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from textzoo.compiler.ir.graph import Move, Node, Tensor, View
from textzoo.compiler.ir.program import Call, Compute, Constant, Loop, Operand, Statement, Struct, straightened
from textzoo.compiler.operators.base import (
    ANY_NUMBER,
    Activation,
    Operator,
    Target,
    axes_problems,
    constant,
    option,
    row_major,
)
from textzoo.compiler.packing.registry import pack_table

ANY = "any type"
INDEX_TYPES = ("int16", "int32", "int64")


def copy_loop(node: Node, shape: tuple[int, ...], target: Operand, source: Operand) -> Loop:
    return Loop(node.operator, node.name, shape, [Compute(target, "", [source])])


def whole(tensor: Tensor, shape: tuple[int, ...] | None = None, offset: int = 0) -> Operand:
    """A contiguous walk over a tensor, or over a part of it that has `shape` and begins at `offset`."""
    return Operand(tensor, row_major(tensor.shape if shape is None else shape), offset)


def part(tensor: Tensor, axis: int, start: int) -> Operand:
    """A walk over the part of a tensor that begins at `start` of an axis."""
    strides = row_major(tensor.shape)
    return Operand(tensor, strides, start * strides[axis])


class Rearrangement(Operator):
    """An operator whose outputs are made of its inputs' elements by `copies`."""

    def lower(self, node: Node, target: Target) -> list[Statement]:
        """Copy what a pass has not made a view: one that belongs to two places lies at one of them only."""
        return [loop for loop in self.copies(node) if not lies_there(loop)]


def lies_there(loop: Loop) -> bool:
    """Whether a loop copies elements to where they are; the stride of an axis of size 1 does not matter."""
    (compute,) = straightened(loop).body
    return compute.operands[0].same_walk(compute.target)


def moved(index: Tensor, element: int, stride: int, limit: int) -> tuple[int, tuple[Move, ...]]:
    """What an index adds to a place, clamped to [0, limit]: elements where it is a constant, or else a move."""
    if not index.is_constant:
        return 0, (Move(index, element, stride, limit),)
    return int(np.clip(index.value.ravel()[element], 0, limit)) * stride, ()


def same_format_problems(node: Node, sources: list[Tensor]) -> list[str]:
    """Problems of a node that would have to convert elements while moving them."""
    wanted = (node.output.dtype, node.output.scales, node.output.zero_points)
    tensors = (*sources, *node.outputs)
    different = [tensor for tensor in tensors if (tensor.dtype, tensor.scales, tensor.zero_points) != wanted]
    problems = [f"{tensor.describe()} has another type or scale than the output" for tensor in different]
    return problems or axes_problems(node)


def no_bool_problems(tensor: Tensor) -> list[str]:
    """Problems of operators that LiteRT has for all types but bool."""
    return [f"{tensor.describe()}, which LiteRT does not take"] if str(tensor.dtype) == "bool" else []


def normal_axis(axis: int, rank: int) -> int:
    return axis + rank if axis < 0 else axis


def constant_indices(tensor: Tensor, what: str, *dtypes: str) -> list[str]:
    """Problems of axes, sizes and the like, which must be known when compiling; int32 or int64 where none is given."""
    dtypes = dtypes or ("int32", "int64")
    wrong = [f"{what}: {tensor.describe()} instead of {' or '.join(dtypes)}"] if str(tensor.dtype) not in dtypes else []
    return constant(tensor, what) or wrong


def in_32_bits(node: Node, indices: Tensor, function: str = "tz_saturate_s32") -> tuple[Tensor, list[Statement]]:
    """Indices as kernels take them, and the statements that make these of other ones.

    Args:
        node: Whose indices they are.
        indices: int16, int32 or int64.
        function: What is done with those of 64 bits that do not fit.
    """
    if str(indices.dtype) == "int32":
        return indices, []
    narrow = Tensor(f"{indices.name} in 32 bits", f"{indices.symbol}_s32", indices.shape, np.dtype("int32"))
    walk, shape = Operand(indices, (1,)), (indices.size,)
    wide = str(indices.dtype) == "int64"
    compute = Compute(Operand(narrow, (1,)), function if wide else "", [walk])
    return narrow, [Loop(node.operator, narrow.name, shape, [compute])]


@dataclass(frozen=True)
class Reshape(Rearrangement):
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
        if len(node.inputs) > 1 and (problems := constant_indices(node.inputs[1], "the second input")):
            return problems
        if self.shape(node) != node.output.shape or source.size != node.output.size:
            return [f"{source.describe()} does not make {node.output.describe()}"]
        return same_format_problems(node, [source])

    def copies(self, node: Node) -> list[Loop]:
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


class Split(Rearrangement):
    name = "SPLIT"
    types = "any type but bool; equal parts along a constant axis"
    arity = (2, 2)
    outputs = 0

    def problems(self, node: Node) -> list[str]:
        axis, source = node.inputs
        problems = constant_indices(axis, "the axis") + no_bool_problems(source)
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

    def copies(self, node: Node) -> list[Loop]:
        return [copy_loop(node, output.shape, whole(output), source) for output, source in self.parts(node)]


class Concatenation(Rearrangement):
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

    def copies(self, node: Node) -> list[Loop]:
        return [copy_loop(node, source.shape, place, whole(source)) for source, place in self.parts(node)]


class Pack(Rearrangement):
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

    def copies(self, node: Node) -> list[Loop]:
        return [copy_loop(node, source.shape, place, whole(source)) for source, place in self.parts(node)]


class Transpose(Rearrangement):
    name = "TRANSPOSE"
    types = f"{ANY}; constant permutation"
    arity = (2, 2)

    def problems(self, node: Node) -> list[str]:
        source, permutation = node.inputs
        if problems := constant_indices(permutation, "the permutation"):
            return problems
        order = [int(axis) for axis in permutation.value.ravel()]
        if sorted(order) != list(range(len(source.shape))):
            return [f"permutation {order} of {source.describe()}"]
        fits = tuple(source.shape[axis] for axis in order) == node.output.shape
        return (
            same_format_problems(node, [source]) if fits else [f"{order} of {source.shape} is not {node.output.shape}"]
        )

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

    def problems(self, node: Node) -> list[str]:
        source, given = node.inputs
        if problems := constant_indices(given, "the axes", "int32"):
            return problems
        axes, rank = self.axes(node), len(source.shape)
        if len(given.shape) != 1 or axes != list(range(axes[0], axes[0] + len(axes))):
            return [f"axes {axes}, which do not lie side by side"]
        if not 0 <= axes[0] <= axes[-1] < rank or source.shape != node.output.shape:
            return [f"axes {axes} of {source.describe()} to {node.output.describe()}"]
        return same_format_problems(node, [source])

    def axes(self, node: Node) -> list[int]:
        return sorted(normal_axis(int(axis), len(node.inputs[0].shape)) for axis in node.inputs[1].value.ravel())

    def copies(self, node: Node) -> list[Loop]:
        source, axes = node.inputs[0], self.axes(node)
        strides = row_major(source.shape)
        last = sum((source.shape[axis] - 1) * strides[axis] for axis in axes)
        walk = Operand(source, tuple(-step if axis in axes else step for axis, step in enumerate(strides)), last)
        return [copy_loop(node, source.shape, whole(node.output), walk)]


class Slice(Rearrangement):
    name = "SLICE"
    types = f"{ANY}; constant begin and size"
    arity = (3, 3)

    def problems(self, node: Node) -> list[str]:
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
        return same_format_problems(node, [source])

    def copies(self, node: Node) -> list[Loop]:
        source, begin = node.operands()[:2]
        strides = row_major(source.shape)
        offset = sum(int(start) * stride for start, stride in zip(begin.value.ravel(), strides, strict=True))
        return [copy_loop(node, node.output.shape, whole(node.output), Operand(source, strides, offset))]


@dataclass(frozen=True)
class Range:
    """start, start + step, ...: `length` places of one axis.

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

    def problems(self, node: Node) -> list[str]:
        source, *bounds = node.inputs
        problems = [text for tensor in bounds for text in constant_indices(tensor, "every bound", "int32")]
        problems += ["offset bounds"] if option(node, "offset", False) else []
        if problems or (problems := self.count_problems(node)):
            return problems
        ranges = self.ranges(node)
        kept = tuple(found.length for found in ranges if not found.shrunk)
        if kept != node.output.shape or min((found.length for found in ranges), default=1) < 1:
            return [f"a part of shape {kept} instead of {node.output.shape}"]
        return same_format_problems(node, [source])

    def count_problems(self, node: Node) -> list[str]:
        """Problems of bounds that do not belong to the axes."""
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
        """What is done with each triple of bounds: the first mask that has its bit, or a range."""
        masks = {"ellipsis": "ellipsisMask", "new": "newAxisMask", "shrunk": "shrinkAxisMask"}
        bits = {mark: option(node, mask) for mark, mask in masks.items()}
        places = range(node.inputs[1].size)
        return [next((mark for mark, mask in bits.items() if mask >> place & 1), "range") for place in places]

    def axes_left(self, node: Node) -> int:
        """How many axes have no bounds: an ellipsis stands for all of them."""
        return len(node.inputs[0].shape) - sum(mark in ("shrunk", "range") for mark in self.marks(node))

    def ranges(self, node: Node) -> list[Range]:
        """What becomes of every axis, new ones among them; axes without bounds are taken whole."""
        whole_axes = [Range(0, 1, size, axis) for axis, size in enumerate(node.inputs[0].shape)]
        found, axis = [], 0
        for place, mark in enumerate(self.marks(node)):
            if mark == "new":
                found.append(Range(0, 1, 1))
            elif mark == "ellipsis":
                found += whole_axes[axis : axis + self.axes_left(node)]
                axis += self.axes_left(node)
            else:
                found.append(self.range_of(node, place, axis, shrunk=mark == "shrunk"))
                axis += 1
        return found + whole_axes[axis:]

    def range_of(self, node: Node, place: int, axis: int, shrunk: bool) -> Range:
        """Of one axis: negative bounds count from the end, bounds outside are clamped.

        Empty where one place is to be taken that lies outside: LiteRT reads what is there.
        """
        size = node.inputs[0].shape[axis]
        begin, end, step = (int(tensor.value.ravel()[place]) for tensor in node.inputs[1:])
        from_start, to_end = (option(node, mask) >> place & 1 for mask in ("beginMask", "endMask"))
        if shrunk:
            first = 0 if from_start else begin
            length = 1 if -size <= first < size and step > 0 else 0
            return Range(first % size, 1, length, axis, shrunk=True)
        places = range(size)[None if from_start else begin : None if to_end else end : step]
        return Range(places.start, places.step, len(places), axis)

    def copies(self, node: Node) -> list[Loop]:
        source = node.operands()[0]
        strides, ranges = row_major(source.shape), self.ranges(node)
        offset = sum(found.start * strides[found.axis] for found in ranges if found.axis is not None)
        steps = [0 if found.axis is None else found.step * strides[found.axis] for found in ranges if not found.shrunk]
        walk = Operand(source, tuple(steps), offset)
        return [copy_loop(node, node.output.shape, whole(node.output), walk)]


class Gather(Operator):
    """GATHER and EMBEDDING_LOOKUP: parts of a table at run-time indices; indices outside are clamped."""

    arity = (2, 2)

    def __init__(self, name: str, table: int, indices: int, index_types: tuple[str, ...] = ("int32",)) -> None:
        self.name, self._table, self._indices, self.index_types = name, table, indices, index_types
        self.types = f"{ANY}; {' or '.join(index_types)} indices"

    def table(self, node: Node) -> Tensor:
        return node.inputs[self._table]

    def indices(self, node: Node) -> Tensor:
        return node.inputs[self._indices]

    def axis(self, node: Node) -> int:
        return normal_axis(option(node, "axis"), len(self.table(node).shape))

    def batch_axes(self, node: Node) -> int:
        """How many axes table and indices have in common."""
        return normal_axis(option(node, "batchDims"), len(self.indices(node).shape))

    def problems(self, node: Node) -> list[str]:
        table, indices, axis, batch = self.table(node), self.indices(node), self.axis(node), self.batch_axes(node)
        if str(indices.dtype) not in self.index_types:
            return [f"indices {indices.describe()} instead of {' or '.join(self.index_types)}"]
        if not 0 <= axis < len(table.shape):
            return [f"axis {axis} of {table.describe()}"]
        if not 0 <= batch <= min(axis, len(indices.shape)) or table.shape[:batch] != indices.shape[:batch]:
            return [f"{batch} batch dimensions of {table.describe()} and {indices.describe()}"]
        if self.name == "EMBEDDING_LOOKUP" and (len(indices.shape) != 1 or len(table.shape) < 2):
            return [f"indices {indices.describe()} of {table.describe()}"]
        expected = table.shape[:axis] + indices.shape[batch:] + table.shape[axis + 1 :]
        if node.output.shape != expected:
            return [f"{node.output.describe()} instead of {expected}"]
        if indices.is_constant and not 0 <= indices.value.min() <= indices.value.max() < table.shape[axis]:
            return [f"constant indices outside of {table.describe()}"]
        return same_format_problems(node, [table])

    def batches(self, node: Node) -> int:
        """How many tables there are, each with indices of its own."""
        return int(np.prod(self.table(node).shape[: self.batch_axes(node)]))

    def sizes(self, node: Node) -> tuple[int, int, int]:
        """(outer, places, inner): the table of one batch as three axes, of which the middle one is indexed."""
        shape, axis = self.table(node).shape, self.axis(node)
        return int(np.prod(shape[self.batch_axes(node) : axis])), shape[axis], int(np.prod(shape[axis + 1 :]))

    def view(self, node: Node) -> View | None:
        """Where the result lies in the table, if it is one contiguous part of it."""
        outer, places, inner = self.sizes(node)
        indices = self.indices(node)
        if outer != 1 or indices.size != 1 or str(indices.dtype) != "int32" or self.is_packed(node):
            return None
        return View(self.table(node), *moved(indices, 0, inner, places - 1))

    def entries(self, node: Node) -> np.ndarray:
        """A constant table as (batches * outer * places, inner)."""
        return self.table(node).value.reshape(-1, self.sizes(node)[2])

    def is_packed(self, node: Node) -> bool:
        """Whether a pass has found that the table is to be packed."""
        return option(node, "packed", False)

    def lower(self, node: Node, target: Target) -> list[Statement]:
        table, (indices, statements) = self.table(node), in_32_bits(node, self.indices(node))
        outer, places, inner = self.sizes(node)
        batches = self.batches(node)
        counts = {"batches": batches, "outer": outer, "entries": places, "count": indices.size // batches}
        if self.is_packed(node):
            return [*statements, self.packed_call(node, {**counts, "inner": inner}, indices)]
        struct = Struct("tz_gather_t", {**counts, "inner_bytes": inner * table.dtype.itemsize})
        return [*statements, Call(self.name, node.name, "gather", struct, [table, indices], [node.output])]

    def packed_call(self, node: Node, counts: dict[str, int], indices: Tensor) -> Call:
        """The look-up in a packed table, which is a parameter of the kernel."""
        table = self.table(node)
        packed = pack_table(self.entries(node))
        comment = f"{table.describe()}, packed: {packed.kernel}"
        stored = Constant(f"{table.symbol}_packed", packed.values, comment, "embedding")
        struct = Struct("tz_gather_packed_t", {"table": stored, **counts})
        return Call(self.name, node.name, packed.kernel, struct, [indices], [node.output], header="gather")


class DynamicUpdateSlice(Operator):
    """A tensor with a part replaced at run-time indices, which are clamped so that the part stays inside."""

    name = "DYNAMIC_UPDATE_SLICE"
    types = f"{ANY}; int32 indices, or constant ones of int64"
    arity = (3, 3)

    def problems(self, node: Node) -> list[str]:
        source, update, indices = node.inputs
        dtypes = ("int32", "int64") if indices.is_constant else ("int32",)
        if str(indices.dtype) not in dtypes or indices.shape != (len(source.shape),):
            return [f"indices {indices.describe()} instead of int32 {len(source.shape)}"]
        if source.shape != node.output.shape or len(update.shape) != len(source.shape):
            return [f"{update.describe()} in {source.describe()}"]
        if any(small > large for small, large in zip(update.shape, source.shape, strict=True)):
            return [f"{update.describe()} does not fit {source.describe()}"]
        return same_format_problems(node, [source, update])

    def lower(self, node: Node, target: Target) -> list[Statement]:
        """Copy what stays, unless it is there already; then write the new part."""
        stays, written = self.movement(node)
        return [written] if lies_there(stays) else [stays, written]

    def movement(self, node: Node) -> list[Loop]:
        """The copy of the whole operand, and that of the new part over it."""
        source, update, indices = node.operands()
        strides = row_major(source.shape)
        moves = [
            moved(indices, axis, strides[axis], source.shape[axis] - update.shape[axis])
            for axis in range(len(source.shape))
            if source.shape[axis] != update.shape[axis]
        ]
        place = Tensor(f"{node.name} at its place", f"place_in_{node.output.symbol}", update.shape, update.dtype)
        place.view = View(node.output, sum(offset for offset, _ in moves), sum((move for _, move in moves), ()))
        stays = copy_loop(node, source.shape, whole(node.output), whole(source))
        return [stays, copy_loop(node, update.shape, Operand(place, strides), whole(update))]


RESHAPE = Reshape("RESHAPE", reshaped, (1, 2))
EXPAND_DIMS = Reshape("EXPAND_DIMS", expanded, (2, 2))
SQUEEZE = Reshape("SQUEEZE", squeezed)
SPLIT = Split()
CONCATENATION = Concatenation()
PACK = Pack()
TRANSPOSE = Transpose()
REVERSE_V2 = Reverse()
SLICE = Slice()
STRIDED_SLICE = StridedSlice()
GATHER = Gather("GATHER", table=0, indices=1, index_types=INDEX_TYPES)
EMBEDDING_LOOKUP = Gather("EMBEDDING_LOOKUP", table=1, indices=0)
DYNAMIC_UPDATE_SLICE = DynamicUpdateSlice()
