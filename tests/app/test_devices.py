"""Chains that end on a device: whole runs of the program at toy size, on this machine and on emulated boards."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from artifacts import artifact
from changed_config import changed
from matrix import SAME_KERNELS
from recorder import Recorder
from textzoo.common.errors import UserError
from textzoo.common.files import file_digest
from textzoo.compiler.artifacts.weight_file import read_weight_file
from textzoo.compiler.compile import compile_file
from textzoo.compiler.operators.base import Target
from textzoo.compiler.tflite.file import read_tflite
from textzoo.config.boards import board_names, load_board
from textzoo.config.schema import Config
from textzoo.engines.litert_engine import LitertReferenceEngine
from textzoo.models.files import build_model
from textzoo.models.settings import ModelConfig
from textzoo.quantizers.quantize import quantize_decode_step
from textzoo.quantizers.settings import QuantizationConfig
from textzoo.records.workspace import Workspace
from textzoo.services import benchmarking, deployment
from textzoo.targets.cimv3.blocks import decoder_of
from textzoo.targets.emulators import emulate
from textzoo.targets.platforms import platform_of
from textzoo.targets.toolchains import find_tool, missing_tools, run_make
from textzoo.targets.twins import TWINS
from textzoo.testing import WARNINGS
from textzoo.text.tokenizers.character import CharacterTokenizer

CHARACTERS = [chr(0x61 + index) for index in range(13)]
RECIPES = ("static_wi8_ai8", "static_wi8_ai16")
VOCABULARY = 13
SHAPE = {"n_layers": 2, "n_heads": 2, "d_model": 32, "context_length": 12}
# CIMv3 has models of its own, browsers measure time. The logits of boards with the kernels of another one are compared
# by tests/application/test_placement.py, without a benchmark.
LEFT_OUT = {"CIMv3", "Browser", *SAME_KERNELS} - {"STM32H743", "ESP32S3", "ESP32P4"}
MEASURED = [name for name in board_names() if name not in LEFT_OUT]
TOOLS = ["arm", "qemu", "xtensa", "qemu-xtensa", "riscv", "qemu-riscv"]
CPP_TOOLS = ["cmake", "c++", "riscv-c++", "qemu-riscv"]
needs_emulator = pytest.mark.skipif(
    bool(missing_tools(TOOLS)), reason="needs " + ", ".join(str(error.remedy) for error in missing_tools(TOOLS))
)


needs_cpp = pytest.mark.skipif(
    bool(missing_tools(CPP_TOOLS)), reason="needs " + ", ".join(str(error.remedy) for error in missing_tools(CPP_TOOLS))
)
WASM_TOOLS = ["wasm", "node"]
needs_wasm = pytest.mark.skipif(
    bool(missing_tools(WASM_TOOLS)),
    reason="needs " + ", ".join(str(error.remedy) for error in missing_tools(WASM_TOOLS)),
)


@pytest.fixture(scope="module")
def models():
    return artifact(make_models)


def make_models(folder):
    """A float model, its decode step quantized by each of RECIPES, and its tokenizer."""
    keras.utils.set_random_seed(5)
    model = build_model(ModelConfig(**SHAPE), VOCABULARY)
    random = np.random.default_rng(5)
    for weight in model.weights:
        weight.assign(weight + 0.25 * random.standard_normal(weight.shape))
    model.save(folder / "float.keras")
    tokens = random.integers(0, 13, 400)
    for recipe in RECIPES:
        quantize_decode_step(model, tokens, QuantizationConfig(recipe=recipe, calibration_windows=4), folder)
    CharacterTokenizer(CHARACTERS).save(folder / "tokenizer.json")


@pytest.fixture
def config(models):
    config = Config()
    config = changed(config, "model.quantized_model_path", str(models / "decode_static_wi8_ai8.tflite"))
    config = changed(config, "prediction.prompt", "abc")
    config = changed(config, "prediction.max_tokens", 40)
    config = changed(config, "deployment.hardware_setup", load_board("STM32H7"))
    return changed(config, "benchmarking.tokens_checked", 30)


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Workspace(tmp_path / "run")


@pytest.mark.quick("STM32F4")
@needs_emulator
@pytest.mark.parametrize("board", MEASURED)
def test_every_board_computes_the_logits_of_litert_and_writes_its_text(board, config, workspace):
    config = changed(config, "deployment.hardware_setup", load_board(board))
    recorder = Recorder()
    report = benchmarking.run(config, workspace, recorder)
    benchmark = report.benchmark
    assert benchmark.mismatching_logits == 0
    assert benchmark.tokens_checked == 30
    assert benchmark.same_text is True
    assert len(report.samples[0].text) == 40
    assert len(benchmark.by_position) == 12
    assert benchmark.instructions_smallest == min(benchmark.by_position) > 0
    assert abs(benchmark.instructions_per_token - np.mean(benchmark.by_position)) <= 0.5
    assert benchmark.ram_bytes.state == 2 * 2 * 12 * 32
    assert 0 < benchmark.ram_bytes.stack < 4096
    assert benchmark.flash_bytes.total < 84 * 1024
    # Nothing but the constants and what aligns them: no debugging information of the same object files.
    assert 0 <= benchmark.flash_bytes.weights - report.deployment.constant_bytes < 512
    # Marks cost a little themselves, never more than a tenth at this size.
    assert sum(benchmark.by_kind.values()) == pytest.approx(benchmark.instructions_per_token, rel=0.1)
    projected, board = benchmark.projected, load_board(board)
    low, high = projected.tokens_per_second
    assert 0 < low < board.clock_hz / projected.cycles < high
    if board.timing:
        assert 0.5 * benchmark.instructions_per_token < projected.core_cycles < projected.cycles
        assert len(projected.by_position) == 12
        assert {*projected.by_kind} == {*projected.stalls_by_kind} == {*benchmark.by_kind}
        assert sum(projected.by_kind.values()) == pytest.approx(projected.cycles, rel=0.1)
        kind, cost = next(iter(projected.by_kind.items()))
        assert recorder.values[f"projected_cycles/{kind}"] == cost
    else:
        assert projected.cycles == pytest.approx(benchmark.instructions_per_token * board.cycles_per_instruction, abs=1)
        assert (projected.core_cycles, "assumed" in projected.basis) == (None, True)
    assert report.skipped == []
    assert recorder.values["mismatching_logits"] == 0
    assert {"instructions.png", "memory_map.png"} <= set(recorder.files)


@pytest.mark.slow
@needs_emulator
def test_two_cores_compute_the_logits_of_litert(config, workspace):
    """On the twin of one core, which runs one half after the other; the layers of 2,048 multiplications are shared."""
    config = changed(config, "deployment.hardware_setup", load_board("ESP32"))
    config = changed(config, "deployment.second_core", True)
    report = benchmarking.run(config, workspace, Recorder())
    benchmark, project = report.benchmark, workspace.path(report.deployment.c_project)
    assert (benchmark.mismatching_logits, benchmark.tokens_checked, benchmark.same_text) == (0, 30, True)
    products = benchmark.by_kind["FULLY_CONNECTED"]
    assert 0.3 * products < benchmark.instructions_overlapping < 0.5 * products
    assert "tz_parallel" in (project / "model/model.c").read_text()
    # From weights.bin the parameters are made on the stack, as on the board.
    assert "12 tokens as computed on the PC" in greeting_with_mapped_weights(project, load_board("ESP32"))


@pytest.mark.slow
@pytest.mark.parametrize(("board", "changes"), [("STM32F4", []), ("ESP32", ["deployment.target=host"])])
def test_a_second_core_that_is_not_there_is_refused_at_once(warm_program, store, models, board, changes, tmp_path):
    answer = warm_program(
        "operation_mode=deployment",
        f"board={board}",
        f"model.quantized_model_path={models / 'decode_static_wi8_ai8.tflite'}",
        "deployment.second_core=true",
        *changes,
        f"mlflow.uri={store}",
        f"hydra.run.dir={tmp_path / 'run'}",
    )
    assert answer.returncode == 2
    received = "this machine" if changes else "STM32F4, which has one"
    assert "deployment.second_core=true needs two cores" in answer.stderr
    assert f"received {received}" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "run" / "c_project").exists()


def test_the_second_stack_stands_in_the_table_of_ram(config, workspace):
    board = load_board("ESP32")
    memories = {**board.memories, "DRAM": replace(board.memories["DRAM"], bytes=6000)}
    config = changed(config, "deployment.hardware_setup", replace(board, memories=memories))
    config = changed(config, "deployment.second_core", True)
    with pytest.raises(UserError, match=r"(?s)does not fit ESP32.*stack of the second core +2,048"):
        deployment.run(config, workspace, Recorder())


def greeting_with_mapped_weights(project, board):
    """What a twin says at its start that takes its weights from model/weights.bin."""
    run_make(project, "image", "WEIGHTS=mapped")
    image = next(project.glob("build/twin-mapped/*.elf"))
    command = [*platform_of(board).emulator_command(board.emulator()), str(image)]
    done = subprocess.run(command, input=":exit\n", capture_output=True, text=True, timeout=60, check=False)
    return done.stdout


@pytest.mark.slow
@needs_emulator
def test_weights_in_a_partition_of_their_own(config, workspace):
    """The same logits from weights.bin; a damaged one, and one of another model, are refused by name."""
    config = changed(config, "deployment.hardware_setup", load_board("ESP32C3"))
    board = load_board("ESP32C3")
    report = deployment.run(config, workspace, Recorder())
    project = workspace.path(report.deployment.c_project)
    greeting = greeting_with_mapped_weights(project, board)
    assert "CRC-32 right" in greeting
    assert "12 tokens as computed on the PC" in greeting
    weights = project / "model" / "weights.bin"
    content = weights.read_bytes()
    for place, message in ((100, "damaged"), (20, "another model"), (5, "not as long"), (0, "no weights.bin lies")):
        damaged = bytearray(content)
        damaged[place] ^= 1
        weights.write_bytes(damaged)
        shutil.rmtree(project / "build" / "twin-mapped" / "twin")
        assert message in greeting_with_mapped_weights(project, board)


@pytest.fixture(scope="module")
def cimv3_model():
    return artifact(make_cimv3_model) / "decode_static_wi8_ai8.tflite"


def make_cimv3_model(folder):
    """A decode step as CIMv3 takes it: broad probabilities of 15 bits in block 0, narrow ones of 8 bits in block 1."""
    keras.utils.set_random_seed(5)
    random = np.random.default_rng(5)
    section = ModelConfig(**{**SHAPE, "d_model": 128, "context_length": 64})
    model = build_model(section, VOCABULARY)
    model.has_window_graph = False  # it is not tested here
    for weight in model.weights:
        deviation = 0.02 if "block_0" in weight.path else 0.15
        weight.assign(weight + deviation * random.standard_normal(weight.shape))
    config = QuantizationConfig(calibration_windows=2, report_tokens=12)
    quantize_decode_step(model, random.integers(0, 13, 400), config, folder)
    CharacterTokenizer(CHARACTERS).save(folder / "tokenizer.json")


# What a shell, make, CMake, C, QEMU or matplotlib takes for its own; and what is no text.
WORST_NAMES = [
    "decode (1), [v2] $x_{y}^$ #1 % ; : & $(id) `id` ' \" \\ * {{ 7 }}",
    os.fsdecode(b"-caf\xe9 \xe2\x82\xac\n\t"),
]


@pytest.mark.slow
@pytest.mark.parametrize("name", WORST_NAMES)
def test_files_and_folders_may_be_called_anything(config, models, tmp_path, monkeypatch, name):
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.chdir(folder)
    model = shutil.copy(models / "decode_static_wi8_ai8.tflite", folder / f"{name}.tflite")
    shutil.copy(models / "tokenizer.json", folder)
    config = changed(config, "model.quantized_model_path", str(model))
    config = changed(config, "benchmarking.measured_by", "host")
    report = benchmarking.run(config, Workspace(folder / "run"), Recorder())
    assert (report.benchmark.mismatching_logits, report.benchmark.same_text) == (0, True)
    assert json.dumps(report.to_dict(), ensure_ascii=False).encode()


@pytest.mark.slow
@needs_cpp
@pytest.mark.parametrize("name", WORST_NAMES)
def test_cmake_is_kept_from_names_that_it_does_not_take(config, cimv3_model, tmp_path, name):
    config = changed(config, "deployment.hardware_setup", load_board("CIMv3"))
    config = changed(config, "model.quantized_model_path", str(cimv3_model))
    workspace = Workspace(tmp_path / name)
    report = deployment.run(config, workspace, Recorder())
    assert report.skipped == []
    assert list((workspace.path(report.deployment.c_project) / "build").glob("*/*.elf"))


def arrays_of(source):
    """Symbol -> values of the int8 arrays of a C++ source."""
    found = re.findall(r"const int8_t (\w+)\[\d+\] = \{([-\d,\s]*)\};", source)
    return {symbol: np.array([int(number) for number in text.split(",")[:-1]], np.int8) for symbol, text in found}


@pytest.mark.slow
@needs_cpp
def test_cimv3_computes_the_logits_of_litert_mode_by_mode(config, workspace, cimv3_model):
    """On the emulated host core and on this machine; the model's data are the bytes of the .tflite."""
    config = changed(config, "deployment.hardware_setup", load_board("CIMv3"))
    config = changed(config, "model.quantized_model_path", str(cimv3_model))
    report = benchmarking.run(config, workspace, Recorder())
    benchmark, project = report.benchmark, workspace.path(report.deployment.c_project)
    assert (benchmark.mismatching_logits, benchmark.tokens_checked, benchmark.same_text) == (0, 30, True)
    assert set(benchmark.by_kind) == {"EMBEDDING", "PIPE", "PARL", "LN", "LOGITS"}
    assert sum(benchmark.by_kind.values()) == pytest.approx(benchmark.instructions_per_token, rel=0.1)
    with emulate(project, load_board("CIMv3"), "host") as console:
        made = SimpleNamespace(engine=LitertReferenceEngine(cimv3_model), tokens=np.arange(30) % 13)
        assert benchmarking.mismatches(made, console, 30) == 0

    source = (project / "src/pico_gpt/model_data.cc").read_text()
    kept = {values.tobytes() for values in arrays_of(source).values()}
    file = read_tflite(cimv3_model)
    matrices = [file.tensors[node.inputs[1]] for node in file.operators if node.name == "FULLY_CONNECTED"]
    assert len(matrices) == 2 * 4 + 1
    assert {matrix.data for matrix in matrices} <= kept
    assert f'kTfliteSha256[] = "{file_digest(cimv3_model)}"' in (project / "include/pico_gpt/model_data.h").read_text()
    assert {path.stem for path in (project / "runtime").rglob("attention_s8*.c")} == {
        "attention_s8",
        "attention_s8_p16",
    }

    # The skeleton for the accelerator compiles: a test of its form only, no silicon has run it.
    command = [str(find_tool("riscv-c++")), "-std=c++17", *TWINS["rv32"].flags.split(), *WARNINGS]
    command += ["-fsyntax-only", "src/hal_registers.cc"]
    subprocess.run([*command, "-Iinclude", "-Iruntime/include"], cwd=project, check=True)


