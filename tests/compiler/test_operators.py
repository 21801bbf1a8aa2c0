"""Every operator of the table: random nodes equal LiteRT's reference kernels in every element; the others are refused.

The compiled C runs with address and undefined-behaviour sanitizers, without any pass and with all of them.
"""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from operator_cases import ROWS
from operator_chains import ATTENTIONS, CHAINS, FAR_ATTENTIONS, feed_forward, layers_of_any_weights, sums
from refused_operators import REFUSED
from running import ARM64, MACHINES, WASM, Model, differences, mismatches, model_of, run_program

from compilers import need, need_sanitizers
from textzoo.common.errors import UserError
from textzoo.compiler.backend.kernels import RUNTIME
from textzoo.compiler.compile import compile_bytes, compile_file
from textzoo.compiler.numerics.tables import function_table, softmax_exponentials_s16, softmax_reciprocals_s16
from textzoo.compiler.operators.base import Target
from textzoo.compiler.operators.registry import FUSED, OPERATORS, operator_rows
from textzoo.compiler.packing.registry import VARIANTS
from textzoo.compiler.passes.attention_fusion import FORMS
from textzoo.compiler.passes.registry import TABLE
from textzoo.compiler.tflite.single_operator import Operation, Tensor, build_all

PASSES = {"no_passes": [entry.name for entry in TABLE], "all_passes": []}
TARGETS = {"host": Target("host"), "smallest": Target(weights="smallest"), "two_cores": Target(cores=2)}
seeds = given(seed=st.integers(0, 2**32 - 1))


def examples(count):
    """Few, because each is compiled: fuzz_operators.py takes as many as one likes."""
    return settings(max_examples=count, derandomize=True, database=None, phases=[Phase.generate])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("programs")


@pytest.mark.quick(5)
@pytest.mark.parametrize("without", PASSES.values(), ids=PASSES.keys())
@pytest.mark.parametrize("row", ROWS, ids=str)
@examples(1)
@seeds
def test_random_nodes_equal_litert(row, without, folder, seed):
    assert not differences(model_of(row, seed), folder, without)


@pytest.mark.quick(6)
@pytest.mark.parametrize("without", PASSES.values(), ids=PASSES.keys())
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS.keys())
@examples(2)
@seeds
def test_chains_equal_litert(chain, without, folder, seed):
    random = np.random.default_rng(seed)
    assert not differences(Model(chain(random), random), folder, without)


@pytest.mark.quick(2)
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS.keys())
@examples(1)
@seeds
def test_chains_equal_litert_with_clang(chain, folder, seed):
    need_sanitizers("clang")
    random = np.random.default_rng(seed)
    assert not differences(Model(chain(random), random), folder, compiler="clang")


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_weights_that_a_variant_takes_lie_beside_others(dtype, folder):
    random = np.random.default_rng(0)
    assert not differences(Model(layers_of_any_weights(random, dtype), random), folder, variant="host")


@pytest.mark.quick(2)
@pytest.mark.parametrize("row", [row for row in ROWS if row.operator == "FULLY_CONNECTED" and row.form], ids=str)
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_products_in_double_precision_lie_beside_others(row, target, folder):
    model = model_of(row, seed=0)
    assert not mismatches(model, run_program(compile_bytes(model.content, target), model, folder))


@pytest.mark.quick(2)
@pytest.mark.parametrize("rows", [15, 16, 48, 49, 63, 64, 65, 113, 128])
@pytest.mark.parametrize(("machine", "variant"), [(ARM64, "neon"), (WASM, "wasm")])
def test_rows_around_the_borders_of_blocks_equal_litert_elsewhere(rows, machine, variant, folder):
    need(MACHINES[machine].compiler, *MACHINES[machine].tools)
    random = np.random.default_rng(rows)
    assert not differences(Model(feed_forward(random, rows), random), folder, compiler=machine, variant=variant)


