"""Folders, files and models may be called anything: what is built from them builds, runs and says the same."""

import os
import shutil
import subprocess
import tempfile

import pytest
from toy_projects import render_toy

from compilers import need
from textzoo.common.errors import UserError
from textzoo.common.paths import PRETRAINED_MODELS
from textzoo.config.boards import load_board
from textzoo.pipeline.firmware import readable_name
from textzoo.targets import emulators
from textzoo.targets.emulators import build_image, emulate, run_host
from textzoo.targets.project import CMAKE_TARGETS, FOLDERS, program_name, program_of

# One of them with everything that a shell, make, C or QEMU takes for its own, one with what is no text.
WORST = [
    "decode (1), [v2] ~ 100% + a=b: -x @f #1 ; & | < > ! * ? { } ^ `id` $(id) ${HOME} $$ ' \" \\ \\n",
    os.fsdecode(b"-caf\xe9 \xe2\x82\xac\tnew\nline"),
]
# What CMake can build in.
PLAIN = "decode (1), ~ + @ é"


@pytest.mark.quick(1)
@pytest.mark.parametrize("name", WORST)
@pytest.mark.parametrize(
    ("target", "tools"),
    [("host", ["host"]), ("STM32F4", ["arm", "qemu"]), ("STM32MP2", ["aarch64", "qemu-aarch64"]), ("ESP32C3", [])],
)
def test_a_project_builds_and_runs_in_a_folder_of_any_name(tmp_path, name, target, tools):
    need("make", *(tools or ["riscv", "qemu-riscv"]))
    project = render_toy(target, tmp_path / name / name)
    with run_host(project) if target == "host" else emulate(project, load_board(target)) as console:
        assert console.ask({"command": "self_check"})["kernels"] is True
    assert {path.name for path in tmp_path.iterdir()} == {name}


@pytest.mark.slow
@pytest.mark.parametrize("target", ["host", "STM32F4", "STM32MP2"])
def test_cmake_builds_in_a_folder_of_many_names_and_refuses_others(tmp_path, target):
    need("cmake", {"host": "host", "STM32F4": "arm", "STM32MP2": "aarch64"}[target])
    project = render_toy(target, tmp_path / PLAIN)
    options = [] if target == "host" else ["-DCMAKE_TOOLCHAIN_FILE=toolchain.cmake"]
    configure = ["cmake", "-B", "build/cmake", *options]
    subprocess.run(configure, cwd=project, check=True, capture_output=True, timeout=120)
    subprocess.run(["cmake", "--build", "build/cmake"], cwd=project, check=True, capture_output=True, timeout=300)
    assert list(project.glob("build/cmake/toy*"))
    for name in ("a $(b) : c", "[v2]", "a;b"):
        other = tmp_path / name
        shutil.copytree(project, other, ignore=shutil.ignore_patterns("build"))
        answer = subprocess.run(configure, cwd=other, capture_output=True, text=True, timeout=120, check=False)
        assert answer.returncode != 0
        assert "copy the project to another" in " ".join(answer.stderr.split())


@pytest.mark.slow
def test_what_cmake_builds_needs_no_plain_folder_for_temporary_files(tmp_path, monkeypatch):
    """The run's folder and TMPDIR may both have any name; where no folder has a plain one, it is said."""
    need("make", "cmake", "riscv-c++", "qemu-riscv")
    folder = tmp_path / WORST[0]
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    project = render_toy("CIMv3", folder / "p")
    with emulate(project, load_board("CIMv3")) as console:
        assert console.ask({"command": "self_check"})["kernels"] is True
    monkeypatch.setattr(emulators, "TEMPORARY_FOLDERS", (str(folder), str(tmp_path / "missing")))
    with pytest.raises(UserError, match="no folder in which CMake can build"):
        build_image(project, load_board("CIMv3"))


@pytest.mark.parametrize(
    ("folders", "taken"),
    [(["plain", "other"], "plain"), (["a;b", "other"], "other"), (["missing", "a;b", "other"], "other")],
)
def test_the_first_plain_folder_that_can_be_written_is_for_temporary_files(tmp_path, monkeypatch, folders, taken):
    for name in ("plain", "other", "a;b"):
        (tmp_path / name).mkdir()
    first, *rest = (str(tmp_path / name) for name in folders)
    monkeypatch.setattr(tempfile, "tempdir", first)
    monkeypatch.setattr(emulators, "TEMPORARY_FOLDERS", tuple(rest))
    assert emulators.plain_folder() == str(tmp_path / taken)


# name of a model, that of its program
MODEL_NAMES = [
    ("pico_gpt", "pico_gpt"),
    ("decode (1)", "textzoo"),
    ("", "textzoo"),
    ("é", "textzoo"),
    ("x" * 64, "x" * 64),
    ("x" * 65, "textzoo"),
    *((name, "textzoo") for name in (*FOLDERS, *CMAKE_TARGETS)),
]


@pytest.mark.parametrize(("model", "program"), MODEL_NAMES)
def test_a_program_has_a_name_that_make_and_cmake_take(model, program):
    assert program_name(model) == program


def test_a_header_gives_the_whole_name(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.h").write_text('#define MODEL_VERSION 1\n#define MODEL_NAME "decode _1_ of mine"\n')
    assert program_of(tmp_path) == program_name("decode _1_ of mine") == "textzoo"
    (tmp_path / "model" / "model.h").write_text('#define MODEL_NAME "mine"\n')
    assert program_of(tmp_path) == "mine"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a b.tflite", "a b"),
        (os.fsdecode(b"caf\xe9.tflite"), r"caf\xe9"),
        ("é€.tflite", "é€"),
        ("a\nb\t.tflite", r"a\nb\t"),
        ("\u202eb.tflite", r"\u202eb"),
    ],
)
def test_a_name_becomes_text(tmp_path, name, text):
    assert readable_name(tmp_path / name) == text
    assert text.encode()


def test_a_pretrained_model_has_its_own_name(tmp_path):
    assert readable_name(PRETRAINED_MODELS / "gpt" / "decode_static_wi8_ai8.tflite") == "gpt"
    assert readable_name(tmp_path / "gpt" / "decode_static_wi8_ai8.tflite") == "decode_static_wi8_ai8"


@pytest.mark.slow
def test_a_long_name_of_a_board_and_an_image_that_is_built_twice(tmp_path):
    """The program is found where it was built, also from another current folder and by a relative path."""
    need("host", "make")
    project = render_toy("host", tmp_path / WORST[0])
    here = os.path.relpath(project)
    assert build_image(project) == project / "build" / "host" / "toy"
    with run_host(type(project)(here)) as console:
        assert console.ask({"command": "info"})["model"] == "toy"
