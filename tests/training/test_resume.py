"""A run that was interrupted comes to the same weights, bit for bit, as one that was not."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toy_training import SEED, ToyData, run_toy, stop_at, toy_config, toy_model

from textzoo.common.errors import UserError
from textzoo.text.windows import TokenPart
from textzoo.training.changeable import CHANGEABLE
from textzoo.training.checkpoints import read_checkpoint
from textzoo.training.evaluation import Evaluator
from textzoo.training.layout import read_weights
from textzoo.training.trainer import train


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder, weights and result of the default toy run without interruption."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, *run_toy(folder)


VARIANTS = {
    "muon": {},
    "adamw_with_average": {"optimizer": "adamw", "ema_decay": 0.9},
    "quantization_aware_int4": {"qat": "int4", "qat_warmup_fraction": 0.3},
    "quantization_aware_ternary_later": {"qat": "ternary", "qat_warmup_fraction": 0.6, "optimizer": "adamw"},
    "accumulation_and_smoothing": {"gradient_accumulation": 2, "label_smoothing": 0.1, "score_penalty": 0.01},
}


def assert_same_state(folder: Path, other: Path) -> None:
    vectors, others = (read_checkpoint(path / "checkpoints/latest").vectors for path in (folder, other))
    assert vectors.keys() == others.keys()
    for name, vector in vectors.items():
        np.testing.assert_array_equal(vector, others[name], err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_20_and_20_steps_are_40_steps(tmp_path, variant):
    weights, result = run_toy(tmp_path / "whole", **VARIANTS[variant])
    with pytest.raises(KeyboardInterrupt):
        run_toy(tmp_path / "first", on_metrics=stop_at(20), **VARIANTS[variant])
    assert read_checkpoint(tmp_path / "first/checkpoints/latest").progress.step == 20
    resumed, resumed_result = run_toy(
        tmp_path / "second",
        model=toy_model(seed=99),
        resume_from=str(tmp_path / "first/checkpoints/latest"),
        **VARIANTS[variant],
    )
    np.testing.assert_array_equal(weights, resumed)
    assert_same_state(tmp_path / "whole", tmp_path / "second")
    assert resumed_result.best_validation_loss_nats == result.best_validation_loss_nats
    assert [row["step"] for row in resumed_result.history] == [10, 20, 30, 40]


@pytest.mark.slow
def test_a_mixture_is_resumed_with_the_same_windows_and_measured_per_source(tmp_path):
    parts = (TokenPart("first", 0.9, (0, 400), (0, 50)), TokenPart("second", 0.1, (400, 600), (50, 150)))
    data = ToyData(parts=parts)
    weights, result = run_toy(tmp_path / "whole", data=data)
    with pytest.raises(KeyboardInterrupt):
        run_toy(tmp_path / "cut", data=data, on_metrics=stop_at(24))
    resumed, _ = run_toy(tmp_path / "cut", data=data)
    np.testing.assert_array_equal(weights, resumed)
    other, _ = run_toy(tmp_path / "other", data=ToyData(parts=(replace(parts[0], probability=0.1), parts[1])))
    assert not np.array_equal(weights, other)
    last = result.history[-1]
    losses = sorted(last[f"validation_loss.{name}"] for name in ("first", "second"))
    assert losses[0] < last["validation_loss"] < losses[1]


@pytest.mark.slow
def test_another_seed_gives_other_weights(tmp_path, whole):
    """Without this the tests above could pass on a run that ignores its data."""
    model = toy_model()
    train(model, ToyData(), toy_config(), folder=tmp_path, seed=SEED + 1, deterministic=False)
    assert not np.array_equal(read_weights(model), whole[1])


@pytest.mark.slow
def test_the_same_inputs_continue_automatically(tmp_path, whole):
    _, weights, _ = whole
    with pytest.raises(KeyboardInterrupt):
        run_toy(tmp_path / "run", on_metrics=stop_at(24))
    steps = []
    resumed, _ = run_toy(tmp_path / "run", on_metrics=lambda step, metrics: steps.append(step))
    assert min(steps) > 24
    np.testing.assert_array_equal(weights, resumed)


@pytest.mark.slow
def test_an_interrupted_evaluation_is_made_up_for(tmp_path, whole, monkeypatch):
    evaluate = Evaluator.__call__
    interrupted = []

    def interrupted_once(self, weights):
        if not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        return evaluate(self, weights)

    monkeypatch.setattr(Evaluator, "__call__", interrupted_once)
    with pytest.raises(KeyboardInterrupt):
        run_toy(tmp_path)
    resumed, result = run_toy(tmp_path)
    np.testing.assert_array_equal(resumed, whole[1])
    assert [row["step"] for row in result.history] == [10, 20, 30, 40]


@pytest.mark.slow
def test_a_finished_run_is_not_repeated(whole):
    folder, weights, result = whole
    steps = []
    again, repeated = run_toy(folder, on_metrics=lambda step, metrics: steps.append(step))
    assert steps == []
    np.testing.assert_array_equal(weights, again)
    assert repeated.best_validation_loss_nats == result.best_validation_loss_nats


@pytest.mark.slow
def test_other_inputs_start_anew_and_keep_the_old_checkpoints(tmp_path):
    run_toy(tmp_path, steps=10)
    old = (tmp_path / "checkpoints/best/checkpoint.npz").read_bytes()
    _, result = run_toy(tmp_path, steps=20)
    assert result.steps == 20
    assert [row["step"] for row in result.history] == [10, 20]
    assert (tmp_path / "checkpoints/best.1/checkpoint.npz").read_bytes() == old


# what changes in a resumed run, the steps of its evaluations
CHANGES = [
    ({"steps": 20}, [10, 20]),
    ({"steps": 20, "learning_rate": 1e-3, "schedule": "cosine", "eval_tokens": 50}, [10, 20]),
    ({"steps": 20, "eval_interval": 20}, [10, 20]),
    ({"steps": 5}, [10]),
    ({"steps": 20, "batch_size": 8}, [10, 20]),
    ({"steps": 20, "optimizer": "adamw"}, [10, 20]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("changes", "steps"), CHANGES, ids=lambda value: ",".join(map(str, value)))
def test_a_resumed_run_goes_on_where_its_vectors_stay_good(tmp_path, capsys, changes, steps):
    """Otherwise it starts again, and reports it; the earlier checkpoints are kept."""
    run_toy(tmp_path, steps=10)
    reported = []
    _, result = run_toy(
        tmp_path, resume=True, on_metrics=lambda step, metrics: reported.append(step), **{"steps": 10, **changes}
    )
    assert [row["step"] for row in result.history] == steps
    goes_on = {*changes} <= CHANGEABLE
    assert (min(reported, default=99) > 10) == goes_on
    assert (tmp_path / "checkpoints/latest.1").exists() != goes_on
    assert ("training continues" if goes_on else "training starts again") in capsys.readouterr().out


@pytest.mark.slow
def test_resume_refuses_other_data_and_models(tmp_path, whole):
    latest = str(whole[0] / "checkpoints/latest")
    with pytest.raises(UserError, match="another data"):
        run_toy(tmp_path / "other", data=replace(ToyData(), sha256="other"), resume_from=latest)
    with pytest.raises(UserError, match="another model"):
        run_toy(tmp_path / "other", model=toy_model(n_layers=2), resume_from=latest)


@pytest.mark.slow
def test_a_damaged_latest_checkpoint_does_not_stop_a_run(tmp_path, whole, capsys):
    folder, weights, _ = whole
    shutil.copytree(folder, tmp_path / "run")
    file = tmp_path / "run/checkpoints/latest/checkpoint.npz"
    file.write_bytes(file.read_bytes()[:100])
    again, _ = run_toy(tmp_path / "run")
    np.testing.assert_array_equal(weights, again)
    assert "starts again" in capsys.readouterr().out


KILLED_RUN = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from toy_training import run_toy
run_toy(Path(sys.argv[2]), steps=100_000, eval_interval=5, on_metrics=lambda step, metrics: print(step, flush=True))
"""


@pytest.mark.slow
def test_kill_9_leaves_a_whole_checkpoint(tmp_path):
    """Killed in the middle of writing checkpoints as fast as it can, twice over."""
    reached = 0
    for delay in (0.0, 0.07):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED_RUN, str(Path(__file__).parent), str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        # Between them are the lines of the training's progress.
        steps = (int(line) for line in process.stdout if line.strip().isdigit())
        reported = list(itertools.islice(steps, 30))
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        reported += steps
        process.wait()
        process.stdout.close()
        step = read_checkpoint(tmp_path / "checkpoints/latest").progress.step
        assert step >= max(reported) - 5, "more than one checkpoint interval was lost"
        assert reported[0] > reached, "the run did not go on where it was killed"
        reached = step
