"""report.md: the report as a Markdown page, with all markup in its texts escaped."""

from collections.abc import Sequence

from textzoo.common.escaping import markdown_block, markdown_text
from textzoo.records.report.data import Report, RunSummary, SampleReport
from textzoo.records.report.rows import (
    KEY_VALUE_SECTIONS,
    baseline_rows,
    command_rows,
    evaluation_rows,
    key_value_rows,
    operator_rows,
    pass_rows,
    runtime_rows,
)


def markdown(summary: RunSummary, report: Report) -> str:
    """Return the report as a Markdown page."""
    lines = [f"# {markdown_text(summary.operation_mode)}: {summary.status}"]
    if summary.mlflow_run_id:  # a comparison creates no run
        lines += ["", f"MLflow run {markdown_text(summary.mlflow_run_id)}"]
    for name in KEY_VALUE_SECTIONS:
        section = getattr(report, name)
        if section:
            lines += ["", f"## {name.capitalize()}", "", *markdown_table(["", ""], key_value_rows(section))]
    if report.deployment and report.deployment.passes:
        lines += ["", "## Savings of each pass", "", *markdown_table(*pass_rows(report.deployment.passes))]
    if report.evaluation:
        lines += ["", "## Evaluation", "", *markdown_table(*evaluation_rows(report.evaluation))]
    if report.baselines:
        lines += ["", "## Against what you would use instead", "", *markdown_table(*baseline_rows(report.baselines))]
    if report.commands:
        lines += ["", "## Commands", "", *markdown_table(*command_rows(report.commands))]
    if report.runtimes:
        lines += ["", "## Runtimes", "", *markdown_table(*runtime_rows(report.runtimes))]
    if report.benchmark and operator_rows(report.benchmark)[1]:
        lines += ["", "## Cost by operator", "", *markdown_table(*operator_rows(report.benchmark))]
    if report.benchmark:
        lines += position_lines("Cost by position", report.benchmark.by_position)
    if report.benchmark and report.benchmark.projected:
        lines += position_lines("Projected cycles by position", report.benchmark.projected.by_position)
    for sample in report.samples:
        lines += ["", *sample_lines(sample)]
    lines += [f"\nSkipped: {markdown_text(row.what)}: {markdown_text(row.why)}" for row in report.skipped]
    return "\n".join(lines) + "\n"


def position_lines(title: str, costs: Sequence[int] | None) -> list[str]:
    """Return a heading and one paragraph with the costs of all positions; nothing if there are none."""
    return ["", f"## {title}", "", ", ".join(f"{cost:,}" for cost in costs)] if costs else []


def sample_lines(sample: SampleReport) -> list[str]:
    """Return the lines of a sample: model, engine and settings, then the unchanged text."""
    author = f"{markdown_text(sample.model)}, {markdown_text(sample.engine)}"
    figures = f"{sample.tokens:,} tokens in {sample.seconds:,.2f} s, temperature {sample.temperature:g}"
    return [
        f"## Sample ({author}, seed {sample.seed})",
        "",
        f"{figures}, top k {sample.top_k:,}",
        "",
        *markdown_block(sample.prompt + sample.text),
    ]


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table; cells are escaped."""
    return [
        f"| {' | '.join(map(markdown_text, heads))} |",
        f"|{'---|' * len(heads)}",
        *(f"| {' | '.join(map(markdown_text, row))} |" for row in rows),
    ]
