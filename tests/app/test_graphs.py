"""Plain graphs (model=graph): benchmarked and deployed on this machine and on emulated boards; what is refused."""

import json
import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert.tools import flatbuffer_utils
from numpy.lib import format as npy
from test_brought_models import step

from changed_config import changed
from compilers import need
from matrix import SAME_KERNELS
from plain_graphs import GRAPHS, dense, layer
from recorder import Recorder
from textzoo.common.errors import UserError
from textzoo.compiler.tflite.file import unpacked
from textzoo.compiler.tflite.single_operator import Operation, Tensor, build_all, constant
from textzoo.config.boards import board_names, load_board
from textzoo.config.chains import CHAINS
from textzoo.config.schema import Config
from textzoo.engines.graph_engine import GraphEngine
from textzoo.engines.model_check import plain_graph_mistakes
from textzoo.pipeline import graph_inputs
from textzoo.pipeline.graph_firmware import make_graph_firmware
from textzoo.pipeline.graph_inputs import inputs_of_file, random_inputs
from textzoo.records.headlines import headline_figures, headline_of
from textzoo.records.report import Report
from textzoo.records.workspace import Workspace
from textzoo.services import benchmarking, deployment
from textzoo.targets.platforms import platform_of
from textzoo.testing import STRICT

GRAPH_BOARDS = [name for name in board_names() if platform_of(load_board(name)).runs_graphs]
OTHER_BOARDS = [name for name in board_names() if name not in GRAPH_BOARDS]
# Graph, board or "host".
MEASURED = [("dense_int8", "STM32F4"), ("two_and_two", "host"), ("dense_int16", "host"), ("two_and_two", "STM32H7")]
MEASURED += [("dense_int16", "STM32F4"), ("float_ends", "STM32H7"), ("no_products", "STM32F4")]
MEASURED += [("sequence", "host"), ("sequence", "STM32F4")]
# Boards with the kernels of another one are left out.
MEASURED += [("dense_int8", name) for name in GRAPH_BOARDS if name not in {"STM32F4", *SAME_KERNELS}]


def config_of(path, target="host", **keys):
    config = changed(Config(), "model.kind", "graph")
    config = changed(config, "model.quantized_model_path", str(path))
    board = load_board("STM32F4" if target == "host" else target)
    config = changed(config, "deployment.hardware_setup", board)
    config = changed(config, "benchmarking.measured_by", "host" if target == "host" else "emulator")
    for key, value in {"benchmarking.inputs_checked": 4, **keys}.items():
        config = changed(config, key, value)
    return config


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Workspace(tmp_path / "run")


def graph_file(name, folder):
    path = folder / f"{name}.tflite"
    path.write_bytes(GRAPHS[name])
    return path


def tools_for(target):
    """Skip where what builds and runs the image is not installed."""
    board = None if target == "host" else load_board(target)
    emulators = [platform_of(board).emulator_tool(board.emulator())] if board else []
    need("make", platform_of(board).compiler(board, platform_of(board).image), *emulators)


