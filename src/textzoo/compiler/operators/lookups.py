"""Functions of one value. For int8 each is a table of 256 entries, filled by LiteRT's reference kernel itself."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from textzoo.compiler.graph import Node, Tensor
from textzoo.compiler.operators.base import Operator, Target, broadcast_walk
from textzoo.compiler.operators.elementwise import same_type_problems
from textzoo.compiler.program import Compute, Constant, Loop, Statement, Struct
from textzoo.compiler.single_op import Tensor as SingleTensor
from textzoo.compiler.single_op import build, run_reference
from textzoo.compiler.tables import interpolation_table

WideTable = Callable[[Node], np.ndarray]


@dataclass(frozen=True)
class LookUp(Operator):
    """A function of one int8 or int16 value.

    Attributes:
        wide_table: Makes LiteRT's table of 513 entries for int16; None where int16 is not supported.
        smallest: The real value below which LiteRT refuses to compute; the device gives the largest output there.
    """

    name: str
    wide_table: WideTable | None = None
    smallest: float | None = None

    @property
    def types(self) -> str:
        return "int8 or int16, one scale per tensor" if self.wide_table else "int8, one scale per tensor"

    def problems(self, node: Node) -> list[str]:
        dtypes = ("int8", "int16") if self.wide_table else ("int8",)
        problems = same_type_problems(node, *dtypes)
        return problems or ([] if node.operands()[0].shape == node.output.shape else ["input and output shapes differ"])

    def lower(self, node: Node, target: Target) -> list[Statement]:
        source, shape = node.operands()[0], node.output.shape
        width = "s8" if str(source.dtype) == "int8" else "s16"
        values = self.narrow_table(node) if width == "s8" else self.wide_table(node)
        table = Constant(f"{node.output.symbol}_table", values, f"({len(values)}) {self.name}", "table")
        struct = Struct(f"tz_look_up_{width}_t", {"table": table})
        walks = [broadcast_walk(source, shape)]
        compute = Compute(broadcast_walk(node.output, shape), f"tz_look_up_{width}", walks, struct)
        return [Loop(self.name, node.name, shape, [compute])]

    def narrow_table(self, node: Node) -> np.ndarray:
        """(256,) int8: the outputs for the inputs -128 to 127."""
        inputs = np.arange(-128, 128).astype(np.int8)
        first = 0 if self.smallest is None else max(node.operands()[0].zero_point + 128, 0)
        table = np.full(256, 127, np.int8)
        table[first:] = reference_values(node, inputs[first:])
        return table


def reference_values(node: Node, values: np.ndarray) -> np.ndarray:
    """What LiteRT's reference kernel makes of values (n,): the node with other shapes."""
    source = node.operands()[0]
    options = {key: value for key, value in node.options.items() if value is not None}
    model = build(node.operator, options, [single(source, len(values))], [single(node.output, len(values))])
    return run_reference(model, values)[0]


def single(tensor: Tensor, size: int) -> SingleTensor:
    return SingleTensor((size,), str(tensor.dtype), tensor.scale, tensor.zero_point)


def rsqrt_table(node: Node) -> np.ndarray:
    """1 / sqrt(x) in float32; the largest output for what is not positive."""
    source, output = node.operands()[0], node.output
    largest = np.float32(32767) * np.float32(output.scale)

    def function(values: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.where(values <= 0, largest, np.float32(1) / np.sqrt(values)).astype(np.float32)

    return interpolation_table(function, (source.scale, 0), (output.scale, 0))


RSQRT = LookUp("RSQRT", rsqrt_table, smallest=0.0)
LOGISTIC = LookUp("LOGISTIC")
TANH = LookUp("TANH")
GELU = LookUp("GELU")
RELU = LookUp("RELU")
RELU6 = LookUp("RELU6")
RELU_N1_TO_1 = LookUp("RELU_N1_TO_1")
