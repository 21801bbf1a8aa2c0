"""Graphs with states, views and shared operands, compiled as a whole, equal LiteRT's reference kernels."""

from collections import Counter
from dataclasses import replace
from itertools import cycle

import graph_judge
import numpy as np
import pytest
from graph_benches import BENCHES
from graph_cases import draw_steps, graph_case, run_litert
from graph_fuzzer import PROFILES, random_graph, random_trial
from graph_judge import Outcome, Trial, Verdict, judge
from graph_minimizer import minimized
from graph_nodes import NODES
from known_graphs import KNOWN, quantized, several

from compilers import need
from textzoo.common.errors import UserError
from textzoo.compiler.operators.registry import FUSED, OPERATORS
from textzoo.compiler.passes.registry import TABLE
from textzoo.compiler.tflite.single_operator import Operation, Tensor

PASSES = {"no_passes": frozenset(entry.name for entry in TABLE), "all_passes": frozenset()}
# fuzz_graphs.py takes as many as one likes.
BATCH, BATCHES = 16, 40
HERE = ("generic", "host", "two_cores", "mul32")
ELSEWHERE = sorted(BENCHES.keys() - HERE)


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    return tmp_path_factory.mktemp("objects")


def faults(trials: list[Trial], outcomes: list[Outcome]) -> str:
    """What is wrong, and with which graphs; empty where nothing is."""
    wrong = [(trial, outcome) for trial, outcome in zip(trials, outcomes, strict=True) if outcome.is_fault]
    texts = [
        [f"seed {trial.seed}: {outcome.verdict}: {outcome.detail}", *trial.case.describe()] for trial, outcome in wrong
    ]
    return "\n".join(line for lines in texts for line in lines)


@pytest.mark.quick(10)
@pytest.mark.parametrize("without", PASSES.values(), ids=PASSES.keys())
@pytest.mark.parametrize("name", KNOWN)
def test_known_graphs_equal_litert(name, without, tmp_path, objects):
    (outcome,) = judge([Trial(KNOWN[name](), 1, without)], BENCHES["generic"], tmp_path, objects)
    assert outcome.verdict is Verdict.EQUAL, outcome.detail
    assert outcome.compared


@pytest.mark.quick(1)
@pytest.mark.parametrize("number", range(BATCHES))
def test_random_graphs_equal_litert(number, tmp_path, objects):
    trials = [random_trial(seed) for seed in range(number * BATCH, (number + 1) * BATCH)]
    outcomes = judge(trials, BENCHES[HERE[number % len(HERE)]], tmp_path, objects)
    assert not faults(trials, outcomes)
    assert sum(outcome.verdict is Verdict.EQUAL for outcome in outcomes) > BATCH // 2


@pytest.mark.slow
@pytest.mark.parametrize(("name", "profile"), [*zip(ELSEWHERE, cycle(["views", "attention"]), strict=False)])
def test_random_graphs_equal_litert_elsewhere(name, profile, tmp_path, objects):
    need(*BENCHES[name].needs())
    trials = [random_trial(seed, profile) for seed in range(BATCH)]
    assert not faults(trials, judge(trials, BENCHES[name], tmp_path, objects))


VECTORS = {
    "SSE2 at O2": replace(BENCHES["optimized"], flags=("-O2",)),
    "AVX2 at O2": replace(BENCHES["optimized"], flags=("-O2", "-mavx2")),
    "AVX2 at O3": replace(BENCHES["optimized"], flags=("-O3", "-mavx2")),
    "this machine at O3": BENCHES["optimized"],
    "clang at O3": replace(BENCHES["clang"], flags=("-O3", "-march=native"), is_sanitized=False),
    "64-bit Arm at O2": replace(BENCHES["neon"], flags=("-O2",)),
    "64-bit Arm at O3": replace(BENCHES["neon"], flags=("-O3",)),
    "Cortex-M55 at O3": replace(BENCHES["m55"], flags=("-O3",)),
}
ELEMENTS = 256
RELU = {"fusedActivationFunction": 1}


