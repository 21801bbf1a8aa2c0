"""Evaluation: loss and accuracy of every available model over the same tokens, float first."""

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from textzoo.common.errors import UserError, raise_all
from textzoo.common.files import write_json
from textzoo.common.progress import progress_bar
from textzoo.config.schema import Config
from textzoo.engines.base import Engine
from textzoo.engines.metrics import Metrics, evaluate, merged
from textzoo.engines.model_check import model_mistakes
from textzoo.engines.opening import open_engine
from textzoo.engines.settings import EvaluationConfig, PredictionConfig
from textzoo.pipeline import inputs
from textzoo.pipeline.baselines import measured_baselines
from textzoo.pipeline.command_scores import CommandScorer, command_reports, grammar_of
from textzoo.pipeline.samples import possible_prompt, samples_of
from textzoo.records.report import BaselineReport, CommandReport, EvaluationReport, Report, SampleReport
from textzoo.records.tracking import Recorder
from textzoo.records.workspace import Workspace
from textzoo.text.documents import windows_to_validate
from textzoo.text.prepare import PreparedDataset

FLOAT = "float"
# Name of the corpus in rows over all sources of a mixture.
ALL_SOURCES = "all"


@dataclass
class Candidate:
    """A model to evaluate: its label, the engine that runs it, and its file."""

    label: str
    engine: str
    source: Any


def run(config: Config, workspace: Workspace, recorder: Recorder) -> Report:
    """Evaluate all available models, and sample from the last one."""
    candidates = list(models_to_evaluate(config, workspace))
    if not candidates:
        raise UserError("there is no model to evaluate", remedy="Set model.float_model_path=<file>.keras.")
    check_models(config, workspace)
    data = inputs.prepared_dataset(config, workspace, recorder)
    rows: list[EvaluationReport] = []
    by_position: dict[str, list[float]] = {}
    for candidate in candidates:
        engine = open_engine(candidate.engine, candidate.source)
        inputs.check_vocabulary(engine.vocabulary_size, data.tokenizer.vocabulary_size)
        for corpus, metrics, seconds in measured(engine, data, config.evaluation.max_tokens, candidate):
            rows.append(row_of(candidate, metrics, seconds, corpus))
            if corpus in (None, ALL_SOURCES):
                by_position[f"{candidate.label} ({candidate.engine})"] = metrics.loss_by_position
    add_deltas(rows)
    record_metrics(rows, recorder)
    write_loss_by_position(by_position, workspace, recorder)
    settings, label = inputs.prediction(config, workspace), candidates[-1].label
    return Report(
        evaluation=rows,
        baselines=baselines_beside(rows, data, config, workspace) if config.evaluation.baselines else [],
        commands=understood(engine, label, data, config.evaluation, settings),
        samples=samples_from(engine, label, data, settings),
    )


def understood(
    engine: Engine, label: str, data: PreparedDataset, settings: EvaluationConfig, prediction: PredictionConfig
) -> list[CommandReport]:
    """Return how well the model understands commands, if the corpus consists of them; it obeys the corpus' grammar."""
    if not data.commands:
        return []
    grammar = inputs.grammar(prediction) or (grammar_of(data.commands) if prediction.own_grammar else None)
    scorer = CommandScorer(engine, data.tokenizer, grammar)
    return list(command_reports(label, scorer, data.commands, settings.max_commands))


def baselines_beside(
    rows: list[EvaluationReport], data: PreparedDataset, config: Config, workspace: Workspace
) -> list[BaselineReport]:
    """Return what would do without a model, on the text of these rows."""
    steps = {inputs.model_label(path): path for path in inputs.quantized_model_paths(config, workspace)}
    tokens = next(row.tokens for row in rows if row.corpus in (None, ALL_SOURCES))
    return measured_baselines(data, steps, tokens)


def samples_from(engine: Engine, label: str, data: PreparedDataset, settings: PredictionConfig) -> list[SampleReport]:
    """Generate samples from the prompt without showing them."""
    prompt = possible_prompt(settings.prompt, data.tokenizer, data.validation)
    settings = dataclasses.replace(settings, prompt=prompt)
    with progress_bar(f"{label} writes", None, unit="pieces") as advance:
        return list(samples_of(settings, label, engine, data.tokenizer, lambda piece: advance()))


