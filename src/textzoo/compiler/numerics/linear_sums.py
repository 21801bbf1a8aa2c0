"""Sums of two small integers, each with its factor, as one line of integer arithmetic that is proved for every pair.

LiteRT's ADD and SUB of int8 round three times: both operands on their way to a common scale, then the sum. All of it
is a function of at most 65,536 pairs. Where (a * a_factor + b * b_factor + offset) >> shift gives the same integer for
each of them, that takes two multiplications in place of three, and no step between.
"""

from dataclasses import dataclass

import numpy as np

# With fewer bits of fraction there are hardly ever such factors.
SMALLEST_SHIFT = 16
# As kernels have it.
LARGEST_SHIFT = 22
# How far factors are moved, in their last place, in search of those for which an offset exists.
NEIGHBOURS = sorted(((a, b) for a in range(-4, 5) for b in range(-4, 5)), key=lambda pair: pair[0] ** 2 + pair[1] ** 2)
NO_BOUND = 1 << 62


@dataclass(frozen=True)
class LinearSum:
    """(a * a_factor + b * b_factor + offset) >> shift; in 32 bits nothing of it overflows."""

    a_factor: int
    b_factor: int
    offset: int
    shift: int


def exact_linear_sum(
    wanted: np.ndarray, a: np.ndarray, b: np.ndarray, factors: tuple[float, float], bounds: tuple[int, int]
) -> LinearSum | None:
    """Find integers that give all wanted results after a clamp; None where there are none nearby.

    Args:
        wanted: (n, m) int64 results, each within the bounds.
        a: (n,) int64 first operands.
        b: (m,) int64 second operands.
        factors: Of both operands, as real numbers, nearly.
        bounds: Smallest and largest result; what is outside is clamped.
    """
    rows, columns = a[:, None], b[None, :]
    middle = float(wanted.mean() - (rows * factors[0] + columns * factors[1]).mean())
    largest = np.abs(rows * factors[0] + columns * factors[1]).max() + abs(middle) + 257.0
    shift = min(LARGEST_SHIFT, int(np.floor(31 - np.log2(largest))))
    if shift < SMALLEST_SHIFT:
        return None
    # The sums between which a result lies; the outermost results also take what is beyond them.
    lowest = np.where(wanted > bounds[0], wanted << shift, -NO_BOUND)
    highest = np.where(wanted < bounds[1], ((wanted + 1) << shift) - 1, NO_BOUND)
    for moves in NEIGHBOURS:
        a_factor, b_factor = (round(real * 2**shift) + move for real, move in zip(factors, moves, strict=True))
        products = rows * a_factor + columns * b_factor
        offsets = int((lowest - products).max()), int((highest - products).min())
        offset = (max(offsets[0], -NO_BOUND) + min(offsets[1], NO_BOUND)) // 2
        if offsets[0] <= offsets[1] and fits(a_factor, b_factor, offset, products):
            return LinearSum(a_factor, b_factor, offset, shift)
    return None


def fits(a_factor: int, b_factor: int, offset: int, products: np.ndarray) -> bool:
    """Return whether 32 bits hold all sums, and what is added up on the way: products of int8 and the offset."""
    reach = max(abs(int(products.min())), abs(int(products.max())), 128 * (abs(a_factor) + abs(b_factor)))
    return reach + abs(offset) < 2**31
