"""Layers for `tz_fully_connected_s16`: random or extreme numbers, what must come out, the case of it."""

from dataclasses import dataclass

import numpy as np

from textzoo.compiler.packing.registry import FULLY_CONNECTED_S16
from textzoo.testing.bare_metal.layer import AnyLayer

KERNEL = FULLY_CONNECTED_S16[0]


@dataclass(frozen=True, kw_only=True)
class WideLayer(AnyLayer):
    """One call of the kernel for inputs of int16.

    Attributes:
        low_multipliers: (rows,) int32.
    """

    low_multipliers: np.ndarray
    clamp: tuple[int, int] = (-32768, 32767)
    kernel: str = KERNEL

    def sums(self) -> np.ndarray:
        """Return the sums of products and bias, (rows,) int64."""
        return self.weights.astype(np.int64) @ self.input.astype(np.int64) + self.bias

    def expected(self) -> np.ndarray:
        """Return the contract in include/textzoo/fully_connected_s16.h, in numbers of Python: (rows,) int16."""
        scaled = [
            (value * (high << 31 | low) // 2**31 + 2 ** (30 - shift) - (value < 0)) >> (31 - shift)
            for value, high, low, shift in zip(
                *(row.tolist() for row in (self.sums(), self.multipliers, self.low_multipliers, self.shifts)),
                strict=True,
            )
        ]
        return np.clip(np.array(scaled), *self.clamp).astype(np.int16)

    def row_constants(self) -> list[np.ndarray]:
        return [self.bias, self.multipliers, self.low_multipliers]


def random_wide_layer(
    rng: np.random.Generator, rows: int, columns: int, shifts: tuple[int, int] = (-18, -12)
) -> WideLayer:
    """Make a layer of random numbers, whose sums fit 32 bits for up to 512 columns.

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
