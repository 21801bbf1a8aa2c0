"""From real factors to the integers that the kernels multiply with, exactly as LiteRT prepares them."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Factor:
    """A real factor as multiplier / 2**31 * 2**shift; multiplier in [2**30, 2**31), or 0 for 0."""

    multiplier: int
    shift: int

    @property
    def reduced(self) -> int:
        """The multiplier with 16 bits, for sums wider than 32 bits (fixedpoint.h: tz_scale_wide)."""
        return 0x7FFF if self.multiplier >= 0x7FFF0000 else (self.multiplier + (1 << 15)) >> 16


def quantize_multiplier(real: float) -> Factor:
    """A factor in double precision -> its integers.

    Raises:
        ValueError: Not finite, negative, or so large that its shift exceeds 30.
    """
    if not (math.isfinite(real) and real >= 0):
        raise ValueError(f"a factor between tensors must be finite and not negative, got {real}")
    if real == 0:
        return Factor(0, 0)
    mantissa, shift = math.frexp(real)
    multiplier = math.floor(mantissa * 2**31 + 0.5)  # as std::round: half away from zero, and this is positive
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    if shift < -31:
        return Factor(0, 0)
    if shift > 30:
        raise ValueError(f"the factor {real} between two tensors is too large")
    return Factor(multiplier, shift)


def float32(value: float) -> float:
    """A number as LiteRT holds scales: rounded to float32."""
    return float(np.float32(value))
