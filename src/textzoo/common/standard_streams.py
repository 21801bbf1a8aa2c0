"""Standard output and error as witnesses: a run outlives its console, a command that only prints does not.

A terminal is closed, `head` has read enough, the disk behind `> file` is full: what a run prints is lost then, what it
computes is not. Its log gets one line, and whatever is printed later, by libraries and other programs as well, is
discarded. Where the text is all that was asked for (help, tables), a reader that went away ends the program quietly, as
Unix programs end, and any other failure is told with exit code 2.

This file needs nothing but the standard library: it is the first that a program imports.
"""

import contextlib
import errno
import io
import logging
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

CANNOT_BE_WRITTEN = 2
BROKEN_PIPE = 128 + signal.SIGPIPE
# Lines about how TensorFlow was built, which a user can do nothing about.
NOTES = ("All log messages before absl::InitializeLog()", "oneDNN custom operations are on")
SIFTING_SECONDS = 2.0
NAMES = {1: "standard output", 2: "standard error"}
logger = logging.getLogger("textzoo")


class Losses:
    """What this process has lost of its console.

    Attributes:
        reasons: Descriptor -> why it cannot be written.
        text_is_all: Whether the program has nothing to give but what it prints to the standard output.
    """

    def __init__(self) -> None:
        self.reasons: dict[int, OSError] = {}
        self.text_is_all = True

    def tell(self) -> None:
        """One line for the log, if anything is lost."""
        for number, reason in list(self.reasons.items())[:1]:
            logger.warning("The console is gone (%s: %s); the run goes on without it.", NAMES[number], reason.strerror)


losses = Losses()


class StandardFile(io.FileIO):
    """A descriptor of the console, 1 or 2, whose writes do not fail: what cannot be written is lost."""

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)

    def write(self, data: bytes | memoryview) -> int:
        """All bytes, written or lost: nobody asks again. SystemExit where the text is all that there is to give."""
        number = self.fileno()
        if number not in losses.reasons:
            try:
                self.write_all(memoryview(data).cast("B"))
            except OSError as error:
                lose(number, error)
        if number == 1 and number in losses.reasons and losses.text_is_all:
            end(losses.reasons[number])
        return memoryview(data).nbytes

    def write_all(self, data: memoryview) -> None:
        """Write every byte; a console that takes nothing at the moment, and says so, is waited for."""
        while data:
            count = super().write(data)
            if count is None:
                select.select([], [self], [])
            else:
                data = data[count:]


@contextlib.contextmanager
def without_notes() -> Iterator[None]:
    """Leave out what TensorFlow's own code notes on standard error while it is imported.

    Another process does, so that all the rest arrives even if this one dies: why an import kills it, above all.
    """
    sifting = None if "tensorflow" in sys.modules or 2 in losses.reasons else sifting_process()
    if sifting is None:
        yield
        return
    try:
        with stderr_to(sifting.stdin.fileno()):
            yield
    finally:
        sifting.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # a child of this process may write still
            sifting.wait(SIFTING_SECONDS)


def sifting_process() -> subprocess.Popen | None:
    """A process that copies its input to standard error, the notes left out; None where there is no such program.

    A session of its own keeps it from what ends this process: a Ctrl-C, or a terminal that is closed.
    """
    command = ["sed", *(part for note in NOTES for part in ("-e", f"/{note}/d"))]
    try:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=2, env={**os.environ, "LC_ALL": "C"}, start_new_session=True
        )
    except OSError:
        return None


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Discard what is written to standard error; mistakes still come as exceptions."""
    with Path(os.devnull).open("wb") as nowhere, stderr_to(nowhere.fileno()):
        yield


@contextlib.contextmanager
def stderr_to(descriptor: int) -> Iterator[None]:
    """Send what is written to standard error, past Python's streams as well, to another open file."""
    sys.stderr.flush()
    console = os.dup(2)
    os.dup2(descriptor, 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        if 2 not in losses.reasons:
            os.dup2(console, 2)
        os.close(console)


def lose(number: int, reason: OSError) -> None:
    """From now on the descriptor leads nowhere, for libraries and other programs, too; the log gets a line."""
    is_first = not losses.reasons
    losses.reasons[number] = reason
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
    if is_first and not losses.text_is_all:
        losses.tell()


def end(reason: OSError) -> None:
    """End a program whose text cannot be written: as SIGPIPE would where the reader went away, or with a message."""
    losses.text_is_all = False  # what is still buffered is lost without further words
    if isinstance(reason, BrokenPipeError):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGPIPE)
        os._exit(BROKEN_PIPE)  # the first process of a container gets no such signal
    sys.stderr.write(f"The standard output cannot be written: {reason.strerror}.\n")
    raise SystemExit(CANNOT_BE_WRITTEN)


@contextlib.contextmanager
def guarded_streams() -> Iterator[None]:
    """Make sys.stdout and sys.stderr witnesses, and keep closed descriptors from becoming those of other files.

    Everything is written when the block ends; what cannot be is told before Python would complain about it.
    """
    open_what_is_closed()
    sys.stdout = sys.__stdout__ = guarded(sys.stdout, 1)
    sys.stderr = sys.__stderr__ = guarded(sys.stderr, 2)
    try:
        yield
    finally:
        sys.stdout.flush()


def open_what_is_closed() -> None:
    """The next file that is opened would get a closed descriptor, and what others print, into its middle."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            found = os.open(os.devnull, os.O_RDWR)
            os.dup2(found, number)  # which other programs inherit, unlike `found`
            if found != number:
                os.close(found)
            if number in NAMES:
                losses.reasons[number] = OSError(errno.EBADF, os.strerror(errno.EBADF))


def guarded(stream: TextIO | None, number: int) -> TextIO:
    """A stream with the settings of another one, whose writes do not fail; a replaced stream is left as it is."""
    file = StandardFile(number)
    if stream is None:
        return io.TextIOWrapper(io.BufferedWriter(file), encoding="utf-8", errors="backslashreplace")
    if not isinstance(stream, io.TextIOWrapper) or stream.fileno() != number:
        return stream
    is_buffered = isinstance(stream.buffer, io.BufferedWriter)
    return io.TextIOWrapper(
        io.BufferedWriter(file) if is_buffered else file,
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
