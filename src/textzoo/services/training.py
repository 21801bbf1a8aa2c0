"""Training: train a float model and its tokenizer on text."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from textzoo.config.schema import Config
from textzoo.models.base import LanguageModel
from textzoo.models.files import build_model, load_float_model, save_float_model
from textzoo.models.rules import architecture_config, has
from textzoo.models.settings import ModelConfig
from textzoo.pipeline import inputs
from textzoo.pipeline.budget import check_before_training
from textzoo.pipeline.model_report import model_report
from textzoo.records.report import Report, TrainingReport
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import ROLES, Workspace

if TYPE_CHECKING:
    from textzoo.training.trainer import TrainingResult

# model.weight_tying=auto: with at least so many training tokens, the logits have separate weights.
TOKENS_FOR_UNTIED = 1_000_000


def run(config: Config, workspace: Workspace, recorder: Recorder) -> Report:
    """Train the configured model; with model.float_model_path, start from that file's weights."""
    from textzoo.training.backends import set_seed
    from textzoo.training.trainer import train

    data = inputs.prepared_dataset(config, workspace, recorder, anew=True)
    set_seed(config.general.seed, config.general.deterministic)
    model = starting_model(config, data.tokenizer.vocabulary_size, len(data.train))
    result = train(
        model,
        data,
        config.training,
        folder=workspace.root,
        seed=config.general.seed,
        deterministic=config.general.deterministic,
        resume=bool(config.general.resume),
        on_metrics=recorder.metrics,
    )
    save_float_model(model, workspace.path(ROLES["float_model"]))
    inputs.keep_tokenizer(data, config.dataset, workspace)
    for plot in sorted(workspace.path("plots").glob("*.png")):
        recorder.artifact(plot, "plots")
    return Report(model=model_report(config.model.name, model), training=training_report(result, data.sha256))


def training_report(result: "TrainingResult", data_sha256: str) -> TrainingReport:
    return TrainingReport(
        steps=result.steps,
        tokens=result.tokens,
        seconds=result.seconds,
        tokens_per_second=result.tokens_per_second,
        best_validation_loss_nats=result.best_validation_loss_nats,
        best_step=result.best_step,
        stopped_early=result.stopped_early,
        data_sha256=data_sha256,
    )


def starting_model(config: Config, vocabulary_size: int, training_tokens: int) -> LanguageModel:
    """Return the model with new weights, or with those of the given file; UserError if it does not fit the board."""
    if config.model.float_model_path:
        model = load_float_model(Path(config.model.float_model_path))
        inputs.check_vocabulary(model.vocabulary_size, vocabulary_size)
        check_before_training(config, model.config)
        return model
    settings = decided(config.model, training_tokens)
    # Before the model is built: a large one needs gigabytes.
    check_before_training(config, architecture_config(settings, vocabulary_size))
    return build_model(settings, vocabulary_size)


def decided(model: ModelConfig, training_tokens: int) -> ModelConfig:
    """Return the model section with weight_tying resolved: tied embeddings are better for a small corpus."""
    if model.weight_tying != "auto" or not has(model, "weight_tying"):
        return model
    return dataclasses.replace(model, weight_tying="tied" if training_tokens < TOKENS_FOR_UNTIED else "untied")
