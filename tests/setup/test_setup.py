"""make's targets, and the set-up: by uv with pip's settings, by pip where uv fails, anew where it was interrupted."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import uv_pip

PROJECT = Path(uv_pip.__file__).resolve().parents[1]
# What a set-up reads.
FILES = ("Makefile", "scripts/setup.sh", "scripts/uv_pip.py", "scripts/uv.lock", "requirements.lock", "pyproject.toml")
MAIN = "stm32ai_main.py"

# target, commands that it runs, commands that it does not run
TARGETS = [
    ("setup", ["scripts/setup.sh"], ["install_tools"]),
    ("hello", ["scripts/setup.sh", "install_tools.py stm32", "scripts/hello.py"], ["install_tools.py all", MAIN]),
    ("demo", ["scripts/setup.sh", "install_tools.py stm32", f"{MAIN} operation_mode=chain_tqeb"], ["tools.py all"]),
    ("tools", ["install_tools.py all"], []),
    ("tools-esp32", ["install_tools.py esp32"], []),
    ("test", ["scripts/setup.sh", "install_tools.py test", "-m pytest"], []),
    ("lint", ["scripts/setup.sh"], ["install_tools"]),
]


@pytest.fixture
def folder(tmp_path):
    """A fresh copy of what a set-up reads; without packages to install."""
    folder = tmp_path / "fresh clone" / "textzoo"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, folder / name)
    (folder / "requirements.lock").write_text("", encoding="utf-8")
    (folder / "src").mkdir()
    return folder


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def make(folder, *arguments, path=os.environ["PATH"], **variables):
    own = {"PATH": path, "PYTHON": sys.executable, "HOME": str(folder), **variables}
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS")}
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(
        command, cwd=folder, env={**environment, **own}, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize(("target", "runs", "leaves_out"), TARGETS)
def test_targets_on_a_fresh_clone(folder, target, runs, leaves_out):
    done = make(folder, "-n", target)
    assert done.returncode == 0, done.stderr
    positions = [done.stdout.index(command) for command in runs]
    assert positions == sorted(positions)
    assert not [command for command in leaves_out if command in done.stdout]


def test_help_lists_every_target(folder):
    listed = make(folder, "help").stdout
    assert all(f"{target} " in listed for target in ("setup", "hello", "demo", "tools", "tools-%", "test"))


@pytest.fixture(scope="module")
def python_with_pip(tmp_path_factory):
    """An interpreter that has pip; the one of a .venv that uv made has none."""
    folder = tmp_path_factory.mktemp("python")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return str(folder / "bin" / "python")


# A uv that makes .venv and remembers what it was asked for and with which settings of its own.
UV = """#!{python}
import json, os, subprocess, sys
from pathlib import Path
settings = {{name: value for name, value in os.environ.items() if name.startswith(("UV_", "SSL_"))}}
with Path("uv.log").open("a") as log:
    log.write(json.dumps([sys.argv[1:], settings]) + "\\n")
if sys.argv[1] == "venv":
    subprocess.run([sys.executable, "-m", "venv", ".venv", "--without-pip"], check=True)
