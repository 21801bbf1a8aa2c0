"""Settings that must be made before TensorFlow or matplotlib are imported by any test."""

import os

from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

# No deadlines: nothing here is allowed to fail for being slow.
settings.register_profile("textzoo", deadline=None)
settings.load_profile("textzoo")
