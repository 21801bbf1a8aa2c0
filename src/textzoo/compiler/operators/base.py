"""What a row of the table of operators promises, and what most rows need."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from textzoo.compiler.ir.graph import Node, Tensor, View
from textzoo.compiler.ir.program import Loop, Operand, Statement, Struct
from textzoo.compiler.numerics.fixedpoint import Factor, quantize_multiplier
from textzoo.compiler.packing.choice import BALANCED
from textzoo.compiler.packing.registry import FULLY_CONNECTED_S8

INTEGER_RANGES = {"int8": (-128, 127), "int16": (-32768, 32767)}
QUANTIZED_RANGES = {**INTEGER_RANGES, "int32": (-(2**31), 2**31 - 1)}
# The generated loops have one letter per axis.
MAX_AXES = 6
ANY_NUMBER = 1_000_000


class Activation(IntEnum):
    """The schema's ActivationFunctionType, as far as LiteRT takes it into account."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3


# The real interval that each clamps to.
ACTIVATION_BOUNDS = {
    Activation.NONE: (None, None),
    Activation.RELU: (0.0, None),
    Activation.RELU_N1_TO_1: (-1.0, 1.0),
    Activation.RELU6: (0.0, 6.0),
}


@dataclass(frozen=True)
class Target:
    """What the code is compiled for.

    Attributes:
        variant: Preferred kernels, a folder of deployment/runtime. A kernel that has no such variant stays generic.
        weights: deployment.weights: which forms of packed weights are wanted.
        kernels: What this means for the model: kernels of FULLY_CONNECTED int8, in the order in which they are
            tried for a matrix. The compiler fills it in.
        cores: 2 where matrix products are shared by two cores.
    """

    variant: str = "generic"
    weights: str = BALANCED
    kernels: tuple[str, ...] = FULLY_CONNECTED_S8
    cores: int = 1


class Operator(ABC):
    """One row of the table.

    Attributes:
        name: As in the schema's BuiltinOperator; fused ones have names of their own.
        types: For the description: which tensors it takes.
        arity: Fewest and most inputs; those above the fewest may be left out, unless there may be any number.
        outputs: How many; 0 for any number.
        same_scale: The inputs that have the type, scale and zero point of the output, as a slice of all inputs.
    """

    name: str
    types: str
    arity: tuple[int, int] = (1, 1)
    outputs: int = 1
    same_scale: slice = slice(0)

    def arity_problems(self, node: Node) -> list[str]:
        """Return the problems of inputs and outputs that are missing or too many: `problems` may rely on them."""
        fewest, most = self.arity
        required = node.inputs if most == ANY_NUMBER else node.inputs[:fewest]
        if not fewest <= len(node.inputs) <= most or any(tensor is None for tensor in required):
            return [f"{len(node.operands())} inputs"]
        return [f"{len(node.outputs)} outputs"] if self.outputs not in (0, len(node.outputs)) else []

    @abstractmethod
    def problems(self, node: Node) -> list[str]:
        """Return why a node cannot be compiled, in a few words each; empty if it can. Follows `arity_problems`."""

    @abstractmethod
    def lower(self, node: Node, target: Target) -> list[Statement]:
        """Return the statements that compute the node; only called where there are no problems."""

    @abstractmethod
    def macs(self, node: Node) -> int:
        """Return the multiplications of products of matrices in one step, all positions of a cache counted."""

    def tied(self, node: Node) -> list[Tensor]:
        """Return the inputs of `same_scale`."""
        return [tensor for tensor in node.inputs[self.same_scale] if tensor is not None]

    def alias(self, node: Node) -> View | None:
        """Return where the output is inside an input, if it is one contiguous part of it, such as a row of a table."""
        return None

    def copies(self, node: Node) -> list[Loop]:
        """Return loops that copy every output element once, where that is all the operator does.

        Empty for other operators. Either side of a loop may be an alias of the other one: see `lower`.
        """
        return []

    def movement(self, node: Node) -> list[Loop]:
        """Return the same where an element may be written again: by an update after a copy."""
        return self.copies(node)

    def has_table(self, node: Node) -> bool:
        """Return whether the node is computed by a look-up table of 256 int8 entries."""
        return False

    def table_s8(self, node: Node) -> np.ndarray:
        """Return the outputs for the inputs -128 to 127, (256,) int8; only called where `has_table`."""
        raise NotImplementedError

    def table_read(self, node: Node) -> Tensor | None:
        """Return the table of which the node reads entries at run-time indices, if that is what it does."""
        return None

    def entries(self, node: Node) -> np.ndarray:
        """Return the constant table (..., length) as (entries, length); only asked for where there is one to read."""
        raise NotImplementedError

    def unpacks(self, node: Node, weights: Tensor) -> bool:
        """Return whether a kernel of the node can read these constant int8 weights, or this table, packed."""
        return self.table_read(node) is weights

    def known_value(self, node: Node) -> np.ndarray | None:
        """Return the output of an operator that needs no values of tensors but constants; None for all others."""
        return None

    def operands_apart(self, node: Node) -> list[Tensor]:
        """Return the operands whose memory the output must not be written to."""
        return node.operands()


