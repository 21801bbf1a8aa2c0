"""Reliable handling of SIGINT, SIGTERM and SIGHUP.

Python drops exceptions that are raised in a finalizer or in a weak reference's callback, and with them a Ctrl-C that
arrives at that moment; libraries that catch every exception swallow it, too. So the signal is also noted here: long
tasks check for it at every step, and it is raised again every few seconds until it is acknowledged.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

# Longer than the cleanup on the way out takes, including an emulator that does not react to SIGTERM.
AGAIN_SECONDS = 8.0
# What ends the program; SIGALRM repeats it.
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM)
_pending = 0  # number of the signal that is not acknowledged yet


def listen() -> None:
    """Install the handlers of SIGTERM, SIGINT and SIGHUP (a closed terminal).

    SIGINT and SIGHUP stay ignored if they are, as in a shell's background job and under `nohup`.
    """
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGALRM, interrupt_again)
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    sys.unraisablehook = tell_dropped


def tell_dropped(dropped: Any) -> None:
    """Report an exception that Python drops, except an interruption, which is raised again."""
    if not isinstance(dropped.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)


def interrupt(number: int = signal.SIGINT, *_: Any) -> None:
    """Note the signal and raise KeyboardInterrupt, now and every AGAIN_SECONDS until `heard` is called."""
    global _pending
    _pending = number
    signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS, AGAIN_SECONDS)
    raise KeyboardInterrupt


def interrupt_again(*_: Any) -> None:
    """Handle the alarm: the interruption has not been acknowledged yet."""
    raise_if_interrupted()


def raise_if_interrupted() -> None:
    """Raise KeyboardInterrupt if an interruption is pending."""
    if _pending:
        raise KeyboardInterrupt


@contextlib.contextmanager
def first_stops(stop: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C within a block call `stop` and raise nothing; a further one raises, as without the block.

    Args:
        stop: Ends what the block waits for soon; runs in the handler, between two instructions of the main thread.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:  # as in a shell's background job
        yield
        return

    def once(*_: Any) -> None:
        signal.signal(signal.SIGINT, before)
        stop()

    signal.signal(signal.SIGINT, once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def handled_by(handler: Callable[..., Any], *, left: tuple[Any, ...] = ()) -> Iterator[None]:
    """Let another handler take the signals that end the program within a block; those that are ignored stay so.

    Args:
        handler: The other one.
        left: Handlers to leave in place.
    """
    found = {number: signal.getsignal(number) for number in ENDING}
    replaced = {number: before for number, before in found.items() if before not in (None, signal.SIG_IGN, *left)}
    if threading.current_thread() is not threading.main_thread():  # where Python takes no handlers
        replaced = {}
    for number in replaced:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, before in replaced.items():
            signal.signal(number, before)


def raising() -> contextlib.AbstractContextManager[None]:
    """Let a signal that would end the program raise KeyboardInterrupt within a block, which then can clean up."""
    return handled_by(signal.default_int_handler, left=(interrupt, interrupt_again))


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Hold signals back until the end of a block that they would leave broken, such as the import of a library."""
    caught: list[int] = []
    try:
        with handled_by(lambda number, _: caught.append(number)):
            yield
    finally:
        for number in caught[:1]:
            signal.raise_signal(number)


@contextlib.contextmanager
def interruption_again() -> Iterator[None]:
    """Raise KeyboardInterrupt in place of another exception that a library has made of one within the block."""
    try:
        yield
    except Exception:
        raise_if_interrupted()
        raise


def heard() -> int:
    """Acknowledge the interruption, so that what has to be saved can be saved undisturbed.

    Returns:
        The number of its signal; 0 if there was none.
    """
    global _pending
    number, _pending = _pending, 0
    signal.setitimer(signal.ITIMER_REAL, 0)
    return number
