"""The program as far as its plan: what a command line asks for is composed, checked and planned, and nothing is run.

Run: python plan_only.py "ARGUMENT ..." ..., one text for each call of the program. Exits as the program does.
"""

import shlex
import sys
from pathlib import Path

from textzoo.common.errors import UserError
from textzoo.config import command_line
from textzoo.records.workspace import Workspace
from textzoo.runs.planning import make_plan, plan_lines

# Their text may still have to be fetched, so they are only composed and checked.
FETCHED = ("tinyshakespeare",)


def plan(arguments: list[str]) -> None:
    _, single = command_line.prepare(arguments)
    if single and single.config.dataset.name not in FETCHED:  # of a sweep, every run has been checked
        config, workspace = single.config, Workspace(Path(single.config.general.resume or "planned"))
        try:
            print("\n".join(plan_lines(config, make_plan(config, workspace), workspace)))
        except UserError as error:
            command_line.refuse([error])


if __name__ == "__main__":
    for line in sys.argv[1:]:
        plan(shlex.split(line))