def clamped(seed: int) -> Trial:
    """Operators whose results are scaled and clamped, in one loop or in several."""
    random = np.random.default_rng(seed)
    dtype = "int8" if seed % 4 else "int16"

    def drawn() -> Tensor:
        scale = float(2 ** random.uniform(-9, 0))
        zero_point = int(random.integers(-128, 128)) if dtype == "int8" else 0
        return quantized(ELEMENTS, dtype=dtype, scale=scale, zero_point=zero_point)

    a, b, *results = (drawn() for _ in range(6))
    pair = str(random.choice(["MUL", "ADD", "SUB"]))
    options = RELU if random.random() < 0.3 else {}
    operations = [
        Operation(pair, [a, b], [results[0]], options),
        Operation("QUANTIZE", [a], [results[1]]),
        Operation("MUL", results[:2], [results[2]]),
        Operation("LEAKY_RELU", [b], [results[3]], {"alpha": 0.3}),
    ]
    return Trial(graph_case(operations, outputs=results), seed, PASSES["no_passes" if seed % 2 else "all_passes"])


@pytest.mark.slow
@pytest.mark.parametrize("bench", VECTORS.values(), ids=VECTORS.keys())
def test_clamps_are_exact_in_vectors(bench, tmp_path):
    """GCC makes vectors of narrow elements, where it knows the ranges of values; it has made them too narrow."""
    need(*bench.needs())
    trials = [clamped(seed) for seed in range(32)]
    outcomes = judge(trials, bench, tmp_path, tmp_path)
    assert not faults(trials, outcomes)
    assert sum(outcome.verdict is Verdict.EQUAL for outcome in outcomes) > 24


# ---- the graphs that are drawn ----


def test_every_operator_has_a_row():
    assert set(OPERATORS.names()) - FUSED == {node.operator for node in NODES}


@pytest.mark.slow
def test_every_row_is_drawn():
    """A row whose nodes never fit would test nothing."""
    drawn = Counter(operation.name for seed in range(BATCH * BATCHES) for operation in random_graph(seed).operations)
    assert min(drawn[node.operator] for node in NODES) >= 5, drawn


def test_a_seed_is_a_graph():
    assert random_graph(7).content() == random_graph(7).content() != random_graph(8).content()


@pytest.mark.parametrize("profile", PROFILES)
def test_graphs_have_what_they_are_drawn_for(profile):
    """States that are read and overwritten, several outputs, operands that several nodes share."""
    cases = [random_graph(seed, profile) for seed in range(100)]
    shared = sum(max(Counter(it for op in case.operations for it in op.inputs).values()) > 1 for case in cases)
    assert shared > 50
    assert sum(bool(case.states) for case in cases) > 50
    assert all(case.outputs or case.states for case in cases)


# ---- what judges them can fail ----


def doubled() -> Trial:
    """A sum of a state and an input, and a product with a table."""
    (before, update, after), output = several(3, 2, 3), quantized(2, 3)
    operations = [Operation("ADD", [before, update], [after]), Operation("TANH", [after], [output])]
    return Trial(graph_case(operations, {before: after}, [output, after]), 3, PASSES["no_passes"])


FAR = "{ volatile size_t far = sizeof arena; arena[far] = 0; } MARK(0);"
# What is planted -> what must be found: replacements in the generated files.
PLANTED = {
    "a wrong value": (("tz_add_s8(&step_0, state_0,", "tz_add_s8(&step_0, state_0 + 1,"), Verdict.MISMATCH),
    "a state that is not carried": (("state_0[i] = (int8_t)", "arena[0] = (uint8_t)"), Verdict.MISMATCH),
    "a state that is not reset": (("memset(state_0, 0, 6);", ";"), Verdict.MISMATCH),
    "another constant": (("MODEL_WEIGHTS_CRC32 0x", "MODEL_WEIGHTS_CRC32 1 + 0x"), Verdict.MISMATCH),
    "an unused variable": (("MARK(0);", "int unused; MARK(0);"), Verdict.UNCOMPILABLE),
    "an undeclared variable": (("MARK(0);", "undeclared = 0; MARK(0);"), Verdict.UNCOMPILABLE),
    "a wrong address": (("MARK(0);", FAR), Verdict.STOPPED),
}


@pytest.mark.parametrize(("change", "verdict"), PLANTED.values(), ids=PLANTED.keys())
def test_planted_faults_are_found(change, verdict, tmp_path, objects, monkeypatch):
    plant(monkeypatch, *change)
    (outcome,) = judge([doubled()], BENCHES["generic"], tmp_path, objects)
    assert (outcome.verdict, outcome.is_fault) == (verdict, True)


