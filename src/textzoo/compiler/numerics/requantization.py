"""FULLY_CONNECTED's way from sums to outputs: integers that are proved to equal LiteRT's double precision.

LiteRT's reference kernel computes round(sum * factor) in double precision, halves away from zero. That is a staircase
of at most 256 steps for an int8 output; an integer formula equals it for every sum that can occur if and only if all
its steps are at the same sums. So each row's multiplier is checked at every step. An int16 output has too many steps
for that; there only those sums are checked that LiteRT's double precision could round otherwise.
"""

import functools
import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from textzoo.compiler.numerics.fixedpoint import Factor, quantize_multiplier

# What tz_scale_single takes is below it.
MAX_FACTOR = 2.0**29
# Makes 0 of every sum; multiplier and shift, and the rest for int16 outputs.
NO_FACTOR = (Factor(0, -31), 0)
# Candidates around the rounded multiplier: one more makes ties of negative sums round away from zero.
NEIGHBOURS = (0, 1, -1, 2, -2)


def exact_factors(
    reals: np.ndarray,
    lowest: np.ndarray,
    highest: np.ndarray,
    steps: tuple[int, int],
    shift: int | None = None,
) -> tuple[list[Factor], np.ndarray]:
    """Find multiplier and shift of each row for `tz_scale_single`; also return the rows for which none is right, (n,).

    Args:
        reals: (rows,) float64 factors.
        lowest: (rows,) int64 smallest sums that can occur.
        highest: (rows,) int64 largest sums.
        steps: Smallest and largest output without the zero point; what is outside is clamped anyway.
        shift: Of all rows, no smaller than any one's own; None: each has its own.
    """
    factors = [quantize_multiplier(real) if real < MAX_FACTOR else NO_FACTOR[0] for real in reals.tolist()]
    if shift is not None:
        factors = [Factor(math.floor(real * 2.0 ** (31 - shift) + 0.5), shift) for real in reals.tolist()]
    levels = np.arange(steps[0] + 1, steps[1] + 1)
    thresholds = thresholds_of(reals, levels)
    open_rows = np.ones(len(reals), bool)
    chosen = list(factors)
    for delta in NEIGHBOURS:
        trial = [Factor(factor.multiplier + delta * bool(factor.multiplier), factor.shift) for factor in factors]
        good = open_rows & same_steps(trial, thresholds, levels, lowest, highest)
        for row in np.flatnonzero(good):
            chosen[row] = trial[row]
        open_rows &= ~good
        if not open_rows.any():
            break
    return chosen, np.flatnonzero(open_rows)


def rounded(sums: np.ndarray, reals: np.ndarray) -> np.ndarray:
    """Requantize sums (rows, n) int64 by LiteRT's formula: int64."""
    product = sums.astype(np.float64) * reals[:, None]
    return (np.sign(product) * np.floor(np.abs(product) + 0.5)).astype(np.int64)