def statement_of(program, kernel, number):
    """One of the calls of a kernel, and where it stands."""
    return [(index, step) for index, step in enumerate(program.statements) if getattr(step, "kernel", "") == kernel][
        number
    ]


def without_sums(program):
    program.statements = [step for step in program.statements if step.kind != "ADD"]


def with_two_swapped(program):
    first, second = (statement_of(program, "fully_connected_s8", number)[0] for number in (2, 3))
    steps = program.statements
    steps[first], steps[second] = steps[second], steps[first]


def without_relu(program):
    statement_of(program, "fully_connected_s8", 2)[1].struct.fields["output_zero_point"] = 0


def with_bias(program):
    statement_of(program, "fully_connected_s8", 5)[1].struct.fields["bias"].values[3] += 1


TOO_NARROW = ["model.d_model breaks a CIMv3 rule", "model.n_heads breaks a CIMv3 rule"]
# what is done to a model that is too narrow for CIMv3, what its refusal names
REFUSED = [
    (lambda program: None, TOO_NARROW),
    (without_relu, [*TOO_NARROW, "model.activation breaks"]),
    (with_bias, [*TOO_NARROW, "model.use_bias breaks"]),
    (without_sums, ["received FULLY_CONNECTED", "instead of the sum of both embeddings"]),
    (with_two_swapped, ["received FULLY_CONNECTED", "instead of PARL's first matrix"]),
]


