"""Kernels shared by two cores: the same integers, one half after the other and both at once."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from operator_cases import Case
from operator_chains import FORMS, attention
from running import FLAGS, MAIN, Model, build_program, mismatches, results_of

from compilers import need
from textzoo.common.paths import APPLICATION, PLATFORM_SOURCES, RUNTIME
from textzoo.compiler.backend.planner import scratch_of
from textzoo.compiler.compile import compile_bytes
from textzoo.compiler.ir.program import Parallel
from textzoo.compiler.operators import second_core
from textzoo.compiler.operators.base import Target
from textzoo.compiler.operators.second_core import in_shards
from textzoo.compiler.packing.registry import VARIANTS, layout_of, pack
from textzoo.compiler.tflite.single_operator import Operation, Tensor
from textzoo.targets.native import write_files
from textzoo.targets.toolchains import compile_objects
from textzoo.testing.building import build_c

ESP32 = PLATFORM_SOURCES / "esp32" / "main"
ESP_IDF = Path(__file__).parents[1] / "application" / "esp_idf"
RACES = ("-g", "-fsanitize=thread")
MUL32, GENERIC = "mul32", "generic"
# What becomes of a product for each variant: the kernel, and the rows of each core; one number where it stays whole.
Becomes = dict[str, tuple[str, tuple[int, ...]]]


def becomes(bits: str, *rows: int, generic: tuple[str, tuple[int, ...]] = ("", ())) -> Becomes:
    """The same for both variants where nothing else is said of the generic one."""
    form, other = generic
    return {
        MUL32: (f"fully_connected_{bits}", rows),
        GENERIC: (f"fully_connected_{form or bits}", other or rows),
    }


@dataclass(frozen=True)
class Layer:
    """A matrix product, and what becomes of it where there are two cores.

    Attributes:
        shape: (rows, columns)
        weights: The smallest and the largest.
        vectors: How many are multiplied.
    """

    shape: tuple[int, int]
    weights: tuple[int, int]
    becomes: Becomes
    dtype: str = "int8"
    bias: str = "int32"
    vectors: int = 1

    def case(self, random: np.random.Generator) -> Case:
        """Inputs on the scale 1/2, weights on 1/4; the outputs' scale such that few of them are cut off."""
        (rows, columns), (low, high), limits = self.shape, self.weights, np.iinfo(self.dtype)
        weights = random.integers(low, high + 1, self.shape).astype(np.int8)
        weights.flat[0] = low
        bias = random.integers(-500, 500, rows).astype(self.bias)
        deviation = columns**0.5 * float(weights.std()) * limits.max * 0.58
        zero_points = (-9, 5) if self.dtype == "int8" else (0, 0)
        operands = [
            Tensor((self.vectors, columns), self.dtype, 0.5, zero_points[0]),
            Tensor(self.shape, "int8", 0.25, data=weights),
            Tensor((rows,), self.bias, 0.125, data=bias),
        ]
        output = Tensor((self.vectors, rows), self.dtype, 0.125 * deviation / (0.3 * limits.max), zero_points[1])
        return Case(Operation("FULLY_CONNECTED", operands, [output], {"quantizedBiasType": BIAS_TYPES[self.bias]}))


BIAS_TYPES = {"int32": 2, "int64": 4}
# A new form of weights, or a shape at which a half could go wrong, is a new row.
LAYERS = {
    "8 bits": Layer((130, 65), (-127, 127), becomes("s8", 68, 62, generic=("s8", (65, 65)))),
    "8 bits, odd": Layer((5, 515), (-127, 127), becomes("s8", 4, 1, generic=("s8", (3, 2)))),
    "8 bits, -128": Layer((43, 51), (-128, 127), becomes("s8_any", 22, 21, generic=("s8", (22, 21)))),
    "4 bits": Layer((67, 35), (-8, 7), becomes("s8_w4", 40, 27, generic=("s8_w4", (34, 33)))),
    "ternary": Layer((101, 31), (-1, 1), becomes("s8_b3", 51, 50, generic=("s8_w2", (51, 50)))),
    "ternary, odd": Layer((9, 301), (-1, 1), becomes("s8_b3", 5, 4, generic=("s8_w2", (5, 4)))),
    "ternary, two tiles": Layer((1500, 11), (-1, 1), becomes("s8_b3", 750, 750, generic=("s8_w2", (750, 750)))),
    "int16": Layer((33, 70), (-127, 127), becomes("s16", 17, 16), "int16"),
    "int16, long": Layer((7, 1400), (-127, 127), becomes("s16_long", 4, 3), "int16", "int64"),
    "few columns": Layer((89, 23), (-127, 127), becomes("s8", 89)),
    "several vectors": Layer((64, 64), (-127, 127), becomes("s8", 64), vectors=3),
    "few rows": Layer((4, 1024), (-127, 127), becomes("s8", 4, generic=("s8", (2, 2)))),
}


@pytest.fixture(scope="module")
def model():
    random = np.random.default_rng(1)
    return Model([layer.case(random) for layer in LAYERS.values()], random)


def compiled_for(model, variant, without=frozenset()):
    return compile_bytes(model.content, Target(variant, cores=2), without=without)


