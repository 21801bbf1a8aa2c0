"""Lock files of run folders, which must not be links to files elsewhere."""

import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import TextIO

from textzoo.common.errors import UserError


def open_own(path: Path) -> TextIO:
    """Open a text file for appending; raise UserError if the path is a link, a hard link or a pipe."""
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
    """Take the lock of a folder, held until the file is closed; raise UserError if another process holds it."""
    file = open_own(lock)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise UserError(
            f"another run is working in {lock.parent}", remedy="Wait for it, or set another hydra.run.dir."
        ) from None
    return file


def not_a_file(path: Path) -> UserError:
    return UserError(
        f"'{path}' is not a plain file of this folder",
        expected="a file, not a link or a pipe",
        remedy="Remove it, or set another hydra.run.dir.",
    )
