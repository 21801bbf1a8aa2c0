"""Layers for `tz_fully_connected_s16`: random or extreme numbers, what must come out, the case of it."""

from dataclasses import dataclass

import numpy as np

from textzoo.compiler.packing.registry import FULLY_CONNECTED_S16, GENERIC, pack
from textzoo.testing.bare_metal.cases import Buffer, Case

KERNEL = FULLY_CONNECTED_S16[0]


@dataclass(frozen=True)
class WideLayer:
    """One call of the kernel.

    Attributes:
        weights: (rows, columns) int8.
        bias: (rows,) int32.
        multipliers: (rows,) int32.
        low_multipliers: (rows,) int32.
        shifts: (rows,) int8.
        input: (columns,) int16.
        clamp: Smallest and largest output.
    """

    weights: np.ndarray
    bias: np.ndarray
    multipliers: np.ndarray
    low_multipliers: np.ndarray
    shifts: np.ndarray
    input: np.ndarray
    clamp: tuple[int, int] = (-32768, 32767)

    def sums(self) -> np.ndarray:
        """(rows,) int64."""
        return self.weights.astype(np.int64) @ self.input.astype(np.int64) + self.bias

    def expected(self) -> np.ndarray:
        """(rows,) int16: the contract in include/textzoo/fully_connected_s16.h, in numbers of Python."""
        scaled = [
            (value * (high << 31 | low) // 2**31 + 2 ** (30 - shift) - (value < 0)) >> (31 - shift)
            for value, high, low, shift in zip(
                *(row.tolist() for row in (self.sums(), self.multipliers, self.low_multipliers, self.shifts)),
                strict=True,
            )
        ]
        return np.clip(np.array(scaled), *self.clamp).astype(np.int16)

    def case(self, variant: str, *, generic: bool = False, offset: int = 0, fenced: bool = False) -> Case:
        """The call, for the kernel of a variant or the generic one.

        Args:
            variant: A key of VARIANTS.
            generic: Call the generic kernel.
            offset: Of the input and the output behind a multiple of 16 bytes.
            fenced: Whether reading behind the input is a fault.
        """
        packed = pack(self.weights, KERNEL, GENERIC if generic else variant)
        weights, even = packed.values, offset // 2 * 2
        buffers = [
            Buffer(weights, offset=offset // weights.itemsize * weights.itemsize),
            Buffer(self.bias),
            Buffer(self.multipliers),
            Buffer(self.low_multipliers),
            Buffer(self.shifts, offset=offset),
            Buffer(self.input, offset=even, fenced=fenced),
            Buffer(np.zeros(len(self.weights), np.int16), offset=even, returned=True),
            Buffer(np.full(packed.scratch_bytes, 0x5A, np.int8)),
        ]
        return Case(KERNEL, [*self.weights.shape, *self.clamp], buffers, generic)


def random_wide_layer(
    rng: np.random.Generator, rows: int, columns: int, shifts: tuple[int, int] = (-18, -12)
) -> WideLayer:
    """A layer of random numbers, whose sums fit 32 bits for up to 512 columns.

    Args:
        rng: Where they come from.
        rows: Outputs.
        columns: Inputs.
        shifts: Smallest and largest shift.
    """
    return WideLayer(
        weights=rng.integers(-127, 128, (rows, columns)).astype(np.int8),
        bias=rng.integers(-20000, 20000, rows).astype(np.int32),
        multipliers=rng.integers(2**30, 2**31, rows).astype(np.int32),
        low_multipliers=rng.integers(0, 2**31, rows).astype(np.int32),
        shifts=rng.integers(shifts[0], shifts[1] + 1, rows).astype(np.int8),
        input=rng.integers(-32768, 32768, columns).astype(np.int16),
    )
