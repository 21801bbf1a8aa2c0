"""Whole models: the compiled C equals LiteRT's reference kernels, with every pass on, off, and alone."""

import ctypes
import itertools

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from artifacts import artifact
from textzoo.common.errors import UserError
from textzoo.compiler.backend.emitter import SelfCheck
from textzoo.compiler.backend.kernels import source_of
from textzoo.compiler.compile import compile_file
from textzoo.compiler.operators.base import Target
from textzoo.compiler.packing.registry import SPARSE, VARIANTS
from textzoo.compiler.passes.registry import TABLE
from textzoo.config.boards import load_board
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.engines.opening import open_engine
from textzoo.models.files import build_model
from textzoo.models.settings import ModelConfig
from textzoo.pipeline.firmware import make_firmware
from textzoo.quantizers.export import export_decode
from textzoo.quantizers.quantize import quantize_decode_step
from textzoo.quantizers.settings import QuantizationConfig
from textzoo.targets.emulators import emulate
from textzoo.targets.native import NativeModel
from textzoo.targets.settings import DeploymentConfig
from textzoo.targets.toolchains import missing_tools
from textzoo.testing import STRICT
from textzoo.text.tokenizers.character import CharacterTokenizer

SMALL = {"vocabulary_size": 23, "n_layers": 1, "n_heads": 2, "d_model": 32, "context_length": 16}
GPT = {"name": "gpt", **SMALL, "activation": "gelu", "weight_tying": "tied"}
BERT = {"name": "tiny_bert_generator", **SMALL, "activation": "gelu", "use_bias": True}
RECURRENT_SETTINGS = {
    "mixed": {"recipe": "static_wi8_ai8"},
    "int8": {"recipe": "static_wi8_ai8", "states": "int8"},
    "int16x8": {"recipe": "static_wi8_ai16"},
}
# A new shape or recipe is a new row: model, quantization.
MODELS = {
    "int8": (
        {"vocabulary_size": 13, "n_layers": 2, "n_heads": 2, "d_model": 32, "context_length": 12},
        {"recipe": "static_wi8_ai8", "probabilities": "int8"},
    ),
    "mixed": (
        {"vocabulary_size": 103, "n_layers": 1, "n_heads": 3, "d_model": 96, "context_length": 40},
        {"recipe": "static_wi8_ai8", "probabilities": "int16"},
    ),
    "biases": (
        {"vocabulary_size": 11, "n_layers": 1, "n_heads": 1, "d_model": 16, "context_length": 9, "use_bias": True},
        {"recipe": "static_wi8_ai8", "probabilities": "int8"},
    ),
    "gelu": (
        {"vocabulary_size": 17, "n_layers": 1, "n_heads": 2, "d_model": 24, "context_length": 10, "activation": "gelu"},
        {"recipe": "static_wi8_ai8", "probabilities": "int8"},
    ),
    "int16x8": (
        {"vocabulary_size": 13, "n_layers": 1, "n_heads": 2, "d_model": 32, "context_length": 12},
        {"recipe": "static_wi8_ai16"},
    ),
    "int16x8_odd": (
        {"vocabulary_size": 11, "n_layers": 1, "n_heads": 2, "d_model": 18, "context_length": 7, "use_bias": True},
        {"recipe": "static_wi8_ai16"},
    ),
    "gpt": ({**GPT, "use_bias": True}, {"recipe": "static_wi8_ai8"}),
    "gpt-rotary": (
        {**GPT, "positions": "rotary", "qk_norm": True, "weight_tying": "untied"},
        {"recipe": "static_wi8_ai8"},
    ),
    "gpt-rotary-int16x8": (
        {**GPT, "positions": "rotary", "qk_norm": True, "activation": "relu_squared"},
        {"recipe": "static_wi8_ai16"},
    ),
    "tiny_bert_generator": (BERT, {"recipe": "static_wi8_ai8"}),
    "tiny_bert_generator-int16x8": (BERT, {"recipe": "static_wi8_ai16"}),
    **{
        f"{name}-{label}": (
            {"name": name, "vocabulary_size": 23, "n_layers": 2, "d_model": 24, "context_length": 20},
            settings,
        )
        for name in ("tiny_lm", "lstm")
        for label, settings in RECURRENT_SETTINGS.items()
    },
}
# Bits of a model's weights and tables: the largest of them.
NARROW = {4: 7, 2: 1}
NARROW_SHAPE = {"vocabulary_size": 40, "n_layers": 1, "n_heads": 2, "d_model": 64, "context_length": 20}
NAMES = [entry.name for entry in TABLE]
WITHOUT = [(), *((name,) for name in NAMES), *itertools.combinations(NAMES, len(NAMES) - 1), tuple(NAMES)]
FLAGS = (*STRICT, "-O1", "-fno-strict-aliasing")


