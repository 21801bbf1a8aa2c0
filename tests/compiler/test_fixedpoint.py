"""fixedpoint.h against exact integers, and Python's preparation of factors against the numbers it stands for."""

import ctypes
import math
from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from compilers import need
from textzoo.compiler.backend.kernels import RUNTIME
from textzoo.compiler.numerics.fixedpoint import Factor, double_parts, quantize_multiplier
from textzoo.compiler.operators.base import can_hoist, hoisted_struct
from textzoo.testing.building import build_c

FUNCTIONS = """
#include "internal/double_precision.h"
#include "textzoo/fixedpoint.h"
int32_t as_double(int64_t v, int64_t m, int e) { return tz_scale_as_double(v, m, e); }
int32_t single(int32_t v, int32_t m, int s) { return tz_scale_single(v, m, s); }
int32_t twice(int32_t v, int32_t m, int s) { return tz_scale_double(v, m, s); }
int32_t wide(int64_t v, int32_t m, int s) { return tz_scale_wide(v, m, s); }
int32_t high(int32_t a, int32_t b) { return tz_high_multiply(a, b); }
int32_t upper(int32_t a, int32_t b) { return tz_upper_product(a, b); }
int32_t divide(int32_t v, int e) { return tz_divide_by_power(v, e); }
int32_t hoisted(int32_t v, int32_t m, int32_t l, int32_t r, int32_t o)
{
    return tz_scale_hoisted(v, (tz_hoisted_t){m, l, r, o});
}
"""
INT32 = st.integers(-(2**31) + 1, 2**31 - 1)
WHOLE_INT32 = st.integers(-(2**31), 2**31 - 1)
MULTIPLIERS = st.integers(2**30, 2**31 - 1)


@pytest.fixture(scope="module", params=[(), ("-DTZ_HALVES",)], ids=["whole", "halves"])
def library(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("fixedpoint")
    (folder / "functions.c").write_text(FUNCTIONS)
    flags = ["-std=c99", "-O2", "-fPIC", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
    command = [need("host"), *flags, *request.param, f"-I{RUNTIME / 'include'}", f"-I{RUNTIME}"]
    loaded = ctypes.CDLL(str(build_c(command, [folder / "functions.c"], folder / "functions.so", "-shared")))
    loaded.wide.argtypes = [ctypes.c_int64, ctypes.c_int32, ctypes.c_int]
    loaded.as_double.argtypes = [ctypes.c_int64, ctypes.c_int64, ctypes.c_int]
    return loaded


def half_up(value):
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def half_away(value):
    return half_up(value) if value >= 0 else -half_up(-value)


def double_rounding(value, multiplier, shift):
    """LiteRT's way: first to 31 bits, halves up; then by a power of two, halves away from zero."""
    high = half_up(Fraction(value * 2 ** max(shift, 0) * multiplier, 2**31))
    return half_away(Fraction(high, 2 ** max(-shift, 0)))


@given(value=INT32, multiplier=MULTIPLIERS, shift=st.integers(-31, 0))
@example(value=2**31 - 1, multiplier=2**31 - 1, shift=-1)
@example(value=-(2**31) + 1, multiplier=2**31 - 1, shift=-1)
def test_single_and_double_rounding(library, value, multiplier, shift):
    assert library.single(value, multiplier, shift) == half_up(Fraction(value * multiplier, 2 ** (31 - shift)))
    assert library.twice(value, multiplier, shift) == double_rounding(value, multiplier, shift)


@given(a=WHOLE_INT32, b=INT32)
@example(a=-(2**31), b=2**31 - 1)
@example(a=-(2**31), b=-(2**31) + 1)
@example(a=2**31 - 1, b=2**31 - 1)
@example(a=0x7FFFFFFF, b=0x7FFF0000)
@example(a=0x0000FFFF, b=-0x80000000 + 0xFFFF)
def test_upper_words_of_products(library, a, b):
    assert library.high(a, b) == half_up(Fraction(a * b, 2**31))
    assert library.upper(a, b) == half_up(Fraction(a * b, 2**32))


@given(value=st.integers(-(2**31) + 1, 2**31 - 2), exponent=st.integers(0, 31))
@example(value=2**31 - 2, exponent=1)
@example(value=-(2**31) + 1, exponent=1)
def test_division_by_powers(library, value, exponent):
    assert library.divide(value, exponent) == half_away(Fraction(value, 2**exponent))


@given(value=st.integers(-(2**46), 2**46), multiplier=st.integers(0, 32767), shift=st.integers(-25, 0))
def test_wide_sums(library, value, multiplier, shift):
    expected = half_up(Fraction(value * multiplier, 2 ** (15 - shift)))
    assume(abs(expected) < 2**31)
    assert library.wide(value, multiplier, shift) == expected


@given(
    value=st.integers(-(2**28), 2**28),
    multiplier=MULTIPLIERS,
    shift=st.integers(-30, 0),
    zero_point=st.integers(-128, 127),
)
def test_hoisted_factors_round_like_double_rounding(library, value, multiplier, shift, zero_point):
    factor, is_half = Factor(2**30 if shift == 0 else multiplier, shift), shift == 0
    value = value & ~1 if is_half else value
    assert can_hoist(factor, abs(value), even=is_half)
    fields = hoisted_struct(factor, zero_point).fields
    got = library.hoisted(value, fields["multiplier"], fields["left"], fields["right"], fields["offset"])
    assert got == double_rounding(value, factor.multiplier, shift) + zero_point


@given(value=st.integers(-(2**43) + 1, 2**43 - 1), exponent=st.floats(-60, 31))
@example(value=49, exponent=-math.log2(98))
def test_products_as_in_double_precision(library, value, exponent):
    real = 2.0**exponent
    assume(abs(value * real) < 2**31 - 1)
    assert library.as_double(value, *double_parts(real)) == half_away(Fraction(value * real))


def test_a_half_cannot_be_hoisted_for_odd_values():
    assert can_hoist(Factor(2**30, 0), 100, even=True)
    assert not can_hoist(Factor(2**30, 0), 100)


@given(st.floats(2.0**-30, 2.0**20))
def test_factors_are_within_half_a_step_of_31_bits(real):
    factor = quantize_multiplier(real)
    exact = Fraction(factor.multiplier, 2**31) * Fraction(2) ** factor.shift
    assert abs(exact - Fraction(real)) <= Fraction(2) ** (factor.shift - 32)
    assert 2**30 <= factor.multiplier < 2**31


@pytest.mark.parametrize("real", [float("nan"), float("inf"), -1.0, 2.0**31])
def test_impossible_factors_are_refused(real):
    with pytest.raises(ValueError, match="factor"):
        quantize_multiplier(real)
