"""The one report of a run: report.json, report.md and the table on the console, all from the same values."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from textzoo.files import write_json, write_text

SCHEMA_VERSION = 1


def quantity(unit: str, digits: int = 0, default: Any = dataclasses.MISSING) -> Any:
    """A field of a report with its unit and the number of decimals that are shown."""
    return field(default=default, metadata={"unit": unit, "digits": digits})


@dataclass
class ModelReport:
    name: str = quantity("")
    parameters: int = quantity("weights")
    vocabulary_size: int = quantity("tokens")
    context_length: int = quantity("tokens")


@dataclass
class TrainingReport:
    steps: int = quantity("steps")
    tokens: int = quantity("tokens")
    seconds: float = quantity("s", 1)
    tokens_per_second: float = quantity("tokens/s")
    best_validation_loss_nats: float = quantity("nats/token", 4)
    best_step: int = quantity("steps")
    stopped_early: bool = quantity("")
    data_sha256: str = quantity("")


@dataclass
class QuantizationReport:
    recipe: str = quantity("")
    file_bytes: int = quantity("bytes")
    float_file_bytes: int = quantity("bytes")
    seconds: float = quantity("s", 1)
    forward_file_bytes: int | None = quantity("bytes", default=None)


@dataclass
class EvaluationReport:
    """One model on one engine; delta_loss_nats is against the float model, where there is one.

    Of a mixture, `corpus` is "all" or one of its sources; otherwise it is absent.
    """

    model: str = quantity("")
    engine: str = quantity("")
    tokens: int = quantity("tokens")
    loss_nats: float = quantity("nats/token", 4)
    bits_per_character: float = quantity("bits/character", 4)
    perplexity: float = quantity("", 3)
    top1_accuracy: float = quantity("", 3)
    top5_accuracy: float = quantity("", 3)
    seconds: float = quantity("s", 1)
    delta_loss_nats: float | None = quantity("nats/token", 4, None)
    corpus: str | None = quantity("", 0, None)


@dataclass
class SampleReport:
    model: str = quantity("")
    engine: str = quantity("")
    prompt: str = quantity("")
    text: str = quantity("")
    tokens: int = quantity("tokens")
    temperature: float = quantity("", 2)
    top_k: int = quantity("tokens")
    seed: int = quantity("")
    seconds: float = quantity("s", 2)


@dataclass
class FlashBytes:
    """What an image takes in flash, from the ELF."""

    weights: int = quantity("bytes")
    code: int = quantity("bytes")
    constants: int = quantity("bytes")
    total: int = quantity("bytes")


@dataclass
class RamBytes:
    """What an image takes in RAM; the stack as measured by painting it."""

    state: int = quantity("bytes")
    arena: int = quantity("bytes")
    application: int = quantity("bytes")
    stack: int = quantity("bytes")
    total: int = quantity("bytes")


@dataclass
class Projection:
    """Not measured: instructions times assumed cycles per instruction, at the board's clock."""

    clock_hz: int = quantity("Hz")
    cycles_per_instruction: float = quantity("cycles/instruction", 2)
    assumption: str = quantity("")
    tokens_per_second: float = quantity("tokens/s", 1)


@dataclass
class BenchmarkReport:
    """What a token costs; `instructions` are exact counts of the emulator, on a real board they are absent.

    `instructions_overlapping`: of those per token, what two cores do at the same time; the rest is the longer way.
    """

    board: str = quantity("")
    measured_by: str = quantity("")
    machine: str = quantity("")
    tokens_checked: int = quantity("tokens")
    mismatching_logits: int = quantity("logits")
    macs_per_token: int = quantity("multiplications")
    instructions_per_token: int | None = quantity("instructions", 0, None)
    instructions_smallest: int | None = quantity("instructions", 0, None)
    instructions_largest: int | None = quantity("instructions", 0, None)
    instructions_overlapping: int | None = quantity("instructions", 0, None)
    instructions_per_mac: float | None = quantity("instructions", 3, None)
    cycles_per_token: int | None = quantity("cycles", 0, None)
    tokens_per_second: float | None = quantity("tokens/s", 1, None)
    same_text: bool | None = quantity("", 0, None)
    flash_bytes: FlashBytes | None = quantity("", 0, None)
    ram_bytes: RamBytes | None = quantity("", 0, None)
    projected: Projection | None = quantity("", 0, None)
    by_kind: dict[str, int] | None = quantity("instructions", 0, None)
    by_position: list[int] | None = quantity("instructions", 0, None)


