"""Layers for the kernels of FULLY_CONNECTED int8: random or extreme numbers, what must come out, the case of it."""

from dataclasses import dataclass, replace

import numpy as np

from textzoo.compiler.operators.fully_connected import ONE_SHIFT
from textzoo.compiler.packing.registry import GENERIC, SPARSE, layout_of
from textzoo.testing.bare_metal.layer import AnyLayer

LOWEST = -128  # from where the kernel for many zeros counts inputs
DEVIATION = 32.0  # of typical inputs; 16 to 37 in pico_gpt behind a LayerNorm, 62 to 68 in an LSTM's or a GRU's state


@dataclass(frozen=True, kw_only=True)
class Layer(AnyLayer):
    """One call of a kernel for inputs of int8.

    Attributes:
        zero_point: Of the output.
    """

    zero_point: int = 0
    clamp: tuple[int, int] = (-128, 127)
    kernel: str = "fully_connected_s8"

    def expected(self) -> np.ndarray:
        """Return the contract in include/textzoo/fully_connected_s8.h, in 64 bits: (rows,) int8."""
        sums = self.weights.astype(np.int64) @ self.input.astype(np.int64) + self.bias
        total = 31 - self.shifts.astype(np.int64)
        scaled = (sums * self.multipliers + (np.int64(1) << (total - 1))) >> total
        return np.clip(scaled.astype(np.int32) + self.zero_point, *self.clamp).astype(np.int8)

    def row_constants(self) -> list[np.ndarray]:
        """Return a bias that holds the difference for the kernel for many zeros, which counts inputs from -128."""
        counted = LOWEST * self.weights.astype(np.int64).sum(axis=1) if self.kernel == SPARSE else 0
        return [(self.bias + counted).astype(np.int32), self.multipliers]

    def numbers(self) -> list[int]:
        return [self.zero_point, *self.clamp, self.shift_of_all()]

    def shift_of_all(self) -> int:
        """Return the shift of every row, if there is one that kernels are told; else 0."""
        shift = int(self.shifts[0])
        return shift if shift in ONE_SHIFT and (self.shifts == shift).all() else 0


def random_layer(
    rng: np.random.Generator,
    rows: int,
    columns: int,
    shifts: tuple[int, int] = (-14, -8),
    kernel: str = "fully_connected_s8",
) -> Layer:
    """Make a layer of random numbers.

    Args:
        rng: Where they come from.
        rows: Outputs.
        columns: Inputs.
        shifts: Smallest and largest shift.
        kernel: Decides which weights there can be.
    """
    layout = layout_of(kernel, GENERIC)
    return Layer(
        weights=rng.integers(max(layout.lowest, -127), layout.highest + 1, (rows, columns)).astype(np.int8),
        bias=rng.integers(-20000, 20000, rows).astype(np.int32),
        multipliers=rng.integers(2**30, 2**31, rows).astype(np.int32),
        shifts=rng.integers(shifts[0], shifts[1] + 1, rows).astype(np.int8),
        input=rng.integers(-128, 128, columns).astype(np.int8),
        zero_point=int(rng.integers(-128, 128)),
        kernel=kernel,
    )


def behind_relu(rng: np.random.Generator, layer: Layer, zeros: float) -> Layer:
    """Make the layer for the kernel that leaves out columns, with a share of inputs of -128; few others are large."""
    values = LOWEST + 1 + np.minimum(rng.exponential(27, layer.input.size), 254).astype(int)
    is_zero = rng.random(layer.input.size) < zeros
    return replace(layer, input=np.where(is_zero, LOWEST, values).astype(np.int8), kernel=SPARSE)


def typical_layer(
    rng: np.random.Generator,
    rows: int,
    columns: int,
    shifts: tuple[int, int] = (-14, -8),
    kernel: str = "fully_connected_s8",
) -> Layer:
    """Make a layer whose weights and inputs are distributed as in trained models, for kernels to which that matters.

    Normal numbers; the largest weight of every row is the largest that the kernel takes, as in quantized models.
    """
    normal = rng.standard_normal((rows, columns))
    weights = normal / np.abs(normal).max(axis=1, keepdims=True) * layout_of(kernel, GENERIC).highest
    inputs = np.clip(DEVIATION * rng.standard_normal(columns), -128, 127)
    layer = random_layer(rng, rows, columns, shifts, kernel)
    return replace(layer, weights=np.rint(weights).astype(np.int8), input=np.rint(inputs).astype(np.int8))
