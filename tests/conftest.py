"""Settings that must be made before TensorFlow or matplotlib are imported by any test."""

import gc
import os
import signal
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from random import Random

import pytest
from hypothesis import settings

from artifacts import KEPT, TENSORFLOW, remove_old
from file_order import FileOrder
from function_names import name_by_content

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

# `make test` hands these on. A make that a test starts is the first one: it prints the same as in a user's terminal.
for variable in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"):
    os.environ.pop(variable, None)

# Nor does it matter whether the tests run under `nohup` or in a shell's background, where these are ignored.
for number in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)

# What XLA compiled once serves all tests, in every process and the next time: they train the same few shapes.
os.environ.setdefault("TF_XLA_FLAGS", f"--tf_xla_persistent_cache_directory={KEPT / 'xla' / version(TENSORFLOW)}")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(KEPT / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

# What a compiler has compiled once is taken from ccache: most projects differ only in their model. Debian's package has
# a link for each compiler in this folder. Paths are hashed relative to the project that is built.
CCACHE = Path("/usr/lib/ccache")
if CCACHE.is_dir():
    os.environ["PATH"] = f"{CCACHE}{os.pathsep}{os.environ['PATH']}"
    os.environ.setdefault("CCACHE_DIR", str(KEPT / "ccache"))
    os.environ.setdefault("CCACHE_BASEDIR", "/")
    os.environ.setdefault("CCACHE_NOHASHDIR", "true")
    os.environ.setdefault("CCACHE_MAXSIZE", "1G")

# No deadlines: nothing here is allowed to fail for being slow.
settings.register_profile("textzoo", deadline=None)
settings.load_profile("textzoo")


def pytest_addoption(parser: pytest.Parser):
    """Options of tests/application/test_bad_cable.py and of tests/docs/test_same_text_page.py."""
    parser.addoption("--board", help="serial port of a real board that takes the place of this machine's program")
    parser.addoption("--baud", type=int, default=115200, help="its speed")
    parser.addoption("--requests", type=int, default=300, help="number of requests over bad cables")
    parser.addoption("--pictures", type=Path, help="existing folder for new pictures of docs/how_to/same_text.md")


def pytest_configure(config: pytest.Config):
    config.pluginmanager.register(FileOrder(config))


def pytest_sessionstart(session: pytest.Session):
    if not hasattr(session.config, "workerinput"):  # of pytest-xdist
        remove_old()


@pytest.hookimpl(tryfirst=True)  # before `-m` is looked at
def pytest_collection_modifyitems(items: list[pytest.Item]):
    """Mark as slow the rows of a test that its mark `quick` does not choose."""
    tests = groupby(sorted(items, key=test_of), key=test_of)
    for rows in (list(rows) for _, rows in tests):
        mark = rows[0].get_closest_marker("quick")
        for row in set(rows) - set(chosen(rows, mark.args) if mark else rows):
            row.add_marker(pytest.mark.slow)


def test_of(item: pytest.Item) -> tuple[str, str]:
    """Return the file and the name of the test of which an item is a row."""
    return str(item.path), getattr(item, "originalname", item.name)


def chosen(rows: list[pytest.Item], which: tuple[int | str, ...]) -> list[pytest.Item]:
    """Return so many rows, drawn by a fixed seed, or those whose names contain one of the texts."""
    if isinstance(which[0], int):
        return Random(0).sample(rows, min(which[0], len(rows)))
    return [row for row in rows if any(text in row.name for text in which)]


def pytest_collection_finish():
    """What the libraries made when they were imported is not searched for garbage again and again."""
    name_by_content()
    gc.collect()
    gc.freeze()