@dataclass
class DeploymentReport:
    c_project: str = quantity("")
    target: str = quantity("")
    model_sha256: str = quantity("")
    state_bytes: int = quantity("bytes")
    arena_bytes: int = quantity("bytes")
    constant_bytes: int = quantity("bytes")


@dataclass
class Skipped:
    what: str = quantity("")
    why: str = quantity("")


@dataclass
class Report:
    """What a run, or one of its services, found out. Sections of services that did not run stay empty."""

    model: ModelReport | None = None
    training: TrainingReport | None = None
    quantization: QuantizationReport | None = None
    evaluation: list[EvaluationReport] = field(default_factory=list)
    benchmark: BenchmarkReport | None = None
    deployment: DeploymentReport | None = None
    samples: list[SampleReport] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def merge(self, other: "Report") -> None:
        """Take over another report's sections; of lists, the later rows replace earlier ones of the same model."""
        for entry in dataclasses.fields(self):
            value = getattr(other, entry.name)
            if isinstance(value, list):
                setattr(self, entry.name, value or getattr(self, entry.name))
            elif value is not None:
                setattr(self, entry.name, value)

    def to_dict(self) -> dict[str, Any]:
        """The sections that exist, without absent values."""
        return prune(dataclasses.asdict(self))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Report":
        """The inverse of `to_dict`."""
        report = cls()
        for name, kind in SECTIONS.items():
            if name in values:
                rows = values[name]
                made = [rebuilt(kind, row) for row in rows] if isinstance(rows, list) else rebuilt(kind, rows)
                setattr(report, name, made)
        return report


SECTIONS = {
    "model": ModelReport,
    "training": TrainingReport,
    "quantization": QuantizationReport,
    "evaluation": EvaluationReport,
    "benchmark": BenchmarkReport,
    "deployment": DeploymentReport,
    "samples": SampleReport,
    "skipped": Skipped,
}


# The sections within a section.
NESTED = {"flash_bytes": FlashBytes, "ram_bytes": RamBytes, "projected": Projection}


def rebuilt(kind: type, row: dict[str, Any]) -> Any:
    """A section from its values, sections within it included."""
    return kind(**{name: NESTED[name](**value) if name in NESTED else value for name, value in row.items()})


def prune(value: Any) -> Any:
    """Drop None and empty lists from nested dicts."""
    if isinstance(value, dict):
        return {key: prune(item) for key, item in value.items() if item is not None and item != []}
    return [prune(item) for item in value] if isinstance(value, list) else value


@dataclass
class RunSummary:
    """The head of report.json: what ran, where, and how it ended (FINISHED, FAILED or KILLED)."""

    operation_mode: str
    status: str
    run_dir: str
    mlflow_run_id: str


def write_report(folder: Path, summary: RunSummary, report: Report) -> None:
    """Write report.json and report.md into the run's folder."""
    head = {"schema_version": SCHEMA_VERSION, **vars(summary)}
    write_json(folder / "report.json", {**head, **report.to_dict()})
    write_text(folder / "report.md", markdown(summary, report))


def shown(entry: dataclasses.Field, value: Any) -> str:
    """A value as text: separators for thousands, the field's number of decimals."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    if isinstance(value, int | float):
        return f"{value:,.{entry.metadata['digits']}f}"
    return str(value)


def heading(entry: dataclasses.Field) -> str:
    """The quantity's name, with its unit where the name does not say it already."""
    unit = entry.metadata["unit"]
    name = entry.name.replace("_nats", "").replace("_", " ")
    return f"{name} ({unit})" if unit and unit.partition("/")[0] not in name else name


