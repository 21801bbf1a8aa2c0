"""ARG_MAX, ARG_MIN and CUMSUM: operators that go along one constant axis."""

from dataclasses import dataclass

import numpy as np

from textzoo.compiler.ir.graph import Node, Tensor
from textzoo.compiler.ir.program import Call, Statement, Struct
from textzoo.compiler.operators.base import Operator, Target, axes_problems, no_products, option
from textzoo.compiler.operators.movement import constant_indices, copy_loop, normal_axis, whole
from textzoo.compiler.operators.shapes import INDEX_CODES


def axis_of(node: Node) -> int:
    return normal_axis(int(node.inputs[1].value.ravel()[0]), len(node.inputs[0].shape))


def axis_problems(node: Node, *dtypes: str) -> list[str]:
    """Return the problems of an axis that is not one of the input."""
    source, axis = node.inputs
    if problems := constant_indices(axis, "the axis", *dtypes):
        return problems
    fits = axis.size == 1 and 0 <= axis_of(node) < len(source.shape)
    return [] if fits else [f"axis {axis.value.tolist()} of {source.describe()}"]


def sizes_around(node: Node) -> dict[str, int]:
    """Return the sizes of the input as three axes, of which the middle one is scanned."""
    shape, axis = node.inputs[0].shape, axis_of(node)
    return {
        "outer": int(np.prod(shape[:axis])),
        "positions": shape[axis],
        "inner": int(np.prod(shape[axis + 1 :])),
    }


@dataclass(frozen=True)
class ArgExtreme(Operator):
    """ARG_MAX and ARG_MIN: the first of equal ones.

    Attributes:
        kernels: dtype of the input -> kernel.
    """

    name: str
    kernels: dict[str, str]
    arity: tuple[int, int] = (2, 2)
    macs = no_products

    @property
    def types(self) -> str:
        return f"{', '.join(self.kernels)} to int32 or int64; constant axis"

    def problems(self, node: Node) -> list[str]:
        source = node.inputs[0]
        if problems := axis_problems(node):
            return problems
        written = INDEX_CODES.get(option(node, "outputType"))
        if str(source.dtype) not in self.kernels or str(node.output.dtype) != written:
            return [f"{source.describe()} to {node.output.describe()}"]
        axis = axis_of(node)
        if node.output.shape != source.shape[:axis] + source.shape[axis + 1 :]:
            return [f"axis {axis} of {source.describe()} to {node.output.describe()}"]
        return axes_problems(node)

    def lower(self, node: Node, target: Target) -> list[Statement]:
        """Call the kernel of int32; int64 is a copy of its result."""
        source, output = node.inputs[0], node.output
        indices = output
        if str(output.dtype) == "int64":
            indices = Tensor(f"{output.name} in 32 bits", f"{output.symbol}_places", output.shape, np.dtype("int32"))
        struct, kernel = Struct("tz_arg_max_t", sizes_around(node)), self.kernels[str(source.dtype)]
        found = Call(self.name, node.name, kernel, struct, [source], [indices], header="arg_max")
        return [found] if indices is output else [found, copy_loop(node, output.shape, whole(output), whole(indices))]


class CumSum(Operator):
    """CUMSUM: the sum of everything up to each element, which wraps around."""

    name = "CUMSUM"
    types = "int32 or int64; constant axis"
    arity = (2, 2)
    kernels = {"int32": "cumsum_s32", "int64": "cumsum_s64"}  # noqa: RUF012
    macs = no_products

    def problems(self, node: Node) -> list[str]:
        source, output = node.inputs[0], node.output
        if problems := axis_problems(node, "int32"):
            return problems
        fits = str(source.dtype) in self.kernels and source.dtype == output.dtype and source.shape == output.shape
        return [] if fits else [f"{source.describe()} to {output.describe()} instead of {' or '.join(self.kernels)}"]

    def lower(self, node: Node, target: Target) -> list[Statement]:
        flags = {name: int(option(node, name, False)) for name in ("exclusive", "reverse")}
        struct = Struct("tz_cumsum_t", {**sizes_around(node), **flags})
        kernel = self.kernels[str(node.output.dtype)]
        return [Call(self.name, node.name, kernel, struct, [node.inputs[0]], [node.output], header="cumsum")]


ARG_MAX = ArgExtreme("ARG_MAX", {"int8": "arg_max_s8", "int32": "arg_max_s32", "bool": "arg_max_u8"})
ARG_MIN = ArgExtreme("ARG_MIN", {"int8": "arg_min_s8", "int32": "arg_min_s32", "bool": "arg_min_u8"})
CUMSUM = CumSum()