@pytest.mark.quick(8)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("row", [row for row in ROWS if row.operator in ("FULLY_CONNECTED", "GATHER")], ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_every_kernel_that_a_variant_calls_is_there_and_declared(row, variant, seed):
    compiled = compile_bytes(model_of(row, seed).content, Target(variant))
    headers = {header for statement in compiled.program.statements for header in statement.headers()}
    assert headers
    assert all((RUNTIME / "include" / header).is_file() for header in headers)
    assert all((RUNTIME / source).is_file() for source in compiled.sources)


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    "make",
    [*ATTENTIONS.values(), *FAR_ATTENTIONS, feed_forward, layers_of_any_weights, sums],
    ids=lambda make: make.__name__,
)
@pytest.mark.parametrize(("machine", "variant"), [(ARM64, "neon"), (WASM, "wasm")])
@examples(5)
@seeds
def test_kernels_of_other_machines_equal_litert(make, machine, variant, folder, seed):
    need(MACHINES[machine].compiler, *MACHINES[machine].tools)
    random = np.random.default_rng(seed)
    assert not differences(Model(make(random), random), folder, compiler=machine, variant=variant)


@pytest.mark.parametrize("kernel", ATTENTIONS)
@pytest.mark.parametrize("seed", range(4))
def test_attention_becomes_one_kernel(kernel, seed):
    random = np.random.default_rng(seed)
    compiled = compile_bytes(Model(ATTENTIONS[kernel](random), random).content, Target())
    assert [getattr(statement, "kernel", "") for statement in compiled.program.statements][-1] == kernel
    assert "BATCH_MATMUL" not in {statement.kind for statement in compiled.program.statements}


def test_every_operator_of_the_table_has_a_row():
    assert {row.operator for row in ROWS} == set(OPERATORS.names()) - FUSED


def test_every_operator_says_what_it_takes():
    assert all(types for _, types in operator_rows())


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED.keys())
def test_what_litert_does_not_compute_is_refused(refused):
    with pytest.raises(UserError) as error:
        compile_bytes(build_all([refused.operation]), Target())
    assert f"{refused.operation.name} (" in error.value.received
    assert refused.reason in error.value.received


def test_all_that_is_refused_is_listed_and_nothing_is_written(tmp_path):
    names = ("operator of floats", "SUM int16", "SOFTMAX of 512")
    good = Operation("RELU", [Tensor((4,), "int8", 0.5)], [Tensor((4,), "int8", 0.5)])
    path = tmp_path / "model.tflite"
    path.write_bytes(build_all([REFUSED[names[0]].operation, good, *(REFUSED[name].operation for name in names[1:])]))
    with pytest.raises(UserError, match=r"3 operators of .* cannot be compiled") as error:
        compile_file(path, Target())
    lines = error.value.received.splitlines()[1:]
    assert [line.strip() for line in lines] == [
        "COS (float32 4 -> float32 4) output_0: LiteRT computes it for floats only",
        "SUM (int16 2x4, int32 1 -> int16 2) output_2: int16 2x4: LiteRT takes its bytes for uint8 and leaves half of "
        "the output unwritten",
        "SOFTMAX (int8 1x512 -> int8 1x512) output_3: rows of 512, more than 511: LiteRT ends the process where the "
        "exponentials of a row sum to 512",
    ]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("before", [0x0101, 0x5555])
def test_litert_leaves_half_of_a_sum_of_int16_unwritten(before):
    """Why that is refused: what lies in the output's memory stays there."""
    content = build_all([REFUSED["SUM int16"].operation])
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    (source,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.tensor(output["index"])()[:] = before
    interpreter.set_tensor(source["index"], np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.int16))
    interpreter.invoke()
    written, unwritten = interpreter.get_tensor(output["index"]).tolist()
    # The first four elements are the bytes 1 0 2 0 3 0 4 0: sums 3 and 7, one byte each.
    assert (written, unwritten) == (3 + 7 * 256, before)


