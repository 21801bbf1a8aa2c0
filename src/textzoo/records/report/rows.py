"""The quantities of a report as headings and cells, the same for every format."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from textzoo.records.report.data import (
    BaselineReport,
    BenchmarkReport,
    CommandReport,
    EvaluationReport,
    PassReport,
    Range,
    RuntimeReport,
    worded,
)

KEY_VALUE_SECTIONS = ("model", "training", "quantization", "benchmark", "deployment", "flashed", "publication")
Rows = list[tuple[str, str]]
Table = tuple[list[str], list[list[str]]]


def shown(entry: dataclasses.Field, value: Any) -> str:
    """Return a value as text, with separators for thousands and the field's number of decimals."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    if isinstance(value, int | float):
        return f"{value:,.{entry.metadata['digits']}f}"
    if isinstance(value, Range):
        return " to ".join(map(end_text, value))
    return str(value)


def end_text(value: float) -> str:
    """Return one end of a range, which is rounded already, without further decimals."""
    return f"{value:,.12g}"


def heading(entry: dataclasses.Field) -> str:
    """Return the quantity's name, with its unit unless the name contains it."""
    unit = entry.metadata["unit"]
    name = entry.name.replace("_nats", "").replace("_", " ")
    return f"{name} ({unit})" if unit and unit.partition("/")[0] not in name else name


def key_value_rows(section: Any, prefix: str = "", per: str | None = None) -> Rows:
    """Return heading and value of every present quantity; nested sections have their name as a prefix.

    Costs by operator of a nested section are shown by `operator_rows`.

    Args:
        section: A section of a report.
        prefix: Text before each heading.
        per: What the figures count by, for `worded`; a benchmark says it itself.
    """
    rows: Rows = []
    per = getattr(section, "per", per)
    for entry in dataclasses.fields(section):
        value = getattr(section, entry.name)
        if dataclasses.is_dataclass(value):
            rows += key_value_rows(value, f"{entry.name.removesuffix('_bytes')} ", per)
        elif isinstance(value, dict) and not prefix:
            rows += [(f"{prefix}{entry.metadata['unit']}: {name}", f"{count:,}") for name, count in value.items()]
        elif value is not None and not isinstance(value, list | dict):
            rows.append((prefix + worded(heading(entry), per), shown(entry, value)))
    return rows


def operator_rows(benchmark: BenchmarkReport) -> Table:
    """Return headings and cells of each operator's instructions, cycles and stalls; no cells without a model."""
    instructions, projected = benchmark.by_kind or {}, benchmark.projected
    cycles, stalls = (projected.by_kind or {}, projected.stalls_by_kind or {}) if projected else ({}, {})
    heads = ["operator", "instructions", "projected cycles", "stall cycles", "share of stalls"]
    return heads, [
        [kind, f"{instructions.get(kind, 0):,}", f"{cost:,}", f"{stalls[kind]:,}", f"{stalls[kind] / max(cost, 1):.1%}"]
        for kind, cost in cycles.items()
    ]


def evaluation_columns(rows: Sequence[EvaluationReport]) -> list[dataclasses.Field]:
    """Return the columns of the comparison; `corpus` only if there are several."""
    several = any(row.corpus for row in rows)
    return [entry for entry in dataclasses.fields(EvaluationReport) if entry.name != "corpus" or several]


def evaluation_rows(rows: Sequence[EvaluationReport]) -> Table:
    """Return headings and cells of the comparison, float first."""
    return table_of(evaluation_columns(rows), rows)


def command_columns(rows: Sequence[CommandReport]) -> list[dataclasses.Field]:
    """Return the columns of the measures of commands; false accepts only if there were sentences for it."""
    asked = any(row.false_accepts is not None for row in rows)
    return [entry for entry in dataclasses.fields(CommandReport) if entry.name != "false_accepts" or asked]


def command_rows(rows: Sequence[CommandReport]) -> Table:
    """Return headings and cells of the measures of commands."""
    return table_of(command_columns(rows), rows)


def baseline_rows(rows: Sequence[BaselineReport]) -> Table:
    """Return headings and cells of what a user would take instead of the models."""
    return table_of(dataclasses.fields(BaselineReport), rows)


def runtime_quantities(rows: Sequence[RuntimeReport]) -> list[dataclasses.Field]:
    """Return the quantities that one of the runtimes has."""
    entries = [entry for entry in dataclasses.fields(RuntimeReport) if entry.name not in ("runtime", "basis")]
    return [entry for entry in entries if any(getattr(row, entry.name) is not None for row in rows)]


def basis_of(entry: dataclasses.Field, row: RuntimeReport) -> str:
    """Return how a runtime's figure came about, to be put behind it: e.g. " (measured)"; "" if it is not told."""
    word = (row.basis or {}).get(entry.name)
    return f" ({word})" if word else ""


def runtime_rows(rows: Sequence[RuntimeReport]) -> Table:
    """Return headings and cells of the comparison of runtimes: a column for each, and a row for each quantity."""
    entries = runtime_quantities(rows)
    cells = [
        [heading(entry), *(shown(entry, getattr(row, entry.name)) + basis_of(entry, row) for row in rows)]
        for entry in entries
    ]
    return ["", *(row.runtime for row in rows)], cells


def pass_rows(rows: Sequence[PassReport]) -> Table:
    """Return headings and cells of the savings of each compiler pass."""
    return table_of(dataclasses.fields(PassReport), rows)


def table_of(entries: Sequence[dataclasses.Field], rows: Sequence[Any]) -> Table:
    return [heading(entry) for entry in entries], [
        [shown(entry, getattr(row, entry.name)) for entry in entries] for row in rows
    ]