@pytest.mark.quick("dense_int8-STM32F4", "two_and_two-host", "two_and_two-STM32H7", "sequence-host")
@pytest.mark.parametrize(("name", "target"), MEASURED)
def test_every_board_computes_the_outputs_of_litert(name, target, workspace, tmp_path):
    tools_for(target)
    recorder = Recorder()
    report = benchmarking.run(config_of(graph_file(name, tmp_path), target), workspace, recorder)
    benchmark = report.benchmark
    assert (benchmark.mismatching_logits, benchmark.tokens_checked, benchmark.per) == (0, 4, "inference")
    assert (report.samples, benchmark.by_position, benchmark.same_text) == ([], None, None)
    assert {"operators.png", "memory_map.png"} <= set(recorder.files)
    assert recorder.values["mismatching_outputs"] == 0
    macs = {
        "dense_int8": 19 * 24 + 24 * 5,
        "dense_int16": 19 * 24 + 24 * 5,
        "float_ends": 9 * 6,
        "sequence": 5 * 4 * (6 + 4) * 4,
    }.get(name, 0)
    assert benchmark.macs_per_token == macs
    if target == "host":
        assert benchmark.tokens_per_second > 0
        return
    assert benchmark.instructions_smallest <= benchmark.instructions_per_token <= benchmark.instructions_largest
    assert (benchmark.instructions_per_mac is None) == (macs == 0)
    assert sum(benchmark.by_kind.values()) == pytest.approx(benchmark.instructions_per_token, rel=0.1)
    assert benchmark.ram_bytes.arena > 0
    assert (benchmark.ram_bytes.state > 0) == (name == "sequence")
    assert benchmark.flash_bytes.total < 40 * 1024


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The report of a benchmark on this machine, and its folder."""
    need("host", "make")
    folder = tmp_path_factory.mktemp("finished")
    config = config_of(graph_file("dense_int8", folder))
    return benchmarking.run(config, Workspace(folder / "run"), Recorder()), folder / "run"


def test_figures_have_names_of_inferences_and_come_back(finished):
    report, folder = finished
    values = json.loads((folder / "benchmark" / "host.json").read_text())
    assert {"macs_per_inference", "inferences_checked", "mismatching_outputs", "inferences_per_second"} <= {*values}
    assert not [name for name in values if "token" in name or "logit" in name]
    assert Report.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    figures = headline_figures(report)
    assert figures["mismatching_outputs"] == 0
    assert headline_of("instructions_per_inference").better == "less"
    assert not [name for name in figures if "token" in name]


# What a report must not say of a graph.
WORDS_OF_TEXT = re.compile(r"\b(tokens?|logits)\b")


def test_no_format_of_the_report_speaks_of_tokens(finished, warm_program, store, tmp_path):
    path = graph_file("dense_int8", tmp_path)
    answer = warm_program(
        "operation_mode=benchmarking", "model=graph", f"model.quantized_model_path={path}", "board=STM32F4",
        "benchmarking.measured_by=host", "benchmarking.inputs_checked=3", f"mlflow.uri={store}",
        f"hydra.run.dir={tmp_path / 'run'}",
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    run = tmp_path / "run"
    texts = {name: (run / name).read_text() for name in ("report.md", "report.json", "report.html")}
    texts["console"] = answer.stdout.partition("1_benchmarking ─")[2]
    for name, text in texts.items():
        assert "inference" in text, name
        assert WORDS_OF_TEXT.findall(text) == [], name
    assert "0 outputs differ, 3 inferences checked" in answer.stdout
    assert json.loads(texts["report.json"])["benchmark"]["per"] == "inference"


def test_the_same_file_gives_the_same_inputs_and_project_every_time(tmp_path):
    path = graph_file("dense_int8", tmp_path)
    engine = GraphEngine(path)
    first, second = random_inputs(engine, 3), random_inputs(engine, 3)
    assert all(np.array_equal(a["features"], b["features"]) for a, b in zip(first, second, strict=True))
    values = np.concatenate([case["features"] for case in random_inputs(engine, 60)])
    assert (values.min(), values.max()) == (-128, 127)
    projects = [make_graph_firmware(path, None, tmp_path / name, count=n).project for name, n in (("a", 1), ("b", 5))]
    markers = [(project / ".textzoo_project.json").read_text() for project in projects]
    assert markers[0] == markers[1]


def test_floats_that_are_quantized_cover_the_range_of_the_integers():
    engine = GraphEngine(GRAPHS["float_ends"])
    values = np.concatenate([case["input_0"] for case in random_inputs(engine, 100)])
    assert -0.04 * 125 <= values.min() < -4
    assert 4 < values.max() <= 0.04 * 130


PROGRAM = r"""
#include <stdio.h>
#include <string.h>

#include "model.h"

