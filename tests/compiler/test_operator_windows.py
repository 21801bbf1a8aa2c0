"""Convolutions, pools and LSTMs: on emulated cores, and the scratch memory of their kernels."""

import subprocess
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from graph_benches import BENCHES
from graph_cases import graph_case
from graph_fuzzer import random_trial
from graph_judge import Trial, Verdict, judge
from operator_cases import depthwise_convolution, lstm
from running import Model

from compilers import need
from textzoo.compiler.backend.kernels import RUNTIME
from textzoo.compiler.backend.rendering import field_text
from textzoo.compiler.compile import compile_bytes
from textzoo.compiler.operators.base import Target
from textzoo.compiler.tflite.single_operator import Operation, Tensor
from textzoo.targets.native import find_compiler

CORES = ("m4", "m7", "m33", "m55")
KINDS = {"CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D", "UNIDIRECTIONAL_SEQUENCE_LSTM"}
SEEDS = range(100, 125)


@pytest.mark.slow
@pytest.mark.parametrize("core", CORES)
def test_random_graphs_of_images_equal_litert_on_cores(core, tmp_path):
    need(*BENCHES[core].needs())
    trials = [random_trial(seed, "images") for seed in SEEDS]
    assert {operation.name for trial in trials for operation in trial.case.operations} >= KINDS
    outcomes = judge(trials, BENCHES[core], tmp_path, tmp_path)
    assert {outcome.verdict for outcome in outcomes} == {Verdict.EQUAL}


def convolved(channels, filters, taps, bias, scale):
    """A convolution over a small image, padded, with a factor of the given size and one bias for all filters."""
    random = np.random.default_rng(channels * filters + taps)
    weights = random.integers(-127, 128, (filters, taps, taps, channels)).astype(np.int8)
    source, output = Tensor((1, 5, 4, channels), "int8", 0.5, 3), Tensor((1, 5, 4, filters), "int8", 1.0, -5)
    operands = [
        source,
        Tensor(weights.shape, "int8", scale, data=weights),
        Tensor((filters,), "int32", scale / 2, data=np.full(filters, bias, np.int32)),
    ]
    return Operation("CONV_2D", operands, [output], {"padding": 0, "strideH": 1, "strideW": 1})


# Filters around fours, tiles and twos; columns around groups and chunks; biases and factors that the fast way of the
# DSP extension does not take: see deployment/runtime/dsp/filter_fours.inc.
SHAPES = [(1, 1, 1), (8, 4, 1), (13, 7, 1), (16, 131, 1), (57, 5, 3), (60, 6, 3), (3, 128, 5)]
NUMBERS = [(100, 0.0005), (2**30, 2.0**-31), (-(2**30), 2.0**-29), (5, 3.0), (40, 1.0)]


# The variants' kernels, with and without assembly, optimized for speed and for size.
BUILDS = {
    "m4": BENCHES["m4"],
    "m4_size": replace(BENCHES["m4"], flags=("-Os",)),
    "m4_without_assembly": replace(BENCHES["m4"], flags=("-O2", "-DTZ_NO_ASSEMBLY")),
    "m55": BENCHES["m55"],
    "m55_unoptimized": replace(BENCHES["m55"], flags=("-O0",)),
}


@pytest.mark.slow
@pytest.mark.parametrize("bench", BUILDS.values(), ids=BUILDS)
def test_convolutions_at_the_borders_of_kernels_equal_litert_on_cores(bench, tmp_path):
    need(*bench.needs())
    cases = [convolved(*shape, *numbers) for shape, numbers in product(SHAPES, NUMBERS)]
    trials = [trial_of(operation, seed) for seed, operation in enumerate(cases)]
    outcomes = judge(trials, bench, tmp_path, tmp_path)
    assert [outcome.detail for outcome in outcomes if outcome.verdict != Verdict.EQUAL] == []


def trial_of(operation, seed):
    return Trial(graph_case([operation]), seed)


def test_scratch_of_depthwise_convolutions_and_lstms_is_what_the_header_says(tmp_path):
    random = np.random.default_rng(0)
    rows = [
        ("DEPTHWISE_CONV_2D", depthwise_convolution, "dsp"),
        ("UNIDIRECTIONAL_SEQUENCE_LSTM", lstm, "dsp"),
        ("UNIDIRECTIONAL_SEQUENCE_LSTM", lstm, "mve"),
    ]
    calls = [
        call
        for name, make, variant in rows
        for number in range(40)
        for call in compile_bytes(Model([make(random, "int8")], random).content, Target(variant)).program.statements
        if call.kind == name and call.variant != "generic"
    ]
    lines = ["#include <stdio.h>", '#include "textzoo/lstm_s8.h"', '#include "textzoo/scratch_bytes.h"']
    lines += ["int main(void) {", *map(scratch_call, calls), "return 0; }", ""]
    (tmp_path / "sizes.c").write_text("\n".join(lines))
    command = [find_compiler(), "-std=c99", f"-I{RUNTIME / 'include'}", "sizes.c", "-o", "sizes"]
    subprocess.run(command, cwd=tmp_path, check=True)
    printed = subprocess.run([tmp_path / "sizes"], capture_output=True, text=True, check=True).stdout.split()
    assert [int(size) for size in printed] == [call.scratch.bytes for call in calls]
    assert len({call.kind for call in calls}) == 2


def scratch_call(call):
    """A line of C that prints the scratch of a call by its header."""
    fields = call.struct.fields
    if call.kind == "DEPTHWISE_CONV_2D":
        window = field_text(fields["window"])
        return f'printf("%d\\n", (int)tz_scratch_bytes_dsp_depthwise(&(const tz_window_t){window}));'
    sizes = f"{fields['gates'] * fields['cells']}, {max(fields['inputs'], fields['cells'])}"
    return f'printf("%d\\n", (int)tz_scratch_bytes_{call.variant}_lstm({sizes}));'
