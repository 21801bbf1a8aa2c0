"""Layers for the kernels of FULLY_CONNECTED int8: random or extreme numbers, what must come out, the case of it."""

from dataclasses import dataclass, replace

import numpy as np

from textzoo.compiler.packing.registry import GENERIC, SPARSE, layout_of, pack
from textzoo.testing.bare_metal.cases import Buffer, Case

LOWEST = -128  # from where the kernel for many zeros counts inputs
DEVIATION = 32.0  # of typical inputs; 16 to 37 in pico_gpt behind a LayerNorm, 62 to 68 in an LSTM's or a GRU's state


@dataclass(frozen=True)
class Layer:
    """One call of the kernel.

    Attributes:
        weights: (rows, columns) int8.
        bias: (rows,) int32.
        multipliers: (rows,) int32.
        shifts: (rows,) int8.
        input: (columns,) int8.
        zero_point: Of the output.
        clamp: Smallest and largest output.
        kernel: One whose layout holds the weights.
    """

    weights: np.ndarray
    bias: np.ndarray
    multipliers: np.ndarray
    shifts: np.ndarray
    input: np.ndarray
    zero_point: int = 0
    clamp: tuple[int, int] = (-128, 127)
    kernel: str = "fully_connected_s8"

    def expected(self) -> np.ndarray:
        """(rows,) int8: the contract in include/textzoo/fully_connected_s8.h, in 64 bits."""
        sums = self.weights.astype(np.int64) @ self.input.astype(np.int64) + self.bias
        total = 31 - self.shifts.astype(np.int64)
        scaled = (sums * self.multipliers + (np.int64(1) << (total - 1))) >> total
        return np.clip(scaled.astype(np.int32) + self.zero_point, *self.clamp).astype(np.int8)

    def case(self, variant: str, *, generic: bool = False, offset: int = 0, fenced: bool = False) -> Case:
        """The call, for the kernel of a variant or the generic one.

        Args:
            variant: A key of VARIANTS.
            generic: Call the generic kernel.
            offset: Of the input and the output behind a multiple of 16 bytes.
            fenced: Whether reading behind the input is a fault.
        """
        packed = pack(self.weights, self.kernel, GENERIC if generic else variant)
        rows, weights = len(self.weights), packed.values
        counted = LOWEST * self.weights.astype(np.int64).sum(axis=1) if self.kernel == SPARSE else 0
        buffers = [
            Buffer(weights, offset=offset // weights.itemsize * weights.itemsize),
            Buffer((self.bias + counted).astype(np.int32)),
            Buffer(self.multipliers),
            Buffer(self.shifts, offset=offset),
            Buffer(self.input, offset=offset, fenced=fenced),
            Buffer(np.zeros(rows, np.int8), offset=offset, returned=True),
            Buffer(np.full(packed.scratch_bytes, 0x5A, np.int8)),
        ]
        return Case(self.kernel, [*self.weights.shape, self.zero_point, *self.clamp], buffers, generic)


def random_layer(
    rng: np.random.Generator,
    rows: int,
    columns: int,
    shifts: tuple[int, int] = (-14, -8),
    kernel: str = "fully_connected_s8",
) -> Layer:
    """A layer of random numbers.

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
    """The layer for the kernel that leaves out columns, with this share of inputs of -128; few others are large."""
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
    """A layer whose weights and inputs are spread as those of trained models are, for kernels to which that matters.

    Normal numbers; the largest weight of every row is the largest that the kernel takes, as in quantized models.
    """
    normal = rng.standard_normal((rows, columns))
    weights = normal / np.abs(normal).max(axis=1, keepdims=True) * layout_of(kernel, GENERIC).highest
    inputs = np.clip(DEVIATION * rng.standard_normal(columns), -128, 127)
    layer = random_layer(rng, rows, columns, shifts, kernel)
    return replace(layer, weights=np.rint(weights).astype(np.int8), input=np.rint(inputs).astype(np.int8))
