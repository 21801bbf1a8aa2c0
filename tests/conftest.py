"""Settings that must be made before TensorFlow or matplotlib are imported by any test."""

import atexit
import gc
import os
import shutil
import tempfile

from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

# What XLA compiled once serves all tests of a run, in every process: they train the same few shapes again and again.
if "TF_XLA_FLAGS" not in os.environ:
    folder = tempfile.mkdtemp(prefix="textzoo-xla-")
    os.environ["TF_XLA_FLAGS"] = f"--tf_xla_persistent_cache_directory={folder}"
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

# No deadlines: nothing here is allowed to fail for being slow.
settings.register_profile("textzoo", deadline=None)
settings.load_profile("textzoo")


def pytest_collection_finish():
    """What the libraries made when they were imported is not searched for garbage again and again."""
    gc.collect()
    gc.freeze()
