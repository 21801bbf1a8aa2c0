"""Downloads of known files: checked by size and sha256, resumed after an interruption."""

import fcntl
import http.client
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.files import file_digest
from textzoo.common.progress import progress_bar
from textzoo.text.corpora.registry import KnownFile

ATTEMPTS = 3
TIMEOUT_SECONDS = 30
BLOCK_BYTES = 1 << 16
NETWORK_ERRORS = (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError, urllib.error.URLError)


def fetch(known: KnownFile, path: Path) -> Path:
    """Return `path` with the known content, downloading only what is missing.

    An interrupted transfer leaves `path`.part, which the next one continues (HTTP range).
    Two processes may request the same file: the second one waits for the first.

    Raises:
        UserError: No network, an error of the server, a wrong size or content, or a folder that cannot be written.
    """
    if matches(known, path):  # checked first, because the folder may be read-only
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_name(f"{path.name}.lock")):
            if not matches(known, path):
                download(known, path)
    except OSError as error:
        remedy = f"Set dataset.cache_dir to a folder that can be written. {known.remedy}".strip()
        raise UserError(f"cannot write {path}", received=error.strerror or str(error), remedy=remedy) from error
    return path


def matches(known: KnownFile, path: Path) -> bool:
    return size_of(path) == known.size_bytes and file_digest(path) == known.sha256


def size_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def download(known: KnownFile, path: Path) -> None:
    """Download to `path`.part and rename; an interrupted transfer is continued up to ATTEMPTS times."""
    part = path.with_name(f"{path.name}.part")
    problem = ""
    for _ in range(ATTEMPTS):
        resumed = 0 < size_of(part) <= known.size_bytes
        if size_of(part) != known.size_bytes:
            problem = transfer(known, part, size_of(part) if resumed else 0)
        if matches(known, part):
            part.replace(path)
            return
        if size_of(part) == known.size_bytes:
            problem = f"a file with sha256 {file_digest(part)} instead of {known.sha256}"
            part.unlink()
            if not resumed:  # all bytes are from this transfer: the server has another file
                break
    raise known.failed(problem)


def transfer(known: KnownFile, part: Path, start: int) -> str:
    """Append what the server sends from byte `start` on; return why it ended early, or an empty string."""
    request = urllib.request.Request(known.url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            start = check_answer(known, response, start)
            with (
                part.open("r+b" if start else "wb") as file,
                progress_bar(f"downloading {part.stem}", known.size_bytes, unit="bytes", start=start) as advance,
            ):
                file.seek(start)
                copy(response, file, known.size_bytes - start, advance)
    except NETWORK_ERRORS as error:
        if isinstance(error, urllib.error.URLError):
            raise known.failed(str(error) if isinstance(error, urllib.error.HTTPError) else str(error.reason)) from None
        return str(error) or type(error).__name__
    missing = known.size_bytes - size_of(part)
    return f"a transfer that ended {missing:,} bytes early; run again to continue it" if missing else ""


def check_answer(known: KnownFile, response: Any, start: int) -> int:
    """Return the byte from which the server sends; raise UserError if it announces another size than the known one."""
    content_range = response.headers.get("Content-Range", "")
    if response.status == http.client.PARTIAL_CONTENT:
        if content_range != f"bytes {start}-{known.size_bytes - 1}/{known.size_bytes}":
            raise known.failed(f"the range '{content_range}' of a file that should have {known.size_bytes:,} bytes")
        return start
    announced = response.headers.get("Content-Length")
    if announced is not None and announced != str(known.size_bytes):
        raise known.failed(f"{announced} bytes instead of {known.size_bytes:,}")
    return 0


def copy(response: Any, file: Any, limit: int, advance: Callable[..., None]) -> None:
    """Copy at most `limit` bytes: a server that sends more than it announced is cut off."""
    while limit and (block := response.read(min(BLOCK_BYTES, limit))):
        file.write(block)
        limit -= len(block)
        advance(len(block))
    file.flush()
    os.fsync(file.fileno())