sys.exit({code} if sys.argv[1] == "pip" else 0)
"""


def uv_on_path(folder, code=0):
    """PATH with a uv whose `pip` ends with that code."""
    path = program(folder / "bin" / "uv", UV.format(python=sys.executable, code=code))
    return f"{path.parent}{os.pathsep}{os.environ['PATH']}"


def calls_of(folder):
    return [json.loads(line) for line in (folder / "uv.log").read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
def test_uv_checks_hashes_and_has_the_settings_of_pip(folder, monkeypatch, python_with_pip):
    configuration = folder / "pip.conf"
    configuration.write_text(
        "[global]\nindex-url = https://mirror.example/simple\nextra-index-url =\n    https://a.example/simple\n"
        "    https://b.example/simple\ncert = /etc/own.pem\n",
        encoding="utf-8",
    )
    for name in [name for name in os.environ if name.startswith(("PIP_", "SSL_", "UV_"))]:
        monkeypatch.delenv(name)
    done = make(
        folder,
        "setup",
        path=uv_on_path(folder),
        PYTHON=python_with_pip,
        PIP_CONFIG_FILE=str(configuration),
        PIP_FIND_LINKS="/wheels /more",
    )
    assert done.returncode == 0, done.stderr
    (venv, _), (packages, settings), (project, _) = calls_of(folder)
    assert venv[0] == "venv"
    assert packages[:2] == project[:2] == ["pip", "install"]
    assert {"--require-hashes", "requirements.lock"} <= set(packages)
    assert settings["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert settings["UV_INDEX"] == "https://a.example/simple https://b.example/simple"
    assert settings["UV_FIND_LINKS"] == "/wheels,/more"
    assert settings["SSL_CERT_FILE"] == "/etc/own.pem"


def test_a_set_up_that_is_whole_is_not_made_again(folder):
    path = uv_on_path(folder)
    make(folder, "setup", path=path)
    done = make(folder, "setup", path=path)
    assert done.returncode == 0
    assert len(calls_of(folder)) == 3


def interrupted(folder):
    (folder / ".venv" / "ready").unlink()


def interpreter_gone(folder):
    (folder / ".venv" / "bin" / "python").unlink()


def lock_renewed(folder):
    later = (folder / ".venv" / "ready").stat().st_mtime + 10
    os.utime(folder / "requirements.lock", (later, later))


def made_elsewhere(folder):
    (folder / ".venv" / "ready").write_text("/another/folder\n", encoding="utf-8")


@pytest.mark.quick(1)
@pytest.mark.parametrize("damage", [interrupted, interpreter_gone, lock_renewed, made_elsewhere])
def test_what_is_not_whole_is_made_anew(folder, damage):
    path = uv_on_path(folder)
    make(folder, "setup", path=path)
    damage(folder)
    done = make(folder, "setup", path=path)
    assert done.returncode == 0, done.stderr
    assert len(calls_of(folder)) == 6
    assert (folder / ".venv" / "bin" / "python").exists()


# A Python whose pip only says that it was called, and fetches the uv of a folder if there is one: no network is needed.
PYTHON = """#!/bin/sh
case "$*" in
*"pip install"*"--target .uv"*) echo "FETCH $*"; mkdir -p .uv/bin; cp "{uv}" .uv/bin/uv 2>/dev/null; exit ;;
*"pip install"*) echo "PIP $*"; exit 0 ;;
*"-m venv"*) for last; do :; done
    mkdir -p "$last/bin"; cp "$0" "$last/bin/python"; exit 0 ;;
