"""The run's folder: artifacts by role, the ledger, the lock, files that are whole or absent."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from textzoo.app import Step, make_plan, step_key
from textzoo.chains import SERVICES
from textzoo.errors import UserError, collecting
from textzoo.files import atomic_path, file_digest, value_digest, write_json, write_text
from textzoo.schema import Config
from textzoo.workspace import LEDGER, ROLES, FinishedStep, Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "run")


def test_a_finished_step_is_found_again_only_with_the_same_inputs_and_outputs(workspace):
    model = workspace.path(ROLES["float_model"])
    write_text(model, "weights")
    row = FinishedStep("key", workspace.digests(["float_model"]), {"training": {"steps": 3}})
    workspace.finish("1_training", row)
    assert workspace.finished("1_training", "key") == row
    assert workspace.finished("1_training", "other key") is None
    assert workspace.finished("2_quantization", "key") is None
    write_text(model, "other weights")
    assert workspace.finished("1_training", "key") is None
    model.unlink()
    assert workspace.finished("1_training", "key") is None


def test_what_later_steps_wrote_is_told_apart(workspace):
    workspace.finish("1_training", FinishedStep("key", {"tokenizer": "digest"}))
    workspace.finish("2_quantization", FinishedStep("key", {"tokenizer": "digest", "quantized": "digest"}))
    assert workspace.outputs_not_before("1_training") == {"tokenizer", "quantized"}
    assert workspace.outputs_not_before("2_quantization") == {"quantized"}
    assert workspace.outputs_not_before("3_evaluation") == set()


def sections_read(module):
    """The sections of `config` that a module names itself."""
    source = Path(find_spec(module).origin).read_text()
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)]
    return {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == "config"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_step_depends_on_every_section_that_its_service_reads(name):
    read = sections_read(SERVICES[name].place.partition(":")[0])
    assert read <= {section.partition(".")[0] for section in SERVICES[name].sections}


@pytest.mark.parametrize("name", ["evaluation", "prediction", "benchmarking"])
def test_another_prompt_makes_a_step_run_again(name, workspace):
    def key(**changes):
        config = Config()
        vars(config.prediction).update(changes)
        return step_key(config, Step(f"1_{name}", SERVICES[name]), workspace, "")

    assert key() == key() != key(prompt="he")
    assert key() != key(seed=5)


@pytest.mark.parametrize(("mode", "count"), [("training", 1), ("quantization", 2), ("chain_tqe", 2), ("prediction", 0)])
def test_all_texts_are_read_before_the_first_step(mode, count, workspace, tmp_path):
    """Of a chain that quantizes, the text for calibration, too."""
    paths = {"training": tmp_path / "training.txt", "calibration": tmp_path / "calibration.txt"}
    for path in paths.values():
        path.write_bytes(b"caf\xe9")
    config = Config(operation_mode=mode)
    config.dataset.name, config.dataset.training_path = "text", str(paths["training"])
    config.quantization.calibration_path = str(paths["calibration"])
    errors = []
    with collecting(errors):
        make_plan(config, workspace)
    assert [f"'{path}' is not UTF-8" for path in list(paths.values())[:count]] == [error.what for error in errors]
    assert all("byte 0xE9 at byte offset 3" in error.received for error in errors)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"1_training": 3}', '{"1_training": {"unknown": 1}}'])
def test_a_damaged_ledger_means_that_the_steps_run_again(workspace, content):
    workspace.path(LEDGER).write_text(content)
    assert workspace.finished("1_training", "key") is None
    workspace.finish("1_training", FinishedStep("key"))
    assert workspace.finished("1_training", "key") == FinishedStep("key")


def test_a_second_run_in_the_same_folder_is_refused(workspace):
    with workspace.lock(), pytest.raises(UserError, match="another run is working in"):
        workspace.lock()
    with workspace.lock():
        pass


def test_the_newest_file_of_a_role_is_found(workspace):
    assert workspace.find("quantized_model") is None
    for recipe in ("b", "a"):
        write_text(workspace.path(f"models/decode_{recipe}.tflite"), recipe)
    assert [path.name for path in workspace.files("quantized_model")] == ["decode_a.tflite", "decode_b.tflite"]
    assert workspace.find("quantized_model").name == "decode_a.tflite"


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with pytest.raises(TypeError), atomic_path(path) as temporary:
        temporary.write_text(b"text is expected here, so this fails")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_nan_is_not_written_as_json(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "report.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_digests(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert file_digest(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert value_digest({"a": 1, "b": [2]}) == value_digest({"b": [2], "a": 1})
    assert value_digest({"a": 1}) != value_digest({"a": 2})
