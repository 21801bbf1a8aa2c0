"""Settings that must be made before TensorFlow or matplotlib are imported by any test."""

import gc
import os
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import settings

from artifacts import KEPT, TENSORFLOW, remove_old

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

# What XLA compiled once serves all tests, in every process and the next time: they train the same few shapes.
os.environ.setdefault("TF_XLA_FLAGS", f"--tf_xla_persistent_cache_directory={KEPT / 'xla' / version(TENSORFLOW)}")

# What a compiler has compiled once is taken from ccache: most projects differ only in their model. Debian's package has
# a link for each compiler in this folder. Paths are hashed relative to the project that is built.
CCACHE = Path("/usr/lib/ccache")
if CCACHE.is_dir():
    os.environ["PATH"] = f"{CCACHE}{os.pathsep}{os.environ['PATH']}"
    os.environ.setdefault("CCACHE_DIR", str(KEPT / "ccache"))
    os.environ.setdefault("CCACHE_BASEDIR", "/")
    os.environ.setdefault("CCACHE_NOHASHDIR", "true")
    os.environ.setdefault("CCACHE_MAXSIZE", "500M")

# No deadlines: nothing here is allowed to fail for being slow.
settings.register_profile("textzoo", deadline=None)
settings.load_profile("textzoo")


def pytest_sessionstart(session: pytest.Session):
    if not hasattr(session.config, "workerinput"):  # of pytest-xdist
        remove_old()


def pytest_collection_finish():
    """What the libraries made when they were imported is not searched for garbage again and again."""
    gc.collect()
    gc.freeze()
