"""Training on documents: only what counts has a loss, however a batch is divided."""

import numpy as np
from keras import ops
from toy_training import SEED, VOCABULARY, ToyData, run_toy, toy_config, toy_model

from textzoo.text.documents import IGNORED, Documents
from textzoo.training.backends import current_backend
from textzoo.training.backends.base import Lanes
from textzoo.training.layout import read_weights
from textzoo.training.losses import Objective
from textzoo.training.optimizers import make_optimizer
from textzoo.training.step import TrainingStep


def expected_loss(model, inputs, targets):
    """The mean over targets that count, from the model's logits."""
    logits = ops.convert_to_numpy(model(inputs)).astype(np.float64)
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    rows, places = np.nonzero(targets != IGNORED)
    return -logs[rows, places, targets[rows, places]].mean()


def batch():
    rng = np.random.default_rng(SEED)
    inputs, targets = (rng.integers(0, VOCABULARY, (6, 8)).astype(np.int32) for _ in range(2))
    targets[rng.random(targets.shape) < 0.6] = IGNORED
    targets[2] = IGNORED  # a part of a batch may have nothing that counts
    return inputs, targets


def test_ignored_targets_have_no_loss():
    model, (inputs, targets) = toy_model(dropout=0.0), batch()
    loss = Objective(model, SEED, has_ignored=True).training_loss(read_weights(model), inputs, targets, 0)
    np.testing.assert_allclose(float(loss), expected_loss(model, inputs, targets), rtol=1e-5)


def test_the_loss_does_not_depend_on_the_parts_of_a_batch():
    model, (inputs, targets) = toy_model(dropout=0.0), batch()
    objective, backend = Objective(model, SEED, has_ignored=True), current_backend()
    losses = []
    for parts in (1, 2, 6):
        config = toy_config(batch_size=6, gradient_accumulation=parts)
        step = TrainingStep(objective, make_optimizer(objective.layout, config), config, backend, Lanes(1))
        _, numbers = step(step.initial_vectors(read_weights(model)), inputs, targets, 0, 1.0)
        losses.append(ops.convert_to_numpy(numbers))
    np.testing.assert_allclose(losses, [losses[0]] * 3, rtol=1e-4)


def test_answers_are_learned_and_prompts_are_not(tmp_path):
    """Prompts are noise; the answer is always 1 2 3: its loss vanishes, where that of all text could not."""
    rng = np.random.default_rng(SEED)
    rows = [[*rng.integers(0, VOCABULARY, 3), 1, 2, 3] for _ in range(60)]
    bounds = np.array([(6 * number, 6 * number + 3) for number in range(60)] + [(360, 360)])
    tokens = np.concatenate(rows).astype(np.uint16)
    documents = dict.fromkeys(("training", "validation"), Documents(bounds, answers_only=True))
    data = ToyData(train=tokens, validation=tokens, documents=documents)
    _, result = run_toy(tmp_path, data=data, model=toy_model(dropout=0.0), steps=120, eval_interval=40)
    assert result.best_validation_loss_nats < 0.1
