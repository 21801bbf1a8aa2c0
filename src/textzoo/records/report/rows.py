"""The quantities of a report as headings and cells, the same for every format."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from textzoo.records.report.data import EvaluationReport, PassReport, worded

KEY_VALUE_SECTIONS = ("model", "training", "quantization", "benchmark", "deployment", "publication")
Rows = list[tuple[str, str]]
Table = tuple[list[str], list[list[str]]]


def shown(entry: dataclasses.Field, value: Any) -> str:
    """Return a value as text, with separators for thousands and the field's number of decimals."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    if isinstance(value, int | float):
        return f"{value:,.{entry.metadata['digits']}f}"
    return str(value)


def heading(entry: dataclasses.Field) -> str:
    """Return the quantity's name, with its unit unless the name contains it."""
    unit = entry.metadata["unit"]
    name = entry.name.replace("_nats", "").replace("_", " ")
    return f"{name} ({unit})" if unit and unit.partition("/")[0] not in name else name


def key_value_rows(section: Any, prefix: str = "", per: str | None = None) -> Rows:
    """Return heading and value of every present quantity; nested sections have their name as a prefix.

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
        elif isinstance(value, dict):
            rows += [(f"{prefix}{entry.metadata['unit']}: {name}", f"{count:,}") for name, count in value.items()]
        elif value is not None and not isinstance(value, list):
            rows.append((prefix + worded(heading(entry), per), shown(entry, value)))
    return rows


def evaluation_columns(rows: Sequence[EvaluationReport]) -> list[dataclasses.Field]:
    """Return the columns of the comparison; `corpus` only if there are several."""
    several = any(row.corpus for row in rows)
    return [entry for entry in dataclasses.fields(EvaluationReport) if entry.name != "corpus" or several]


def evaluation_rows(rows: Sequence[EvaluationReport]) -> Table:
    """Return headings and cells of the comparison, float first."""
    return table_of(evaluation_columns(rows), rows)


def pass_rows(rows: Sequence[PassReport]) -> Table:
    """Return headings and cells of the savings of each compiler pass."""
    return table_of(dataclasses.fields(PassReport), rows)


def table_of(entries: Sequence[dataclasses.Field], rows: Sequence[Any]) -> Table:
    return [heading(entry) for entry in entries], [
        [shown(entry, getattr(row, entry.name)) for entry in entries] for row in rows
    ]
