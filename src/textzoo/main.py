"""The program: `textzoo operation_mode=chain_tqe`, of a checkout `python stm32ai_main.py`; `--help` tells the rest.

Only Hydra is imported here, so that help and mistakes in the configuration are answered at once; and only inside of
`main`, so that a Ctrl-C is answered meanwhile.
"""

import contextlib
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

INTERRUPTED = 130
exit_codes: list[int] = []
# Names a file for the exit codes of a sweep's runs in other processes, which inherit the name.
EXIT_CODES = "TEXTZOO_EXIT_CODES"
# Tells them that they are others.
MAIN_PROCESS = "TEXTZOO_MAIN_PROCESS"
# Hydra calls the job by the module that this variable names: a user's folders may have that in their names.
HYDRA_MAIN_MODULE = "HYDRA_MAIN_MODULE"


def leave(*_: Any) -> None:
    """Answer a Ctrl-C before a run began: nothing is to be saved, and an exception could be lost in an import."""
    with contextlib.suppress(OSError):  # nobody may be there to read it
        os.write(2, b"Interrupted.\n")
    os._exit(INTERRUPTED)


def run(config: Any) -> None:
    """Run one composed configuration (a DictConfig); Hydra calls this for every run of a sweep."""
    from textzoo.runs import app

    code = app.run(config)
    if os.environ[MAIN_PROCESS] == str(os.getpid()):
        exit_codes.append(code)
    else:
        with Path(os.environ[EXIT_CODES]).open("a") as file:
            file.write(f"{code}\n")
    if code == INTERRUPTED:  # a sweep ends, too
        sys.exit(code)


def main() -> None:
    """Answer Ctrl-C, outlive the console, and start."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as a shell's background job does
        signal.signal(signal.SIGINT, leave)
    try:
        from textzoo.common.standard_streams import guarded_streams

        with guarded_streams():
            start()
    except KeyboardInterrupt:  # between two runs of a sweep
        leave()


def start() -> None:
    """Check the command line, then run what it asks for."""
    from textzoo.common.escaping import tolerate_missing_characters
    from textzoo.config import command_line

    tolerate_missing_characters()
    sys.argv[1:], single = command_line.prepare(sys.argv[1:])
    if single:
        from textzoo.runs import app

        sys.exit(app.run_composed(single))
    let_hydra_run()


def let_hydra_run() -> NoReturn:
    """Let Hydra compose and run a sweep, or answer about itself."""
    import hydra

    from textzoo.common.paths import CONFIGURATION
    from textzoo.config.composing import JOB, VERSION_BASE

    os.environ |= {MAIN_PROCESS: str(os.getpid()), HYDRA_MAIN_MODULE: JOB}
    with tempfile.NamedTemporaryFile("r") as codes:
        os.environ[EXIT_CODES] = codes.name
        hydra.main(version_base=VERSION_BASE, config_path=str(CONFIGURATION), config_name="config")(run)()
        sys.exit(max([*exit_codes, *map(int, codes)], default=0))
