"""ZIP archives that nobody vouches for: their list of members is bounded before it is read."""

import contextlib
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

from textzoo.common.files import A_FILE, kind_of_place

# Far more than the handful of members takes that models and checkpoints have.
MAX_DIRECTORY_BYTES = 1 << 14
# Other ways of packing may ask for gigabytes before the first byte comes out.
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# The end of an archive: a record of 22 bytes and a comment of less than 64 KB, and for large ones two more before it.
END, END_BYTES, MAX_COMMENT = b"PK\5\6", 22, 1 << 16
LOCATOR_64, LOCATOR_BYTES, END_64_BYTES = b"PK\6\7", 20, 56


@contextlib.contextmanager
def open_archive(path: Path, expansion: float) -> Iterator[zipfile.ZipFile]:
    """An archive with few members, open for reading, which take at most `expansion` times its bytes.

    Raises:
        ValueError: It has more, or members that are packed in unusual ways; or it is a pipe, which would be waited for.
        OSError, zipfile.BadZipFile: It cannot be read.
    """
    kind = kind_of_place(path)
    if kind not in (None, A_FILE):
        raise ValueError(f"it is {kind}")
    if directory_bytes(path) > MAX_DIRECTORY_BYTES:
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
    """How long the list of members is, by the record at the archive's end."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - END_BYTES - MAX_COMMENT - LOCATOR_BYTES - END_64_BYTES))
        tail = file.read()
    place = tail.rfind(END)
    if place < 0 or place + END_BYTES > len(tail):
        raise zipfile.BadZipFile("File is not a zip file")
    locator = place - LOCATOR_BYTES
    if locator >= END_64_BYTES and tail[locator:place].startswith(LOCATOR_64):
        return int.from_bytes(tail[locator - END_64_BYTES :][40:48], "little")
    return int.from_bytes(tail[place:][12:16], "little")