@pytest.mark.quick(1)
@pytest.mark.parametrize(("variant", "without"), [(MUL32, ""), (MUL32, "folded_biases"), (GENERIC, "")])
def test_shards_one_after_the_other_give_the_integers_of_litert(variant, without, model, tmp_path):
    """With every product of the table shared as it says; ends at the first address outside of a buffer."""
    compiled = compiled_for(model, variant, frozenset(filter(None, [without])))
    products = [statement for statement in compiled.program.statements if statement.calls()]
    for (name, layer), statement in zip(LAYERS.items(), products, strict=True):
        calls, (kernel, rows) = statement.calls(), layer.becomes[variant]
        assert {call.kernel for call in calls} == {kernel}, name
        assert tuple(call.struct.fields["rows"] for call in calls) == rows, name
        assert isinstance(statement, Parallel) == (len(rows) == 2), name
    assert mismatches(model, results_of(build_program(compiled, tmp_path), model)) == []


@pytest.mark.quick(1)
@pytest.mark.parametrize("variant", [MUL32, GENERIC])
def test_shards_on_two_threads_give_the_same_without_a_race(variant, model, tmp_path):
    """The task of ESP-IDF's project as a thread (esp_idf/README.md); ends at the first race."""
    program = build_with_tasks(compiled_for(model, variant), tmp_path)
    assert mismatches(model, results_of(program, model)) == []


@pytest.mark.quick(3)
@pytest.mark.parametrize("with_tasks", [False, True], ids=["in sequence", "on threads"])
@pytest.mark.parametrize("heads", [2, 3])
@pytest.mark.parametrize("kernel", FORMS)
def test_heads_of_attention_are_shared(kernel, heads, with_tasks, monkeypatch, tmp_path):
    """Models of operators are too small to gain by it, so the bound falls."""
    monkeypatch.setattr(second_core, "SMALLEST_SHARED", 1)
    random = np.random.default_rng(4)
    model = Model(attention(*FORMS[kernel], heads)(random), random)
    compiled = compile_bytes(model.content, Target(MUL32, cores=2))
    shared = [statement for statement in compiled.program.statements if isinstance(statement, Parallel)]
    assert [statement.first.kernel for statement in shared] == [kernel]
    program = (build_with_tasks if with_tasks else build_program)(compiled, tmp_path)
    assert mismatches(model, results_of(program, model)) == []


def build_with_tasks(compiled, folder):
    generated = write_files(compiled.files, folder)
    kernels = [RUNTIME / source for source in compiled.sources if source.stem != "parallel"]
    (folder / "board.h").write_text("#define BOARD_STACK_BYTES 8192\n#define BOARD_SECOND_STACK_BYTES 2048\n")
    sources = [*generated, *kernels, APPLICATION / "crc32.c", ESP32 / "second_core.c"]
    includes = [folder, ESP_IDF, ESP32, RUNTIME / "include", APPLICATION]
    options = [*FLAGS, *RACES, "-DTEXTZOO_TASKS", *(f"-I{path}" for path in includes)]
    # Of a later C for its own variable of each thread.
    threads = [need("host"), *RACES, "-std=c11", f"-I{ESP_IDF}"]
    (folder / "tasks").mkdir(exist_ok=True)
    tasks = compile_objects(threads, [ESP_IDF / "freertos_on_threads.c"], folder / "tasks")
    return build_c([need("host"), *options], [MAIN, *sources, *tasks], folder / "program", "-lpthread")


@pytest.mark.parametrize("kernel", VARIANTS[MUL32])
@pytest.mark.parametrize("rows", [9, 64, 103])
def test_shards_take_no_more_flash_than_the_whole(kernel, rows):
    weights = np.random.default_rng(rows).integers(-1, 2, (rows, 250)).astype(np.int8)
    whole = pack(weights, kernel, MUL32)
    cut, (first, second) = in_shards(whole, weights)
    assert cut.values.nbytes == whole.values.nbytes
    assert first.fields["rows"] % layout_of(kernel, MUL32).block_rows == 0
    assert second.output == first.fields["rows"] >= second.fields["rows"] > 0
    if kernel != "fully_connected_s8_b3":  # whose tiles hold all their rows column by column
        assert (cut.values == whole.values).all()


@pytest.mark.parametrize(("rows", "columns", "shards"), [(89, 23, 0), (64, 32, 2)])
def test_a_matrix_is_shared_from_2048_products_on(rows, columns, shards):
    weights = np.ones((rows, columns), np.int8)
    assert len(in_shards(pack(weights, "fully_connected_s8", GENERIC), weights)[1]) == shards


def test_the_memories_of_both_shards_do_not_overlap(model):
    """Both live at the same time; base 3 has the largest ones."""
    compiled, pairs = compiled_for(model, MUL32), 0
    for statement in compiled.program.statements:
        scratches = list(filter(None, map(scratch_of, statement.calls())))
        if len(scratches) == 2:
            (low, size), (high, _) = sorted((compiled.plan.offsets[id(item)], item.bytes) for item in scratches)
            assert low + size <= high
            pairs += 1
    assert pairs == 6


def test_one_core_is_what_it_was(model):
    one = compile_bytes(model.content, Target(MUL32))
    assert "parallel" not in {source.stem for source in one.sources}
    assert "tz_parallel" not in one.files["model.c"]
    assert not one.program.uses_second_core
