"""Scales that some of LiteRT's int16 kernels take for powers of two."""

import math

# LiteRT compares log2(scale), computed in float32, with the nearest integer.
TOLERANCE = 1e-3
# What float32 may be off there: scales within it of the border depend on the C library of the machine.
DOUBT = 4e-5


def power_of_two(scale: float) -> int | None:
    """Return the exponent of a scale that counts as a power of two; None for all others."""
    exponent = math.log2(scale)
    return round(exponent) if abs(exponent - round(exponent)) < TOLERANCE else None


def doubtful_problems(*scales: float) -> list[str]:
    """Return the problems of scales that lie on the border between two of LiteRT's kernels."""
    distances = [abs(abs(math.log2(scale) - round(math.log2(scale))) - TOLERANCE) for scale in scales]
    return [
        f"the scale {scale!r}, which is almost a power of two"
        for scale, distance in zip(scales, distances, strict=True)
        if distance < DOUBT
    ]
