"""Files of tests begin in the order of the seconds that they took last time, the longest first.

Workers take file after file, so that otherwise one may be left with a long file when the others have ended. By itself,
pytest-xdist begins with those of the most tests, which are not those that take longest: `make test` turns that off.
"""

import json
import math
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from artifacts import KEPT

SECONDS = KEPT / "seconds"  # a file for each choice of tests


class FileOrder:
    """A plugin of pytest: sorts the tests in every process, and counts the seconds in the one that reports."""

    def __init__(self, config: pytest.Config) -> None:
        given = getattr(config, "workerinput", None)  # of pytest-xdist
        self.table = table_of(config)
        self.before = given["seconds"] if given else read_seconds(self.table)
        self.seconds: dict[str, float] = defaultdict(float)
        # A choice within a file says nothing about the whole file.
        self.is_kept = not given and not config.option.keyword and not any("::" in argument for argument in config.args)
        # Files that run alone may take another time than beside others, and load what others would have loaded.
        self.is_whole = config.args_source is config.ArgsSource.TESTPATHS

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Every worker must have the same order, even if another run ends at this moment."""
        node.workerinput["seconds"] = self.before

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: -self.before.get(file_of(item.nodeid), math.inf))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[file_of(report.nodeid)] += report.duration

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if self.is_kept and exitstatus == pytest.ExitCode.OK:
            seconds = {**self.before, **self.seconds} if self.is_whole else {**self.seconds, **self.before}
            write_seconds(self.table, seconds)


def file_of(name: str) -> str:
    return name.partition("::")[0]


def table_of(config: pytest.Config) -> Path:
    return SECONDS / f"{config.option.markexpr.replace(' ', '-') or 'all'}.json"


def read_seconds(table: Path) -> dict[str, float]:
    """Return file -> seconds; nothing where no run has ended yet."""
    try:
        return {str(file): float(seconds) for file, seconds in json.loads(table.read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def write_seconds(table: Path, seconds: dict[str, float]) -> None:
    table.parent.mkdir(parents=True, exist_ok=True)
    unfinished = table.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps({file: round(taken, 2) for file, taken in seconds.items()}, indent=0))
    unfinished.rename(table)
