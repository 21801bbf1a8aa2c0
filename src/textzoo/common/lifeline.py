"""Run a command that ends when its parent process does: `python lifeline.py DESCRIPTOR COMMAND ...`.

The descriptor is the read end of a pipe whose write end only the parent holds. When the parent ends in any way,
SIGKILL included, the pipe closes and the whole process group is killed: the command and everything that it started.
Imports only the standard library, because it runs without the package.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from types import FrameType

PR_SET_PDEATHSIG = 1  # of Linux
# Signals that the parent sends to the group are meant for the command; this program then reports how it ended.
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def leave_to_the_command(_number: int, _frame: FrameType | None) -> None:
    """Ignore a signal by a handler; the command would inherit SIG_IGN."""


def end_with_the_starter(lifeline: int) -> None:
    """Wait until the parent has ended, then kill the process group."""
    while os.read(lifeline, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def end_with_this_program() -> None:
    """Make Linux kill the command if this program alone is killed; runs in the child before the command starts."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    lifeline, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(lifeline, False)
    for number in FORWARDED:
        signal.signal(number, leave_to_the_command)
    # Before the thread is started: PR_SET_PDEATHSIG refers to the thread that forks, and the main thread lasts.
    process = subprocess.Popen(command, preexec_fn=end_with_this_program)
    threading.Thread(target=end_with_the_starter, args=(lifeline,), daemon=True).start()
    code = process.wait()
    if -code in FORWARDED:
        signal.signal(-code, signal.SIG_DFL)
    if code < 0:  # killed by a signal: end in the same way
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
