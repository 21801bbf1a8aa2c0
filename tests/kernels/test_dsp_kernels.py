"""Attention, LayerNorm and sums of the dsp variant: the integers of the generic kernels, on every core and build."""

import numpy as np
import pytest

from compilers import need
from textzoo.common.paths import RUNTIME
from textzoo.compiler.backend.kernels import source_of
from textzoo.compiler.numerics.tables import softmax_reciprocals_s16
from textzoo.compiler.operators.attention import exponentials_p16
from textzoo.compiler.operators.softmax import exponentials_s8
from textzoo.testing.bare_metal import CORES, build, run

VARIANT = "dsp"
KERNELS = (
    "attention_s8",
    "attention_s8_p16",
    "linear_sum_s8",
    "layer_norm_linear_s8",
    "dot_rows_s8",
    "weighted_sum_s8",
)
PROGRAM = RUNTIME.parent.parent / "tests" / "kernels" / "compare_kernels.c"
# Exponents of a step between two scores: from almost the same probability for all to all of it for one.
STEPS = (0.0005, 0.01, 0.03, 0.1, 0.4)
BUILDS = {
    "m4": ("m4", ("-O2", "-fno-strict-aliasing")),
    "m4_unoptimized": ("m4", ("-O0",)),
    "m4_size": ("m4", ("-Os", "-fno-strict-aliasing")),
    "m4_without_assembly": ("m4", ("-O2", "-fno-strict-aliasing", "-DTZ_NO_ASSEMBLY")),
    "m7": ("m7", ("-O3", "-fno-strict-aliasing")),
    "m33": ("m33", ("-O2", "-fno-strict-aliasing")),
}


def rows_of(name: str, dtype: str, rows: list[np.ndarray]) -> str:
    texts = ["{" + ", ".join(map(str, row.tolist())) + "}" for row in rows]
    return f"static const {dtype} {name}[TABLES][256] = {{{', '.join(texts)}}};\n"


def tables() -> str:
    """The tables of softmaxes with these steps, as a header."""
    narrow = [exponentials_s8(step) for step in STEPS]
    wide = [exponentials_p16(step) for step in STEPS]
    counts = ", ".join(str(len(row)) for row in narrow)
    reciprocals = ", ".join(map(str, softmax_reciprocals_s16().tolist()))
    return (
        f"enum {{ TABLES = {len(STEPS)} }};\n"
        f"static const int32_t distances[TABLES] = {{{counts}}};\n"
        f"static const int16_t reciprocals[513] = {{{reciprocals}}};\n"
        + rows_of("exponentials", "int32_t", narrow)
        + rows_of("exponentials_p16", "int16_t", wide)
    )


@pytest.mark.quick("m4-", "m7")
@pytest.mark.parametrize("name", BUILDS)
def test_kernels_equal_the_generic_ones(name, tmp_path):
    core, flags = BUILDS[name]
    need(CORES[core].compiler, CORES[core].emulator)
    (tmp_path / "tables.h").write_text(tables(), encoding="utf-8")
    renamed = "".join(f"#define tz_{kernel} generic_{kernel}\n" for kernel in KERNELS)
    for kernel in KERNELS:
        text = f'{renamed}#include "generic/{kernel}.c"\n'
        (tmp_path / f"generic_{kernel}.c").write_text(text, encoding="utf-8")
    sources = [PROGRAM, *sorted(tmp_path.glob("generic_*.c")), *(RUNTIME / source_of(k, VARIANT) for k in KERNELS)]
    program = build(sources, core, tmp_path / "program.elf", flags=(*flags, f"-I{tmp_path}", f"-I{RUNTIME}"))
    assert run(program, core, tmp_path).strip() == "right"