def thresholds_of(reals: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the smallest sums whose output reaches each level, (rows, levels); factors of 0 never get anywhere."""
    with np.errstate(divide="ignore"):
        guess = np.clip(np.ceil((levels[None, :] - 0.5) / reals[:, None]), -(2.0**62), 2.0**62).astype(np.int64)
    for _ in range(2):  # the division may be off by one at a tie
        guess -= rounded(guess - 1, reals) >= levels
        guess += rounded(guess, reals) < levels
    return guess


def same_steps(
    factors: list[Factor], thresholds: np.ndarray, levels: np.ndarray, lowest: np.ndarray, highest: np.ndarray
) -> np.ndarray:
    """Return whether the integer formula reaches every level at the same sum, as far as sums go: (rows,)."""
    multipliers = np.array([factor.multiplier for factor in factors], np.int64)[:, None]
    totals = np.array([31 - factor.shift for factor in factors], np.int64)[:, None]

    def formula(sums: np.ndarray) -> np.ndarray:
        return (sums * multipliers + (np.int64(1) << (totals - 1))) >> totals

    low, high = lowest[:, None], highest[:, None]
    reached = (thresholds > high) | (formula(np.clip(thresholds, low, high)) >= levels)
    not_before = (thresholds <= low) | (formula(np.clip(thresholds - 1, low, high)) < levels)
    return (reached & not_before).all(axis=1)


# ---- int16 outputs: 62 bits ----

# What the double precision of LiteRT, the low bits that tz_scale_precise drops, and a moved factor may change in a
# product: each at most a quarter of it.
NEAR = Fraction(1, 2**35)
PRECISE_BITS = 62


def precise_factors(
    reals: np.ndarray, largest: np.ndarray, highest_step: int
) -> tuple[list[tuple[Factor, int]], np.ndarray]:
    """Find multiplier, shift and rest of each row for `tz_scale_precise`; also return the rows without one, (n,).

    With 62 bits the factor itself is exact. But LiteRT rounds the product to double precision first, which may make a
    half of what is almost one: with the factor 1/6, a sum of 3. The few sums that come so near to a half are those that
    have to do with the convergents of the factor's continued fraction (Legendre), so they can be listed; then the
    factor is moved by a few units in its last place until it rounds all of them like LiteRT.

    Args:
        reals: (rows,) float64 factors.
        largest: (rows,) int64 absolute values of the largest sums.
        highest_step: Of the absolute values of all outputs; what is above is clamped anyway.
    """
    held = [is_held(real, value) for real, value in zip(reals.tolist(), largest.tolist(), strict=True)]
    reach = int(largest[held].max(initial=0))
    known = {real: precise_factor(real, reach, highest_step) for real in set(reals[held].tolist())}
    factors = [known[real] if holds else None for real, holds in zip(reals.tolist(), held, strict=True)]
    rows = [row for row, factor in enumerate(factors) if factor is None]
    return [factor or NO_FACTOR for factor in factors], np.array(rows, np.int64)


def is_held(real: float, largest: int) -> bool:
    """Return whether `tz_scale_precise` holds a factor and the largest sum: the rounded product fits 64 bits."""
    mantissa, shift = math.frexp(real)
    product = (largest + 1) * (math.floor(mantissa * 2**31) + 2)
    return real == 0 or (largest < 2**32 and shift >= -31 and product + 2 ** (30 - shift) < 2**63)


@functools.lru_cache(maxsize=4096)  # up to half a second where many sums are near a half
def precise_factor(real: float, largest: int, highest_step: int) -> tuple[Factor, int] | None:
    """Find the factor of one row as `precise_factors`; None where no factor gives the same integers."""
    if real == 0:
        return NO_FACTOR
    _, shift = math.frexp(real)
    unit = Fraction(2) ** (shift - PRECISE_BITS)
    dropped = 2**31 * unit  # a unit of tz_scale_precise's product
    near = max(NEAR, 4 * dropped)
    bound = min(largest, math.ceil((highest_step + 1) / Fraction(real)))
    exact = int(Fraction(real) / unit)
    lower, upper = exact, exact
    for value, half in sums_near_halves(Fraction(real), bound, near):
        if value * real >= half:  # in double precision, as LiteRT
            lower = max(lower, math.ceil(half / unit / value))
        else:
            upper = min(upper, math.floor((half - dropped) / unit / value))
    moved = lower if lower > exact else upper
    if (lower > exact and upper < exact) or abs(moved - exact) * unit * bound > near / 4:
        return None
    return Factor(moved >> 31, shift), moved & (2**31 - 1)


def sums_near_halves(real: Fraction, bound: int, near: Fraction) -> Iterator[tuple[int, Fraction]]:
    """Yield the sums up to `bound` whose product with a factor is less than `near` from a half, and that half.

    near * bound must be at most 1/4. Of those that hit a half exactly only the first: they ask for the same.
    """
    twice, whole = (2 * real).as_integer_ratio()
    for numerator, denominator in convergents(twice, whole, bound):
        miss = abs(twice * denominator - numerator * whole)  # of a half, in steps of 1 / (2 * whole)
        limit = math.ceil(2 * near * whole)
        if numerator % 2 and miss < limit:
            most = min(bound // denominator, (limit - 1) // miss) if miss else 1
            for times in range(1, most + 1, 2):
                yield times * denominator, Fraction(times * numerator, 2)


def convergents(numerator: int, denominator: int, bound: int) -> Iterator[tuple[int, int]]:
    """Yield the convergents of a fraction's continued fraction, with denominators up to `bound`."""
    before, now = (0, 1), (1, 0)
    while denominator:
        whole, rest = divmod(numerator, denominator)
        before, now = now, (whole * now[0] + before[0], whole * now[1] + before[1])
        if now[1] > bound:
            return
        yield now
        numerator, denominator = denominator, rest