def key_value_rows(section: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Heading and value of every quantity that is there; those of nested sections with the section's name in front."""
    rows: list[tuple[str, str]] = []
    for entry in dataclasses.fields(section):
        value = getattr(section, entry.name)
        if dataclasses.is_dataclass(value):
            rows += key_value_rows(value, f"{entry.name.removesuffix('_bytes')} ")
        elif isinstance(value, dict):
            rows += [(f"{prefix}{entry.metadata['unit']}: {name}", f"{count:,}") for name, count in value.items()]
        elif value is not None and not isinstance(value, list):
            rows.append((prefix + heading(entry), shown(entry, value)))
    return rows


KEY_VALUE_SECTIONS = ("model", "training", "quantization", "benchmark", "deployment")

# On the console the comparison has to fit 80 columns: shorter heads, and no seconds.
CONSOLE_HEADS = {
    "model": "model",
    "corpus": "corpus",
    "engine": "engine",
    "tokens": "tokens",
    "loss_nats": "loss\nnats",
    "bits_per_character": "bits/\nchar",
    "perplexity": "perpl.",
    "top1_accuracy": "top-1",
    "top5_accuracy": "top-5",
    "delta_loss_nats": "delta\nnats",
}


WORDS = ("model", "engine", "corpus")


def console_table(rows: Sequence[EvaluationReport]) -> Table:
    """The comparison for the console."""
    table = Table(
        box=SIMPLE,
        pad_edge=False,
        show_edge=False,
        title="evaluation, all models over the same validation tokens",
        title_justify="left",
    )
    entries = [entry for entry in evaluation_columns(rows) if entry.name in CONSOLE_HEADS]
    for entry in entries:
        table.add_column(CONSOLE_HEADS[entry.name], justify="left" if entry.name in WORDS else "right")
    for row in rows:
        table.add_row(*(shown(entry, getattr(row, entry.name)) for entry in entries))
    return table


def evaluation_columns(rows: Sequence[EvaluationReport]) -> list[dataclasses.Field]:
    """The columns of the comparison; `corpus` only where there are several."""
    several = any(row.corpus for row in rows)
    return [entry for entry in dataclasses.fields(EvaluationReport) if entry.name != "corpus" or several]


def evaluation_rows(rows: Sequence[EvaluationReport]) -> tuple[list[str], list[list[str]]]:
    """Heads and cells of the comparison, float first."""
    entries = evaluation_columns(rows)
    return [heading(entry) for entry in entries], [
        [shown(entry, getattr(row, entry.name)) for entry in entries] for row in rows
    ]


def markdown(summary: RunSummary, report: Report) -> str:
    """The report as a Markdown page."""
    lines = [f"# {summary.operation_mode}: {summary.status}", "", f"MLflow run `{summary.mlflow_run_id}`"]
    for name in KEY_VALUE_SECTIONS:
        section = getattr(report, name)
        if section:
            lines += ["", f"## {name.capitalize()}", "", *markdown_table(["", ""], key_value_rows(section))]
    if report.evaluation:
        lines += ["", "## Evaluation", "", *markdown_table(*evaluation_rows(report.evaluation))]
    for sample in report.samples:
        lines += ["", f"## Sample ({sample.model}, {sample.engine}, seed {sample.seed})", "", "```"]
        lines += [sample.prompt + sample.text, "```"]
    lines += [f"\nSkipped: {row.what}: {row.why}" for row in report.skipped]
    return "\n".join(lines) + "\n"


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


# Too long for the console; report.md and report.json have them.
NOT_ON_CONSOLE = ("sha256", "assumption")


def section_text(section: Any) -> str:
    """A section in one line, as far as the console shows it; dictionaries are left out."""
    plain = dataclasses.replace(section, **{name: None for name, value in vars(section).items() if type(value) is dict})
    rows = key_value_rows(plain)
    return ", ".join(f"{head} {value}" for head, value in rows if not any(word in head for word in NOT_ON_CONSOLE))


def print_report(console: Console, summary: RunSummary, report: Report) -> None:
    """The same tables on the console, then the samples and where everything lies."""
    for name in KEY_VALUE_SECTIONS:
        section = getattr(report, name)
        if section:
            console.print(f"[bold]{name}[/bold]: {section_text(section)}", soft_wrap=True, highlight=False)
    if report.benchmark and report.benchmark.by_kind:
        parts = ", ".join(f"{kind} {count:,}" for kind, count in report.benchmark.by_kind.items())
        console.print(f"[bold]cost by operator[/bold]: {parts}", soft_wrap=True, highlight=False)
    if report.evaluation:
        console.print(console_table(report.evaluation))
    for sample in report.samples:
        console.print(f"[bold]sample[/bold] ({sample.model} on {sample.engine}, seed {sample.seed}):")
        console.print(sample.prompt + sample.text, markup=False, soft_wrap=True)
    for row in report.skipped:
        console.print(f"skipped {row.what}: {row.why}")
    console.print(
        f"{summary.status}: report.md, report.json, models, plots and logs lie in {summary.run_dir}", soft_wrap=True
    )
