"""Ctrl-C and a polite kill, heard even where Python would lose them.

Python drops exceptions that are raised while it runs a finalizer or a weak reference's callback, and with them a
Ctrl-C that arrives just then. So the signal is also noted here, and long work asks at its every step.
"""

import signal
from typing import Any

_pending = False


def listen() -> None:
    """From now on SIGTERM, and SIGINT where it is not ignored (a shell's background job), interrupt this program."""
    signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, interrupt)


def interrupt(*_: Any) -> None:
    """The signals' handler."""
    global _pending
    _pending = True
    raise KeyboardInterrupt


def raise_if_interrupted() -> None:
    """Raise the KeyboardInterrupt that nobody heard."""
    if _pending:
        raise KeyboardInterrupt


def heard() -> None:
    """The interruption was caught; what still has to be saved may take its steps."""
    global _pending
    _pending = False
