"""The keyboard of a terminal while nobody reads it: what is typed during an answer waits for the next prompt."""

import contextlib
import os
import signal
import termios
from collections.abc import Iterator
from typing import Any

INPUT_FLAGS, LOCAL_FLAGS = 0, 3  # places in what tcgetattr returns


@contextlib.contextmanager
def unread_keys_kept(descriptor: int) -> Iterator[None]:
    """Do not show what is typed within the block, and keep it as it was typed; Ctrl-C still interrupts.

    An editor that runs in the block shows its keys itself, and takes those first that were typed before.

    Args:
        descriptor: Of the terminal; anything else is left alone.
    """
    try:
        before = termios.tcgetattr(descriptor)
    except termios.error:
        yield
        return
    quiet = list(before)
    quiet[INPUT_FLAGS] &= ~termios.ICRNL
    quiet[LOCAL_FLAGS] &= ~(termios.ECHO | termios.ICANON)

    def be_quiet_again(*_: Any) -> None:
        """Set the terminal as the shell has not while the program was suspended, unless it goes on in background."""
        with contextlib.suppress(OSError, termios.error):
            if os.tcgetpgrp(descriptor) == os.getpgrp():
                termios.tcsetattr(descriptor, termios.TCSANOW, quiet)

    termios.tcsetattr(descriptor, termios.TCSANOW, quiet)
    continued = signal.signal(signal.SIGCONT, be_quiet_again)
    try:
        yield
    finally:
        signal.signal(signal.SIGCONT, continued)
        with contextlib.suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(descriptor, termios.TCSANOW, before)
