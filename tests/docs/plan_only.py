"""The program as far as its plan: what a command line asks for is composed, checked and planned, and nothing is run.

Run: python plan_only.py ARGUMENT... where `python stm32ai_main.py ARGUMENT...` would run it. Exits as that does.
"""

import sys
from pathlib import Path

from textzoo.common.errors import UserError
from textzoo.common.paths import CONFIGURATION
from textzoo.config import command_line
from textzoo.records.workspace import Workspace
from textzoo.runs.planning import make_plan, plan_lines

# Their text may still have to be fetched, so they are only composed and checked.
FETCHED = ("tinyshakespeare",)


def main() -> None:
    _, single = command_line.prepare(sys.argv[1:], CONFIGURATION)
    if single and single.config.dataset.name not in FETCHED:  # of a sweep, every run has been checked
        config, workspace = single.config, Workspace(Path(single.config.general.resume or "planned"))
        try:
            print("\n".join(plan_lines(config, make_plan(config, workspace), workspace)))
        except UserError as error:
            command_line.refuse([error])


if __name__ == "__main__":
    main()
