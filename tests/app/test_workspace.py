"""The run's folder: artifacts by role, the ledger, the lock, files that are whole or absent."""

import ast
import functools
import json
import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from changed_config import changed
from textzoo.common.errors import UserError, collecting
from textzoo.common.files import atomic_path, file_digest, value_digest, write_json, write_text
from textzoo.config.chains import SERVICES
from textzoo.config.schema import Config, walk
from textzoo.config.section_view import UndeclaredReadError, view_of
from textzoo.records.workspace import ROLES, Workspace
from textzoo.runs.planning import Step, make_plan
from textzoo.runs.sources import sources_of


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "run")


def sections_read(module):
    """The sections of `config` that a module names itself."""
    source = Path(find_spec(module).origin).read_text()
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)]
    return {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == "config"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_step_depends_on_every_section_that_its_service_reads(name):
    read = sections_read(SERVICES[name].address.partition(":")[0])
    declared = (*SERVICES[name].sections, *SERVICES[name].consulted)
    assert read <= {section.partition(".")[0] for section in declared}


# Service, dotted key, whether it may read it.
READS = [
    ("training", "training.steps", True),
    ("training", "general.seed", True),
    ("training", "general.project_name", False),
    ("training", "quantization.recipe", True),
    ("training", "quantization.states", False),
    ("training", "operation_mode", True),
    ("training", "evaluation.engine", False),
    ("statistics", "model.float_model_path", True),
    ("statistics", "model.n_layers", False),
    ("compare", "general.project_name", True),
    ("compare", "operation_mode", False),
    ("prediction", "tokenizer.path", True),
    ("prediction", "dataset.name", False),
    ("prediction", "model.n_layers", False),
]


@pytest.mark.parametrize(("service", "key", "is_declared"), READS)
def test_a_service_sees_what_it_declares(service, key, is_declared):
    config = Config()
    view, *parts = view_of(config, service), *key.split(".")
    if is_declared:
        assert functools.reduce(getattr, parts, view) == functools.reduce(getattr, parts, config)
    else:
        with pytest.raises(
            UndeclaredReadError, match=rf"service {service} reads {key.partition('.')[0]}.* not declare"
        ):
            functools.reduce(getattr, parts, view)


def test_a_service_cannot_change_the_configuration():
    with pytest.raises(AttributeError, match="service statistics cannot set dataset"):
        view_of(Config(), "statistics").dataset = None
    with pytest.raises(AttributeError, match=r"cannot set general\.seed"):
        view_of(Config(), "training").general.seed = 2


def test_every_declared_name_is_in_the_schema():
    names = {name for name, _ in walk()}
    sections = {name.partition(".")[0] for name in names}
    for service in SERVICES.values():
        assert {*service.sections, *service.consulted} <= names | sections
        assert not {*service.sections} & {*service.consulted}


@pytest.mark.parametrize("service", ["quantization", "evaluation", "prediction", "statistics"])
def test_another_tokenizer_beside_the_model_makes_a_step_run_again(service, workspace, tmp_path):
    config = Config()
    config = changed(config, "model.float_model_path", str(tmp_path / "float.keras"))
    tokenizer = tmp_path / "tokenizer.json"
    keys = []
    for text in ("a", "a", "b"):
        tokenizer.write_text(text)
        keys.append(sources_of(config, Step(1, service), workspace, "", workspace.ledger()).key())
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("name", ["evaluation", "prediction", "benchmarking"])
def test_another_prompt_makes_a_step_run_again(name, workspace):
    def key(**changes):
        config = Config()
        vars(config.prediction).update(changes)
        return sources_of(config, Step(1, name), workspace, "", workspace.ledger()).key()

    assert key() == key() != key(prompt="he")
    assert key() != key(seed=5)


@pytest.mark.parametrize(("mode", "count"), [("training", 1), ("quantization", 2), ("chain_tqe", 2), ("prediction", 0)])
def test_all_texts_are_read_before_the_first_step(mode, count, workspace, tmp_path):
    """Of a chain that quantizes, the text for calibration, too."""
    paths = {"training": tmp_path / "training.txt", "calibration": tmp_path / "calibration.txt"}
    for path in paths.values():
        path.write_bytes(b"caf\xe9")
    config = Config(operation_mode=mode)
    config = changed(config, "dataset.name", "text")
    config = changed(config, "dataset.training_path", str(paths["training"]))
    config = changed(config, "quantization.calibration_path", str(paths["calibration"]))
    errors = []
    with collecting(errors):
        make_plan(config, workspace)
    assert [f"'{path}' is not UTF-8" for path in list(paths.values())[:count]] == [error.what for error in errors]
    assert all("byte 0xE9 at byte offset 3" in error.received for error in errors)


def test_a_second_run_in_the_same_folder_is_refused(workspace):
    with workspace.lock(), pytest.raises(UserError, match="another run is working in"):
        workspace.lock()
    with workspace.lock():
        pass


LINKED = ["models", "models/float.keras", ".lock", "textzoo.log", "steps.json", "c_project", "c_project/host"]
LINKED += ["dataset", "dataset/train.bin", "plots", "checkpoints/latest", "checkpoints/latest/checkpoint.npz", ".hydra"]
LINKED += [
    "comparison.html",
    "report.json",
    "samples.txt",
    "logs/tensorboard",
    "benchmark",
    "quantization/x.csv",
    "made_from.json",
    "evaluation",
    "tracking",
    "c_headers/model.h",
]


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
    assert (elsewhere.is_dir(), elsewhere.is_file()) == (kind == "folder", kind == "file")
    assert kind != "file" or elsewhere.read_text() == "theirs"
    assert kind != "folder" or not list(elsewhere.iterdir())


@pytest.mark.parametrize("name", LINKED)
def test_pipes_in_the_folder_are_named_and_not_opened(workspace, name):
    path = workspace.path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    with pytest.raises(UserError, match=f"holds other things than plain files: {name} .a pipe."):
        workspace.lock()


def test_a_pipe_is_no_model(workspace):
    workspace.path("models").mkdir()
    os.mkfifo(workspace.path(ROLES["float_model"]))
    assert workspace.find("float_model") is None
    assert workspace.digests(["float_model"]) == {}


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
    with pytest.raises(UserError, match=r"not a plain file of this folder|holds other things than plain files: .lock"):
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


def test_numbers_that_json_lacks_are_named(tmp_path):
    write_json(tmp_path / "report.json", {"losses": [float("nan"), 1.5], "other": {"x": float("-inf"), "y": (True,)}})
    values = json.loads((tmp_path / "report.json").read_text(), parse_constant=pytest.fail)
    assert values == {"losses": ["nan", 1.5], "other": {"x": "-inf", "y": [True]}}


def test_digests(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert file_digest(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert value_digest({"a": 1, "b": [2]}) == value_digest({"b": [2], "a": 1})
    assert value_digest({"a": 1}) != value_digest({"a": 2})
