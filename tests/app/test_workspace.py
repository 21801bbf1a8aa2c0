"""The run's folder: artifacts by role, the ledger, the lock, files that are whole or absent."""

import ast
import json
import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from textzoo.app import Plan, Step, look_for_result, make_plan, plan_lines, step_key
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


# how a row of the ledger is edited, why its step runs again
EDITS = {
    "loss": (lambda row: row["report"]["training"].update(steps=4), "was changed after it was written"),
    "outputs": (lambda row: row.update(outputs={"a": "b"}), "was changed after it was written"),
    "key": (lambda row: row.update(key="other"), "was changed after it was written"),
    "digest": (lambda row: row.update(digest="0"), "was changed after it was written"),
    "no digest": (lambda row: row.pop("digest"), "has another form"),
    "another field": (lambda row: row.update(colour="red"), "has another form"),
    "an output that is no text": (lambda row: row.update(outputs={"a": 3}), "has another form"),
    "a report that is a list": (lambda row: row.update(report=[]), "has another form"),
    "a key that is no text": (lambda row: row.update(key=7), "has another form"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_row_means_that_the_step_runs_again(workspace, name):
    edit, why = EDITS[name]
    workspace.finish("1_training", FinishedStep("key", {}, {"training": {"steps": 3}}))
    rows = json.loads(workspace.path(LEDGER).read_text())
    edit(rows["1_training"])
    write_json(workspace.path(LEDGER), rows)
    assert workspace.finished("1_training", "key") is None
    assert why in workspace.damage_of("1_training")


def test_a_report_of_another_version_means_that_the_step_runs_again(workspace):
    """A field that has another name now; its row is as it was written."""
    report = {"training": {"steps_done": 3}}
    workspace.finish("1_training", FinishedStep("key", {}, report))
    step = Step("1_training", SERVICES["training"])
    look_for_result(step, "key", workspace)
    assert step.reused is None
    plan = "\n".join(plan_lines(Config(), Plan([step], ""), workspace))
    assert "1_training      run" in plan
    assert "again, because its report has another form" in plan


def test_an_output_elsewhere_is_not_believed(workspace, tmp_path):
    (tmp_path / "other").write_text("")
    workspace.finish("1_training", FinishedStep("key", {"../other": file_digest(tmp_path / "other")}))
    assert workspace.finished("1_training", "key") is None


LINKED = ["models", "models/float.keras", ".lock", "textzoo.log", "steps.json", "c_project", "c_project/host"]
LINKED += ["dataset", "dataset/train.bin", "plots", "checkpoints/latest", "checkpoints/latest/checkpoint.npz", ".hydra"]
LINKED += ["report.json", "samples.txt", "logs/tensorboard", "benchmark", "quantization/x.csv", "made_from.json"]


@pytest.mark.parametrize("name", LINKED)
@pytest.mark.parametrize("kind", ["folder", "file", "nothing"])
def test_links_in_the_folder_are_named(workspace, tmp_path, name, kind):
    elsewhere = tmp_path / "elsewhere"
    if kind == "folder":
        elsewhere.mkdir()
    if kind == "file":
        elsewhere.write_text("theirs")
    path = workspace.path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(elsewhere)
    with pytest.raises(UserError, match=f"holds links: {name}"):
        workspace.lock()
    assert not elsewhere.exists() or kind == "folder" or elsewhere.read_text() == "theirs"


@pytest.mark.parametrize("kind", ["pipe", "folder", "second name"])
def test_what_is_appended_to_is_a_file_of_the_folder_alone(workspace, tmp_path, kind):
    path = workspace.path(".lock")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        (tmp_path / "theirs").write_text("")
        path.hardlink_to(tmp_path / "theirs")
    with pytest.raises(UserError, match="no plain file of this folder alone"):
        workspace.lock()


def test_what_an_earlier_training_left_is_put_aside(workspace):
    """Quantized from other weights than those that are trained now."""
    for number in ("1", "2"):
        write_text(workspace.path("models/decode_a.tflite"), number)
        workspace.set_aside(["quantized_model"])
        assert workspace.files("quantized_model") == []
        assert workspace.path("earlier", number, "decode_a.tflite").read_text() == number


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
