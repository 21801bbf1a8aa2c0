"""ADD and SUB of int8 as one linear sum: the same integers as LiteRT's three roundings, for every pair of operands."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textzoo.compiler.ir.program import Struct
from textzoo.compiler.numerics.fixedpoint import Factor, quantize_multiplier
from textzoo.compiler.operators.base import scale_struct
from textzoo.compiler.operators.linear_forms import ALL_VALUES, linear_form

SCALES = st.floats(-3, 0).map(lambda exponent: float(np.float32(2.0**exponent)))
BYTES = st.integers(-128, 127)
BOUNDS = st.tuples(BYTES, BYTES).map(sorted)


def factors_of(a: float, b: float, output: float) -> list[float]:
    largest = 2 * max(a, b)
    return [a / largest, b / largest, largest / (2**20 * output)]


def add_struct(scales: list[float], zero_points: list[int], bounds: list[int]) -> Struct:
    parts = zip(("a", "b", "output"), factors_of(*scales), zero_points, strict=True)
    fields = {name: scale_struct(quantize_multiplier(real), zero_point) for name, real, zero_point in parts}
    range_ = Struct("tz_range_t", dict(zip(("minimum", "maximum"), bounds, strict=True)))
    return Struct("tz_add_t", {**fields, "range": range_, "left_shift": 20})


def half_up(value: Fraction) -> int:
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def scaled(value: int, real: float) -> int:
    """Round to 31 bits, halves up; then by a power of two, halves away from zero."""
    factor = quantize_multiplier(real)
    high = half_up(Fraction(value * factor.multiplier, 2**31))
    rounded = half_up(Fraction(abs(high), 2**-factor.shift))
    return rounded if high >= 0 else -rounded


def wanted(scales: list[float], zero_points: list[int], bounds: list[int], sign: int) -> np.ndarray:
    """LiteRT's ADD or SUB of all pairs, (256, 256)."""
    to_a, to_b, to_output = factors_of(*scales)
    a = [scaled((value - zero_points[0]) << 20, to_a) for value in range(-128, 128)]
    b = [sign * scaled((value - zero_points[1]) << 20, to_b) for value in range(-128, 128)]
    sums = np.array(a)[:, None] + np.array(b)[None, :]
    outputs = {value: scaled(value, to_output) + zero_points[2] for value in np.unique(sums).tolist()}
    return np.clip(np.vectorize(outputs.get)(sums), *bounds)


@settings(max_examples=8, deadline=None)
@given(
    scales=st.tuples(*3 * [SCALES]), zero_points=st.tuples(*3 * [BYTES]), bounds=BOUNDS, sign=st.sampled_from([1, -1])
)
def test_a_linear_sum_is_what_litert_computes_for_every_pair(scales, zero_points, bounds, sign):
    found = linear_form(add_struct(scales, zero_points, bounds), sign, ALL_VALUES, ALL_VALUES)
    if found is None:
        return
    sums = found.offset + ALL_VALUES[:, None] * found.a_factor + ALL_VALUES[None, :] * found.b_factor
    assert np.abs(sums).max() < 2**31
    expected = wanted(scales, zero_points, bounds, sign)
    np.testing.assert_array_equal(np.clip(sums >> found.shift, *bounds), expected)


# Its rounding errors put five pairs on one line, each 38 further in a and 30 less in b, alternately above and below it.
CROOKED = {"a": (1806084146, -2, -24), "b": (2**30, 0, -80), "output": (1684834919, -19, -72)}


def crooked_sum() -> Struct:
    parts = {name: Factor(multiplier, shift) for name, (multiplier, shift, _) in CROOKED.items()}
    fields = {name: scale_struct(factor, CROOKED[name][2]) for name, factor in parts.items()}
    return Struct(
        "tz_add_t", {**fields, "range": Struct("tz_range_t", {"minimum": -128, "maximum": 127}), "left_shift": 20}
    )


def test_rounding_errors_that_no_line_follows_have_no_linear_form():
    assert linear_form(crooked_sum(), 1, ALL_VALUES, ALL_VALUES) is None


def test_constants_ask_only_for_the_pairs_that_occur():
    assert linear_form(crooked_sum(), 1, ALL_VALUES, np.array([-65, -5])) is not None


# The first two have halves, which LiteRT rounds away from zero on both sides of it: slightly larger factors do as well.
@pytest.mark.parametrize(
    "scales", [(1.0, 1.0, 2.0), (0.5, 0.25, 1.0), (1.0, 0.7, 1.3), (0.31, 0.5, 0.77), (0.9, 0.4, 1.1)]
)
def test_scales_as_models_have_them_have_a_linear_form(scales):
    assert linear_form(add_struct(scales, (3, -40, 11), (-128, 127)), 1, ALL_VALUES, ALL_VALUES) is not None
