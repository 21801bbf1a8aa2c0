"""Headline figures, by which runs are compared: a stable key per quantity, and whether less or more is better.

The parent run of every invocation logs them as metrics; `operation_mode=compare` marks the best by this table.
"""

from dataclasses import dataclass, replace
from typing import Any

from textzoo.records.report import INFERENCE, EvaluationReport, Report, worded

LESS, MORE, NEITHER = "less", "more", ""
FLOAT, QUANTIZED = "float", "quantized"
ALL_SOURCES = (None, "all")


@dataclass(frozen=True)
class Headline:
    """A quantity: its key, its path in a report, which direction is better, and the number of decimals to show."""

    key: str
    path: str
    better: str = NEITHER
    digits: int = 0


# The loss comes first: MLflow's comparison page opens with the first metric that all runs have.
HEADLINES = (
    Headline("best_validation_loss_nats", "training.best_validation_loss_nats", LESS, 4),
    Headline("parameters", "model.parameters"),
    Headline("vocabulary_size", "model.vocabulary_size"),
    Headline("context_length", "model.context_length"),
    Headline("training_steps", "training.steps"),
    Headline("training_tokens", "training.tokens"),
    Headline("training_seconds", "training.seconds", LESS, 1),
    Headline("training_tokens_per_second", "training.tokens_per_second", MORE),
    Headline("quantization_seconds", "quantization.seconds", LESS, 1),
    Headline("file_bytes", "quantization.file_bytes", LESS),
    Headline("float_file_bytes", "quantization.float_file_bytes", LESS),
    Headline("flash_bytes", "benchmark.flash_bytes.total", LESS),
    Headline("flash_bytes/weights", "benchmark.flash_bytes.weights", LESS),
    Headline("flash_bytes/code", "benchmark.flash_bytes.code", LESS),
    Headline("ram_bytes", "benchmark.ram_bytes.total", LESS),
    Headline("ram_bytes/state", "benchmark.ram_bytes.state", LESS),
    Headline("ram_bytes/arena", "benchmark.ram_bytes.arena", LESS),
    Headline("ram_bytes/stack", "benchmark.ram_bytes.stack", LESS),
    Headline("instructions_per_token", "benchmark.instructions_per_token", LESS),
    Headline("instructions_per_mac", "benchmark.instructions_per_mac", LESS, 3),
    Headline("cycles_per_token", "benchmark.cycles_per_token", LESS),
    Headline("macs_per_token", "benchmark.macs_per_token", LESS),
    Headline("device_tokens_per_second", "benchmark.tokens_per_second", MORE, 1),
    Headline("projected_core_cycles", "benchmark.projected.core_cycles", LESS),
    Headline("projected_cycles", "benchmark.projected.cycles", LESS),
    Headline("projected_stall_cycles", "benchmark.projected.stall_cycles", LESS),
    Headline("projected_tokens_per_second/low", "benchmark.projected.tokens_per_second.low", MORE, 1),
    Headline("projected_tokens_per_second/high", "benchmark.projected.tokens_per_second.high", MORE, 1),
    Headline("mismatching_logits", "benchmark.mismatching_logits", LESS),
    Headline("same_text", "benchmark.same_text", MORE),
    Headline("state_bytes", "deployment.state_bytes", LESS),
    Headline("arena_bytes", "deployment.arena_bytes", LESS),
    Headline("constant_bytes", "deployment.constant_bytes", LESS),
)

# Of each evaluated model: "<key>/float", "<key>/quantized"; of a mixture's source "<key>/float/<source>".
EVALUATED = (
    Headline("loss_nats", "loss_nats", LESS, 4),
    Headline("bits_per_character", "bits_per_character", LESS, 4),
    Headline("perplexity", "perplexity", LESS, 3),
    Headline("top1_accuracy", "top1_accuracy", MORE, 4),
    Headline("top5_accuracy", "top5_accuracy", MORE, 4),
    Headline("evaluated_tokens", "tokens"),
)
DELTA = Headline("delta_loss_nats", "delta_loss_nats", LESS, 4)
TEXT_SPEED = Headline("prediction_tokens_per_second", "", MORE, 1)


def headline_figures(report: Report) -> dict[str, float]:
    """Return key -> value of every headline figure in a report."""
    per = report.benchmark.per if report.benchmark else None
    figures = {worded(row.key, per): value_at(report, row.path) for row in HEADLINES}
    for row in report.evaluation:
        figures.update(evaluation_figures(row))
    if report.samples and not report.evaluation and not report.benchmark:
        seconds = sum(sample.seconds for sample in report.samples)
        figures[TEXT_SPEED.key] = sum(sample.tokens for sample in report.samples) / max(seconds, 1e-9)
    return {key: float(value) for key, value in figures.items() if value is not None}


def evaluation_figures(row: EvaluationReport) -> dict[str, Any]:
    """Return the figures of one model; of several quantized models or engines, the last one's are kept."""
    which = FLOAT if row.model == FLOAT else QUANTIZED
    source = "" if row.corpus in ALL_SOURCES else f"/{row.corpus}"
    figures = {f"{entry.key}/{which}{source}": getattr(row, entry.path) for entry in EVALUATED}
    if row.delta_loss_nats is not None:
        figures[f"{DELTA.key}{source}"] = row.delta_loss_nats
    return figures


def value_at(report: Report, path: str) -> Any:
    """Return the value at a dotted path; None if a section is missing."""
    value: Any = report
    for name in path.split("."):
        value = getattr(value, name, None)
    return value


def headline_of(key: str) -> Headline | None:
    """Return the row of a metric's key; None for metrics that are not headline figures."""
    return BY_KEY.get(key) or BY_KEY.get(key.partition("/")[0])


BY_KEY = {row.key: row for row in (*HEADLINES, *EVALUATED, DELTA, TEXT_SPEED)}
BY_KEY |= {worded(row.key, INFERENCE): replace(row, key=worded(row.key, INFERENCE)) for row in HEADLINES}
