"""The training loop learns, reports, stops and tells what went wrong."""

import csv
import socket

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from toy_training import CHANCE, SEED, VOCABULARY, ToyData, run_toy, toy_config, toy_model

from textzoo.common.errors import UserError
from textzoo.engines.generate import generate_tokens
from textzoo.engines.opening import open_engine
from textzoo.models.files import build_model
from textzoo.models.settings import ModelConfig
from textzoo.text.windows import evaluation_windows
from textzoo.training import logs
from textzoo.training.layout import read_weights, write_weights
from textzoo.training.logs import COLUMNS, TensorBoardLog
from textzoo.training.trainer import train


def loss_of(model, tokens, count):
    """The validation loss by another way than the trainer's: Keras' own call and loss, one window at a time."""
    inputs, targets, weights = evaluation_windows(tokens, model.context_length, count)
    losses = [
        keras.losses.sparse_categorical_crossentropy(target[None], model(window[None]), from_logits=True)
        for window, target in zip(inputs, targets, strict=True)
    ]
    return float(np.sum(np.concatenate(losses) * weights) / weights.sum())


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer": "adamw"},
        {"ema_decay": 0.8},
        {
            "schedule": "cosine",
            "gradient_accumulation": 3,
            "label_smoothing": 0.05,
            "score_penalty": 1e-3,
            "gradient_clip_norm": 0.0,
        },
    ],
    ids=str,
)
def test_it_learns_and_returns_the_best_weights(tmp_path, changes):
    model = toy_model(dropout=0.0)
    _, result = run_toy(tmp_path, model=model, steps=80, **changes)
    assert result.best_validation_loss_nats < 0.7 * CHANCE
    best = min(result.history, key=lambda row: row["validation_loss"])
    assert (result.best_step, result.best_validation_loss_nats) == (best["step"], best["validation_loss"])
    assert loss_of(model, ToyData().validation, 100) == pytest.approx(result.best_validation_loss_nats, abs=1e-4)


# A new architecture is a new row: its sizes, beside d_model and context_length.
ARCHITECTURES = {
    "tiny_lm": {"n_layers": 2},
    "lstm": {"n_layers": 1},
    "gpt": {
        "n_layers": 1,
        "positions": "rotary",
        "weight_tying": "tied",
        "qk_norm": True,
        "activation": "gelu",
        "dropout": 0.1,
    },
    "tiny_bert_generator": {"n_layers": 1, "activation": "gelu", "use_bias": True},
}


@pytest.mark.quick("tiny_lm")
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_learns_and_writes(tmp_path, name):
    keras.utils.set_random_seed(SEED)
    section = ModelConfig(name=name, d_model=16, context_length=8, **ARCHITECTURES[name])
    model = build_model(section, VOCABULARY)
    _, result = run_toy(tmp_path, model=model, steps=100, learning_rate=0.03)
    assert result.best_validation_loss_nats < 0.3 * CHANCE
    assert loss_of(model, ToyData().validation, 100) == pytest.approx(result.best_validation_loss_nats, abs=1e-4)
    written = list(generate_tokens(open_engine("keras", model), np.array([3, 4]), max_tokens=12, temperature=0.0))
    assert written == [(5 + index) % VOCABULARY for index in range(12)]


@pytest.mark.slow
def test_parts_of_a_batch_give_the_gradient_of_the_batch(tmp_path):
    """Without dropout, splitting a batch changes rounding only."""
    runs = [
        run_toy(tmp_path / str(parts), model=toy_model(dropout=0.0), steps=5, gradient_accumulation=parts)[0]
        for parts in (1, 4)
    ]
    np.testing.assert_allclose(runs[0], runs[1], atol=2e-4)


@pytest.mark.slow
def test_epochs_become_steps_and_a_warm_up_that_is_as_long_is_warned_of(tmp_path, capsys):
    _, result = run_toy(tmp_path, steps=None, epochs=1.5, warmup_steps=29)
    assert "Warning: training.warmup_steps=29 is not shorter than the run of 29 steps" in capsys.readouterr().out
    assert result.steps == int(np.ceil(1.5 * 600 / (4 * 8)))
    assert result.tokens == result.steps * 4 * 8


@pytest.mark.slow
def test_patience_stops_a_run_that_gets_no_better(tmp_path):
    _, result = run_toy(tmp_path, learning_rate=1e-9, muon_learning_rate=1e-9, early_stopping_patience=2, steps=1000)
    assert result.stopped_early
    assert result.steps < 1000


