"""Evaluation: loss and accuracy of every model at hand over the same tokens, float first."""

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from textzoo.engines.metrics import Metrics, evaluate
from textzoo.engines.registry import open_engine
from textzoo.errors import UserError
from textzoo.files import write_json
from textzoo.report import EvaluationReport, Report
from textzoo.schema import Config
from textzoo.services import inputs
from textzoo.services.prediction import samples_of
from textzoo.text.prepare import PreparedDataset
from textzoo.text.tokenizers import Tokenizer
from textzoo.text.windows import evaluation_windows
from textzoo.tracking import Sink
from textzoo.workspace import Workspace

FLOAT = "float"


@dataclass
class Candidate:
    """A model to evaluate: its label, the engine that runs it, and where it comes from."""

    label: str
    engine: str
    source: Any


def run(config: Config, workspace: Workspace, sink: Sink) -> Report:
    """Evaluate all models at hand and let the last of them speak."""
    data = inputs.prepared_dataset(config, workspace)
    candidates = list(models_at_hand(config, workspace))
    if not candidates:
        raise UserError("there is no model to evaluate", remedy="Give model.float_model_path=<file>.keras.")
    rows: list[EvaluationReport] = []
    by_position: dict[str, list[float]] = {}
    for candidate in candidates:
        engine = open_engine(candidate.engine, candidate.source)
        inputs.check_vocabulary(engine.vocabulary_size, data.tokenizer.vocabulary_size)
        windows = evaluation_windows(data.validation, engine.context_length, config.evaluation.max_tokens)
        start = time.perf_counter()
        metrics = evaluate(
            engine,
            *windows,
            characters_per_token=characters_per_token(data, *windows[1:]),
            description=f"evaluate {candidate.label} on {candidate.engine}",
        )
        rows.append(row_of(candidate, metrics, time.perf_counter() - start))
        by_position[f"{candidate.label} ({candidate.engine})"] = metrics.loss_by_position
    add_deltas(rows)
    keep(rows, by_position, workspace, sink)
    settings = dataclasses.replace(
        config.prediction, prompt=possible_prompt(config.prediction.prompt, data.tokenizer, data.validation)
    )
    samples = samples_of(settings, candidates[-1].label, engine, data.tokenizer, show=lambda piece: None)
    return Report(evaluation=rows, samples=list(samples))


def characters_per_token(data: PreparedDataset, targets: np.ndarray, weights: np.ndarray) -> float:
    """Mean characters of text per predicted token; targets and weights (windows, time), weight 0 is not counted."""
    counted = targets[weights > 0]
    return max(data.validation_characters(counted), 1.0) / max(len(counted), 1)


def possible_prompt(prompt: str, tokenizer: Tokenizer, text: np.ndarray) -> str:
    """The prompt asked for, or the beginning of a text (tokens) where the vocabulary lacks what is in it."""
    try:
        tokenizer.encode(prompt, unknown="error")
    except UserError:
        known = (int(token) for token in text if token != tokenizer.unknown_token)
        return tokenizer.decode([next(known, 0)])
    return prompt


def models_at_hand(config: Config, workspace: Workspace) -> Iterator[Candidate]:
    """The float model first, then every quantized one on the engines that are asked for."""
    path = inputs.float_model_path(config, workspace)
    if path:
        yield Candidate(FLOAT, "keras", path)
    # The optimized kernels are shown beside the reference, never instead of it, and the reference comes last: it is
    # what the device computes.
    engines = ["litert", "litert_ref"] if config.evaluation.engine == "litert" else [config.evaluation.engine]
    for quantized in inputs.quantized_model_paths(config, workspace):
        for engine in engines:
            yield Candidate(inputs.model_label(quantized), engine, quantized)


def row_of(candidate: Candidate, metrics: Metrics, seconds: float) -> EvaluationReport:
    return EvaluationReport(
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
    """The loss of each quantized model against the float one."""
    if rows[0].model == FLOAT:
        for row in rows[1:]:
            row.delta_loss_nats = row.loss_nats - rows[0].loss_nats


def keep(rows: list[EvaluationReport], by_position: dict[str, list[float]], workspace: Workspace, sink: Sink) -> None:
    """Metrics to the tracker; the loss by position as data."""
    for row in rows:
        names = ("loss_nats", "perplexity", "bits_per_character", "top1_accuracy", "top5_accuracy")
        sink.metrics(0, {f"{row.model}.{row.engine}.{name}": getattr(row, name) for name in names})
    path = workspace.path("evaluation", "loss_by_position.json")
    write_json(path, by_position)
    sink.artifact(path, "evaluation")
