"""Calls of `tz_dot_rows_s8` and `tz_weighted_sum_s8`: random or extreme numbers, and what they must give."""

from dataclasses import dataclass

import numpy as np

from bare_metal.cases import Buffer, Case


@dataclass(frozen=True)
class Part:
    """One call.

    Attributes:
        kernel: "dot_rows_s8" or "weighted_sum_s8".
        rows: (count, length) int8.
        factors: int16: the vector (length,) of dot_rows_s8, the weights (count,) of weighted_sum_s8.
    """

    kernel: str
    rows: np.ndarray
    factors: np.ndarray

    def expected(self) -> np.ndarray:
        """int32: (count,) of dot_rows_s8, (length,) of weighted_sum_s8."""
        rows, factors = self.rows.astype(np.int64), self.factors.astype(np.int64)
        return (rows @ factors if self.kernel == "dot_rows_s8" else factors @ rows).astype(np.int32)

    def case(self, *, generic: bool = False, offset: int = 0, fenced: bool = False) -> Case:
        """The call, for the variant or the generic kernel.

        Args:
            generic: Call the generic kernel.
            offset: Of the rows behind a multiple of 16 bytes.
            fenced: Whether reading behind the rows is a fault.
        """
        sums = np.full(self.expected().shape, 0x5A5A5A5A, np.int32)
        buffers = [Buffer(self.rows, offset, fenced), Buffer(self.factors), Buffer(sums, returned=True)]
        return Case(self.kernel, self.rows.shape, buffers, generic)


def random_part(rng: np.random.Generator, kernel: str, count: int, length: int, zeros: float = 0.0) -> Part:
    """A call with random numbers.

    Args:
        rng: Where they come from.
        kernel: "dot_rows_s8" or "weighted_sum_s8".
        count: Rows.
        length: Of each row.
        zeros: Share of the factors that are 0.
    """
    rows = rng.integers(-128, 128, (count, length)).astype(np.int8)
    factors = rng.integers(-127, 128, length) if kernel == "dot_rows_s8" else rng.integers(1, 256, count)
    return Part(kernel, rows, np.where(rng.random(factors.shape) < zeros, 0, factors).astype(np.int16))
