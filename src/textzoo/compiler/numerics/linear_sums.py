"""Functions of small integers as one line of integer arithmetic that is proved for every operand.

LiteRT's ADD and SUB of int8 round three times: both operands on their way to a common scale, then the sum. All of it
is a function of at most 65,536 pairs. Where (a * a_factor + b * b_factor + offset) >> shift gives the same integer for
each of them, that takes two multiplications in place of three, and no step between. The same with MUL, which rounds its
product twice.
"""

import math
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
    for moves in NEIGHBOURS:
        a_factor, b_factor = (round(real * 2**shift) + move for real, move in zip(factors, moves, strict=True))
        products = rows * a_factor + columns * b_factor
        offset = offset_for(wanted, products, shift, bounds)
        if offset is not None and fits(a_factor, b_factor, offset, products):
            return LinearSum(a_factor, b_factor, offset, shift)
    return None


def offset_for(wanted: np.ndarray, values: np.ndarray, shift: int, bounds: tuple[int, int]) -> int | None:
    """Return an offset with which (values + offset) >> shift, clamped, is what is wanted; None where there is none."""
    # The outermost results also take what is beyond them.
    lowest = np.where(wanted > bounds[0], (wanted << shift) - values, -NO_BOUND).max()
    highest = np.where(wanted < bounds[1], ((wanted + 1) << shift) - 1 - values, NO_BOUND).min()
    return (int(lowest) + int(highest)) // 2 if lowest <= highest else None


def is_narrow(found: LinearSum) -> bool:
    """Return whether kernels take it: the shift is theirs, and factors raised by 2^8 still fit 32 bits."""
    return found.shift == LARGEST_SHIFT and max(abs(found.a_factor), abs(found.b_factor)) < 2**FACTOR_BITS


@dataclass(frozen=True)
class ScaledProduct:
    """((product * factor >> 16) + offset) >> shift; product * factor takes 41 bits."""

    factor: int
    offset: int
    shift: int


# Of a factor: with one operand of 9 bits it fits 32 bits.
FACTOR_BITS = 23
DROPPED_BITS = 16
# Of products of two operands of 9 bits each.
PRODUCT_REACH = 255 * 255


def exact_product(
    wanted: np.ndarray, products: np.ndarray, real: float, bounds: tuple[int, int]
) -> ScaledProduct | None:
    """Find integers that give all wanted results after a clamp; None where there are none nearby.

    Args:
        wanted: (n,) int64 results, each within the bounds.
        products: (n,) int64 in [-65025, 65025].
        real: The factor, nearly, in (0, 1/2).
        bounds: Smallest and largest result; what is outside is clamped.
    """
    exponent = math.frexp(real)[1]
    shift = FACTOR_BITS - DROPPED_BITS - exponent
    if not 1 <= shift <= LARGEST_SHIFT:
        return None
    for move in range(-4, 5):
        factor = round(real * 2 ** (shift + DROPPED_BITS)) + move
        values = products * factor >> DROPPED_BITS
        offset = offset_for(wanted, values, shift, bounds)
        if offset is not None and factor < 2**FACTOR_BITS and PRODUCT_REACH * factor // 2**16 + abs(offset) < 2**31 - 1:
            return ScaledProduct(factor, offset, shift)
    return None


def fits(a_factor: int, b_factor: int, offset: int, products: np.ndarray) -> bool:
    """Return whether 32 bits hold all sums, and what is added up on the way: products of int8 and the offset."""
    reach = max(abs(int(products.min())), abs(int(products.max())), 128 * (abs(a_factor) + abs(b_factor)))
    return reach + abs(offset) < 2**31
