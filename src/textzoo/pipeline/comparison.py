"""Comparison of runs of the tracking store: differences of their configurations, and their figures."""

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from textzoo.config.schema import walk
from textzoo.records.headlines import BY_KEY, LESS, MORE, headline_of

# Keys whose differences are not meaningful.
NOT_COMPARED = ("general.resume", "mlflow.uri", "prediction.prompt")
RUNS_PER_TABLE = 4
ABSENT = "-"


@dataclass(frozen=True)
class Row:
    """One line of the comparison: a name, the text for each run, and which of the runs are best."""

    name: str
    cells: tuple[str, ...]
    best: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Comparison:
    """Runs, named by letters, with their names and facts, and two blocks of rows."""

    letters: tuple[str, ...]
    names: tuple[str, ...]
    facts: tuple[str, ...]
    configuration: tuple[Row, ...]
    figures: tuple[Row, ...]

    @property
    def parts(self) -> list[slice]:
        """The runs of each table: at most RUNS_PER_TABLE, evenly distributed over the tables."""
        count = len(self.letters)
        size = math.ceil(count / max(math.ceil(count / RUNS_PER_TABLE), 1))
        return [slice(start, start + size) for start in range(0, count, max(size, 1))]


def compared(runs: Sequence[Any]) -> Comparison:
    """Return the comparison: keys whose values differ, in the order of the schema, and the headline figures."""
    return Comparison(
        letters=tuple(letter(index) for index in range(len(runs))),
        names=tuple(run.info.run_name for run in runs),
        facts=tuple(facts(run) for run in runs),
        configuration=tuple(configuration_rows(runs)),
        figures=tuple(figure_rows(runs)),
    )


def letter(index: int) -> str:
    """Return the letter of a run: A, B, ... Z, AA, AB, ..."""
    return (letter(index // 26 - 1) if index >= 26 else "") + chr(ord("A") + index % 26)


def facts(run: Any) -> str:
    """Return status, start and id of a run."""
    began = datetime.fromtimestamp(run.info.start_time / 1000, UTC)
    return f"{run.info.status}, {began:%Y-%m-%d %H:%M} UTC, {run.info.run_id[:8]}"


def configuration_rows(runs: Sequence[Any]) -> Iterable[Row]:
    order = [name for name, _ in walk()]
    found = {name for run in runs for name in run.data.params} - set(NOT_COMPARED)
    for name in sorted(found, key=lambda name: (order.index(name) if name in order else len(order), name)):
        cells = tuple(run.data.params.get(name, ABSENT) for run in runs)
        if len(set(cells)) > 1:
            yield Row(name, cells)


def figure_rows(runs: Sequence[Any]) -> Iterable[Row]:
    order = list(BY_KEY)
    keys = {key for run in runs for key in run.data.metrics if headline_of(key)}
    for key in sorted(keys, key=lambda key: (order.index(headline_of(key).key), key)):
        headline = headline_of(key)
        values = [run.data.metrics.get(key) for run in runs]
        as_shown = [math.nan if value is None else round(value, headline.digits) for value in values]
        cells = tuple(shown_figure(value, headline.digits) for value in values)
        yield Row(key, cells, best_of(as_shown, headline.better))


def shown_figure(value: float | None, digits: int) -> str:
    """Return a figure with separators for thousands; stores represent infinity as the largest float."""
    if value is None:
        return ABSENT
    if abs(value) >= sys.float_info.max:
        return "inf" if value > 0 else "-inf"
    return f"{value:,.{digits}f}"


def best_of(values: Sequence[float], better: str) -> frozenset[int]:
    """Return the indices of the best values; none if all are equal, there is only one, or no direction is better."""
    present = [value for value in values if not math.isnan(value)]
    if better not in (LESS, MORE) or len(set(present)) < 2:
        return frozenset()
    best = min(present) if better == LESS else max(present)
    return frozenset(index for index, value in enumerate(values) if value == best)
