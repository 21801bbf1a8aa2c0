"""Downloads: of known files, checked by size and sha256, and of large ones; resumed after an interruption."""

import fcntl
import http.client
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.files import file_digest, write_json
from textzoo.common.progress import progress_bar
from textzoo.common.untrusted_json import read_json_object
from textzoo.text.corpora.registry import SHA256, KnownFile, LargeFile

ATTEMPTS = 3
TIMEOUT_SECONDS = 30
BLOCK_BYTES = 1 << 16
MAX_RECORD_BYTES = 1 << 16
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
    return size_of(path) == known.size_bytes and known.sha256 in ("", file_digest(path))


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
    last = "" if known.total_bytes is None else known.size_bytes - 1
    headers = {"Range": f"bytes={start}-{last}"} if start or known.total_bytes else {}
    request = urllib.request.Request(known.url, headers=headers)
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
    """Return the byte from which the server sends; raise UserError if it announces another size than is known."""
    content_range = response.headers.get("Content-Range", "")
    if response.status == http.client.PARTIAL_CONTENT:
        if content_range != f"bytes {start}-{known.size_bytes - 1}/{known.served_bytes}":
            raise known.failed(f"the range '{content_range}' of a file that should have {known.served_bytes:,} bytes")
        return start
    announced = response.headers.get("Content-Length")
    if announced is not None and announced != str(known.served_bytes):
        raise known.failed(f"{announced} bytes instead of {known.served_bytes:,}")
    return 0


def copy(response: Any, file: Any, limit: int, advance: Callable[..., None]) -> None:
    """Copy at most `limit` bytes: a server that sends more than it announced is cut off."""
    while limit and (block := response.read(min(BLOCK_BYTES, limit))):
        file.write(block)
        limit -= len(block)
        advance(len(block))
    file.flush()
    os.fsync(file.fileno())


@dataclass(frozen=True)
class Announced:
    """What a server says of a file before it is downloaded.

    Attributes:
        total_bytes: Its size.
        version: Its ETag, by which a file that has changed is noticed; "" without one.
        sha256: Hash of its content, where the Hugging Face hub names it; "" otherwise.
    """

    total_bytes: int
    version: str
    sha256: str


class RememberRedirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects, and keep what the hub says of the file with the first of them."""

    def __init__(self) -> None:
        self.linked = ""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        self.linked = self.linked or headers.get("X-Linked-Etag", "").strip('"')
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch_beginning(file: LargeFile, path: Path, size_bytes: int, sha256: str = "") -> Path:
    """Return `path` with the first bytes of a file of the web, downloading only what is missing.

    `path`.json has the sha256 of the first download, by which the file is checked from then on.

    Args:
        file: The file.
        path: Where it is kept.
        size_bytes: How much of it; all of a smaller one.
        sha256: Of that much, if the user knows it.

    Raises:
        UserError: As `fetch` does; or the content has another hash.
    """
    if is_kept(file, path, sha256):
        return path
    record, start = path.with_name(f"{path.name}.json"), path.with_name(f"{path.name}.start.json")
    announced = announced_by(file)
    size = min(size_bytes, announced.total_bytes)
    whole = size == announced.total_bytes
    expected = sha256 or (announced.sha256 if whole else "")
    path.parent.mkdir(parents=True, exist_ok=True)
    if read_record(start) != asdict(announced):  # a part of another version, or of nobody knows what
        path.with_name(f"{path.name}.part").unlink(missing_ok=True)
        write_json(start, asdict(announced))
    known = KnownFile(file.url, expected, size, file.remedy, None if whole else announced.total_bytes)
    path.unlink(missing_ok=True)  # is not what the record says
    fetch(known, path)
    write_json(record, {"url": file.url, "size_bytes": size, "sha256": file_digest(path)})
    start.unlink(missing_ok=True)
    return path


def is_kept(file: LargeFile, path: Path, sha256: str) -> bool:
    """Return whether the file is there, is the one of its record, and has the hash that is asked for."""
    record = read_record(path.with_name(f"{path.name}.json"))
    digest = record.get("sha256")
    if record.get("url") != file.url or size_of(path) != record.get("size_bytes") or sha256 not in ("", digest):
        return False
    return file_digest(path) == digest


def read_record(path: Path) -> dict[str, Any]:
    try:
        return read_json_object(path, MAX_RECORD_BYTES)
    except UserError:
        return {}


def announced_by(file: LargeFile) -> Announced:
    """Ask the server for the first byte of a file; return what it says of the file."""
    redirects = RememberRedirects()
    request = urllib.request.Request(file.url, headers={"Range": "bytes=0-0"})
    try:
        with urllib.request.build_opener(redirects).open(request, timeout=TIMEOUT_SECONDS) as answer:
            headers = answer.headers
    except NETWORK_ERRORS as error:
        raise failed(file, str(getattr(error, "reason", "") or error)) from None
    total = headers.get("Content-Range", "").rpartition("/")[2] or headers.get("Content-Length", "")
    if not total.isdigit() or not int(total):
        raise failed(file, "no size of the file")
    return Announced(
        int(total), headers.get("ETag", ""), redirects.linked if SHA256.fullmatch(redirects.linked) else ""
    )


def failed(file: LargeFile, received: str) -> UserError:
    return UserError(f"the download of {file.url} failed", received=received, remedy=file.remedy)
