"""The command `textzoo operation_mode=chain_tqe`, in a checkout `python stm32ai_main.py`; see `--help`.

Imports are inside functions and few, so that help and errors of the configuration appear at once, and so that a Ctrl-C
during an import is handled.
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
# Environment variable with the path of a file to which a sweep's runs in other processes append their exit codes.
EXIT_CODES = "TEXTZOO_EXIT_CODES"
# Environment variable with the ID of the main process.
MAIN_PROCESS = "TEXTZOO_MAIN_PROCESS"
# Hydra takes the job's name from this variable; users' output folders may contain it.
HYDRA_MAIN_MODULE = "HYDRA_MAIN_MODULE"


def leave(*_: Any) -> None:
    """End on a Ctrl-C before a run begins: nothing has to be saved, and an import might swallow an exception."""
    with contextlib.suppress(OSError):  # standard error may be closed
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
    """Install the handler of Ctrl-C, guard the standard streams, and start."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # a shell's background job ignores it
        signal.signal(signal.SIGINT, leave)
    try:
        from textzoo.common.standard_streams import guarded_streams

        with guarded_streams():
            start()
    except KeyboardInterrupt:  # between two runs of a sweep
        leave()


def start() -> None:
    """Check the command line, then run it."""
    from textzoo.common.escaping import tolerate_missing_characters
    from textzoo.config import command_line

    tolerate_missing_characters()
    sys.argv[1:], single = command_line.prepare(sys.argv[1:])
    if single:
        from textzoo.runs import app

        sys.exit(app.run_composed(single))
    let_hydra_run()


def let_hydra_run() -> NoReturn:
    """Let Hydra compose and run a sweep, or print its own help."""
    import hydra

    from textzoo.common.paths import CONFIGURATION
    from textzoo.config.composing import JOB, VERSION_BASE

    os.environ |= {MAIN_PROCESS: str(os.getpid()), HYDRA_MAIN_MODULE: JOB}
    with tempfile.NamedTemporaryFile("r") as codes:
        os.environ[EXIT_CODES] = codes.name
        hydra.main(version_base=VERSION_BASE, config_path=str(CONFIGURATION), config_name="config")(run)()
        sys.exit(max([*exit_codes, *map(int, codes)], default=0))
