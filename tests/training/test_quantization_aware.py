"""Quantization-aware training: where gradients are taken, when the grid begins, what is kept, and the way to C."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_training import CHANCE, SEED, ToyData, run_toy, stop_at, toy_config, toy_model

from textzoo.compiler.tflite.file import read_tflite
from textzoo.engines.metrics import evaluate
from textzoo.engines.opening import open_engine
from textzoo.quantizers.quantize import quantize_decode_step
from textzoo.quantizers.settings import QuantizationConfig
from textzoo.quantizers.stored_weights import matrices_of
from textzoo.quantizers.weight_grids import GRIDS, is_on_grid
from textzoo.text.windows import evaluation_windows
from textzoo.training.backends import current_backend
from textzoo.training.backends.base import Lanes
from textzoo.training.checkpoints import read_checkpoint
from textzoo.training.layout import read_weights
from textzoo.training.losses import Objective
from textzoo.training.optimizers import make_optimizer
from textzoo.training.quantization_aware import weight_grid
from textzoo.training.schedules import is_past_switch, learning_rate_fraction
from textzoo.training.step import TrainingStep


def on_grid(model, name):
    return [is_on_grid(matrix.value, GRIDS[name]) for matrix in matrices_of(model)]


@pytest.mark.slow
@pytest.mark.parametrize("name", GRIDS)
def test_gradients_are_those_at_the_rounded_weights_and_move_the_ones_behind(name):
    """The straight-through estimator, against its definition: w - rate * dL/dw at round(w)."""
    model = toy_model(dropout=0.0)
    config = toy_config(qat=name, optimizer="adamw", weight_decay=0.0, gradient_clip_norm=0.0)
    objective, backend = Objective(model, SEED), current_backend()
    optimizer, lanes = make_optimizer(objective.layout, config), Lanes(1)
    step = TrainingStep(objective, optimizer, config, backend, lanes)
    weights = read_weights(model)
    vectors = step.initial_vectors(weights, on_grid=True)
    inputs = np.arange(32, dtype=np.int32).reshape(4, 8) % 7
    new, _ = step(vectors, inputs, (inputs + 1) % 7, 0, 1.0, on_grid=True)
    grid = weight_grid(objective.layout, config)
    at = np.asarray(grid.rounded(weights))
    rest = [backend.tensor(part) for part in (inputs, (inputs + 1) % 7, np.int32(0))]
    gradient = np.asarray(backend.value_and_gradient(objective.training_loss)(backend.tensor(at), *rest)[1])
    momentum = (1 - config.beta_1) * gradient
    np.testing.assert_allclose(np.asarray(new["momentum"]), momentum, rtol=1e-3, atol=1e-7)
    # AdamW's first step is the sign of the gradient, at the weights that were not rounded.
    clear = np.abs(gradient) > 1e-4
    moved = np.asarray(new["weights"]) - weights
    np.testing.assert_allclose(moved[clear], -config.learning_rate * np.sign(gradient[clear]), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(np.asarray(new["rounded"]), np.asarray(grid.rounded(new["weights"])), atol=1e-6)
    lanes.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", GRIDS)
def test_what_is_kept_lies_on_the_grid_though_float_was_better(name, tmp_path):
    model = toy_model(dropout=0.0)
    _, result = run_toy(tmp_path, model=model, steps=80, qat=name, qat_warmup_fraction=0.5)
    assert all(on_grid(model, name))
    assert result.best_step >= 40
    assert result.best_validation_loss_nats < 0.8 * CHANCE
    latest = read_checkpoint(tmp_path / "checkpoints/latest").vectors
    assert not np.array_equal(latest["rounded"], latest["weights"])


@pytest.mark.slow
def test_before_the_switch_a_run_is_the_float_run(tmp_path):
    weights = []
    for name, changes in (("float", {}), ("ternary", {"qat": "ternary", "qat_warmup_fraction": 0.6})):
        with pytest.raises(KeyboardInterrupt):
            run_toy(tmp_path / name, on_metrics=stop_at(20), **changes)
        weights.append(read_checkpoint(tmp_path / name / "checkpoints/latest").vectors["weights"])
    np.testing.assert_array_equal(*weights)


@pytest.mark.slow
def test_a_float_checkpoint_continues_on_a_grid(tmp_path):
    """Its best weights lie on no grid and do not count."""
    with pytest.raises(KeyboardInterrupt):
        run_toy(tmp_path / "float", on_metrics=stop_at(20))
    model = toy_model()
    resume_from = str(tmp_path / "float/checkpoints/latest")
    _, result = run_toy(tmp_path / "grid", model=model, qat="ternary", qat_warmup_fraction=0.5, resume_from=resume_from)
    assert all(on_grid(model, "ternary"))
    assert result.best_step > 20


@pytest.mark.slow
def test_patience_waits_for_the_grid(tmp_path):
    rates = {"learning_rate": 1e-9, "muon_learning_rate": 1e-9}
    _, result = run_toy(tmp_path, steps=200, qat="int4", qat_warmup_fraction=0.5, early_stopping_patience=2, **rates)
    assert result.stopped_early
    assert 100 <= result.steps < 200


@given(
    step=st.integers(0, 999),
    fraction=st.floats(0.0, 0.99),
    factor=st.floats(0.1, 10.0),
    qat=st.sampled_from(["none", "int4"]),
)
@settings(deadline=None)
def test_the_learning_rate_changes_at_the_switch_only(step, fraction, factor, qat):
    plain = toy_config(steps=1000)
    config = toy_config(steps=1000, qat=qat, qat_warmup_fraction=fraction, qat_learning_rate_factor=factor)
    past = qat != "none" and step >= round(fraction * 1000)
    assert is_past_switch(step, 1000, config) == past
    expected = learning_rate_fraction(step, 1000, plain) * (factor if past else 1.0)
    assert learning_rate_fraction(step, 1000, config) == pytest.approx(expected)


@pytest.mark.slow
def test_from_text_to_the_compiled_c_in_ternary(tmp_path):
    """Trained on the grid, stored in 2 bits' worth of integers, computed in C: one loss, to the last digit."""
    model, data = toy_model(dropout=0.0, d_model=16), ToyData()
    _, result = run_toy(tmp_path, model=model, data=data, steps=80, qat="ternary")
    config = QuantizationConfig(recipe="static_wi2_ai8", calibration_windows=8)
    quantized = quantize_decode_step(model, data.train, config, tmp_path / "quantized")
    graph = read_tflite(quantized)
    matrices = [graph.tensors[op.inputs[1]].values() for op in graph.operators if op.name == "FULLY_CONNECTED"][:-1]
    assert {int(level) for matrix in matrices for level in np.unique(matrix)} == {-1, 0, 1}
    windows = evaluation_windows(data.validation, model.context_length, 100)
    losses = {name: evaluate(open_engine(name, quantized), *windows).loss_nats for name in ("litert_ref", "native")}
    assert losses["native"] == losses["litert_ref"]
    assert losses["native"] == pytest.approx(result.best_validation_loss_nats, abs=0.05)
