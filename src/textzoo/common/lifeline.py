"""Run a command that ends when its starter does: `python lifeline.py DESCRIPTOR COMMAND ...`.

The descriptor is the reading end of a pipe whose other end only the starter holds. When it closes, because the starter
has ended in whatever way, SIGKILL included, the whole process group is killed: the command and all that it has started.
Needs nothing but the standard library, for it runs without the package.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from types import FrameType

PR_SET_PDEATHSIG = 1  # of Linux
# What the starter sends to the group is for the command, whose end this program then reports.
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def leave_to_the_command(_number: int, _frame: FrameType | None) -> None:
    """A handler, not SIG_IGN: that would be inherited by the command."""


def end_with_the_starter(lifeline: int) -> None:
    """Wait until the starter has gone, then end everything."""
    while os.read(lifeline, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def end_with_this_program() -> None:
    """Before the command begins: should this program be killed alone, Linux ends the command, too."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    lifeline, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(lifeline, False)
    for number in FORWARDED:
        signal.signal(number, leave_to_the_command)
    # Before the thread: this one is alone then, and lasts as long as the program.
    process = subprocess.Popen(command, preexec_fn=end_with_this_program)
    threading.Thread(target=end_with_the_starter, args=(lifeline,), daemon=True).start()
    code = process.wait()
    if -code in FORWARDED:
        signal.signal(-code, signal.SIG_DFL)
    if code < 0:  # killed: this program ends in the same way
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