def on_the_device(operation, folder, *values):
    """What the compiled C makes of inputs that LiteRT refuses."""
    compiled = compile_bytes(build_all([operation]), Target())
    (output,) = operation.outputs
    model = Model.__new__(Model)
    model.input_names, model.output_names = [f"input_{place}" for place in range(len(values))], ["output_0"]
    model.runs = [list(values)]
    model.expected = [[np.zeros(output.shape, output.dtype)]]
    return run_program(compiled, model, folder)[0][0]


@pytest.mark.parametrize(("dtype", "largest"), [("int8", 127), ("int16", 32767)])
def test_the_root_of_a_negative_number_is_the_largest_output(folder, dtype, largest):
    tensors = [Tensor((3,), dtype, 0.01)], [Tensor((3,), dtype, 0.02)]
    values = np.array([np.iinfo(dtype).min, -128, -128], dtype)
    assert on_the_device(Operation("RSQRT", *tensors), folder, values).tolist() == [largest] * 3


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_the_root_of_a_negative_number_is_that_of_zero(folder, dtype):
    tensors = [Tensor((3,), dtype, 0.01)], [Tensor((3,), dtype, 0.02)]
    values = np.array([np.iinfo(dtype).min, -128, -1], dtype)
    assert on_the_device(Operation("SQRT", *tensors), folder, values).tolist() == [0] * 3


@pytest.mark.parametrize(("dtype", "zero_point"), [("int8", -7), ("int8", 7), ("int16", 0)])
def test_floats_that_no_integer_holds_become_the_nearest_and_nan_the_smallest(folder, dtype, zero_point):
    tensors = [Tensor((6,), "float32")], [Tensor((6,), dtype, 1e-3, zero_point)]
    values = np.array([np.inf, 3e38, 1e9, -1e9, -np.inf, np.nan], np.float32)
    limits = np.iinfo(dtype)
    found = on_the_device(Operation("QUANTIZE", *tensors), folder, values)
    assert found.tolist() == [limits.max] * 3 + [limits.min] * 3


@pytest.mark.parametrize("name", ["DIV", "FLOOR_DIV", "FLOOR_MOD"])
def test_what_is_divided_by_zero_is_zero(folder, name):
    tensors = [Tensor((3,), "int32") for _ in range(3)]
    values = np.array([-(2**31), 0, 5], np.int32), np.zeros(3, np.int32)
    assert on_the_device(Operation(name, tensors[:2], tensors[2:]), folder, *values).tolist() == [0] * 3


@pytest.mark.parametrize(("dtype", "scale"), [("int8", 1 / 100), ("int16", 1 / 20000)])
def test_a_quantized_quotient_by_zero_is_zero(folder, dtype, scale):
    zero_point = 3 if dtype == "int8" else 0
    tensors = [Tensor((3,), dtype, 0.5), Tensor((3,), dtype, 0.5, zero_point), Tensor((3,), dtype, scale, zero_point)]
    values = np.array([-128, 0, 5], dtype), np.full(3, zero_point, dtype)
    found = on_the_device(Operation("DIV", tensors[:2], tensors[2:]), folder, *values)
    assert found.tolist() == [zero_point] * 3


def test_the_smallest_integer_leaves_no_remainder_by_minus_one(folder):
    tensors = [Tensor((2,), "int32") for _ in range(3)]
    values = np.array([-(2**31), 5], np.int32), np.array([-1, -1], np.int32)
    assert on_the_device(Operation("FLOOR_MOD", tensors[:2], tensors[2:]), folder, *values).tolist() == [0, 0]


@pytest.mark.parametrize("seed", range(4))
def test_functions_of_one_value_become_one_table(seed):
    cases = CHAINS["functions_of_one_value"](np.random.default_rng(seed))
    compiled = compile_bytes(build_all([case.operation for case in cases]), Target())
    assert [statement.kind for statement in compiled.program.statements] == ["LOOK_UP"]


