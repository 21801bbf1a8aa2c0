"""A wheel is the whole program: read-only, in an environment of its own, it does from anywhere what a checkout does."""

import importlib.util
import json
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from textzoo.common.files import file_digest

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[2]
MODULES = str(PROJECT / "src")
CHECKOUT = (sys.executable, PROJECT / "stm32ai_main.py")
DATA = ("conf", "deployment", "pretrained_models")
SOURCES = (*DATA, "src", "pyproject.toml", "setup.py", "README.md", "LICENSE")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*")
BUILD = "import setuptools.build_meta as backend; print(backend.build_{kind}('{target}'))"


def output_of(command, folder, **variables):
    """What a program prints; no module comes from this checkout, unless PYTHONPATH is among the variables."""
    settings = {"COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ""}
    environment = {**os.environ, **settings, **variables}
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def built(kind, folder, target):
    """The wheel or the source distribution (sdist) of a project, by the setuptools of this environment."""
    name = output_of([sys.executable, "-c", BUILD.format(kind=kind, target=target)], folder).split()[-1]
    return target / name


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """As `python -m build` makes it: from the source distribution."""
    folder = tmp_path_factory.mktemp("build")
    for name in SOURCES:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, folder / "project" / name, ignore=NOT_COPIED)
        else:
            shutil.copy(PROJECT / name, folder / "project")
    with tarfile.open(built("sdist", folder / "project", folder)) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.glob("textzoo-*/")
    return built("wheel", unpacked, folder)


@dataclass(frozen=True)
class Installed:
    """The wheel in a fresh environment; its dependencies are those of this one."""

    environment: Path
    package: Path
    digests: dict[str, str]

    @property
    def command(self):
        return self.environment / "bin" / "textzoo"

    @property
    def python(self):
        return self.environment / "bin" / "python"


def digests_of(folder):
    return {str(path.relative_to(folder)): file_digest(path) for path in folder.rglob("*") if path.is_file()}


def install(wheel, environment):
    """By pip where Python brings it along; else by uv, which has set this environment up then."""
    has_pip = importlib.util.find_spec("ensurepip") is not None
    venv.create(environment, symlinks=True, with_pip=has_pip)
    uv = shutil.which("uv") or PROJECT / ".uv" / "bin" / "uv"
    installer = [environment / "bin" / "python", "-m", "pip"] if has_pip else [uv, "pip"]
    output_of([*installer, "install", "--no-deps", "--no-index", wheel], environment, VIRTUAL_ENV=str(environment))


def set_writable(folder, is_writable):
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | stat.S_IWUSR if is_writable else mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    environment = tmp_path_factory.mktemp("installed")
    install(wheel, environment)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib"))
    package = packages / "textzoo"
    set_writable(package, False)
    yield Installed(environment, package, digests_of(package))
    set_writable(package, True)


@pytest.fixture(scope="module")
def both(installed, tmp_path_factory):
    """A function that runs the same arguments as installed and in the checkout, each in a folder of its own."""
    store = f"mlflow.uri=sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"

    def run(*arguments):
        folders = tmp_path_factory.mktemp("installed_run"), tmp_path_factory.mktemp("checkout_run")
        given = [*arguments, store, "hydra.run.dir=run", "mlflow.system_metrics=false"]
        texts = [
            output_of([installed.command, *given], folders[0]),
            output_of([*CHECKOUT, *given], folders[1], PYTHONPATH=MODULES),
        ]
        assert digests_of(installed.package) == installed.digests
        return folders, texts

    return run


def test_it_holds_the_projects_modules_and_data(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    held = {name for name in names if name.startswith("textzoo/")}
    tracked = subprocess.run(
        ["git", "-C", PROJECT, "ls-files", "-z", "src/textzoo", *DATA, "LICENSE"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    tracked = {name for name in tracked if name and (PROJECT / name).is_file()}
    assert {name.removeprefix("src/") for name in tracked if name.startswith("src/")} <= held
    assert {f"textzoo/resources/{name}" for name in tracked if not name.startswith("src/")} <= held


def test_the_package_is_that_of_the_wheel(installed, tmp_path):
    code = "import textzoo; from textzoo.common.paths import PROJECT; print(textzoo.__file__, PROJECT)"
    places = output_of([installed.python, "-c", code], tmp_path).split()
    assert places == [str(installed.package / "__init__.py"), str(installed.package / "resources")]


def test_the_command_and_the_module_help_as_the_checkout_does(installed, tmp_path):
    checkout = output_of([*CHECKOUT, "--help"], tmp_path, PYTHONPATH=MODULES)
    expected = checkout.replace("python stm32ai_main.py", "textzoo")
    assert expected.count("textzoo operation_mode=") == 2
    assert output_of([installed.command, "--help"], tmp_path) == expected
    assert output_of([installed.python, "-m", "textzoo", "--help"], tmp_path) == expected


def test_a_pretrained_model_writes_the_same_text(both):
    folders, texts = both("operation_mode=prediction", "model=gpt", "pretrained=true")
    reports = [json.loads((folder / "run" / "report.json").read_text()) for folder in folders]
    samples = [sample["text"] for sample in reports[0]["samples"]]
    assert samples == [sample["text"] for sample in reports[1]["samples"]]
    assert texts[0] == texts[1]
    assert len(samples[0]) > 100
    kept = [(folder / "run" / ".hydra" / "config.yaml").read_text() for folder in folders]
    assert kept[0] == kept[1]
    assert "<textzoo>/pretrained_models/gpt/float.keras" in kept[0]


def test_deployment_writes_the_same_project(both):
    folders, _ = both("operation_mode=deployment", "model=tiny_lm", "pretrained=true")
    reports = [json.loads((folder / "run" / "report.json").read_text()) for folder in folders]
    projects = [digests_of(folder / "run" / "c_project") for folder in folders]
    sources = [{name: digest for name, digest in project.items() if "build/" not in name} for project in projects]
    assert sources[0] == sources[1]
    assert any(name.endswith("model/model.c") for name in sources[0])
    assert reports[0]["deployment"] == reports[1]["deployment"]
    assert sorted(path.name for path in folders[0].iterdir()) == sorted(path.name for path in folders[1].iterdir())