def no_products(self: Operator, node: Node) -> int:
    """Return 0: `macs` of an operator without products of matrices."""
    return 0


def operands_of_other_shape(self: Operator, node: Node) -> list[Tensor]:
    """Return operands of another shape, and views: `operands_apart` of an operator that works element by element."""
    return [operand for operand in node.operands() if operand.view is not None or operand.shape != node.output.shape]


def quantized(tensor: Tensor | None, *dtypes: str, shifted: bool = False) -> list[str]:
    """Return the problems of a tensor that must be quantized as a whole, with one of the dtypes.

    Args:
        tensor: It.
        dtypes: Those that are taken.
        shifted: Whether int16 may have a zero point, as for few of LiteRT's kernels.
    """
    if tensor is None:
        return ["an input is left out"]
    if str(tensor.dtype) not in dtypes:
        return [f"{tensor.describe()} instead of {' or '.join(dtypes)}"]
    if len(tensor.scales) != 1:
        return [f"{tensor.describe()} with {len(tensor.scales)} scales instead of one"]
    if not shifted and (problems := unshifted(tensor)):
        return problems
    low, high = QUANTIZED_RANGES[str(tensor.dtype)]
    return [] if low <= tensor.zero_point <= high else [f"{tensor.describe()} with zero point {tensor.zero_point}"]


def unshifted(tensor: Tensor) -> list[str]:
    """Return the problems of a tensor of int16 whose zero point is not 0."""
    is_shifted = str(tensor.dtype) == "int16" and tensor.zero_point != 0
    return [f"{tensor.describe()} with zero point {tensor.zero_point} instead of 0"] if is_shifted else []


def format_problems(tensor: Tensor, scale: float, zero_point: int) -> list[str]:
    """Return the problems of an output for which LiteRT takes only one scale and zero point."""
    if (tensor.scale, tensor.zero_point) == (scale, zero_point):
        return []
    return [f"an output of scale {tensor.scale:g} and zero point {tensor.zero_point}, not {scale:g} and {zero_point}"]


def constant(tensor: Tensor | None, what: str) -> list[str]:
    """Return the problems of an input that must be known when compiling."""
    return [] if tensor is not None and tensor.is_constant else [f"{what} must be a constant"]


def factor_problems(*reals: float) -> list[str]:
    """Return the problems of factors between scales that do not fit the kernels."""
    problems = []
    for real in reals:
        try:
            quantize_multiplier(real)
        except ValueError as error:
            problems.append(str(error))
    return problems


def hoisted_struct(factor: Factor, zero_point: int) -> Struct:
    """Return a factor and a zero point as `tz_scale_hoisted` takes them; see `can_hoist`.

    A shift of 0, allowed for a factor of 1/2 and even values only, becomes doubling first and halving afterwards.
    """
    left = max(factor.shift, 0) + (factor.shift == 0)
    fields = {"multiplier": factor.multiplier, "left": left + 1, "right": left - factor.shift - 1}
    return Struct("tz_hoisted_t", {**fields, "offset": 2 * zero_point + 1})


