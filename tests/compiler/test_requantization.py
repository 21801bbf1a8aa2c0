"""FULLY_CONNECTED's integer multipliers: they equal LiteRT's double precision at every step of the staircase."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from textzoo.compiler.numerics.fixedpoint import Factor, quantize_multiplier
from textzoo.compiler.numerics.requantization import exact_factors, precise_factors, rounded, thresholds_of

INT8_STEPS = st.integers(-128, 127).map(lambda zero_point: (-128 - zero_point, 127 - zero_point))
# Factors whose mantissa is short have sums that lie halfway between two outputs.
SHORT_FACTORS = st.builds(lambda odd, exponent: (2 * odd + 1) * 2.0**-exponent, st.integers(0, 40), st.integers(1, 26))
LONG_FACTORS = st.floats(-20, -0.1).map(lambda exponent: 2.0**exponent)
# As the compiler makes them: input * weight / output, each float32, the product and quotient in double precision.
SCALES = st.floats(-8, 1).map(lambda exponent: float(np.float32(2.0**exponent)))
QUOTIENTS = st.builds(lambda a, b, c: a * b / (16 * c), SCALES, SCALES, SCALES)
FACTORS = st.one_of(SHORT_FACTORS, LONG_FACTORS, QUOTIENTS)
# Sums of 2**20 and more are rare in int8 layers; from 2**22 on, some factors need more than 31 bits.
REACHES = st.integers(1, 2**20)


def scaled(sums: np.ndarray, factor: Factor) -> np.ndarray:
    """tz_scale_single, in integers of any size."""
    total = 31 - factor.shift
    return np.array([(int(value) * factor.multiplier + (1 << (total - 1))) >> total for value in sums])


def wanted(value: int, real: float) -> int:
    """round(value * real), the product in double precision, halves away from zero; 0.5 is added without rounding."""
    product = float(value) * real
    return int(math.copysign(math.floor(Fraction(abs(product)) + Fraction(1, 2)), product))


def sums_near_steps(real: float, reach: int, steps: tuple[int, int]) -> np.ndarray:
    """Every sum at which the output changes, the ones before and after it, and both ends."""
    halves = (np.arange(steps[0], steps[1] + 1) + 0.5) / real
    near = np.floor(halves)[:, None] + np.arange(-1, 3)
    near = near[np.abs(near) <= reach].astype(np.int64)
    return np.concatenate([near, [-reach, -1, 0, 1, reach]])


@settings(max_examples=300)
@given(real=FACTORS, reach=REACHES, steps=INT8_STEPS)
def test_the_multiplier_rounds_like_litert_at_every_step(real, reach, steps):
    (factor,), others = exact_factors(np.array([real]), np.array([-reach]), np.array([reach]), steps)
    sums = sums_near_steps(real, reach, steps)
    assert not others.size
    expected = np.clip([wanted(int(value), real) for value in sums], *steps)
    assert np.array_equal(np.clip(scaled(sums, factor), *steps), expected)


@settings(max_examples=100)
@given(real=FACTORS, reach=REACHES, steps=INT8_STEPS, more=st.integers(0, 12))
def test_multipliers_of_a_larger_shift_round_like_litert_or_are_refused(real, reach, steps, more):
    shift = quantize_multiplier(real).shift + more
    (factor,), others = exact_factors(np.array([real]), np.array([-reach]), np.array([reach]), steps, shift)
    assert factor.shift == shift
    assert 0 < factor.multiplier < 2**31
    if more == 0:
        assert not others.size
    if not others.size:
        sums = sums_near_steps(real, reach, steps)
        expected = np.clip([wanted(int(value), real) for value in sums], *steps)
        assert np.array_equal(np.clip(scaled(sums, factor), *steps), expected)


@pytest.mark.parametrize(("real", "halves"), [(0.5, (1, -1, 3, -3)), (0.25, (2, -2, -6)), (3 / 2**9, (-256, 256))])
def test_halves_go_away_from_zero(real, halves):
    (factor,), _ = exact_factors(np.array([real]), np.array([-(2**20)]), np.array([2**20]), (-128, 127))
    away = [int(math.copysign(math.floor(abs(value * real) + 0.5), value)) for value in halves]
    assert scaled(np.array(halves), factor).tolist() == away
    assert rounded(np.array([halves]), np.array([real])).tolist() == [away]


@pytest.mark.parametrize(("real", "more"), [(0.0, 0), (2.0**-20, 0), (3 / 2**9, 0), (0.01, 0), (0.25, 1), (0.5, 1)])
def test_the_nearest_multiplier_is_kept_unless_halves_would_go_towards_zero(real, more):
    (factor,), others = exact_factors(np.array([real]), np.array([-200]), np.array([200]), (-128, 127))
    nearest = quantize_multiplier(real)
    assert (factor, others.tolist()) == (Factor(nearest.multiplier + more, nearest.shift), [])


def test_rows_are_independent():
    reals, reach = np.array([0.5, 2.0**-10, 0.01, 0.3]), np.array([100, 2**20, 5000, 1])
    together, _ = exact_factors(reals, -reach, reach, (-128, 127))
    alone = [exact_factors(reals[[row]], -reach[[row]], reach[[row]], (-128, 127))[0][0] for row in range(4)]
    assert together == alone


@settings(max_examples=200)
@given(real=FACTORS, level=st.integers(-255, 255))
def test_a_step_is_at_the_smallest_sum_that_reaches_it(real, level):
    place = int(thresholds_of(np.array([real]), np.array([level]))[0, 0])
    assert wanted(place, real) >= level > wanted(place - 1, real)


@pytest.mark.parametrize("real", [0.7 * 2.0**-14, 1.1 * 2.0**-15, 1.3e-5])
def test_a_row_that_31_bits_cannot_do_is_named(real):
    """65,535 steps within sums of 30 bits take multipliers of up to 46 bits."""
    reals, reach = np.array([1.0, real]), np.array([1, 2**29])
    _, others = exact_factors(reals, -reach, reach, (-32768, 32767))
    assert others.tolist() == [1]


@pytest.mark.parametrize(("reach", "others"), [(0, []), (1, [0])])
def test_a_factor_above_2_to_the_29th_is_only_for_sums_of_0(reach, others):
    assert exact_factors(np.array([2.0**31]), np.array([-reach]), np.array([reach]), (-128, 127))[1].tolist() == others


# ---- int16 outputs ----

INT16 = (-32768, 32767)
# Quotients of small numbers: there LiteRT's double precision makes halves of what is almost one.
RATIOS = st.builds(
    lambda a, b, exponent: a / b * 2.0**-exponent, st.integers(1, 60), st.integers(1, 60), st.integers(0, 16)
)


def scaled_precisely(value: int, factor: Factor, rest: int) -> int:
    """tz_scale_precise, in integers of any size."""
    total = 31 - factor.shift
    product = value * factor.multiplier + ((value * rest) >> 31)
    return (product + (1 << (total - 1)) - (value < 0)) >> total


def sums_up_to(reach: int, real: float, seed: int) -> list[int]:
    """Sums next to random steps, small ones, and the largest; of both signs."""
    random = np.random.default_rng(seed)
    halves = np.floor((random.integers(0, 32768, 60) + 0.5) / real)[:, None] + np.arange(-1, 3)
    small = random.integers(0, min(reach, 1000) + 1, 60)
    sums = np.concatenate([halves[halves <= reach].astype(np.int64), small, [reach]])
    return np.concatenate([sums, -sums]).tolist()


@settings(max_examples=150)
@given(real=FACTORS, reach=st.integers(1, 2**31), seed=st.integers(0, 2**32 - 1))
def test_the_precise_factor_rounds_like_litert(real, reach, seed):
    ((factor, rest),), others = precise_factors(np.array([real]), np.array([reach]), 32768)
    sums = sums_up_to(reach, real, seed)
    assert not others.size
    got = np.clip([scaled_precisely(value, factor, rest) for value in sums], *INT16)
    assert np.array_equal(got, np.clip([wanted(value, real) for value in sums], *INT16))


@settings(max_examples=150)
@given(real=RATIOS, reach=st.integers(1, 2**18), seed=st.integers(0, 2**32 - 1))
@example(real=0.01020408163265306, reach=49, seed=0)  # 49 times this is the largest double below a half
def test_ratios_round_like_litert_or_are_named(real, reach, seed):
    """Double precision makes halves of some multiples and not of others: no factor does the same."""
    ((factor, rest),), others = precise_factors(np.array([real]), np.array([reach]), 32768)
    if others.size:
        return
    sums = sums_up_to(reach, real, seed)
    got = np.clip([scaled_precisely(value, factor, rest) for value in sums], *INT16)
    assert np.array_equal(got, np.clip([wanted(value, real) for value in sums], *INT16))


def test_almost_a_half_is_a_half_in_double_precision():
    """3 * (1 / 6) is less than 1/2, but not for LiteRT; nor for any other odd multiple."""
    ((factor, rest),), _ = precise_factors(np.array([1 / 6]), np.array([2**18]), 32768)
    assert scaled_precisely(3, Factor(int(2**33 / 6), -2), int(2**64 / 6) % 2**31) == 0
    sums = list(range(-40000, 40001))
    assert [scaled_precisely(value, factor, rest) for value in sums] == [wanted(value, 1 / 6) for value in sums]


def test_a_factor_of_zero_gives_zero():
    assert precise_factors(np.array([0.0]), np.array([2**20]), 32768)[0] == [(Factor(0, -31), 0)]


# (factors, largest sums) -> rows that 62 bits do not do.
OTHERS = {
    "1 / 98, whose 49th multiple is almost a half": ([1 / 98, 1 / 97], [2**18, 2**18], [0]),
    "sums of 33 bits": ([1e-6, 1e-6], [2**32, 2**31], [0]),
    "a factor below 2**-32": ([2.0**-34, 2.0**-31], [2**20, 2**20], [0]),
    "a product beyond 64 bits": ([0.99 * 2.0**-30] * 2, [2**32 - 1, 2**20], [0]),
}


@pytest.mark.parametrize(("reals", "largest", "rows"), OTHERS.values(), ids=OTHERS.keys())
def test_rows_that_62_bits_cannot_do_are_named(reals, largest, rows):
    assert precise_factors(np.array(reals), np.array(largest), 32768)[1].tolist() == rows