@pytest.mark.parametrize(("change", "named"), REFUSED)
def test_models_that_cimv3_does_not_run_are_refused_with_every_reason(models, change, named):
    compiled = compile_file(models / "decode_static_wi8_ai8.tflite", Target("cimv3"))
    change(compiled.program)
    with pytest.raises(UserError) as caught:
        decoder_of(compiled.program, compiled.context["inputs"])
    assert [text for text in named if text not in str(caught.value)] == []
    assert str(caught.value).count("breaks") == sum("breaks" in text for text in named)


def test_cimv3_refuses_other_activations_before_anything_is_written(config, workspace, models):
    config = changed(config, "deployment.hardware_setup", load_board("CIMv3"))
    config = changed(config, "model.quantized_model_path", str(models / "decode_static_wi8_ai16.tflite"))
    with pytest.raises(UserError, match=r"does not consist of pico_gpt blocks.*static_wi8_ai8"):
        deployment.run(config, workspace, Recorder())
    assert not workspace.path("c_project").exists()


@pytest.mark.slow
@needs_emulator
@pytest.mark.parametrize("board", ["STM32F4", "STM32N6"])
def test_activations_of_int16_compute_the_logits_of_litert_too(board, config, workspace, models):
    config = changed(config, "deployment.hardware_setup", load_board(board))
    config = changed(config, "model.quantized_model_path", str(models / "decode_static_wi8_ai16.tflite"))
    benchmark = benchmarking.run(config, workspace, Recorder()).benchmark
    assert (benchmark.mismatching_logits, benchmark.tokens_checked) == (0, 30)
    assert benchmark.same_text is True
    assert benchmark.ram_bytes.state == 2 * (2 * 2 * 12 * 32)
    assert "SOFTMAX" not in benchmark.by_kind
    assert benchmark.by_position[0] < benchmark.by_position[-1]