esac
exec {python} "$@"
"""
WITH_HASHES = "-m pip install --require-hashes -r requirements.lock"


def own_python(folder, python=sys.executable, uv="/nowhere"):
    return program(folder / "bin" / "own-python", PYTHON.format(python=python, uv=uv))


def path_without_uv():
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not (Path(folder) / "uv").exists())


def test_pip_installs_with_hashes_where_uv_cannot(folder):
    done = make(folder, "setup", path=uv_on_path(folder, code=2), PYTHON=str(own_python(folder)))
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == ["uv could not install the packages: continuing with pip, which takes minutes"]
    assert WITH_HASHES in done.stdout


def test_pip_installs_where_it_is_asked_to(folder):
    done = make(folder, "setup", path=uv_on_path(folder), PYTHON=str(own_python(folder)), INSTALLER="pip")
    assert done.returncode == 0, done.stderr
    assert WITH_HASHES in done.stdout
    assert not (folder / "uv.log").exists()


@pytest.mark.slow
def test_uv_is_fetched_with_its_hash_where_there_is_none(folder, python_with_pip):
    uv = program(folder / "elsewhere" / "uv", UV.format(python=sys.executable, code=0))
    done = make(folder, "setup", path=path_without_uv(), PYTHON=str(own_python(folder, python_with_pip, uv)))
    assert done.returncode == 0, done.stderr
    assert "--require-hashes --target .uv -r scripts/uv.lock" in done.stdout
    assert [arguments[0] for arguments, _ in calls_of(folder)] == ["--version", "venv", "pip", "pip"]
    assert WITH_HASHES not in done.stdout


def test_pip_installs_where_uv_cannot_be_fetched(folder):
    done = make(folder, "setup", path=path_without_uv(), PYTHON=str(own_python(folder)))
    assert done.returncode == 0, done.stderr
    assert "uv cannot be fetched: continuing with pip" in done.stderr
    assert WITH_HASHES in done.stdout


def test_uv_has_its_own_lock():
    name, *hashes = (PROJECT / "scripts" / "uv.lock").read_text(encoding="utf-8").split(" --hash=sha256:")
    assert name.startswith("uv==")
    assert len(hashes) > 1


def test_a_link_is_refused_and_what_it_points_to_is_left_alone(folder, tmp_path):
    program(tmp_path / "theirs/bin/python", "#!/bin/sh\n")
    (tmp_path / "theirs/ready").write_text("/elsewhere", encoding="utf-8")
    (folder / ".venv").symlink_to(tmp_path / "theirs")
    done = make(folder, "setup")
    assert done.returncode == 2
    assert f".venv is a link to {tmp_path / 'theirs'}" in done.stderr
    assert "rm .venv" in done.stderr
    assert (folder / ".venv").is_symlink()
    assert (tmp_path / "theirs/ready").read_text(encoding="utf-8") == "/elsewhere"


def test_an_interpreter_that_is_too_old_is_named(folder):
    old = program(folder / "bin" / "python3", '#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.1\nexit 1\n')
    path = f"{old.parent}{os.pathsep}/nowhere"
    for tool in ("bash", "dirname", "cat"):
        (old.parent / tool).symlink_to(shutil.which(tool))
    environment = {"PATH": path, "HOME": str(folder)}
    command = [shutil.which("bash"), "scripts/setup.sh"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "needs Python 3.11, 3.12 or 3.13; found: Python 3.9.1" in done.stderr


# what `pip config list` prints, the variables for uv, further arguments
SETTINGS = [
    ("", {}, []),
    ("global.index-url='https://a/simple'", {"UV_DEFAULT_INDEX": "https://a/simple"}, []),
    ("global.index-url='https://a'\ninstall.index-url='https://b'", {"UV_DEFAULT_INDEX": "https://b"}, []),
    ("install.index-url='https://b'\n:env:.index-url='https://c'", {"UV_DEFAULT_INDEX": "https://c"}, []),
    ("global.extra-index-url='\\nhttps://a\\nhttps://b'", {"UV_INDEX": "https://a https://b"}, []),
    ("global.find-links='/a /b'", {"UV_FIND_LINKS": "/a,/b"}, []),
    ("global.trusted-host='a b'", {"UV_INSECURE_HOST": "a b"}, []),
    (":env:.default-timeout='180'", {"UV_HTTP_TIMEOUT": "180"}, []),
    ("global.proxy='http://p:1'", dict.fromkeys(("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"), "http://p:1"), []),
    ("global.no-index='true'", {}, ["--no-index"]),
    ("global.no-index='false'\nglobal.constraint='/c.txt'", {}, []),
]


@pytest.mark.parametrize(("listed", "variables", "arguments"), SETTINGS)
def test_settings_of_pip_as_those_of_uv(listed, variables, arguments):
    assert uv_pip.for_uv(uv_pip.parsed(listed)) == ({**uv_pip.AS_PIP, **variables}, arguments)


def test_settings_from_the_environment_where_there_is_no_pip():
    given = {"PIP_EXTRA_INDEX_URL": "https://a", "PIPELINE": "x"}
    assert uv_pip.from_environment(given) == {"extra-index-url": "https://a"}
