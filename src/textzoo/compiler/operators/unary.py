"""Functions of one value as look-up tables, filled with what LiteRT's reference kernels themselves compute.

int8: 256 entries. int16: 513 entries to be interpolated (RSQRT, GELU, EXP, LOG), one curve for every model (LOGISTIC,
TANH), a requantization (RELU, RELU6), or the roundings of float32 (SQRT).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from textzoo.compiler.ir.graph import Node, Tensor
from textzoo.compiler.ir.program import Compute, Constant, Loop, Statement, Struct
from textzoo.compiler.numerics.fixedpoint import float32, quantize_multiplier
from textzoo.compiler.numerics.tables import interpolation_table, sigmoid_curve
from textzoo.compiler.operators.base import (
    Activation,
    Operator,
    Target,
    activation_problems,
    axes_problems,
    broadcast_walk,
    factor_problems,
    float32_quotient,
    no_products,
    operands_of_other_shape,
)
from textzoo.compiler.operators.elementwise import SMALLEST_SCALE, Function, requantization, same_type_problems
from textzoo.compiler.operators.power_scales import doubtful_problems, power_of_two
from textzoo.compiler.tflite.single_operator import Tensor as SingleTensor
from textzoo.compiler.tflite.single_operator import build, run_reference

# Steps of the int16 kernels' argument in 1: 2**12 of the kernel, times 3.
SIGMOID_STEPS = 4096.0 * 3.0


def no_problems(node: Node) -> list[str]:
    return []


@dataclass(frozen=True)
class LookUp(Operator):
    """A function of one int8 or int16 value.

    Attributes:
        wide: What computes int16; None where LiteRT does not.
        check: Further problems of a node.
        smallest: The real value below which LiteRT refuses to compute. The device gives there what it gives for that
            value; RSQRT, within 128 steps of int16, something between that and the smallest value's.
        shifted: Whether int16 may have zero points.
    """

    name: str
    wide: Callable[[Node], Function] | None = None
    check: Callable[[Node], list[str]] = no_problems
    smallest: float | None = None
    macs = no_products
    operands_apart = operands_of_other_shape
    shifted: bool = False

    @property
    def types(self) -> str:
        return "int8 or int16, one scale per tensor" if self.wide else "int8, one scale per tensor"

    def problems(self, node: Node) -> list[str]:
        dtypes = ("int8", "int16") if self.wide else ("int8",)
        source = node.operands()[0]
        problems = same_type_problems(node, *dtypes, shifted=self.shifted) or axes_problems(node)
        if problems or source.shape != node.output.shape:
            return problems or ["input and output shapes differ"]
        if self.smallest is not None and source.is_constant and source.value.min() < source.zero_point:
            return ["a constant with negative values"]
        return self.check(node)

    def lower(self, node: Node, target: Target) -> list[Statement]:
        source, shape = node.operands()[0], node.output.shape
        function, struct = self.wide(node) if str(source.dtype) == "int16" else self.narrow(node)
        compute = Compute(broadcast_walk(node.output, shape), function, [broadcast_walk(source, shape)], struct)
        return [Loop(self.name, node.name, shape, [compute])]

    def narrow(self, node: Node) -> Function:
        """Return the look-up of int8."""
        return "tz_look_up_s8", table_struct(node, "tz_look_up_s8_t", self.table_s8(node))

    def has_table(self, node: Node) -> bool:
        return str(node.output.dtype) == "int8"

    def table_s8(self, node: Node) -> np.ndarray:
        inputs = np.arange(-128, 128).astype(np.int8)
        first = 0 if self.smallest is None else node.operands()[0].zero_point + 128
        found = reference_values(node, inputs[first:])
        return np.concatenate([np.full(first, found[0]), found])


def table_struct(node: Node, kind: str, values: np.ndarray) -> Struct:
    table = Constant(f"{node.output.symbol}_table", values, f"({len(values)}) {node.operator}", "table")
    return Struct(kind, {"table": table})


def reference_values(node: Node, values: np.ndarray) -> np.ndarray:
    """Return what LiteRT's reference kernel computes of values (n,): the node with other shapes."""
    source = node.operands()[0]
    options = {key: value for key, value in node.options.items() if value is not None}
    model = build(node.operator, options, [single(source, len(values))], [single(node.output, len(values))])
    return run_reference(model, values)[0]


def single(tensor: Tensor, size: int) -> SingleTensor:
    return SingleTensor((size,), str(tensor.dtype), tensor.scale, tensor.zero_point)


# ---- int16 ----


def interpolated(node: Node) -> Function:
    """Compute GELU, EXP, LOG: the table behind LiteRT's outputs for all inputs."""
    values = np.arange(-32768, 32768).astype(np.int16)
    return "tz_look_up_s16", table_struct(node, "tz_look_up_s16_t", interpolation_table(reference_values(node, values)))


def interpolated_from_zero(node: Node) -> Function:
    """Compute RSQRT: the same for inputs that are not negative; LiteRT computes no others."""
    outputs = np.full(65536, 32767, np.int16)
    outputs[32768:] = reference_values(node, np.arange(32768).astype(np.int16))
    return "tz_look_up_s16", table_struct(node, "tz_look_up_s16_t", interpolation_table(outputs, first=256))