def path_of(name):
    """The quantized decode step of a row."""
    return decode_step(*MODELS[name])


def decode_step(shape, settings):
    return artifact(quantized, shape, settings) / f"decode_{settings['recipe']}.tflite"


def quantized(folder, shape, settings):
    keras.utils.set_random_seed(3)
    section = {key: value for key, value in shape.items() if key != "vocabulary_size"}
    model = build_model(ModelConfig(**section), shape["vocabulary_size"])
    random = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(weight + 0.25 * random.standard_normal(weight.shape))
    tokens = random.integers(0, model.vocabulary_size, 40 * model.context_length)
    config = QuantizationConfig(calibration_windows=4, report_tokens=model.context_length, **settings)
    quantize_decode_step(model, tokens, config, folder)


@pytest.fixture(scope="module")
def narrow_paths(tmp_path_factory):
    """Bits -> path of the same decode step with weights and tables of 8, 4 and 2 bits."""
    folder = tmp_path_factory.mktemp("narrow")
    wide = decode_step(NARROW_SHAPE, {"recipe": "static_wi8_ai8"})
    made = {8: wide}
    for bits, largest in NARROW.items():
        made[bits] = folder / f"narrow_{bits}.tflite"
        made[bits].write_bytes(narrowed(wide.read_bytes(), largest))
    return made


def narrowed(content, largest):
    """The .tflite with its weights and tables rounded to [-largest, largest]; about the same reals."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    tensors = model.subgraphs[0].tensors
    codes = [model.operatorCodes[operator.opcodeIndex].builtinCode for operator in model.subgraphs[0].operators]
    for code, operator in zip(codes, model.subgraphs[0].operators, strict=True):
        if code == schema.BuiltinOperator.FULLY_CONNECTED:
            narrow(model, tensors[operator.inputs[1]], largest)
        elif code == schema.BuiltinOperator.GATHER:
            narrow(model, tensors[operator.inputs[0]], largest)
            tensors[operator.outputs[0]].quantization = tensors[operator.inputs[0]].quantization
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def narrow(model, tensor, largest):
    buffer, quantization = model.buffers[tensor.buffer], tensor.quantization
    values = np.frombuffer(bytes(buffer.data), np.int8).astype(np.int32) - quantization.zeroPoint[0]
    steps = np.abs(values).max() / largest
    buffer.data = np.rint(values / steps).astype(np.int8).view(np.uint8)
    quantization.scale = np.float32(quantization.scale * steps)
    quantization.zeroPoint = np.zeros_like(quantization.zeroPoint)


def mismatches(path, native, steps=60):
    """Logits that differ from LiteRT's over teacher-forced tokens, the state reset where the context is full."""
    reference = LitertReferenceEngine(path)
    tokens = np.random.default_rng(7).integers(0, reference.vocabulary_size, steps)
    logits = np.frombuffer(native.outputs["logits"], reference.logits_format.dtype)
    wrong = 0
    for index, token in enumerate(tokens):
        if index % reference.context_length == 0:
            reference.reset()
            native.reset()
        native.library.model_step(int(token), reference.position)
        wrong += int((reference.step_raw(int(token)) != logits).sum())
    return wrong


