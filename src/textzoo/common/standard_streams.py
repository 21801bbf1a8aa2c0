"""Standard output and error that may fail: a run continues without its console, a command that only prints ends.

When a terminal is closed, `head` has read enough, or the disk behind `> file` is full, a run loses what it prints, but
not what it computes. Its log gets one line, and later output, also that of libraries and child processes, is
discarded. A command whose only result is text (help, tables) ends quietly when its reader is gone, as Unix programs do,
and with a message and exit code 2 after any other failure.

This module imports only the standard library, because the program imports it first.
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
# Lines about TensorFlow's build, which a user cannot act on.
NOTES = ("All log messages before absl::InitializeLog()", "oneDNN custom operations are on")
SIFTING_SECONDS = 2.0
STANDARD_OUTPUT = 1
NAMES = {STANDARD_OUTPUT: "standard output", 2: "standard error"}
logger = logging.getLogger("textzoo")


class Losses:
    """The standard streams that can no longer be written.

    Attributes:
        reasons: Descriptor -> error of its first failed write.
        text_is_all: Whether the program's only result is what it prints to the standard output.
    """

    def __init__(self) -> None:
        self.reasons: dict[int, OSError] = {}
        self.text_is_all = True

    def tell(self) -> None:
        """Log one line if a stream is lost."""
        for number, reason in list(self.reasons.items())[:1]:
            logger.warning("The console is gone (%s: %s); the run goes on without it.", NAMES[number], reason.strerror)


losses = Losses()


class StandardFile(io.FileIO):
    """Descriptor 1 or 2 with writes that do not fail: what cannot be written is discarded."""

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)

    def write(self, data: bytes | memoryview) -> int:
        """Write or discard all bytes; end the program if it only prints and standard output is lost."""
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
        """Write every byte; wait while a non-blocking console accepts none."""
        while data:
            count = super().write(data)
            if count is None:
                select.select([], [self], [])
            else:
                data = data[count:]


@contextlib.contextmanager
def without_notes() -> Iterator[None]:
    """Filter NOTES, which TensorFlow's native code writes, from standard error during an import.

    Another process filters, so that everything else arrives even if the import kills this process.
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
        with contextlib.suppress(subprocess.TimeoutExpired):  # a child process may still write
            sifting.wait(SIFTING_SECONDS)


def sifting_process() -> subprocess.Popen | None:
    """Start a process that copies its input to standard error without the notes; None if sed is missing.

    Its own session protects it from a Ctrl-C or a closed terminal, which end this process.
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
    """Discard what is written to standard error; errors are still raised as exceptions."""
    with Path(os.devnull).open("wb") as nowhere, stderr_to(nowhere.fileno()):
        yield


@contextlib.contextmanager
def stderr_to(descriptor: int) -> Iterator[None]:
    """Redirect standard error, also what bypasses Python's streams, to another open file."""
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
    """Redirect a failed descriptor to /dev/null, also for libraries and child processes; log one line."""
    is_first = not losses.reasons
    losses.reasons[number] = reason
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
    if is_first and not losses.text_is_all:
        losses.tell()


def end(reason: OSError) -> None:
    """End a program that only prints: as SIGPIPE would if the reader is gone, otherwise with a message."""
    losses.text_is_all = False  # what is still buffered is discarded silently
    if isinstance(reason, BrokenPipeError):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGPIPE)
        os._exit(BROKEN_PIPE)  # process 1 of a container ignores the signal
    sys.stderr.write(f"The standard output cannot be written: {reason.strerror}.\n")
    raise SystemExit(CANNOT_BE_WRITTEN)


@contextlib.contextmanager
def guarded_streams() -> Iterator[None]:
    """Replace sys.stdout and sys.stderr by streams that do not fail, and occupy closed standard descriptors.

    Buffered text is written when the block ends, so that a failure is reported here and not by Python's shutdown.
    """
    open_what_is_closed()
    sys.stdout = sys.__stdout__ = guarded(sys.stdout, 1)
    sys.stderr = sys.__stderr__ = guarded(sys.stderr, 2)
    try:
        yield
    finally:
        sys.stdout.flush()


def open_what_is_closed() -> None:
    """Open /dev/null on closed standard descriptors; the next opened file would get them, and all printed text."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            found = os.open(os.devnull, os.O_RDWR)
            os.dup2(found, number)  # child processes inherit this one, unlike `found`
            if found != number:
                os.close(found)
            if number in NAMES:
                losses.reasons[number] = OSError(errno.EBADF, os.strerror(errno.EBADF))


def guarded(stream: TextIO | None, number: int) -> TextIO:
    """Return a stream with the settings of `stream` and writes that do not fail; keep a replaced stream as it is."""
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