@pytest.mark.slow
@needs_emulator
def test_instruction_counts_are_the_same_every_time(config, workspace, tmp_path):
    first = benchmarking.run(config, workspace, Recorder()).benchmark
    again = benchmarking.run(config, Workspace(tmp_path / "again"), Recorder()).benchmark
    assert again.by_position == first.by_position
    assert again.by_kind == first.by_kind


@pytest.mark.slow
@pytest.mark.parametrize("place", ["a file in the way", "a folder that cannot be written"])
def test_a_current_folder_that_cannot_be_written_stops_nothing(place, config, workspace, monkeypatch):
    """Not even by root: /proc takes no files."""
    if place == "a file in the way":
        Path("c_headers").write_text("a note")
    else:
        monkeypatch.chdir("/proc")
    config = changed(config, "benchmarking.measured_by", "host")
    assert benchmarking.run(config, workspace, Recorder()).benchmark.same_text is True
    assert {path.name for path in workspace.path("c_headers").iterdir()} == {"model.h", "tokenizer.h", "embedding.h"}
    assert not Path("c_headers").is_dir()


@pytest.mark.slow
def test_this_machine_is_measured_in_time(config, workspace):
    config = changed(config, "benchmarking.measured_by", "host")
    config = changed(config, "prediction.stop", CHARACTERS[0])
    report = benchmarking.run(config, workspace, Recorder())
    assert CHARACTERS[0] not in report.samples[0].text
    assert report.benchmark.mismatching_logits == 0
    assert report.benchmark.same_text is True
    assert report.benchmark.tokens_per_second > 0
    assert report.benchmark.instructions_per_token is None
    assert max(report.benchmark.by_kind.values()) < 2**60  # none wrapped below 0