@pytest.mark.parametrize(
    ("variant", "kernel", "folder"),
    [
        *[("cimv3", "fully_connected_s8", "cimv3"), ("cimv3", "dot_rows_s8", "mul32"), ("cimv3", "gather", "generic")],
        *[("neon", "dot_rows_s8", "neon"), ("neon", "softmax_s8", "generic"), ("generic", "dot_rows_s8", "generic")],
    ],
)
def test_a_kernel_comes_from_its_variant_or_a_relative(variant, kernel, folder):
    assert source_of(kernel, variant).as_posix() == f"{folder}/{kernel}.c"


@pytest.mark.quick(6)
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("variant", ["generic", "host"])
def test_compiled_models_give_the_integers_of_litert(name, variant):
    native = NativeModel.build(compile_file(path_of(name), Target(variant)), (*FLAGS, "-march=native"))
    assert mismatches(path_of(name), native) == 0


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("bits", "variant", "weights", "form"),
    [
        *[(bits, variant, "balanced", f"_w{bits}") for bits in NARROW for variant in ("generic", "host")],
        *[(2, "host", "smallest", "_b3"), (2, "mul32", "balanced", "_b3"), (4, "generic", "fastest", "")],
    ],
)
def test_models_of_narrow_weights_give_the_integers_of_litert(bits, variant, weights, form, narrow_paths):
    compiled = compile_file(narrow_paths[bits], Target(variant, weights))
    kernels = {source.stem for source in compiled.sources}
    narrow = {kernel for kernel in kernels if kernel.startswith("fully_connected_s8")}
    assert narrow - {SPARSE} == {f"fully_connected_s8{form}"}
    assert mismatches(narrow_paths[bits], NativeModel.build(compiled, (*FLAGS, "-march=native"))) == 0


@pytest.mark.parametrize(
    ("bits", "variant"),
    [
        (bits, name)
        for bits in NARROW
        for name in VARIANTS
        if f"fully_connected_s8_w{bits}" in VARIANTS[name] and (bits, name) != (2, "mul32")
    ],
)
def test_weights_and_tables_lie_in_as_few_bits_as_hold_them(bits, variant, narrow_paths):
    narrow, wide = (compile_file(narrow_paths[count], Target(variant)) for count in (bits, 8))
    kernels = {source.stem for source in narrow.sources}
    assert {f"fully_connected_s8_w{bits}", f"gather_w{bits}"} <= kernels
    assert "fully_connected_s8" not in kernels
    # What fills up blocks, and equal tables that lie in flash once, are less than 2 %.
    assert abs(stored_bytes(narrow) / stored_bytes(wide) - bits / 8) < 0.02


def stored_bytes(compiled):
    return compiled.flash.by_kind["weights"] + compiled.flash.by_kind["embedding"]


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("name", "bits", "weights"),
    [("STM32F4", 2, "balanced"), ("STM32F4", 2, "smallest"), ("STM32N6", 4, "balanced")],
)
def test_narrow_weights_give_the_logits_of_litert_on_emulated_boards(name, bits, weights, narrow_paths, tmp_path):
    if missing := missing_tools(["arm", "qemu", "make"]):
        pytest.skip(f"{', '.join(missing)}: not installed")
    board, tokenizer = load_board(name), CharacterTokenizer([chr(0x40 + index) for index in range(40)])
    made = make_firmware(
        narrow_paths[bits], tokenizer, board, tmp_path / name, settings=DeploymentConfig(weights=weights)
    )
    with emulate(made.project, board) as console:
        check = console.ask({"command": "self_check"})
    assert (check["weights"], check["kernels"]) == (True, True)


@pytest.mark.quick(6)
@pytest.mark.parametrize("without", WITHOUT, ids=lambda names: "+".join(names) or "nothing")
@pytest.mark.parametrize("name", ["mixed", "lstm-mixed"])
def test_every_pass_is_exact_on_and_off(name, without):
    compiled = compile_file(path_of(name), Target("generic"), without=frozenset(without))
    assert mismatches(path_of(name), NativeModel.build(compiled, FLAGS)) == 0


def test_unknown_passes_are_refused():
    with pytest.raises(UserError, match=r"atention_fusion.*attention_fusion"):
        compile_file(path_of("int8"), Target("generic"), without=frozenset({"atention_fusion"}))


