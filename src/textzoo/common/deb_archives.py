"""Untrusted Debian packages: files of a .deb, read one by one within limits, without writing any of them.

A .deb is an `ar` archive of three members, of which data.tar.* holds the files (deb(5)).
"""

import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

MAGIC = b"!<arch>\n"
HEADER_BYTES = 60
OPENERS: dict[str, Callable[[Any], IO[bytes]]] = {
    "data.tar.xz": lzma.LZMAFile,
    "data.tar.gz": lambda file: gzip.GzipFile(fileobj=file),
    "data.tar": lambda file: file,
}
# A header of a tar archive may announce a name of any length.
MAX_MEMBERS = 100_000
BLOCK_BYTES = 1 << 16


class Section:
    """The next `size` bytes of a file, as a file of its own."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file, self.left = file, size

    def read(self, size: int = -1) -> bytes:
        content = self.file.read(self.left if size < 0 else min(size, self.left))
        self.left -= len(content)
        return content


class Limited:
    """A file that ends with ValueError after `limit` bytes: what unpacks to more is refused before it is unpacked."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self.file, self.left = file, limit

    def read(self, size: int) -> bytes:
        if size > self.left:
            size = self.left + 1
        content = self.file.read(size)
        self.left -= len(content)
        if self.left < 0:
            raise ValueError("the archive unpacks to more than it may")
        return content


def files_of_deb(path: Path, is_wanted: Callable[[str], bool], limit: int) -> Iterator[tuple[str, bytes]]:
    """Yield the name, from the root and without a slash before it, and content of the plain files that are wanted.

    Args:
        path: The .deb.
        is_wanted: Takes a name.
        limit: Bytes of the whole unpacked archive.

    Raises:
        ValueError: It is no .deb, is packed in a way that is not known, or is too large.
        OSError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            name, size = data_member(file)
            stream = Limited(OPENERS[name](Section(file, size)), limit)
            with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]
                for number, member in enumerate(archive):
                    if number >= MAX_MEMBERS:
                        raise ValueError("the archive holds too many files")
                    name = member.name.removeprefix("./")
                    if member.isreg() and is_wanted(name) and (content := archive.extractfile(member)):
                        yield name, content.read()
            while stream.read(BLOCK_BYTES):  # to the check sum at its end
                pass
    except (tarfile.TarError, lzma.LZMAError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"the archive is damaged: {error}") from error


def data_member(file: IO[bytes]) -> tuple[str, int]:
    """Move to the content of data.tar.* and return that member's name, a key of OPENERS, and its size."""
    if file.read(len(MAGIC)) != MAGIC:
        raise ValueError("not a Debian package")
    while header := file.read(HEADER_BYTES):
        name, size = header[:16].decode("ascii", "replace").strip().rstrip("/"), header[48:58].strip()
        if not size.isdigit():
            raise ValueError(f"the size of its member {name!a} is missing")
        if name in OPENERS:
            return name, int(size)
        if name.startswith("data.tar"):
            raise ValueError(f"its member {name!a} is packed in a way that is not known: xz and gzip are")
        file.seek(int(size) + int(size) % 2, 1)
    raise ValueError("the Debian package holds no files")