@pytest.mark.slow
def test_logs_tell_the_history(tmp_path):
    seen = {}
    _, result = run_toy(tmp_path, on_metrics=lambda step, metrics: seen.setdefault(step, metrics))
    with (tmp_path / "logs/metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [int(row["step"]) for row in rows] == [10, 20, 30, 40]
    assert [float(row["validation_loss"]) for row in rows] == [row["validation_loss"] for row in result.history]
    assert seen[40]["validation_loss"] == result.history[-1]["validation_loss"]
    assert set(seen) > {10, 20, 30, 40}, "metrics also come between evaluations"
    events = EventAccumulator(str(tmp_path / "logs/tensorboard"))
    events.Reload()
    assert [event.step for event in events.Tensors("validation_loss")] == [10, 20, 30, 40]
    assert (tmp_path / "plots/learning_curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_run_that_diverges_at_once_leaves_no_checkpoint(tmp_path):
    model = toy_model()
    model.final_norm.gamma.assign(np.full(8, 1e38))
    with pytest.raises(UserError, match="There is no checkpoint yet"):
        run_toy(tmp_path, model=model)
    assert not (tmp_path / "checkpoints/latest").exists()


@pytest.mark.slow
def test_divergence_later_on_keeps_the_checkpoint(tmp_path, monkeypatch):
    from textzoo.training import trainer

    crops = trainer.random_crops
    calls = []

    def crops_then_divergence(*arguments):
        calls.append(1)
        if len(calls) == 25:
            run.computation.step.constants["rate"] = run.computation.step.constants["rate"] * np.inf
        return crops(*arguments)

    start = trainer.Run.start

    def remember(self):
        nonlocal run
        run = self
        start(self)

    run = None
    monkeypatch.setattr(trainer.Run, "start", remember)
    monkeypatch.setattr(trainer, "random_crops", crops_then_divergence)
    with pytest.raises(UserError, match=r"last good checkpoint is .*checkpoints/latest") as caught:
        run_toy(tmp_path)
    assert "training diverged" in str(caught.value)
    kept = trainer.read_checkpoint(tmp_path / "checkpoints/latest")
    assert kept.progress.step == 20
    assert np.isfinite(kept.vectors["weights"]).all()


def test_too_short_texts_are_refused(tmp_path):
    for part in ("train", "validation"):
        data = ToyData(**{part: np.zeros(8, np.uint16)})
        with pytest.raises(UserError, match="shorter than a window"):
            run_toy(tmp_path, data=data)


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path):
    (tmp_path / "checkpoints").write_text("a file where a folder must be")
    with pytest.raises(UserError, match="cannot be written"):
        run_toy(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["checkpoint", ".keras"])
def test_init_from_starts_with_the_weights_of_another_run(tmp_path, kind):
    source = toy_model(seed=3)
    run_toy(tmp_path / "source", model=source)
    path = tmp_path / "source/checkpoints/best"
    if kind == ".keras":
        path = tmp_path / "source.keras"
        source.save(path)
    model = toy_model(seed=4)
    config = toy_config(init_from=str(path), steps=1, learning_rate=1e-12, muon_learning_rate=1e-12)
    result = train(model, ToyData(), config, folder=tmp_path / "run", seed=1, deterministic=False)
    assert result.init_report == []
    np.testing.assert_allclose(read_weights(model), read_weights(source), atol=1e-6)


@pytest.mark.slow
def test_init_from_another_size_is_refused_or_reported(tmp_path):
    run_toy(tmp_path / "source", steps=10)
    path = str(tmp_path / "source/checkpoints/best")
    with pytest.raises(UserError, match="does not match the model"):
        run_toy(tmp_path / "strict", model=toy_model(n_layers=2), init_from=path, steps=10)
    _, result = run_toy(tmp_path / "lenient", model=toy_model(n_layers=2), init_from=path, init_strict=False, steps=10)
    assert len(result.init_report) == 5
    assert all("block_1" in sentence for sentence in result.init_report)


def test_weights_survive_the_vector():
    model = toy_model()
    vector = np.arange(len(read_weights(model)), dtype=np.float32)
    write_weights(model, vector)
    np.testing.assert_array_equal(read_weights(model), vector)


def test_learning_curves_say_which_is_which(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(logs, "save_png", lambda figure, path: drawn.append(figure))
    rows = [(0, 4.0, 4.1, 0.1), (10, 2.0, 2.2, 0.0)]
    names = ("step", "training_loss", "validation_loss", "learning_rate")
    logs.plot_learning_curves([dict(zip(names, row, strict=True)) for row in rows], tmp_path / "curves.png")
    losses, rates = drawn[0].axes
    curves = {line.get_label(): list(line.get_ydata()) for line in losses.get_lines()[:2]}
    assert curves == {"training": [4.0, 2.0], "validation": [4.1, 2.2]}
    assert [text.get_text() for text in losses.get_legend().get_texts()] == ["training", "validation"]
    assert list(rates.get_lines()[0].get_ydata()) == [0.1, 0.0]


def test_logs_do_not_name_the_machine(tmp_path):
    log = TensorBoardLog(tmp_path)
    log.write(1, {"loss": 2.0})
    log.close()
    (path,) = tmp_path.iterdir()
    assert "tfevents" in path.name
    assert socket.gethostname() not in path.name.split(".")
    accumulated = EventAccumulator(str(tmp_path))
    accumulated.Reload()
    assert accumulated.Tags()["tensors"] or accumulated.Tags()["scalars"]
