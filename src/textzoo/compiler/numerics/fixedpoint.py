"""From real factors to the integers that the kernels multiply with, exactly as LiteRT prepares them."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

# log2(e) to 60 decimal places, far beyond what the multiplier keeps.
LOG2_E = Fraction("1.442695040888963407359924681001892137426645954152985934135449")
UNIT_BITS = 40  # fraction bits of a logit's unit at temperature 1
DOUBLE_BITS = 53  # of a mantissa in double precision


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
    """Convert a factor in double precision to its integers.

    Raises:
        ValueError: Not finite, negative, or so large that its shift exceeds 30.
    """
    if not (math.isfinite(real) and real >= 0):
        raise ValueError(f"a factor between tensors must be finite and not negative, got {real}")
    factor = any_multiplier(real)
    if factor.shift > 30:
        raise ValueError(f"the factor {real} between two tensors is too large")
    return factor


def any_multiplier(real: float) -> Factor:
    """Convert a finite factor that is not negative, without a limit of its shift."""
    if real == 0:
        return Factor(0, 0)
    mantissa, shift = math.frexp(real)
    multiplier = math.floor(mantissa * 2**31 + 0.5)  # as std::round: half away from zero, and this is positive
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return Factor(multiplier, shift) if shift >= -31 else Factor(0, 0)


def double_parts(real: float) -> tuple[int, int]:
    """Split a factor in double precision into mantissa * 2**exponent, mantissa in [2**52, 2**53), or (0, 0) for 0.

    For double_precision.h. Products of three float32 scales are far from where doubles get shorter.
    """
    mantissa, exponent = math.frexp(real)
    return int(mantissa * 2**DOUBLE_BITS), exponent - DOUBLE_BITS if real else 0


def float32(value: float) -> float:
    """Round a number to float32, in which LiteRT holds scales."""
    return float(np.float32(value))


def unit_multiplier(scale: float) -> int:
    """Return scale * log2(e) with 40 fraction bits, rounded half up: a constant of the model for C.

    Args:
        scale: Scale of the logits, a float32 value, in (0, 2**16].
    """
    if not 0 < scale <= 2**16:
        raise ValueError(f"the scale of logits must be in (0, 65536], got {scale}")
    return half_up(Fraction(float(np.float32(scale))) * LOG2_E * 2**UNIT_BITS)


def half_up(value: Fraction) -> int:
    """Round a fraction to the nearest integer, halves up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)
