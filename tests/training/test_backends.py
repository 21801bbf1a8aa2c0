"""Deterministic runs under every Keras backend that is installed."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

# An interrupted and resumed run ends bit for bit as one that was not, and has learnt something.
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import numpy as np
from toy_training import CHANCE, run_toy, stop_at, toy_model
folder = Path(sys.argv[2])
settings = {"ema_decay": 0.5, "gradient_accumulation": 2, "score_penalty": 1e-3, "label_smoothing": 0.01}
settings["deterministic"] = True
weights, result = run_toy(folder / "whole", **settings)
assert result.best_validation_loss_nats < 0.9 * CHANCE, result
try:
    run_toy(folder / "part", on_metrics=stop_at(20), **settings)
except KeyboardInterrupt:
    pass
resumed, _ = run_toy(folder / "part", model=toy_model(seed=1), **settings)
assert np.array_equal(weights, resumed)
print("agreed")
"""


INSTALLED = [name for name in ("tensorflow", "jax", "torch") if importlib.util.find_spec(name)]


@pytest.mark.parametrize("backend", INSTALLED)
def test_every_backend_trains_and_resumes(tmp_path, backend):
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(Path(__file__).parent), str(tmp_path)],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.stdout.rstrip().endswith("agreed"), finished.stderr
