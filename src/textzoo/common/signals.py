"""Ctrl-C and a polite kill, heard even where Python would lose them.

Python drops exceptions that are raised while it runs a finalizer or a weak reference's callback, and with them a
Ctrl-C that arrives just then; libraries that catch everything swallow it, too. So the signal is also noted here: long
work asks at its every step, and until somebody says that it was heard it is raised again every few seconds.
"""

import signal
import sys
from typing import Any

# Longer than what is tidied up on the way out takes, an emulator that does not end when asked included.
AGAIN_SECONDS = 8.0
_pending = False


def listen() -> None:
    """From now on SIGTERM, SIGINT, and SIGHUP of a terminal that is closed, interrupt this program.

    The latter two only where they are not ignored, as in a shell's background job and under `nohup`.
    """
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGALRM, interrupt_again)
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    sys.unraisablehook = tell_dropped


def tell_dropped(dropped: Any) -> None:
    """What Python says of an exception that it drops; of an interruption nothing, which comes again."""
    if not isinstance(dropped.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)


def interrupt(*_: Any) -> None:
    """The signals' handler."""
    global _pending
    _pending = True
    signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS, AGAIN_SECONDS)
    raise KeyboardInterrupt


def interrupt_again(*_: Any) -> None:
    """The alarm's handler: whoever got the exception has not said that the interruption was heard."""
    raise_if_interrupted()


def raise_if_interrupted() -> None:
    """Raise the KeyboardInterrupt that nobody heard."""
    if _pending:
        raise KeyboardInterrupt


def heard() -> None:
    """The interruption was caught; what still has to be saved may take its steps."""
    global _pending
    _pending = False
    signal.setitimer(signal.ITIMER_REAL, 0)
