"""Compare: the differences of runs' configurations, and their figures, from the tracking store."""

import math
import re
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE
from rich.cells import cell_len
from rich.table import Table

from textzoo.common.errors import UserError, collecting, raise_all
from textzoo.common.escaping import visible_line
from textzoo.common.files import write_text
from textzoo.common.progress import console
from textzoo.common.registry import did_you_mean
from textzoo.common.terminal import Line
from textzoo.config.schema import CompareConfig, Config
from textzoo.pipeline.comparison import Comparison, Row, compared
from textzoo.pipeline.comparison_page import page
from textzoo.records.headlines import MORE, headline_of
from textzoo.records.report import Report
from textzoo.records.tracking import Recorder, open_to_read
from textzoo.records.tracking.addresses import StoreBusyError, cannot_open
from textzoo.records.workspace import ROLES, Workspace

LAST = re.compile(r"last\s+([1-9]\d{0,8})")
PARENT_TAG = "mlflow.parentRunId"
KEY_LENGTH = 6  # minimum number of characters of a run's id that select it
# Columns of the table, for any width of the console.
WIDTH = 80
NAME_WIDTH = 28  # of keys of headline figures
RUN_WIDTH = 13
MARK = "*"


def run(config: Config, workspace: Workspace, recorder: Recorder) -> Report:
    """Show the runs that `compare.runs` names, on the console and as comparison.html."""
    comparison = compared(chosen_runs(config))
    path = workspace.path(ROLES["comparison"])
    write_text(path, page(comparison))
    show(comparison)
    return Report()


def chosen_runs(config: Config) -> list[Any]:
    """Return the selected MLflow runs in the configured order."""
    try:
        store = open_to_read(config.mlflow.uri, config.general.project_name)
    except StoreBusyError as error:
        raise cannot_open(config.mlflow.uri, error, "Try again.") from None
    known = all_runs(store.client)
    own = [run for run in known if run.info.experiment_id == store.experiment_id and PARENT_TAG not in run.data.tags]
    errors: list[UserError] = []
    chosen: dict[str, Any] = {}
    for name in wanted(config.compare):
        with collecting(errors):
            chosen.update({run.info.run_id: run for run in matching(name, known, own)})
    raise_all(errors)
    return ordered(list(chosen.values()), config.compare.order_by)


def wanted(settings: CompareConfig) -> list[str]:
    names = settings.runs if isinstance(settings.runs, list) else [settings.runs]
    if not names:
        raise UserError("compare.runs names no run", remedy='Set names or ids, or compare.runs="last 2".')
    return names


def all_runs(client: Any) -> list[Any]:
    """Return every run of the store that is not deleted, newest first."""
    experiments = [found.experiment_id for found in client.search_experiments()]
    runs: list[Any] = []
    token = None
    while True:
        found = client.search_runs(experiments, order_by=["attributes.start_time DESC"], page_token=token)
        runs += found
        token = found.token
        if not token:
            return runs


def matching(name: str, known: Sequence[Any], own: Sequence[Any]) -> list[Any]:
    """Return the runs that a name, its beginning, an id or "last N" selects; raise UserError if there is none."""
    last = LAST.fullmatch(name.strip())
    if last and not own:
        remedy = "Set general.project_name, names of runs, or another mlflow.uri."
        raise UserError("the experiment of general.project_name has no runs in this store", remedy=remedy)
    if last:
        return list(own[: int(last[1])])
    for fits in (is_named, begins_with):
        found = [run for run in known if fits(run, name)]
        if found:
            return [run for run in found if PARENT_TAG not in run.data.tags] or found
    names = list(dict.fromkeys(run.info.run_name for run in known if PARENT_TAG not in run.data.tags))
    newest = f"The newest are: {', '.join(names[:3])}." if names else "It holds none yet."
    remedy = did_you_mean(name, names) or newest
    raise UserError(f"compare.runs: no run in the store is called '{name}'", remedy=remedy)


def is_named(run: Any, name: str) -> bool:
    return name in (run.info.run_id, run.info.run_name)


def begins_with(run: Any, name: str) -> bool:
    by_id = len(name) >= KEY_LENGTH and run.info.run_id.startswith(name)
    return bool(name) and (by_id or run.info.run_name.startswith(name) or run.info.run_name.endswith(f" {name}"))


def ordered(runs: list[Any], key: str | None) -> list[Any]:
    """Sort runs by a figure, best first, runs without it last; newest first without a key."""
    if key is None:
        return sorted(runs, key=lambda run: -run.info.start_time)
    known = sorted({name for run in runs for name in run.data.metrics})
    if key not in known:
        raise UserError(
            f"compare.order_by: no run has a figure '{key}'",
            expected=", ".join(name for name in known if headline_of(name)) or "runs with figures",
            remedy=did_you_mean(key, known),
        )
    headline = headline_of(key)
    sign = -1.0 if headline and headline.better == MORE else 1.0
    values = {run.info.run_id: sign * run.data.metrics.get(key, math.nan) for run in runs}
    return sorted(runs, key=lambda run: (math.isnan(values[run.info.run_id]), values[run.info.run_id]))


def show(comparison: Comparison) -> None:
    """Print the comparison within 80 columns."""
    console.print(list_of_runs(comparison), width=WIDTH)
    longest = max((cell_len(visible_line(row.name)) for row in rows_of(comparison)), default=0)
    for part in comparison.parts:
        for title, rows in (("configuration", comparison.configuration), ("figures", comparison.figures)):
            if rows:
                console.print(block(title, comparison.letters[part], rows, part, longest), width=WIDTH)
    if not comparison.configuration and len(comparison.letters) > 1:
        console.print("The configurations are the same.")
    if not comparison.figures:
        console.print("None of the runs has figures.")
    if any(row.best for row in comparison.figures):
        console.print(f"{MARK} the best of a line")


def rows_of(comparison: Comparison) -> tuple[Row, ...]:
    return comparison.configuration + comparison.figures


def list_of_runs(comparison: Comparison) -> Table:
    """Return a table with letter, name and facts of every run."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for sign, name, fact in zip(comparison.letters, comparison.names, comparison.facts, strict=True):
        table.add_row(sign, Line(name))
        table.add_row("", Line(fact, "dim"))
    return table


def block(title: str, letters: Sequence[str], rows: Sequence[Row], part: slice, longest: int) -> Table:
    """Return one table of the comparison; the column of names gets the width that the runs leave."""
    table = Table(box=SIMPLE, pad_edge=False, show_edge=False, width=WIDTH, title=title, title_justify="left")
    available = WIDTH - RUN_WIDTH * len(letters)
    table.add_column("", overflow="fold", width=min(max(longest, NAME_WIDTH), available))
    for sign in letters:
        table.add_column(sign, justify="right", overflow="fold", ratio=1)
    for row in rows:
        marked = [marked_cell(text, index in row.best) for index, text in enumerate(row.cells)]
        table.add_row(Line(row.name), *marked[part])
    return table


def marked_cell(text: str, best: bool) -> Line:
    return Line(f"{text}{MARK}", "bold green") if best else Line(text)
