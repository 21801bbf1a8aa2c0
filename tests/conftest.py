"""Settings that must be made before TensorFlow or matplotlib are imported by any test."""

import gc
import os

from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

# No deadlines: nothing here is allowed to fail for being slow.
settings.register_profile("textzoo", deadline=None)
settings.load_profile("textzoo")


def pytest_collection_finish():
    """What the libraries made when they were imported is not searched for garbage again and again."""
    gc.collect()
    gc.freeze()
