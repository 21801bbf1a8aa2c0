"""Starts the program from a process that has imported the large libraries before: whole runs without their seconds.

A server process imports the libraries once and forks for every start. The fork runs `stm32ai_main.py` from its first
line, in its own folder, with its own environment, arguments and files for its output, as a fresh interpreter would.
Only third-party modules are there already. Whatever depends on a fresh interpreter is tested with one.
"""

import atexit
import gc
import multiprocessing
import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from function_names import name_by_content

LIBRARIES = [
    "tensorflow",
    "keras",
    "mlflow",
    "mlflow.store.tracking.sqlalchemy_store",
    "matplotlib.pyplot",
    "ai_edge_quantizer.quantizer",
    "rich.progress",
    "hydra._internal.hydra",
    "hydra.compose",
]
_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(LIBRARIES)


class WarmProcess:
    """A started program; what of `subprocess.Popen` its tests need.

    Args:
        program: The Python file.
        arguments: Of its command line.
        folder: Where it runs.
        environment: All of its variables.
        output: An existing folder for what it writes to stdout and stderr.
        before: Called in the new process at its very beginning; it can be pickled.
    """

    def __init__(
        self,
        program: Path,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        output: Path,
        before: Callable[[], None] | None = None,
    ) -> None:
        self.command = [str(program), *arguments]
        self.files = [output / "stdout", output / "stderr"]
        given = (self.command, folder, dict(environment), self.files, before)
        self.process = _server.Process(target=run_program, args=given)
        self.process.start()

    def wait(self, timeout: float) -> subprocess.CompletedProcess:
        """The finished process; it is killed and TimeoutExpired is raised if it takes longer."""
        self.process.join(timeout)
        if self.process.is_alive():
            self.process.kill()
            raise subprocess.TimeoutExpired(self.command, timeout)
        texts = [path.read_text(encoding="utf-8") for path in self.files]
        return subprocess.CompletedProcess(self.command, self.process.exitcode, *texts)


def run_program(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    files: Sequence[Path],
    before: Callable[[], None] | None,
) -> None:
    """Become the program: what a new process would find is set, then its file runs as `__main__`."""
    if before:
        before()
    name_by_content()
    gc.freeze()  # what the libraries made is not searched for garbage again
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for descriptor, path in enumerate(files, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
    sys.argv = list(command)
    sys.path[0] = str(Path(command[0]).parent)
    sys.path[1:1] = [folder for folder in environment.get("PYTHONPATH", "").split(os.pathsep) if folder]
    try:
        runpy.run_path(command[0], run_name="__main__")
    finally:
        atexit._run_exitfuncs()  # a forked process leaves them out
        sys.stdout.flush()
        sys.stderr.flush()
