"""The parts of attention: every variant sums exactly, on every core and in every build."""

from itertools import product

import numpy as np
import pytest
from targets import TARGETS

from textzoo.testing.bare_metal.attention_parts import Part, random_part

COUNTS = (1, 2, 3, 5, 31, 32, 33, 64, 128)
LENGTHS = (1, 2, 3, 7, 8, 9, 16, 31, 32, 63, 64, 65, 96, 130)


def shapes(kernel: str) -> list[Part]:
    """Every shape, with none, half, most or all factors 0."""
    rng = np.random.default_rng(4)
    zeros = (0.0, 0.5, 0.9, 1.0)
    pairs = enumerate(product(COUNTS, LENGTHS))
    return [random_part(rng, kernel, count, length, zeros[index % 4]) for index, (count, length) in pairs]


def extremes(kernel: str) -> list[Part]:
    """The largest numbers that the headers allow, of all signs."""
    factors = (-255, -128, 127, 128, 255) if kernel == "dot_rows_s8" else (1, 255, 32767)
    counts = (9, 128) if kernel == "dot_rows_s8" else (128, 300)
    parts = []
    for value, factor, count, length in product((-128, 127), factors, counts, (64, 77)):
        size = length if kernel == "dot_rows_s8" else count
        parts.append(Part(kernel, np.full((count, length), value, np.int8), np.full(size, factor, np.int16)))
    rng = np.random.default_rng(5)
    for count, length in ((65, 64), (40, 200)):
        size = length if kernel == "dot_rows_s8" else count
        rows = rng.choice(np.array([-128, 127], np.int8), (count, length))
        parts.append(Part(kernel, rows, rng.choice(np.array(factors, np.int16), size)))
    return parts


# Factors at the limits of what kernels add up in fewer bits. dot_rows: for four and eight columns together, 255 and
# 256 for each of them alone, the largest one, and the largest of int8. weighted_sum: 257 and 258 in a chunk of 32
# rows, before and after another one, and almost 2**24.
LIMITS = {
    "dot_rows_s8": [
        *([32] * 7 + [31], [32] * 8, [64, 64, 64, 63], [64] * 4, [64, 64, 64, 63, 64, 64, 64, 64, 127, 128, 0, 0, 1]),
        *([0] * place + [sum_of] + [0] * (7 - place) for place in range(8) for sum_of in (255, 256)),
        *([32767] * 8, [-32768, 32767, 1, 0], [127] * 16, [-128] + [127] * 15),
    ],
    "weighted_sum_s8": [
        *([257], [258], [255, 2], [255, 3], [0, 256, 0, 1], [0, 256, 0, 2], [255, 256], [32767] * 512),
        *([8] * 31 + [9], [8] * 31 + [10], [8] * 31 + [9, 8], [8] * 31 + [10, 8], [1] * 32 + [257], [1] * 32 + [258]),
    ],
}


def limits(kernel: str) -> list[Part]:
    """Three times each, so that one of them lies at a multiple of 16 bytes."""
    parts = []
    for factors, value in product(LIMITS[kernel], (-128, 127)):
        signs = (1, -1) if kernel == "dot_rows_s8" else (1,)
        for sign in signs:
            numbers = np.clip(np.array(factors) * sign, -32768, 32767).astype(np.int16)
            shape = (3, len(factors)) if kernel == "dot_rows_s8" else (len(factors), 12)
            parts += 3 * [Part(kernel, np.full(shape, value, np.int8), numbers)]
    return parts


def wide_extremes(kernel: str) -> list[Part]:
    """The same for int16: sums far beyond 32 bits, or weights that sum to almost 2**16."""
    parts = []
    for value, length in product((-32768, 32767), (1, 8, 64, 77)):
        if kernel == "dot_rows_s16":
            for factor, shift in product((-32768, 32767), (-31, -24, 0, 7)):
                rows, vector = np.full((3, length), value, np.int16), np.full(length, factor, np.int16)
                parts.append(Part(kernel, rows, vector, (32767, shift)))
        else:
            for weights in ([32767, 32767, 1], [13107] * 5, [1, 0, 2], [32767]):
                rows = np.full((len(weights), length), value, np.int16)
                parts.append(Part(kernel, rows, np.array(weights, np.int16)))
    return parts


NARROW, WIDE = ("dot_rows_s8", "weighted_sum_s8"), ("dot_rows_s16", "weighted_sum_s16")
PARTS = {kernel: shapes(kernel) + extremes(kernel) + limits(kernel) for kernel in NARROW}
PARTS |= {kernel: shapes(kernel) + wide_extremes(kernel) for kernel in WIDE}


@pytest.mark.quick("m4-", "rv32", "host_sanitized")
@pytest.mark.parametrize("kernel", PARTS)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_sums_are_exact(target, kernel, program_of, tmp_path):
    cases = []
    for index, part in enumerate(PARTS[kernel]):
        cases.append(part.case(offset=index % 16 if index % 3 else 0, fenced=index % 4 == 1))
        cases.append(part.case(generic=True, offset=index % 16))
    results = target.run(program_of(target), cases, tmp_path)
    for part, variant, generic in zip(PARTS[kernel], results[0::2], results[1::2], strict=True):
        for name, result in ((target.variant, variant), ("generic", generic)):
            what = f"{name}, {part.rows.shape}"
            np.testing.assert_array_equal(result.returned[0], part.expected(), err_msg=what)
            assert result.intact, f"{what}: wrote beside its buffers"