def plant(monkeypatch, old: str, new: str) -> None:
    """Let the compiler write `new` where it would write `old`."""
    compile_bytes = graph_judge.compile_bytes

    def changed(*given, **options):
        compiled = compile_bytes(*given, **options)
        compiled.files = {name: content.replace(old, new) for name, content in compiled.files.items()}
        return compiled

    monkeypatch.setattr(graph_judge, "compile_bytes", changed)


def test_one_graph_that_stops_leaves_the_others(tmp_path, objects, monkeypatch):
    plant(monkeypatch, "/* 0 TANH", "{ volatile size_t far = sizeof arena; arena[far] = 0; } /* 0 TANH")
    tanh = graph_case([Operation("TANH", [quantized(4)], [quantized(4)])])
    trials = [doubled(), Trial(tanh, 1, PASSES["no_passes"]), doubled()]
    outcomes = judge(trials, BENCHES["generic"], tmp_path, objects)
    assert [outcome.verdict for outcome in outcomes] == [Verdict.EQUAL, Verdict.STOPPED, Verdict.EQUAL]


@pytest.mark.parametrize(
    ("error", "verdict", "is_fault"),
    [
        (UserError("not known", received="COS: not in the table"), Verdict.REFUSED, True),
        (UserError("not known", received="TANH: a scale almost a power of two"), Verdict.REFUSED, False),
        (ValueError("lost"), Verdict.CRASH, True),
    ],
)
def test_what_the_compiler_says_is_told_apart(error, verdict, is_fault, tmp_path, objects, monkeypatch):
    def fail(*given, **options):
        raise error

    monkeypatch.setattr(graph_judge, "compile_bytes", fail)
    (outcome,) = judge([doubled()], BENCHES["generic"], tmp_path, objects)
    assert (outcome.verdict, outcome.is_fault) == (verdict, is_fault)


def test_what_litert_refuses_is_no_fault(tmp_path, objects):
    place = Tensor((1,), "int32")
    case = graph_case([Operation("GATHER", [quantized(4), place], [quantized(1)], {"axis": 0})], limits={place: (9, 9)})
    (outcome,) = judge([Trial(case)], BENCHES["generic"], tmp_path, objects)
    assert (outcome.verdict, outcome.is_fault) == (Verdict.NOT_IN_LITERT, False)


def test_litert_carries_states_and_forgets_them():
    """The oracle itself: the sums of a state's inputs, from zero on after each reset."""
    before, update, after = several(3, 2, scale=1.0)
    case = graph_case([Operation("ADD", [before, update], [after])], {before: after}, limits={update: (-3, 3)})
    steps = draw_steps(case, np.random.default_rng(1))
    total = 0
    for step, results in zip(steps, run_litert(case, case.content(), steps), strict=True):
        total = step.values["input_0"] + (0 if step.forgets else total)
        assert (results["new_state_0"] == total).all()
    assert sum(step.forgets for step in steps) == 1


def shows_products(trial):
    """Whether all MULs are outputs: what a node computes wrongly must be seen once nothing else reads it."""
    products = [operation.outputs[0] for operation in trial.case.operations if operation.name == "MUL"]
    return products and all(product in trial.case.outputs.values() for product in products)


@pytest.mark.slow
def test_a_graph_is_made_smaller(tmp_path, objects, monkeypatch):
    """Of a random graph, only the node is left that is computed wrongly."""
    trials = [trial for seed in range(3 * BATCH) if shows_products(trial := random_trial(seed, "mixed"))]
    sound = judge(trials, BENCHES["generic"], tmp_path, objects)
    plant(monkeypatch, "tz_multiply_small(&", "-tz_multiply_small(&")
    planted = judge(trials, BENCHES["generic"], tmp_path, objects)
    trial, outcome = next(
        (trial, wrong)
        for trial, right, wrong in zip(trials, sound, planted, strict=True)
        if (right.verdict, wrong.verdict) == (Verdict.EQUAL, Verdict.MISMATCH)
    )
    small = minimized(trial, outcome, BENCHES["generic"], tmp_path, objects)
    assert [operation.name for operation in small.case.operations] == ["MUL"]
    assert small.without == PASSES["no_passes"]
