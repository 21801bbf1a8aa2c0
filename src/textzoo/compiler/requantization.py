"""FULLY_CONNECTED's way from sums to outputs: integers that are proved to equal LiteRT's double precision.

LiteRT's reference kernel computes round(sum * factor) in double precision, halves away from zero. That is a staircase
of at most 256 steps for an int8 output; an integer formula equals it for every sum that can occur if and only if all
its steps lie at the same sums. So each row's multiplier is checked at every step.
"""

import numpy as np

from textzoo.compiler.fixedpoint import Factor, quantize_multiplier
from textzoo.errors import UserError

# Candidates around the rounded multiplier: one more makes ties of negative sums round away from zero.
NEIGHBOURS = (0, 1, -1, 2, -2)


def exact_factors(
    reals: np.ndarray, lowest: np.ndarray, highest: np.ndarray, steps: tuple[int, int], name: str
) -> list[Factor]:
    """For each row, a multiplier and shift for `tz_scale_single`.

    Args:
        reals: (rows,) float64 factors.
        lowest: (rows,) int64 smallest sums that can occur.
        highest: (rows,) int64 largest sums.
        steps: Smallest and largest output without the zero point; what lies outside is clamped anyway.
        name: Of the operator, for the error.

    Raises:
        UserError: A row for which no multiplier gives the same integers (never seen in practice).
    """
    factors = [quantize_multiplier(float(real)) for real in reals]
    levels = np.arange(steps[0] + 1, steps[1] + 1)
    places = step_places(reals, levels)
    open_rows = np.ones(len(reals), bool)
    chosen = list(factors)
    for delta in NEIGHBOURS:
        trial = [Factor(factor.multiplier + delta * bool(factor.multiplier), factor.shift) for factor in factors]
        good = open_rows & same_steps(trial, places, levels, lowest, highest)
        for row in np.flatnonzero(good):
            chosen[row] = trial[row]
        open_rows &= ~good
        if not open_rows.any():
            return chosen
    rows = np.flatnonzero(open_rows)
    raise UserError(
        f"{name}: no integer multiplier rounds like LiteRT in {len(rows)} of {len(reals)} rows",
        received=f"row {rows[0]} with the factor {reals[rows[0]]!r}",
        remedy="Quantize again with other calibration data.",
    )


def rounded(sums: np.ndarray, reals: np.ndarray) -> np.ndarray:
    """LiteRT's formula: (rows, n) int64 sums -> int64."""
    product = sums.astype(np.float64) * reals[:, None]
    return (np.sign(product) * np.floor(np.abs(product) + 0.5)).astype(np.int64)


def step_places(reals: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """(rows, levels) the smallest sums whose output reaches each level; factors of 0 never get anywhere."""
    with np.errstate(divide="ignore"):
        guess = np.clip(np.ceil((levels[None, :] - 0.5) / reals[:, None]), -(2.0**62), 2.0**62).astype(np.int64)
    for _ in range(2):  # the division may be off by one at a tie
        guess -= rounded(guess - 1, reals) >= levels
        guess += rounded(guess, reals) < levels
    return guess


def same_steps(
    factors: list[Factor], places: np.ndarray, levels: np.ndarray, lowest: np.ndarray, highest: np.ndarray
) -> np.ndarray:
    """(rows,) whether the integer formula reaches every level at the same sum, as far as sums go."""
    multipliers = np.array([factor.multiplier for factor in factors], np.int64)[:, None]
    totals = np.array([31 - factor.shift for factor in factors], np.int64)[:, None]

    def formula(sums: np.ndarray) -> np.ndarray:
        return (sums * multipliers + (np.int64(1) << (totals - 1))) >> totals

    low, high = lowest[:, None], highest[:, None]
    reached = (places > high) | (formula(np.clip(places, low, high)) >= levels)
    not_before = (places <= low) | (formula(np.clip(places - 1, low, high)) < levels)
    return (reached & not_before).all(axis=1)
