"""double_precision.h gives what double precision gives, on cores without it, for which all generic kernels compile."""

import math
from fractions import Fraction

import numpy as np
import pytest

from compilers import need
from textzoo.common.paths import RUNTIME
from textzoo.compiler.numerics.fixedpoint import double_parts
from textzoo.testing.bare_metal import CORES, build, run

MAX_SUM = 2**43 - 1
MAX_OUTPUT = 2**31 - 1
PROGRAM = """
#include "board.h"
#include "internal/double_precision.h"
static const struct { int64_t value, mantissa; int32_t exponent, expected; } cases[] = {%s};
int main(void)
{
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; ++i) {
        if (tz_scale_as_double(cases[i].value, cases[i].mantissa, (int)cases[i].exponent) != cases[i].expected) {
            board_print("wrong");
            return 0;
        }
    }
    board_print("right");
    return 0;
}
"""
# The 49th multiple of 1 / 98 in double precision is the largest number below a half.
HARD = [(value, real) for real in (1 / 98, 1 / 6, 0.5, 0.25, 3 / 2**9, 2.0**-43) for value in (*range(200), 2**43 - 1)]


def rounded(value: int, real: float) -> int:
    """Python's double precision; halves away from zero, 0.5 added without rounding."""
    product = value * real
    return int(math.copysign(math.floor(Fraction(abs(product)) + Fraction(1, 2)), product))


def drawn(count: int) -> list[tuple[int, float]]:
    """Sums and factors of all sizes; sums of many next to halves."""
    random = np.random.default_rng(1)
    reals = (2.0 ** random.uniform(-60, 20, count)).tolist()
    pairs = [(int(2.0 ** random.uniform(0, 43)), real) for real in reals]
    levels = random.integers(0, 40000, count).tolist()
    return pairs + [
        (int((level + 0.5) / real) + step, real) for level, real in zip(levels, reals, strict=True) for step in (0, 1)
    ]


def cases() -> list[str]:
    """Rows of the program's table: what the kernel holds, of both signs."""
    held = [(v, real) for v, real in [*HARD, *drawn(1000)] if v <= MAX_SUM and v * real < MAX_OUTPUT]
    signed = [(sign * value, real) for value, real in [*held, (0, 0.3), (5, 0.0)] for sign in (1, -1)]
    return [
        f"{{INT64_C({value}), INT64_C({double_parts(real)[0]}), {double_parts(real)[1]}, {rounded(value, real)}}}"
        for value, real in signed
    ]


@pytest.mark.quick(2)
@pytest.mark.parametrize("core", CORES)
def test_double_precision_on_cores_without_it(core, tmp_path):
    rows = cases()
    assert len(rows) > 5000
    source = tmp_path / "program.c"
    source.write_text(PROGRAM % ",\n".join(rows), encoding="utf-8")
    kernels = sorted((RUNTIME / "generic").glob("*.c"))
    need(CORES[core].compiler, CORES[core].emulator)
    answer = run(build([source, *kernels], core, tmp_path / "program.elf", flags=("-O2",)), core, tmp_path)
    assert answer.strip() == "right"