@pytest.mark.parametrize("dtype", ["int16", "int32", "int64"])
@pytest.mark.parametrize(("operator", "shape"), [("GATHER", (3,)), ("GATHER_ND", (3, 1))])
def test_indices_outside_of_a_table_are_clamped(folder, operator, shape, dtype):
    table = Tensor((3, 2), "int8", 0.5, data=np.arange(6, dtype=np.int8).reshape(3, 2))
    operation = Operation(operator, [table, Tensor(shape, dtype)], [Tensor((3, 2), "int8", 0.5)])
    limits = np.iinfo(dtype)
    for low, high in ((-7, 99), (limits.min, limits.max)):
        found = on_the_device(operation, folder, np.array([low, 1, high], dtype))
        assert found.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_each_index_of_a_tuple_is_clamped_to_its_axis(folder):
    table = Tensor((2, 3), "int16", 0.5, data=np.arange(6, dtype=np.int16).reshape(2, 3))
    operation = Operation("GATHER_ND", [table, Tensor((3, 2), "int32")], [Tensor((3,), "int16", 0.5)])
    found = on_the_device(operation, folder, np.array([[0, 3], [1, -1], [9, 9]], np.int32))
    assert found.tolist() == [2, 3, 5]


def test_a_packed_table_that_is_also_weights_lies_in_flash_once():
    cases = CHAINS["tied_table"](np.random.default_rng(0))
    flash = compile_bytes(build_all([case.operation for case in cases]), Target("generic")).flash
    assert flash.by_kind.get("weights", 0) + flash.by_kind.get("embedding", 0) == 16 * 64 / 4


@pytest.mark.parametrize("relative_error", [1e-12, -1e-12])
def test_the_tables_of_softmax_do_not_depend_on_the_c_library(relative_error):
    tables = [
        function_table(lambda x: np.exp(x) * (1 + relative_error), -10.0, 0.0),
        function_table(lambda x: 1 / (1 + x) * (1 + relative_error), 0.0, 1.0),
    ]
    assert np.array_equal(tables[0], softmax_exponentials_s16())
    assert np.array_equal(tables[1], softmax_reciprocals_s16())


def test_probabilities_of_int16_sum_to_less_than_two_to_the_16():
    """What attention_s16.h says of the tables, from which its 32 bits for the weighted values follow."""
    reciprocals = softmax_reciprocals_s16().astype(int)
    assert (np.diff(reciprocals) <= 0).all()
    assert (reciprocals.max(), reciprocals[256]) == (32767, 21845)
    longest = FORMS["attention_s16"].longest
    assert max(1.5 * reciprocals.max(), 2 * reciprocals[256]) + longest / 2 < 2**16
    assert softmax_exponentials_s16().min() >= 0


def test_a_product_of_what_is_computed_of_constants_is_refused():
    """LiteRT takes it for a constant, too, and multiplies that when it prepares the graph, by its optimized kernel."""
    table = Tensor((5,), "int16", 0.5, data=np.array([-11966, 5, 9, 1, -2], np.int16))
    row, known, product = (Tensor(shape, "int16", scale) for shape, scale in (((1, 1), 0.5), ((1,), 0.5), ((1,), 0.43)))
    place, shape, axis = (Tensor(value.shape, "int32", data=value) for value in np.int32([[[0]], [[1]], [[0]]]))
    operations = [
        Operation("GATHER", [table, place], [row], {"axis": 0}),
        Operation("RESHAPE", [row, Tensor((1,), "int32", data=shape.data.ravel())], [known]),
        Operation("REDUCE_PROD", [known, Tensor((1,), "int32", data=axis.data.ravel())], [product], {"keepDims": True}),
    ]
    with pytest.raises(UserError) as error:
        compile_bytes(build_all(operations), Target())
    assert "optimized kernel" in error.value.received


def test_a_model_that_needs_more_memory_than_any_board_has_is_refused():
    source, output = (Tensor((2**13, 2**13), "int8", 0.5) for _ in range(2))
    with pytest.raises(UserError, match="bytes of RAM"):
        compile_bytes(build_all([Operation("RELU", [source], [output])]), Target())