@needs_wasm
@pytest.mark.quick("static_wi8_ai8")
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_page_computes_the_logits_of_litert(recipe, config, workspace, models):
    """In Node.js, which runs the module of the page."""
    config = changed(config, "deployment.hardware_setup", load_board("Browser"))
    config = changed(config, "model.quantized_model_path", str(models / f"decode_{recipe}.tflite"))
    config = changed(config, "benchmarking.tokens_checked", 1000)
    report = benchmarking.run(config, workspace, Recorder())
    benchmark, project = report.benchmark, workspace.path(report.deployment.c_project)
    assert (benchmark.mismatching_logits, benchmark.tokens_checked, benchmark.same_text) == (0, 1000, True)
    assert benchmark.machine == "Node.js on this machine"
    assert benchmark.tokens_per_second > 0
    assert benchmark.instructions_per_token is None
    assert max(benchmark.by_kind.values()) < 2**60  # none wrapped below 0
    assert 0 < benchmark.ram_bytes.stack < 4096
    assert benchmark.flash_bytes.weights == report.deployment.constant_bytes
    assert benchmark.flash_bytes.total < 96 * 1024
    assert (project / "build" / "textzoo.html").stat().st_size < 160 * 1024


@pytest.mark.slow
@needs_emulator
def test_a_deployed_project_builds_elsewhere_and_leaves_its_headers(config, workspace, tmp_path):
    config = changed(config, "deployment.weight_files", True)
    report = deployment.run(config, workspace, Recorder())
    project = workspace.path(report.deployment.c_project)
    # Two blocks of four matrices, the logits' one, tokens and positions: as files and in weights.tzw.
    matrices = read_weight_file((project / "weights" / "weights.tzw").read_bytes())
    assert len(matrices) == len(list(project.glob("weights/*.bin"))) == 11
    assert report.skipped == []
    for folder in (Path("c_headers"), workspace.path("c_headers")):
        assert {path.name for path in folder.iterdir()} == {"model.h", "tokenizer.h", "embedding.h"}
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(project, elsewhere, ignore=shutil.ignore_patterns("build"))
    shutil.rmtree(project)
    assert os.system(f"make -s -C {elsewhere} image >{tmp_path / 'log'} 2>&1") == 0
    assert list(elsewhere.glob("build/board/*.elf"))


