"""The training loop: steps, evaluations, checkpoints, early stopping; resumable at any time."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from textzoo.common import signals
from textzoo.common.errors import UserError
from textzoo.common.progress import console, progress_bar
from textzoo.models.base import LanguageModel
from textzoo.text.documents import TokenData, check_documents, document_batch, windows_to_validate
from textzoo.text.windows import check_lengths, mixed_crops, random_crops
from textzoo.training import logs
from textzoo.training.backends import current_backend, set_seed
from textzoo.training.backends.base import Lanes
from textzoo.training.changeable import CHANGEABLE
from textzoo.training.checkpoints import Checkpoint, Progress, exists, read_checkpoint, set_aside, write_checkpoint
from textzoo.training.evaluation import Evaluator
from textzoo.training.layout import read_weights, write_weights
from textzoo.training.losses import Objective, set_score_penalty
from textzoo.training.mixed_precision import mixed_precision
from textzoo.training.optimizers import make_optimizer
from textzoo.training.schedules import is_past_switch, learning_rate_fraction, short_run_warning, total_steps
from textzoo.training.settings import TrainingConfig
from textzoo.training.step import TrainingStep, evaluated_weights
from textzoo.training.warm_start import warm_start

BEST = "checkpoints/best"
LATEST = "checkpoints/latest"
# Metrics are reported so many times between two evaluations.
REPORTS_PER_EVALUATION = 5
# Keys that select the starting point, not the computation.
STARTING_POINT = ("resume_from",)
# Other inputs that may change: they affect the order of sums, or the initial weights.
CHANGEABLE_INPUTS = ("deterministic", "backend", "training.init_from", "training.init_strict")

OnMetrics = Callable[[int, dict[str, float]], None]


@dataclass
class TrainingResult:
    """The result of a run.

    Attributes:
        steps: Optimizer steps, including those before a resume.
        tokens: Tokens trained on.
        seconds: Time of training and evaluations, including the time before a resume.
        tokens_per_second: Speed of the training steps of this call, without evaluations and compilation.
        best_step: Step of the best evaluation.
        best_validation_loss_nats: Its loss per token.
        stopped_early: Whether patience ran out before the last step.
        history: One row per evaluation; keys as in `logs.COLUMNS`.
        init_report: Weights that `training.init_from` did not match.
    """

    steps: int
    tokens: int
    seconds: float
    tokens_per_second: float
    best_step: int
    best_validation_loss_nats: float
    stopped_early: bool
    history: list[dict[str, float]]
    init_report: list[str] = field(default_factory=list)


def ignore_metrics(step: int, metrics: dict[str, float]) -> None:
    """Record nothing."""


def train(
    model: LanguageModel,
    data: TokenData,
    config: TrainingConfig,
    *,
    folder: Path,
    seed: int,
    deterministic: bool = False,
    resume: bool = False,
    on_metrics: OnMetrics = ignore_metrics,
) -> TrainingResult:
    """Train a model; afterwards it has the best weights.

    A run that was interrupted in the same folder with the same inputs continues from its latest checkpoint. With other
    inputs, the old checkpoints are renamed and the run starts again; with `resume` it continues if only CHANGEABLE keys
    differ.

    Args:
        model: The model; its weights are the starting point, unless the configuration names another one.
        data: Training and validation tokens.
        config: The training section.
        folder: The run's folder for checkpoints/best, checkpoints/latest, logs/metrics.csv, logs/tensorboard and
            plots/learning_curves.png.
        seed: Seed of data order and dropout, in [0, 2**31).
        deterministic: Whether the same inputs give the same bits, on the same machine.
        resume: Whether the user asked to continue the run in the folder.
        on_metrics: Called with the step and metrics, several times between evaluations.

    Raises:
        UserError: The texts are too short, a checkpoint is unusable, or the loss becomes NaN or infinite.
        KeyboardInterrupt: Raised again after the latest checkpoint was written.
    """
    check_data(data, model.context_length)
    if deterministic:
        set_seed(seed, deterministic)
    report = warm_start(model, Path(config.init_from), config.init_strict) if config.init_from else []
    for sentence in report:
        console.print(f"training.init_from: {sentence}")
    task = Task(model, data, config, Path(folder), seed, deterministic, resume, on_metrics)
    with score_penalty(model, config.score_penalty), mixed_precision(model, config.mixed_precision):
        run = Run(task)
        with contextlib.closing(run):
            run.start()
            result = run.finish(run.loop())
    return replace(result, init_report=report)


def check_data(data: TokenData, context_length: int) -> None:
    """Raise UserError unless the texts fill a window, and every document fits one."""
    for part, documents in data.documents.items():
        check_documents(documents, context_length, part)
    if not data.documents:
        check_lengths(data.train, data.validation, context_length, data.parts)


@contextlib.contextmanager
def score_penalty(model: LanguageModel, weight: float) -> Iterator[None]:
    """Make attention layers add this penalty inside the context."""
    set_score_penalty(model, weight)
    try:
        yield
    finally:
        set_score_penalty(model, 0.0)


@dataclass(frozen=True)
class Task:
    """The arguments of `train`."""

    model: LanguageModel
    data: TokenData
    config: TrainingConfig
    folder: Path
    seed: int
    deterministic: bool
    resume: bool
    on_metrics: OnMetrics


class Computation:
    """The compiled training step and evaluation of a task, with their backend and threads."""

    def __init__(self, task: Task) -> None:
        self.backend = current_backend()
        self.lanes = Lanes(self.backend.lanes)
        has_ignored = bool(task.data.documents)
        objective = Objective(task.model, task.seed, task.config.label_smoothing, has_ignored=has_ignored)
        self.layout = objective.layout
        optimizer = make_optimizer(self.layout, task.config)
        self.step = TrainingStep(objective, optimizer, task.config, self.backend, self.lanes)
        windows = windows_to_validate(task.data, task.model.context_length, task.config.eval_tokens)
        self.evaluate = Evaluator(objective, windows, self.backend, self.lanes)


@dataclass
class Speed:
    """Steps and seconds of this call, without the first step, which compiles."""

    steps: int = -1
    seconds: float = 0.0

    def count(self, seconds: float) -> None:
        self.steps += 1
        self.seconds += seconds if self.steps else 0.0

    def per_second(self) -> float:
        return self.steps / self.seconds if self.seconds else 0.0


class Run:
    """One run: its computation, and its progress."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.model, self.data, self.config, self.folder = task.model, task.data, task.config, task.folder
        self.steps = total_steps(task.config, training_positions(task), task.model.context_length)
        self.tokens_per_step = task.config.batch_size * task.model.context_length
        self.computation = Computation(task)
        self.tensorboard = logs.TensorBoardLog(self.folder / "logs" / "tensorboard")
        self.inputs = run_inputs(task)
        self.progress = Progress()
        # Number of steps and the vectors after them: one attribute, so that Ctrl-C cannot make them inconsistent.
        self.state: tuple[int, dict[str, Any]] = (0, {})
        self.best_weights: np.ndarray | None = None
        self.recent: list[Any] = []  # (loss, gradient norm) of the steps since the last evaluation
        self.note = ""
        self.speed = Speed()

    def close(self) -> None:
        self.computation.lanes.close()
        self.tensorboard.close()

    def start(self) -> None:
        """Start again, or continue from a checkpoint."""
        if warning := short_run_warning(self.steps, self.config):
            console.print(f"Warning: {warning}")
        checkpoint = self.checkpoint_to_continue()
        if checkpoint is None:
            self.begin()
        else:
            self.continue_from(checkpoint)

    def begin(self) -> None:
        for name in (BEST, LATEST):
            set_aside(self.folder / name)
        self.progress = Progress(inputs=self.inputs, weights=self.computation.layout.table())
        self.state = (0, self.computation.step.initial_vectors(read_weights(self.model), self.on_grid(0)))

    def continue_from(self, checkpoint: Checkpoint) -> None:
        self.progress = replace(checkpoint.progress, inputs=self.inputs)
        self.best_weights = checkpoint.vectors.pop("best_weights", None)
        before = checkpoint.progress.inputs.get("training", {})
        if (before.get("qat"), before.get("eval_tokens")) != (self.config.qat, self.config.eval_tokens):
            self.progress.best_validation_loss = None  # it was measured on another grid, or over other tokens
        # A vector that the checkpoint lacks (a newly requested average) starts from its weights.
        step = checkpoint.progress.step
        fresh = self.computation.step.initial_vectors(checkpoint.vectors["weights"], self.on_grid(step))
        vectors = {
            name: self.computation.backend.tensor(checkpoint.vectors[name]) if name in checkpoint.vectors else vector
            for name, vector in fresh.items()
        }
        self.state = (step, vectors)

    def checkpoint_to_continue(self) -> Checkpoint | None:
        own = self.own_checkpoint()
        if not self.config.resume_from:
            return own
        given = read_checkpoint(Path(self.config.resume_from))
        check_resumable(given.progress, self.inputs, self.config.resume_from)
        return own if own and own.progress.step > given.progress.step else given

    def own_checkpoint(self) -> Checkpoint | None:
        """Return the latest checkpoint in the run's folder if it has the same inputs, else None."""
        if not exists(self.folder / LATEST):
            return None
        try:
            checkpoint = read_checkpoint(self.folder / LATEST)
        except UserError as error:
            console.print(f"{error} The run starts again.")
            return None
        changed = changed_inputs(checkpoint.progress.inputs, self.inputs)
        if not changed or (self.task.resume and all(is_changeable(name) for name in changed)):
            tell_changes("training continues", changed)
            return checkpoint
        tell_changes("training starts again, and the earlier checkpoints are kept under other names", changed)
        return None

    def loop(self) -> bool:
        """Train to the end; return whether patience ran out before."""
        with progress_bar(
            "training",
            self.steps,
            scale=self.tokens_per_step,
            start=min(self.progress.step, self.steps),
            counted="steps",
        ) as advance:
            try:
                while self.progress.step < self.steps and not self.out_of_patience():
                    self.one_step()
                    advance(note=self.note, milestone=self.was_evaluated())
            except KeyboardInterrupt:
                signals.heard()
                self.save_after_interrupt()
                raise
        return self.progress.step < self.steps

    def one_step(self) -> None:
        step, vectors = self.state
        began = time.perf_counter()
        # The generator depends only on seed and step, so that a resumed run draws the same windows.
        rng = np.random.default_rng([self.task.seed, step])
        inputs, targets = self.crops(rng)
        fraction = learning_rate_fraction(step, self.steps, self.config)
        vectors, numbers = self.computation.step(vectors, inputs, targets, step, fraction, self.on_grid(step + 1))
        self.recent.append(numbers)
        loss = float(numbers[0]) if not self.computation.backend.on_accelerator else math.nan
        seconds = time.perf_counter() - began
        self.state = (step + 1, vectors)
        self.progress.step = step + 1
        self.progress.seconds += seconds
        self.speed.count(seconds)
        self.after_step(step + 1, loss)

    def crops(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return a batch of training windows: documents, or crops of the text, or of a mixture's sources."""
        sizes = (self.config.batch_size, self.model.context_length)
        if documents := self.data.documents.get("training"):
            return document_batch(self.data.train, documents, rng, *sizes)
        if self.data.parts:
            return mixed_crops(self.data.train, self.data.parts, rng, *sizes)
        return random_crops(self.data.train, rng, *sizes)

    def after_step(self, step: int, loss: float) -> None:
        if self.evaluation_due():
            self.evaluate_and_save()
        elif step % max(1, self.config.eval_interval // REPORTS_PER_EVALUATION) == 0:
            metrics = self.metrics_of_steps()
            self.check_finite(metrics["training_loss"])
            self.report(metrics)
        if self.was_evaluated():
            loss = self.progress.history[-1]["training_loss"]
        if not math.isnan(loss):
            self.note = f"loss {loss:.3f}" + self.validation_note()

    def evaluation_due(self) -> bool:
        """Return whether the current step requires an evaluation that has not been made."""
        step, history = self.progress.step, self.progress.history
        if history and history[-1]["step"] == step:
            return False
        return step % self.config.eval_interval == 0 or step == self.steps

    def was_evaluated(self) -> bool:
        """Return whether the current step was evaluated."""
        history = self.progress.history
        return bool(history) and history[-1]["step"] == self.progress.step

    def validation_note(self) -> str:
        return f", validation loss {self.progress.history[-1]['validation_loss']:.4f}" if self.progress.history else ""

    def metrics_of_steps(self) -> dict[str, float]:
        """Return means over the steps since the last evaluation."""
        losses_and_norms = np.asarray([ops.convert_to_numpy(numbers) for numbers in self.recent], np.float64)
        loss, norm = losses_and_norms.mean(axis=0)
        fraction = learning_rate_fraction(self.progress.step - 1, self.steps, self.config)
        return {
            "training_loss": float(loss),
            "learning_rate": self.config.learning_rate * fraction,
            "gradient_norm": float(norm),
            "tokens_per_second": self.tokens_per_second(),
        }

    def tokens_per_second(self) -> float:
        return self.speed.per_second() * self.tokens_per_step

    def report(self, metrics: dict[str, float]) -> None:
        self.tensorboard.write(self.progress.step, metrics)
        self.task.on_metrics(self.progress.step, metrics)

    def evaluate_and_save(self) -> None:
        """Evaluate, keep the best weights, and write the checkpoints."""
        progress = self.progress
        began = time.perf_counter()
        metrics = self.metrics_of_steps()
        validation = self.computation.evaluate(evaluated_weights(self.state[1]))
        validation_loss = validation["validation_loss"]
        self.check_finite(metrics["training_loss"] + metrics["gradient_norm"] + validation_loss)
        self.recent = []
        progress.seconds += time.perf_counter() - began
        metrics = {**metrics, **validation, "seconds": progress.seconds}
        progress.history.append({"step": progress.step, **metrics})
        improved = (
            progress.best_validation_loss is None
            or validation_loss < progress.best_validation_loss
            # Float weights have a lower loss, but the run is to produce rounded ones.
            or self.on_grid(progress.step) > self.on_grid(progress.best_step)
        )
        if improved:
            progress.best_step, progress.best_validation_loss = progress.step, validation_loss
            self.best_weights = ops.convert_to_numpy(evaluated_weights(self.state[1]))
        progress.evaluations_without_improvement = 0 if improved else progress.evaluations_without_improvement + 1
        self.save([BEST, LATEST] if improved else [LATEST])
        logs.write_csv(progress.history, self.folder / "logs" / "metrics.csv")
        self.report(metrics)

    def save(self, names: list[str]) -> None:
        self.progress.step, vectors = self.state
        vectors = {name: ops.convert_to_numpy(vector) for name, vector in vectors.items()}
        if self.best_weights is not None:
            vectors["best_weights"] = self.best_weights
        for name in names:
            write_checkpoint(self.folder / name, Checkpoint(vectors, self.progress))

    def save_after_interrupt(self) -> None:
        """Save the progress since the last evaluation, if the weights are finite."""
        self.progress.step, vectors = self.state
        if np.isfinite(ops.convert_to_numpy(vectors["weights"])).all():
            # A step that requires an evaluation must be evaluated, so that the resumed run is identical.
            if self.progress.step and self.evaluation_due():
                self.evaluate_and_save()
            self.save([LATEST])
            console.print(f"Interrupted at step {self.progress.step:,}; checkpoint: {self.folder / LATEST}")

    def check_finite(self, value: float) -> None:
        if math.isfinite(value):
            return
        good = next((self.folder / name for name in (LATEST, BEST) if exists(self.folder / name)), None)
        raise UserError(
            f"training diverged: the loss is not finite at step {self.progress.step:,}",
            remedy=(f"The last good checkpoint is {good}. " if good else "There is no checkpoint yet. ")
            + "Lower training.learning_rate or training.muon_learning_rate, or lengthen training.warmup_steps.",
        )

    def out_of_patience(self) -> bool:
        patience = self.config.early_stopping_patience
        waits_for_grid = self.config.qat != "none" and not self.on_grid(self.progress.step)
        return 0 < patience <= self.progress.evaluations_without_improvement and not waits_for_grid

    def on_grid(self, step: int) -> bool:
        """Return whether `step` (from 0) uses rounded weights; the evaluation before it does, too."""
        return is_past_switch(step, self.steps, self.config)

    def finish(self, stopped_early: bool) -> TrainingResult:
        """Assign the best weights to the model and plot the curves."""
        progress = self.progress
        if self.best_weights is None or progress.best_validation_loss is None:
            raise RuntimeError("a run ended without an evaluation")
        write_weights(self.model, self.best_weights)
        logs.plot_learning_curves(progress.history, self.folder / "plots" / "learning_curves.png")
        return TrainingResult(
            steps=progress.step,
            tokens=progress.step * self.tokens_per_step,
            seconds=progress.seconds,
            tokens_per_second=self.tokens_per_second() or progress.history[-1]["tokens_per_second"],
            best_step=progress.best_step,
            best_validation_loss_nats=progress.best_validation_loss,
            stopped_early=stopped_early,
            history=progress.history,
        )


def training_positions(task: Task) -> int:
    """Return the positions of one pass over the training text; a document takes a whole window."""
    documents = task.data.documents.get("training")
    return documents.count * task.model.context_length if documents else len(task.data.train)


def run_inputs(task: Task) -> dict[str, Any]:
    """Return everything that the result depends on, JSON-serializable."""
    training = {key: value for key, value in asdict(task.config).items() if key not in STARTING_POINT}
    return {
        "training": training,
        "data_sha256": task.data.sha256,
        "model": task.model.get_config(),
        "seed": task.seed,
        "deterministic": task.deterministic,
        "backend": keras.backend.backend(),
    }


def check_resumable(progress: Progress, inputs: dict[str, Any], path: str) -> None:
    """Raise UserError unless a checkpoint has the same model and data; print other differences."""
    for key, name in (("model", "model section"), ("data_sha256", "data")):
        if progress.inputs.get(key) != inputs[key]:
            raise UserError(
                f"training.resume_from={path} was made with another {name}",
                expected=str(inputs[key]),
                received=str(progress.inputs.get(key)),
                remedy="To start from its weights only, use training.init_from.",
            )
    tell_changes("training.resume_from", changed_inputs(progress.inputs, inputs))


def changed_inputs(before: dict[str, Any], inputs: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return name -> (before, now) of the inputs that differ, e.g. "training.steps", "seed"."""
    old, new = (
        {**{f"training.{key}": value for key, value in values.get("training", {}).items()}, **values, "training": None}
        for values in (before, inputs)
    )
    names = dict.fromkeys([*old, *new])
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}


def is_changeable(name: str) -> bool:
    return name in CHANGEABLE_INPUTS or name.removeprefix("training.") in CHANGEABLE


def tell_changes(what: str, changed: dict[str, tuple[Any, Any]]) -> None:
    if changed:
        rows = "; ".join(f"{name}: {before} -> {now}" for name, (before, now) in changed.items())
        console.print(f"{what}: other settings than before ({rows})")
