"""Untrusted ZIP archives: the size of the list of members is checked before it is read."""

import contextlib
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

from textzoo.common.files import A_FILE, kind_of_path

# Far more than models and checkpoints need, which have a handful of members.
MAX_DIRECTORY_BYTES = 1 << 14
# Other compression methods may allocate gigabytes before they return the first byte.
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# An archive ends with a record of 22 bytes and a comment of less than 64 KB; ZIP64 has two more records before it.
END, END_BYTES, MAX_COMMENT = b"PK\5\6", 22, 1 << 16
LOCATOR_64, LOCATOR_BYTES, END_64_BYTES = b"PK\6\7", 20, 56


@contextlib.contextmanager
def open_archive(path: Path, expansion: float, directory_limit: int = MAX_DIRECTORY_BYTES) -> Iterator[zipfile.ZipFile]:
    """Open an archive for reading that has few members, of together at most `expansion` times its bytes.

    Args:
        path: Of the archive.
        expansion: Bytes of all members over those of the archive.
        directory_limit: Bytes of the list of members.

    Raises:
        ValueError: It is larger, uses an unusual compression method, or is not a plain file (a pipe would block).
        OSError, zipfile.BadZipFile: It cannot be read.
    """
    kind = kind_of_path(path)
    if kind not in (None, A_FILE):
        raise ValueError(f"it is {kind}")
    if directory_bytes(path) > directory_limit:
        raise ValueError("the archive holds too many files")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        size = sum(member.file_size for member in members)
        if size > expansion * path.stat().st_size:
            raise ValueError(f"the archive expands to {size:,} bytes")
        if any(member.compress_type not in PACKINGS for member in members):
            raise ValueError("the archive is packed in an unusual way")
        yield archive


def directory_bytes(path: Path) -> int:
    """Return the size of the list of members in bytes, as the record at the archive's end gives it."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - END_BYTES - MAX_COMMENT - LOCATOR_BYTES - END_64_BYTES))
        tail = file.read()
    end = tail.rfind(END)
    if end < 0 or end + END_BYTES > len(tail):
        raise zipfile.BadZipFile("File is not a zip file")
    locator = end - LOCATOR_BYTES
    if locator >= END_64_BYTES and tail[locator:end].startswith(LOCATOR_64):
        return int.from_bytes(tail[locator - END_64_BYTES :][40:48], "little")
    return int.from_bytes(tail[end:][12:16], "little")