def can_hoist(factor: Factor, largest: int, even: bool = False) -> bool:
    """Return whether `tz_scale_hoisted` gives the same as `tz_scale_double`.

    Args:
        factor: Must be below 1/2; or 1/2 for even values, where nothing is rounded.
        largest: Size of the largest value.
        even: Whether all values are even, such as the raised operands of ADD and SUB.
    """
    is_half = even and factor == Factor(2**30, 0)
    left = max(factor.shift, 0) + is_half + 1
    return (factor.shift < 0 or is_half) and largest << left < 2**31


def scale_struct(factor: Factor, zero_point: int) -> Struct:
    return Struct("tz_scale_t", {"zero_point": zero_point, "multiplier": factor.multiplier, "shift": factor.shift})


def activation_range(tensor: Tensor, activation: int = Activation.NONE) -> tuple[int, int]:
    """Return the smallest and the largest integer of an output, as CalculateActivationRangeQuantized."""
    low, high = INTEGER_RANGES[str(tensor.dtype)]
    real_low, real_high = ACTIVATION_BOUNDS[activation]
    if real_low is not None:
        low = max(low, quantize_real(real_low, tensor))
    if real_high is not None:
        high = min(high, quantize_real(real_high, tensor))
    return low, high


def quantize_real(value: float, tensor: Tensor) -> int:
    """Bring a real number to a tensor's scale: rounded half away from zero in float32."""
    ratio = float32_quotient(value, tensor.scale)
    return tensor.zero_point + int(np.trunc(ratio + np.copysign(0.5, ratio)))


def float32_quotient(a: float, b: float) -> float:
    """Return a / b in float32; infinite where that overflows."""
    with np.errstate(all="ignore"):
        return float(np.float32(a) / np.float32(b))


def activation_problems(tensor: Tensor, activation: int) -> list[str]:
    """Return the problems of an output with a fused activation."""
    if activation not in ACTIVATION_BOUNDS:
        return [f"fused activation {activation}"]
    bounds = [abs(float32_quotient(bound, tensor.scale)) for bound in ACTIVATION_BOUNDS[activation] if bound]
    return [f"an activation's bound on the scale {tensor.scale:g}"] if max(bounds, default=0) >= 2**30 else []


def range_struct(tensor: Tensor, activation: int = Activation.NONE) -> Struct:
    low, high = activation_range(tensor, activation)
    return Struct("tz_range_t", {"minimum": low, "maximum": high})


def option(node: Node, name: str, default: Any = 0) -> Any:
    """Return an option by the schema's name, or the default where the node has none."""
    value = node.options.get(name, default)
    return default if value is None else value


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides in elements of a contiguous tensor."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def broadcast_walk(tensor: Tensor, shape: tuple[int, ...]) -> Operand:
    """Return how a loop over `shape` walks over a tensor that is broadcast to it."""
    padded = (1,) * (len(shape) - len(tensor.shape)) + tensor.shape
    strides = [0 if size == 1 else step for size, step in zip(padded, row_major(padded), strict=True)]
    return Operand(tensor, tuple(strides))


def axes_problems(node: Node) -> list[str]:
    """Return the problems of tensors with more axes than loops have."""
    ranks = [len(tensor.shape) for tensor in (*node.operands(), *node.outputs)]
    return [f"{max(ranks)} axes, more than {MAX_AXES}"] if max(ranks) > MAX_AXES else []


def broadcast_problems(node: Node) -> list[str]:
    """Return the problems of inputs that cannot be broadcast to the output's shape."""
    shapes = [tensor.shape for tensor in node.operands()]
    if problems := axes_problems(node):
        return problems
    try:
        fits = np.broadcast_shapes(*shapes) == node.output.shape
    except ValueError:
        fits = False
    return [] if fits else [f"shapes {', '.join(map(str, shapes))} do not make {node.output.shape}"]
