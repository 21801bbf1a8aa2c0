"""The report of a run: report.json, report.md, report.html and the console, all from the same values."""

from pathlib import Path

from textzoo.common.files import write_json, write_text
from textzoo.records.report.console import print_report
from textzoo.records.report.data import (
    INFERENCE,
    SCHEMA_VERSION,
    SECTIONS,
    TOKEN,
    BaselineReport,
    BenchmarkReport,
    CommandReport,
    DeploymentReport,
    EvaluationReport,
    FlashBytes,
    FlashReport,
    ModelReport,
    PassReport,
    Projection,
    PublicationReport,
    QuantizationReport,
    RamBytes,
    Range,
    Report,
    RunSummary,
    RuntimeReport,
    SampleReport,
    Skipped,
    TrainingReport,
    worded,
)
from textzoo.records.report.markdown import markdown
from textzoo.records.report.rows import key_value_rows

__all__ = [
    "INFERENCE",
    "SCHEMA_VERSION",
    "SECTIONS",
    "TOKEN",
    "BaselineReport",
    "BenchmarkReport",
    "CommandReport",
    "DeploymentReport",
    "EvaluationReport",
    "FlashBytes",
    "FlashReport",
    "ModelReport",
    "PassReport",
    "Projection",
    "PublicationReport",
    "QuantizationReport",
    "RamBytes",
    "Range",
    "Report",
    "RunSummary",
    "RuntimeReport",
    "SampleReport",
    "Skipped",
    "TrainingReport",
    "key_value_rows",
    "markdown",
    "print_report",
    "worded",
    "write_report",
]


def write_report(folder: Path, summary: RunSummary, report: Report) -> None:
    """Write report.json, report.md and report.html into the run's folder; the page shows the images in plots/."""
    from textzoo.records.report.html import page  # imports Jinja2

    head = {"schema_version": SCHEMA_VERSION, **vars(summary)}
    write_json(folder / "report.json", {**head, **report.to_dict()})
    write_text(folder / "report.md", markdown(summary, report))
    write_text(folder / "report.html", page(summary, report, folder / "plots"))
