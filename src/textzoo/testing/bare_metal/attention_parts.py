"""Calls of `tz_dot_rows_*` and `tz_weighted_sum_*`: random or extreme numbers, and what they must give."""

from dataclasses import dataclass

import numpy as np

from textzoo.testing.bare_metal.cases import Buffer, Case


@dataclass(frozen=True)
class Part:
    """One call.

    Attributes:
        kernel: "dot_rows_s8", "weighted_sum_s8", "dot_rows_s16" or "weighted_sum_s16".
        rows: (count, length) int8 or int16.
        factors: int16: the vector (length,) of dot_rows, the weights (count,) of weighted_sum.
        scale: Multiplier and shift, for dot_rows_s16 only.
    """

    kernel: str
    rows: np.ndarray
    factors: np.ndarray
    scale: tuple[int, ...] = ()

    def expected(self) -> np.ndarray:
        """Return (count,) of dot_rows, (length,) of weighted_sum: int32, but int16 of dot_rows_s16."""
        rows, factors = self.rows.astype(np.int64), self.factors.astype(np.int64)
        sums = rows @ factors if self.kernel.startswith("dot_rows") else factors @ rows
        if not self.scale:
            return sums.astype(np.int32)
        multiplier, shift = self.scale
        scaled = (sums * multiplier + (np.int64(1) << (14 - shift))) >> (15 - shift)
        return np.clip(scaled.astype(np.int32), -32768, 32767).astype(np.int16)

    def case(self, *, generic: bool = False, offset: int = 0, fenced: bool = False) -> Case:
        """Return the call, for the variant or the generic kernel.

        Args:
            generic: Call the generic kernel.
            offset: Of the rows behind a multiple of 16 bytes.
            fenced: Whether reading behind the rows is a fault.
        """
        sums = np.full(self.expected().shape, 0x5A, self.expected().dtype)
        start = offset // self.rows.itemsize * self.rows.itemsize
        buffers = [Buffer(self.rows, start, fenced), Buffer(self.factors), Buffer(sums, returned=True)]
        return Case(self.kernel, [*self.rows.shape, *self.scale], buffers, generic)


def random_part(rng: np.random.Generator, kernel: str, count: int, length: int, zeros: float = 0.0) -> Part:
    """Make a call with random numbers.

    Args:
        rng: Where they come from.
        kernel: As in Part.
        count: Rows.
        length: Of each row.
        zeros: Share of the factors that are 0.
    """
    wide, dots = kernel.endswith("s16"), kernel.startswith("dot_rows")
    reach = (32768, 32768, 65535 // count) if wide else (128, 127, 255)
    rows = rng.integers(-reach[0], reach[0], (count, length)).astype(np.int16 if wide else np.int8)
    low, high, size = (-reach[1], reach[1], length) if dots else (1, max(2, min(reach[2], 32767)), count)
    factors = np.where(rng.random(size) < zeros, 0, rng.integers(low, high, size)).astype(np.int16)
    scale = (int(rng.integers(2**14, 2**15)), int(rng.integers(-31, 8))) if wide and dots else ()
    return Part(kernel, rows, factors, scale)