int main(void)
{
    static const unsigned char mine[2][30] = {%s};
    for (int input = 0; input < MODEL_INPUTS; ++input) {
        memcpy(model_inputs[input].data, mine[input], model_inputs[input].bytes);
    }
    model_run();
    for (int output = 0; output < MODEL_OUTPUTS; ++output) {
        const signed char *result = model_outputs[output].data;
        for (size_t i = 0; i < model_outputs[output].bytes; ++i) {
            printf("%%d ", result[i]);
        }
    }
    return model_weights_crc32() != MODEL_WEIGHTS_CRC32;
}
"""


def test_a_program_of_ones_own_runs_the_model_as_the_projects_readme_says(workspace, tmp_path):
    config = changed(config_of(graph_file("two_and_two", tmp_path)), "deployment.target", "host")
    report = deployment.run(config, workspace, Recorder())
    project = workspace.path(report.deployment.c_project)
    readme = (project / "README.md").read_text()
    assert "language model" not in readme
    assert all(text in readme for text in ("model_run();", "model/weights.c", "application/crc32.c", "runtime/*/*.c"))
    engine = GraphEngine(GRAPHS["two_and_two"])
    (case,) = random_inputs(engine, 1)
    rows = ", ".join("{" + ", ".join(map(str, case[name].tobytes())) + "}" for name in ("left", "right"))
    (tmp_path / "own.c").write_text(PROGRAM % rows)
    sources = [project / "model/model.c", project / "model/weights.c", project / "application/crc32.c"]
    sources += [tmp_path / "own.c", *(project / "runtime").glob("*/*.c")]
    folders = ["model", "application", "runtime/include", *{path.parent.name for path in sources[4:]}]
    includes = [f"-I{project / name}" for name in folders[:3]]
    includes += [f"-I{path.parent}" for path in sources[4:]]
    command = [need("host"), *STRICT, "-O2", "-fno-strict-aliasing", "-DTEXTZOO_VARIANT_HOST", *includes]
    subprocess.run([*command, *map(str, sources), "-o", str(tmp_path / "own")], check=True, timeout=60)
    done = subprocess.run([str(tmp_path / "own")], capture_output=True, text=True, timeout=20, check=True)
    expected = engine.run(case)
    assert done.stdout.split() == [str(v) for name in ("product", "sum") for v in expected[name].ravel()]


def float_layer():
    source, output = Tensor((1, 4), "float32"), Tensor((1, 3), "float32")
    weights = constant(np.ones((3, 4), np.float32))
    return build_all([Operation("FULLY_CONNECTED", [source, weights, None], [output])])


def unsupported():
    source, output = Tensor((1, 2, 2, 5), "int8", 0.5, -3), Tensor((1, 1, 1, 20), "int8", 0.5, -3)
    return build_all([Operation("SPACE_TO_DEPTH", [source], [output], {"blockSize": 2})])


def unknown_shape():
    """The second axis of the input is known only at run time."""
    model = unpacked(dense())
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].shapeSignature = np.array([1, -1], np.int32)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def with_state():
    memory = Tensor((1, 19), "int8", 0.04, -3)
    operation, updated = layer(memory, 19, "int8")
    return build_all([operation], {memory: updated})


def step_as_graph():
    return step()


# File -> what is said about it.
WRONG_FILES = {
    "float_layer": (float_layer, ["FULLY_CONNECTED (float32 1x4", "float32 1x3)"]),
    "unsupported": (unsupported, ["1 operator of", "SPACE_TO_DEPTH (int8 1x2x2x5", "not in the table"]),
    "unknown_shape": (unknown_shape, ["shapes are known only at run time", "features"]),
    "with_state": (with_state, ["carries states from one run to the next", "state_0 -> new_state_0"]),
    "step_as_graph": (step_as_graph, ["is the decode step of a language model", "Leave model=graph out"]),
    "damaged": (lambda: dense()[:-40], ["is truncated, damaged"]),
    "empty": (bytes, ["is not a .tflite"]),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_file_that_is_no_plain_graph_is_refused_by_one_message(name, tmp_path):
    make, parts = WRONG_FILES[name]
    path = tmp_path / f"{name}.tflite"
    path.write_bytes(make())
    (error,) = plain_graph_mistakes(path)
    assert [part for part in [*parts, f"{name}.tflite"] if part not in str(error)] == []


def test_a_graph_that_is_too_large_for_a_board_is_a_table(tmp_path, workspace):
    board = load_board("STM32F4")
    memories = {name: replace(memory, bytes=9000) for name, memory in board.memories.items()}
    config = config_of(graph_file("dense_int8", tmp_path), "STM32F4")
    config = changed(config, "deployment.hardware_setup", replace(board, memories=memories))
    with pytest.raises(UserError, match=r"(?s)does not fit STM32F4.*stored inputs.*TOO MANY"):
        deployment.run(config, workspace, Recorder())


def refused(mode, *arguments, file="dense_int8"):
    return [f"operation_mode={mode}", "model=graph", f"model.quantized_model_path={file}.tflite", *arguments]


WITHOUT_FILE = ["operation_mode=benchmarking", "model=graph"]
# Arguments, and what is said.
REFUSED = {
    **{
        mode: (refused(mode), [f"operation_mode={mode} does not take a plain graph", "benchmarking or deployment"])
        for mode in CHAINS
        if mode not in ("benchmarking", "deployment", "compare")
    },
    **{
        board: (refused("deployment", f"board={board}"), [f"{board} does not run plain graphs"])
        for board in OTHER_BOARDS
    },
    "no file": (WITHOUT_FILE, ["needs the file of the graph", "model.quantized_model_path=<file>.tflite"]),
    "keys of a model": (
        refused("deployment", "model.d_model=64", "model.name=gpt"),
        ["model.kind=graph has no name, d_model", "Leave it out"],
    ),
    "inputs of a language model": (
        ["operation_mode=deployment", "model.quantized_model_path=dense_int8.tflite", "benchmarking.inputs_path=a.npy"],
        ["benchmarking.inputs_path is given, but only plain graphs"],
    ),
    "inputs of another kind": (
        refused("benchmarking", "benchmarking.inputs_path=a.csv"),
        ["unknown kind of file", ".npy or .npz"],
    ),
    "a kind": (["operation_mode=deployment", "model.kind=grph"], ["model.kind", "one of text, graph"]),
    "a pretrained one": (refused("deployment", "pretrained=true"), ["graph"]),
}


@pytest.mark.quick("benchmarking", "deployment", "chain_qd", "chain_qb", "no file", "Browser")
@pytest.mark.parametrize("name", REFUSED)
def test_what_a_graph_cannot_do_is_refused_at_once(name, warm_program, tmp_path):
    arguments, parts = REFUSED[name]
    for path in ("dense_int8.tflite", "a.npy", "a.csv"):
        (tmp_path / path).write_bytes(GRAPHS["dense_int8"])
    answer = warm_program(*arguments)
    assert answer.returncode == 2, answer.stderr
    assert [part for part in parts if part not in answer.stderr] == []
    assert "Traceback" not in answer.stderr


def npy_of(array):
    return lambda path: np.save(path, array)


def npz_of(**arrays):
    return lambda path: np.savez(path, **arrays)


def raw(content):
    return lambda path: path.write_bytes(content)


def huge(path):
    """A header of terabytes in front of nothing."""
    with path.open("wb") as file:
        npy.write_array_header_1_0(file, {"descr": "|i1", "fortran_order": False, "shape": (2**20, 2**22)})


def int8(*shape):
    return np.arange(np.prod(shape)).astype(np.int8).reshape(shape)


OBJECTS = np.array([{"a": 1}, None], dtype=object)


def pickled(path):
    np.save(path, OBJECTS, allow_pickle=True)


# Graph, name of the file, what writes it; the number of inferences, or what is said.
OWN_INPUTS = {
    "one": ("dense_int8", "a.npy", npy_of(int8(1, 19)), 1),
    "several": ("dense_int8", "a.npy", npy_of(int8(3, 1, 19)), 3),
    "fortran": ("dense_int8", "a.npy", npy_of(np.asfortranarray(int8(3, 1, 19))), 3),
    "big endian": ("dense_int16", "a.npy", npy_of(int8(2, 1, 19).astype(">i2")), 2),
    "two": ("two_and_two", "a.npz", npz_of(left=int8(2, 1, 3, 2, 5), right=int8(2, 1, 3, 2, 5)), 2),
    "one in an archive": ("dense_int8", "a.npz", npz_of(features=int8(1, 19)), 1),
    "another shape": ("dense_int8", "a.npy", npy_of(int8(19)), "expected int8 1x19, or several"),
    "too many axes": ("dense_int8", "a.npy", npy_of(int8(2, 2, 1, 19)), "received int8 2x2x1x19"),
    "none": ("dense_int8", "a.npy", npy_of(int8(0, 1, 19)), "0 features"),
    "real numbers": (
        "dense_int8",
        "a.npy",
        npy_of(np.zeros((1, 19), np.float32)),
        r"received float32 1x19. Quantize it: round\(x / 0.04\) \+ -3",
    ),
    "wider": ("dense_int8", "a.npy", npy_of(np.zeros((1, 19), np.int16)), "received int16 1x19"),
    "one of two": ("two_and_two", "a.npy", npy_of(int8(1, 3, 2, 5)), "one array, and the graph has 2 inputs"),
    "a missing one": ("two_and_two", "a.npz", npz_of(left=int8(1, 3, 2, 5)), "expected 'right', 'left'"),
    "another name": ("dense_int8", "a.npz", npz_of(x=int8(1, 19)), "received 'x'"),
    "other numbers": (
        "two_and_two",
        "a.npz",
        npz_of(left=int8(2, 1, 3, 2, 5), right=int8(1, 1, 3, 2, 5)),
        "2 left, 1 right",
    ),
    "objects": (
        "dense_int8",
        "a.npy",
        pickled,
        "elements of type object",
    ),
    "objects in an archive": ("dense_int8", "a.npz", npz_of(features=OBJECTS), "elements of type object"),
    "records": ("dense_int8", "a.npy", npy_of(np.zeros((1, 19), [("a", "i1")])), "elements of type"),
    "terabytes": ("dense_int8", "a.npy", huge, "0 bytes of data in place of 4,398,046,511,104"),
    "bytes": ("dense_int8", "a.npy", raw(b"hello"), "no file of NumPy's arrays"),
    "nothing": ("dense_int8", "a.npy", raw(b""), "no file of NumPy's arrays"),
    "no archive": ("dense_int8", "a.npz", raw(b"PK\3\4 no archive"), "no file of NumPy's arrays"),
    "a header that is code": (
        "dense_int8",
        "a.npy",
        raw(b"\x93NUMPY\x01\x00\x20\x00" + b"__import__('os').abort()".ljust(31) + b"\n"),
        "no file of NumPy's arrays",
    ),
}


@pytest.mark.parametrize(("graph", "name", "write", "expected"), OWN_INPUTS.values(), ids=OWN_INPUTS)
def test_inputs_of_ones_own(graph, name, write, expected, tmp_path):
    path, engine = tmp_path / name, GraphEngine(GRAPHS[graph])
    write(path)
    if isinstance(expected, int):
        cases = inputs_of_file(path, engine)
        assert len(cases) == expected
        assert all(case[key].dtype == engine.inputs[key].dtype for case in cases for key in engine.inputs)
        engine.run(cases[-1])
        return
    with pytest.raises(UserError, match=expected) as caught:
        inputs_of_file(path, engine)
    assert name in str(caught.value)


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(graph_inputs, "MAX_FILE_BYTES", 1000)
    engine = GraphEngine(GRAPHS["dense_int8"])
    np.save(tmp_path / "a.npy", int8(100, 1, 19))
    np.savez_compressed(tmp_path / "a.npz", features=np.zeros((100, 1, 19), np.int8))
    for name, message in (("a.npy", "is too large"), ("a.npz", "bytes when unpacked, more than 1,000")):
        with pytest.raises(UserError, match=message):
            inputs_of_file(tmp_path / name, engine)


def test_ones_own_inputs_are_compared_besides_the_random_ones(tmp_path, workspace):
    np.save(tmp_path / "mine.npy", int8(3, 1, 19))
    path = graph_file("dense_int8", tmp_path)
    config = config_of(path, **{"benchmarking.inputs_path": str(tmp_path / "mine.npy")})
    benchmark = benchmarking.run(config, workspace, Recorder()).benchmark
    assert (benchmark.mismatching_logits, benchmark.tokens_checked) == (0, 4 + 3)


def test_a_users_file_may_choose_a_graph_and_the_command_line_another_model(warm_program, tmp_path):
    """What the file sets for one kind does not contradict the other."""
    graph_file("dense_int8", tmp_path)
    for content, chosen, kind in (
        ("{name: gpt, n_layers: 2}", "model=graph", "kind: graph"),
        ("{kind: graph}", "model=gpt", "kind: text"),
    ):
        (tmp_path / "mine.yaml").write_text(
            f"defaults: [config, _self_]\noperation_mode: deployment\nmodel: {content}\n"
        )
        answer = warm_program(
            "--config-path", ".", "--config-name", "mine.yaml", chosen,
            "model.quantized_model_path=dense_int8.tflite", "--cfg", "job",
        )  # fmt: skip
        assert answer.returncode == 0, answer.stderr
        assert kind in answer.stdout