def measured(
    engine: Engine, data: PreparedDataset, max_tokens: int, candidate: Candidate
) -> Iterator[tuple[str | None, Metrics, float]]:
    """Yield corpus, metrics and seconds; for a mixture, of all sources together and of each source."""
    figures: dict[str, tuple[Metrics, float]] = {}
    for label, windows in windows_to_validate(data, engine.context_length, max_tokens).items():
        start = time.perf_counter()
        name = f"evaluate {candidate.label} on {candidate.engine}"
        characters = characters_per_token(data, *windows[1:])
        description = f"{name}, {label}" if label else name
        metrics = evaluate(engine, *windows, characters_per_token=characters, description=description)
        figures[label] = metrics, time.perf_counter() - start
    if not data.parts:
        yield None, *figures[""]
        return
    seconds = sum(spent for _, spent in figures.values())
    yield ALL_SOURCES, merged([metrics for metrics, _ in figures.values()]), seconds
    for label, (metrics, spent) in figures.items():
        yield label, metrics, spent


def characters_per_token(data: PreparedDataset, targets: np.ndarray, weights: np.ndarray) -> float:
    """Return the mean number of characters per target with weight; targets and weights (windows, time)."""
    counted = targets[weights > 0]
    return max(data.validation_characters(counted), 1.0) / max(len(counted), 1)


def models_to_evaluate(config: Config, workspace: Workspace) -> Iterator[Candidate]:
    """Yield the float model, then every quantized model on the configured engines."""
    path = inputs.float_model_path(config, workspace)
    if path:
        yield Candidate(FLOAT, "keras", path)
    # Optimized kernels are shown in addition to the reference, which comes last because the device computes the same.
    engines = ["litert", "litert_ref"] if config.evaluation.engine == "litert" else [config.evaluation.engine]
    for quantized in inputs.quantized_model_paths(config, workspace):
        for engine in engines:
            yield Candidate(inputs.model_label(quantized), engine, quantized)


def check_models(config: Config, workspace: Workspace) -> None:
    """Raise the errors of all quantized models, before the corpus is read."""
    compiled = config.evaluation.engine == "native"
    paths = inputs.quantized_model_paths(config, workspace)
    raise_all([error for path in paths for error in model_mistakes(path, compiled=compiled)])


def row_of(candidate: Candidate, metrics: Metrics, seconds: float, corpus: str | None) -> EvaluationReport:
    return EvaluationReport(
        corpus=corpus,
        model=candidate.label,
        engine=candidate.engine,
        tokens=metrics.tokens,
        loss_nats=metrics.loss_nats,
        bits_per_character=metrics.bits_per_character,
        perplexity=metrics.perplexity,
        top1_accuracy=metrics.top1_accuracy,
        top5_accuracy=metrics.top5_accuracy,
        seconds=seconds,
    )


def add_deltas(rows: list[EvaluationReport]) -> None:
    """Add the difference of each quantized model's loss to the float model's."""
    floats = {row.corpus: row.loss_nats for row in rows if row.model == FLOAT}
    for row in rows:
        if row.model != FLOAT and row.corpus in floats:
            row.delta_loss_nats = row.loss_nats - floats[row.corpus]


def record_metrics(rows: list[EvaluationReport], recorder: Recorder) -> None:
    for row in rows:
        names = ("loss_nats", "perplexity", "bits_per_character", "top1_accuracy", "top5_accuracy")
        prefix = f"{row.model}.{row.engine}." + (f"{row.corpus}." if row.corpus not in (None, ALL_SOURCES) else "")
        recorder.metrics(0, {f"{prefix}{name}": getattr(row, name) for name in names})


def write_loss_by_position(by_position: dict[str, list[float]], workspace: Workspace, recorder: Recorder) -> None:
    path = workspace.path("evaluation", "loss_by_position.json")
    write_json(path, by_position)
    recorder.artifact(path, "evaluation")
