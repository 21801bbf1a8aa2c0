"""Files that one process at a time holds, and that are no links to files elsewhere."""

import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import TextIO

from textzoo.common.errors import UserError


def open_own(path: Path) -> TextIO:
    """A text file to append to; UserError where the path is a link, a pipe, or a second name of a file elsewhere."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        handle = os.open(path, flags, 0o644)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise
        raise not_a_file(path) from None
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.close(handle)
        raise not_a_file(path)
    return os.fdopen(handle, "a", encoding="utf-8")


def hold(lock: Path) -> TextIO:
    """The lock of a folder, held until it is closed; UserError if another process holds it."""
    file = open_own(lock)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise UserError(
            f"another run is working in {lock.parent}", remedy="Wait for it, or give another hydra.run.dir."
        ) from None
    return file


def not_a_file(path: Path) -> UserError:
    return UserError(
        f"'{path}' is no plain file of this folder alone",
        expected="a file, no link and no pipe",
        remedy="Remove it, or give another hydra.run.dir.",
    )