def sigmoid(function: str, lefts: tuple[int, ...]) -> Callable[[Node], Function]:
    """Compute LOGISTIC and TANH.

    Args:
        function: Of the runtime.
        lefts: For which shifts the kernel multiplies by a power of two instead of a fraction.
    """

    def choose(node: Node) -> Function:
        struct = table_struct(node, "tz_sigmoid_s16_t", sigmoid_curve())
        struct.fields["multiplier"], struct.fields["shift"] = sigmoid_argument(node.operands()[0].scale, lefts)
        return function, struct

    return choose


def sigmoid_argument(scale: float, lefts: tuple[int, ...]) -> tuple[int, int]:
    """Return multiplier and right shift from the input to the kernel's argument."""
    exponent = power_of_two(scale)
    if exponent is not None and exponent + 12 in lefts:
        return 3 << (exponent + 12), 0
    real, shift = float32(scale) * SIGMOID_STEPS, 0
    while real <= 32767.0 / 2.0 and shift <= 30:
        real, shift = real * 2.0, shift + 1
    return int(real), shift


def check_logistic(node: Node) -> list[str]:
    wanted = 1 / 256 if str(node.output.dtype) == "int8" else 1 / 32768
    exact = node.output.scale == wanted
    return check_sigmoid_input(node) if exact else [f"an output scale of {node.output.scale!r} instead of {wanted}"]


def check_tanh(node: Node) -> list[str]:
    if str(node.output.dtype) == "int8":
        return []
    if problems := doubtful_problems(node.output.scale):
        return problems
    if power_of_two(node.output.scale) != -15:
        return [f"an output scale of {node.output.scale!r} instead of {1 / 32768}"]
    return check_sigmoid_input(node)


def check_sigmoid_input(node: Node) -> list[str]:
    source = node.operands()[0]
    if str(source.dtype) == "int8":
        return []
    # LiteRT takes a multiplier of 0 for the mark of a power of two.
    is_held = 2.0**-31 <= float32(source.scale) * SIGMOID_STEPS < 2.0**31
    return doubtful_problems(source.scale) if is_held else [f"an input scale of {source.scale:g}"]


def relu_factor(node: Node) -> float:
    """Return the factor in float32, unlike QUANTIZE's."""
    return float32_quotient(node.operands()[0].scale, node.output.scale)


def clamped(activation: int) -> Callable[[Node], Function]:
    def choose(node: Node) -> Function:
        return requantization(node, quantize_multiplier(relu_factor(node)), activation)

    return choose


def check_relu(node: Node) -> list[str]:
    return factor_problems(relu_factor(node)) or activation_problems(node.output, Activation.RELU6)


# ---- SQRT, HARD_SWISH ----


def square_root(node: Node) -> Function:
    """Compute SQRT of int16."""
    fields = {"input": real_struct(node.operands()[0].scale), "output": real_struct(node.output.scale)}
    return "tz_square_root", Struct("tz_square_root_t", fields)


def real_struct(scale: float) -> Struct:
    """Return a float32 number as an integer of 24 bits and a power of two."""
    mantissa, exponent = math.frexp(float32(scale))
    return Struct("tz_real_t", {"mantissa": int(mantissa * 2**24), "exponent": exponent - 24})


def check_root(node: Node) -> list[str]:
    """Return the problems of scales near float32's limits, or of roots beyond 31 bits: LiteRT gives anything there."""
    scales = [tensor.scale for tensor in (node.operands()[0], node.output)]
    if not all(SMALLEST_SCALE <= scale <= 1 / SMALLEST_SCALE for scale in scales):
        return [f"scales of {scales[0]:g} and {scales[1]:g}"]
    largest = math.sqrt(2.0**16 * scales[0]) / scales[1]
    return [] if largest < 2.0**30 else [f"roots up to {largest:g} times the output's scale"]


def check_hard_swish(node: Node) -> list[str]:
    """Return the problems of an input scale above 128 times the output's, which LiteRT refuses."""
    source, output = np.float32(node.operands()[0].scale), np.float32(node.output.scale)
    with np.errstate(all="ignore"):
        real = float(source / np.float32(128) / output)
        slope = float(source / np.float32(128) / np.float32(3 / 32768))
    if problems := factor_problems(real, slope):
        return problems
    return [] if quantize_multiplier(real).shift <= 0 else ["an input scale of more than 128 times the output's"]


RSQRT = LookUp("RSQRT", interpolated_from_zero, smallest=0.0)
GELU = LookUp("GELU", interpolated, shifted=True)
LOGISTIC = LookUp("LOGISTIC", sigmoid("tz_logistic_s16", (0,)), check_logistic)
TANH = LookUp("TANH", sigmoid("tz_tanh_s16", (0, 1)), check_tanh)
RELU = LookUp("RELU", clamped(Activation.RELU), check_relu)
RELU6 = LookUp("RELU6", clamped(Activation.RELU6), check_relu)
RELU_N1_TO_1 = LookUp("RELU_N1_TO_1", check=check_relu)
RELU_0_TO_1 = LookUp("RELU_0_TO_1", check=check_relu)
EXP = LookUp("EXP", interpolated)
LOG = LookUp("LOG", interpolated)
SQRT = LookUp("SQRT", square_root, check_root, smallest=0.0)
HARD_SWISH = LookUp("HARD_SWISH", check=check_hard_swish)
