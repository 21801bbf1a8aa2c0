"""Linear forms of ADD, SUB and MUL of int8: what `tz_linear_sum` and `tz_scaled_product` take in their place."""

import numpy as np

from textzoo.compiler.ir.program import Struct
from textzoo.compiler.numerics.fixedpoint import Factor
from textzoo.compiler.numerics.linear_sums import (
    LinearSum,
    ScaledProduct,
    exact_linear_sum,
    exact_product,
)
from textzoo.compiler.numerics.tables import scale_double
from textzoo.compiler.operators.base import INTEGER_RANGES

ALL_VALUES = np.arange(-128, 128)


def linear_form(add: Struct, sign: int, a: np.ndarray, b: np.ndarray) -> LinearSum | None:
    """Find the linear form of a tz_add_t for operands a (n,) and b (m,); `sign`: of b's part of the sum."""
    bounds = tuple(add.fields["range"].fields[name] for name in ("minimum", "maximum"))
    output = factor_of(add, "output")
    reals = [real_of(factor_of(add, name)) * real_of(output) * 2 ** add.fields["left_shift"] for name in ("a", "b")]
    wanted = np.clip(results(add, sign, a, b), *bounds)
    return exact_linear_sum(wanted, a, b, (reals[0], sign * reals[1]), bounds)


def results(add: Struct, sign: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compute tz_add or tz_subtract for all pairs, not clamped: (n, m) int64."""
    output = add.fields["output"].fields
    sums = on_common_scale(add, "a", a)[:, None] + sign * on_common_scale(add, "b", b)[None, :]
    return scale_double(sums, output["multiplier"], output["shift"]) + output["zero_point"]


def on_common_scale(add: Struct, name: str, values: np.ndarray) -> np.ndarray:
    part = add.fields[name].fields
    raised = (values - part["zero_point"]) << add.fields["left_shift"]
    return scale_double(raised, part["multiplier"], part["shift"])


def factor_of(add: Struct, name: str) -> Factor:
    return Factor(add.fields[name].fields["multiplier"], add.fields[name].fields["shift"])


def real_of(factor: Factor) -> float:
    return factor.multiplier / 2**31 * 2.0**factor.shift


def product_form(factor: Factor, zero_point: int, products: np.ndarray) -> ScaledProduct | None:
    """Find the form of MUL for products (n,) of two int8 less their zero points; factor: below 1/2."""
    bounds = INTEGER_RANGES["int8"]
    wanted = scale_double(products, factor.multiplier, factor.shift) + zero_point
    return exact_product(np.clip(wanted, *bounds), products, real_of(factor), bounds)