@pytest.mark.slow
def test_without_a_compiler_the_project_is_made_and_the_missing_package_named(config, workspace, monkeypatch):
    monkeypatch.setenv("PATH", str(workspace.root))
    report = deployment.run(config, workspace, Recorder())
    assert workspace.path(report.deployment.c_project, "Makefile").is_file()
    assert "gcc-arm-none-eabi" in report.skipped[0].why


def test_a_model_that_does_not_fit_the_board_is_refused_with_the_table(config, workspace):
    board = load_board("STM32F4")
    sizes = {"SRAM": 6000, "CCM": 4096}
    smaller = {name: replace(board.memories[name], bytes=size) for name, size in sizes.items()}
    config = changed(config, "deployment.hardware_setup", replace(board, memories={**board.memories, **smaller}))
    with pytest.raises(UserError, match=r"(?s)does not fit STM32F4.*state.*arena.*TOO MANY"):
        deployment.run(config, workspace, Recorder())
    assert not workspace.path("c_project").exists()


@pytest.mark.slow
def test_a_model_too_large_for_the_board_is_refused_before_training(warm_program, store, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("".join(CHARACTERS) * 60)
    folder = tmp_path / "run"
    answer = warm_program(
        "operation_mode=chain_tqeb",
        "board=STM32F4",
        "model.d_model=512",
        "model.context_length=32",
        "dataset=text",
        f"dataset.training_path={text}",
        "mlflow.system_metrics=false",
        f"mlflow.uri={store}",
        f"hydra.run.dir={folder}",
    )
    assert answer.returncode == 2
    assert "does not fit STM32F4" in answer.stderr
    assert "TOO MANY" in answer.stderr
    assert not (folder / "checkpoints").exists()


@pytest.mark.slow
@needs_emulator
def test_chain_qd_brings_a_float_model_to_a_project(warm_program, store, models, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("".join(CHARACTERS) * 60)
    folder = tmp_path / "run"
    answer = warm_program(
        "operation_mode=chain_qd",
        f"model.float_model_path={models / 'float.keras'}",
        "dataset=text",
        f"dataset.training_path={text}",
        "quantization.calibration_windows=4",
        "quantization.report_tokens=12",
        "mlflow.system_metrics=false",
        f"mlflow.uri={store}",
        f"hydra.run.dir={folder}",
    )
    assert answer.returncode == 0, answer.stderr
    report = json.loads((folder / "report.json").read_text())
    assert report["deployment"]["target"] == "STM32H7"
    assert (folder / report["deployment"]["c_project"] / "README.md").is_file()
    log, html = (folder / "textzoo.log").read_text(), (folder / "report.html").read_text()
    passes = [row["text"] for row in report["deployment"]["passes"]]
    assert (
        [text for text in passes if f"{text}: " in log and text in html and text not in answer.stdout] == passes != []
    )
    assert 'alt="Memory map: buffers in the arena over time"' in html
    assert max(map(len, answer.stdout.partition("quantization\n")[2].splitlines()[:-1])) <= 80


# Seconds after which a run that can be resumed is killed: while the model is compiled, built, emulated, compared, drawn
# and reported.
MOMENTS = (0.1, 1.5, 4.0, 8.0)


@pytest.mark.slow
@needs_emulator
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_polite_kill_is_answered_at_any_moment(start_warm, store, models, moment, tmp_path):
    folder = tmp_path / "run"
    started = start_warm(
        "operation_mode=benchmarking",
        "board=STM32F4",
        f"model.quantized_model_path={models / 'decode_static_wi8_ai8.tflite'}",
        "benchmarking.tokens_checked=30000",  # minutes, which nobody waits for
        "mlflow.system_metrics=false",
        f"mlflow.uri={store}",
        f"hydra.run.dir={folder}",
    )
    while started.process.is_alive() and not (folder / ".hydra/overrides.yaml").is_file():
        time.sleep(0.05)
    time.sleep(moment)
    os.kill(started.process.pid, signal.SIGTERM)
    answer = started.wait(timeout=120)
    assert answer.returncode == 130, answer.stderr
    assert "Interrupted. Continue with" in answer.stderr
    assert not [path for path in Path("/proc").glob("[0-9]*") if works_in(path, folder)]


def works_in(process, folder):
    """Whether a process has its current folder below this one; one that has ended has none."""
    with contextlib.suppress(OSError):
        return (process / "cwd").readlink().is_relative_to(folder)
    return False


@pytest.mark.slow
def test_an_emulator_that_is_missing_is_named_and_nothing_is_lost(warm_program, store, models, tmp_path):
    """In a chain the earlier results stay: here there are none but the rendered project."""
    folder = tmp_path / "run"
    tools = tmp_path / "tools"
    tools.mkdir()
    answer = warm_program(
        "operation_mode=benchmarking",
        f"model.quantized_model_path={models / 'decode_static_wi8_ai8.tflite'}",
        "mlflow.system_metrics=false",
        f"mlflow.uri={store}",
        f"hydra.run.dir={folder}",
        path=str(tools),
    )
    assert answer.returncode == 2
    assert "Debian and Ubuntu: sudo apt-get install" in answer.stderr
    assert json.loads((folder / "report.json").read_text())["status"] == "FAILED"
