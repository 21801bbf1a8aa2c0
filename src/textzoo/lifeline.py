"""Run a command that ends when its starter does: `python lifeline.py DESCRIPTOR COMMAND ...`.

The descriptor is the reading end of a pipe whose other end only the starter holds. When it closes, because the starter
has ended in whatever way, SIGKILL included, the whole process group is killed: the command and all that it has started.
Needs nothing but the standard library, for it runs without the package.
"""

import os
import signal
import subprocess
import sys
import threading
from types import FrameType

# What the starter sends to the group is for the command, whose end this program then reports.
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def leave_to_the_command(_number: int, _frame: FrameType | None) -> None:
    """A handler, not SIG_IGN: that would be inherited by the command."""


def end_with_the_starter(lifeline: int) -> None:
    """Wait until the starter has gone, then end everything."""
    while os.read(lifeline, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    lifeline, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(lifeline, False)
    for number in FORWARDED:
        signal.signal(number, leave_to_the_command)
    process = subprocess.Popen(command)  # before the thread: nothing but this one is copied
    threading.Thread(target=end_with_the_starter, args=(lifeline,), daemon=True).start()
    code = process.wait()
    if -code in FORWARDED:
        signal.signal(-code, signal.SIG_DFL)
    if code < 0:  # killed: this program ends in the same way
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