def test_the_passes_save_memory_and_statements():
    plain = compile_file(path_of("int8"), Target("generic"), without=frozenset(NAMES))
    full = compile_file(path_of("int8"), Target("generic"))
    assert len(full.program.statements) < len(plain.program.statements) / 2
    assert full.plan.arena_bytes < plain.plan.arena_bytes / 2


# Passes that save statements by themselves; others leave their old nodes to dead_code, or find nothing in this model.
@pytest.mark.parametrize("name", ["state_in_place", "buffer_aliasing", "folded_biases", "elementwise_fusion"])
def test_what_a_pass_saves_is_stated(name):
    compiled = compile_file(path_of("mixed"), Target("generic"), without=frozenset(NAMES) - {name}, with_savings=True)
    (saving,) = compiled.savings
    assert saving.after.statements < saving.before.statements
    assert compiled.saving_lines()[0].startswith(
        f"{saving.text}: {saving.before.statements} -> {saving.after.statements} statements"
    )


def test_savings_are_measured_on_request_only_and_change_nothing():
    plain = compile_file(path_of("mixed"), Target("generic", cores=2))
    measured = compile_file(path_of("mixed"), Target("generic", cores=2), with_savings=True)
    assert plain.savings == []
    assert len(measured.savings) == len(NAMES) + 1
    assert plain.files == measured.files
    last = measured.savings[-1].after
    assert (last.statements, last.arena_bytes) == (len(plain.program.statements), plain.plan.arena_bytes)
    assert last.constant_bytes == plain.flash.total


@pytest.mark.slow
def test_blocks_alive_at_the_same_time_do_not_overlap():
    for name in MODELS:
        blocks = compile_file(path_of(name), Target("generic")).plan.blocks
        alive = [(a, b) for a, b in itertools.combinations(blocks, 2) if a.meets(b)]
        assert alive
        for a, b in alive:
            assert a.offset + a.bytes <= b.offset or b.offset + b.bytes <= a.offset, (a, b)


def test_native_engine_equals_the_reference_and_its_clone():
    engine = open_engine("native", path_of("mixed"))
    reference = LitertReferenceEngine(path_of("mixed"))
    clone = engine.clone()
    for token in (1, 5, 102, 0, 7):
        expected = reference.step_raw(token)
        np.testing.assert_array_equal(engine.step_raw(token), expected)
        clone.step_raw(3)  # has its own memory
    assert (engine.vocabulary_size, engine.context_length) == (103, 40)
    with pytest.raises(UserError, match="vocabulary"):
        engine.step_raw(103)


def test_the_header_states_the_facts():
    check = SelfCheck((1, 2, 3), 0xABCD)
    compiled = compile_file(path_of("int8"), Target("generic"), name="tiny", check=check)
    header = compiled.files["model.h"]
    for line in (
        '#define MODEL_NAME "tiny"',
        "#define MODEL_VOCABULARY_SIZE 13",
        "#define MODEL_CONTEXT_LENGTH 12",
        "#define MODEL_CHECK_LOGITS_CRC32 0x0000abcdu",
        f"#define MODEL_ARENA_BYTES {compiled.plan.arena_bytes}",
        f"#define MODEL_STATE_BYTES {2 * 2 * 12 * 32}",
    ):
        assert line in header


def test_the_checksum_is_that_of_the_weights():
    compiled = compile_file(path_of("int8"), Target("generic"))
    native = NativeModel.build(compiled, FLAGS)
    native.library.model_weights_crc32.restype = ctypes.c_uint32
    assert f"0x{native.library.model_weights_crc32():08x}u" in compiled.files["model.h"]


def test_float_models_are_refused_with_all_their_operators(tmp_path):
    keras.utils.set_random_seed(1)
    model = build_model(ModelConfig(n_layers=1, n_heads=1, d_model=8, context_length=4), 7)
    export_decode(model, tmp_path / "float.tflite")
    with pytest.raises(UserError) as error:
        compile_file(tmp_path / "float.tflite", Target("generic"))
    text = str(error.value)
    assert "cannot be compiled" in text
    for operator in ("FULLY_CONNECTED", "SOFTMAX", "MEAN", "float32"):
        assert operator in text
