"""Files of the hub in a folder of this machine: whole, no larger than allowed, and with the hash that the hub names."""

import contextlib
import hashlib
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from textzoo.common.errors import UserError
from textzoo.common.files import atomic_path, file_digest, write_json
from textzoo.common.progress import progress_bar
from textzoo.common.untrusted_json import read_json_object
from textzoo.hub.client import TIMEOUT_SECONDS, TRIES, NotThereError, endpoint, hub_errors, library, token
from textzoo.hub.references import COMMIT, Reference

FOLDER = "hub"
NOTE_SUFFIX = ".hub.json"
MAX_NOTE_BYTES = 1 << 16
BLOCK_BYTES = 1 << 16
# Of a file in large file storage the hub names the sha256; of another one git's hash: sha1 of a header and the content.
SHA256, GIT_HASH = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")
REDIRECTED = (301, 302, 303, 307, 308)


class IncompleteError(Exception):
    """A transfer that ended before the file did."""


@dataclass(frozen=True)
class Described:
    """What the hub says of a file.

    Attributes:
        commit: Of the revision.
        size: In bytes.
        etag: sha256, or git's hash, of the content.
        location: Where the content is; "" for the address that was asked.
    """

    commit: str
    size: int
    etag: str
    location: str = ""


@dataclass(frozen=True)
class Fetched:
    """A file of the hub on this machine.

    Attributes:
        reference: With the commit and the sha256, so that the same content is found again.
        path: Here.
        asked: The reference as it was given.
    """

    reference: Reference
    path: Path
    asked: Reference


def fetch(reference: Reference, cache: Path, limit: int) -> Fetched:
    """Return a file of the hub, downloaded only if it is not in the cache.

    A file of a commit that is in the cache, unchanged, is taken from there without a network.

    Args:
        reference: The file.
        cache: Folder of downloads.
        limit: Its size in bytes, at the most.

    Raises:
        UserError: The hub refuses it or cannot be reached; another hash or size; a folder that cannot be written.
    """
    if reference.is_pinned and (found := cached(reference, reference.revision, cache)):
        return found
    what = f"{reference} cannot be loaded"
    with hub_errors(what):
        described = described_by_hub(reference, what)
    if described.size > limit:
        raise UserError(what, expected=f"at most {limit:,} bytes", received=f"{described.size:,}")
    if found := cached(reference, described.commit, cache):
        return found
    path = path_of(reference, described.commit, cache)
    try:
        with atomic_path(path) as temporary:
            transfer(reference, described, temporary, what)
            digest = checked_digest(temporary, reference, described, what)
        write_json(note_of(path), {"sha256": digest, **asdict(replace(described, location=""))})
    except OSError as error:
        remedy = "Set dataset.cache_dir to a folder that can be written."
        raise UserError(f"cannot write {path}", received=error.strerror or str(error), remedy=remedy) from error
    return fetched(reference, described.commit, digest, path)


def fetch_if_there(reference: Reference, cache: Path, limit: int) -> Fetched | None:
    """Return a file of the hub as `fetch` does; None where there is none, which is remembered of a commit."""
    note = note_of(path_of(reference, reference.revision, cache))
    if reference.is_pinned and noted(note).get("is_missing"):
        return None
    try:
        return fetch(reference, cache, limit)
    except NotThereError:
        if reference.is_pinned:
            with contextlib.suppress(OSError):
                write_json(note, {"is_missing": True})
        return None


def fetched(reference: Reference, commit: str, digest: str, path: Path) -> Fetched:
    return Fetched(replace(reference, revision=commit, sha256=digest), path, reference)


def path_of(reference: Reference, commit: str, cache: Path) -> Path:
    return cache / FOLDER / reference.repository.replace("/", "--") / commit / reference.path


def note_of(path: Path) -> Path:
    """Return the path of the note on a file in the cache: its hash, and what the hub said of it."""
    return path.with_name(f"{path.name}{NOTE_SUFFIX}")


def cached(reference: Reference, commit: str, cache: Path) -> Fetched | None:
    """Return a file of the cache whose content is what was downloaded and what is expected now; else None."""
    path = path_of(reference, commit, cache)
    digest = noted(note_of(path)).get("sha256")
    if not path.is_file() or file_digest(path) != digest or reference.sha256 not in ("", digest):
        return None
    return fetched(reference, commit, digest, path)


def noted(note: Path) -> dict[str, Any]:
    """Return what a note of the cache says; nothing if it is missing or damaged."""
    try:
        return read_json_object(note, MAX_NOTE_BYTES)
    except UserError:
        return {}


def described_by_hub(reference: Reference, what: str) -> Described:
    """Ask the hub for a file's commit, size and hash."""
    hub = library()
    url = f"{endpoint()}/{reference.repository}/resolve/{quote(reference.revision, safe='')}/{reference.path}"
    answer = hub.get_hf_file_metadata(url, token=token() or False, timeout=TIMEOUT_SECONDS, endpoint=endpoint())
    commit, etag = answer.commit_hash or "", answer.etag or ""
    if not COMMIT.fullmatch(commit) or (reference.is_pinned and commit != reference.revision):
        raise UserError(what, expected=f"a file of commit {reference.revision}", received=f"commit '{commit[:60]}'")
    if answer.size is None or answer.size < 0:
        raise UserError(f"{what}: the hub does not say its size")
    if not SHA256.fullmatch(etag) and not GIT_HASH.fullmatch(etag):
        raise UserError(f"{what}: the hub does not say its hash", received=f"ETag '{etag[:60]}'")
    check_address(answer.location, what)
    return Described(commit, answer.size, etag, answer.location)


def check_address(address: str, what: str) -> None:
    """Refuse an address that is less protected than the hub's own."""
    parts, own = urlsplit(address), urlsplit(endpoint())
    if parts.scheme != "https" and (parts.scheme, parts.hostname) != (own.scheme, own.hostname):
        raise UserError(f"{what}: the hub points to '{parts.scheme}://{parts.netloc}'", expected="https")


def transfer(reference: Reference, described: Described, path: Path, what: str) -> None:
    """Download into `path`, up to TRIES times where the line breaks."""
    name = f"downloading {reference.repository}/{reference.path}"
    for attempt in range(1, TRIES + 1):
        with hub_errors(what), progress_bar(name, described.size, unit="bytes") as advance:
            try:
                copy(described, path, advance, what)
            except IncompleteError as error:
                if attempt == TRIES:
                    raise UserError(what, received=str(error), remedy="Run the same command again.") from None
            else:
                return


def copy(described: Described, path: Path, advance: Any, what: str) -> None:
    """Write what the hub sends, which must be as long as it has said; nothing beyond that is read."""
    import httpx2

    client = library().utils.get_session()
    left = described.size
    try:
        with (
            client.stream(
                "GET", described.location, headers=headers_for(described.location), follow_redirects=False
            ) as response,
            path.open("wb") as file,
        ):
            if response.status_code in REDIRECTED:
                raise UserError(f"{what}: the hub leads from one address to the next")
            library().utils.hf_raise_for_status(response)
            for block in response.iter_raw(BLOCK_BYTES):
                left -= len(block)
                if left < 0:
                    raise UserError(f"{what}: more bytes come than the hub has said", expected=f"{described.size:,}")
                file.write(block)
                advance(len(block))
    except (httpx2.NetworkError, httpx2.RemoteProtocolError, httpx2.TimeoutException) as error:
        raise IncompleteError(f"a transfer that broke off {left:,} bytes early: {error}") from error
    if left:
        raise IncompleteError(f"a transfer that ended {left:,} bytes early")


def headers_for(address: str) -> dict[str, str]:
    """Return the headers of a download; the token is for the hub itself, not for the stores that it points to."""
    parts, own = urlsplit(address), urlsplit(endpoint())
    secret = token() if (parts.scheme, parts.netloc) == (own.scheme, own.netloc) else ""
    return {"Accept-Encoding": "identity", **({"authorization": f"Bearer {secret}"} if secret else {})}


def checked_digest(path: Path, reference: Reference, described: Described, what: str) -> str:
    """Return the sha256 of what was downloaded, after comparing it with the hub's hash and with the expected one."""
    digest = file_digest(path)
    found = digest if SHA256.fullmatch(described.etag) else git_hash(path)
    if found != described.etag:
        raise UserError(f"{what}: the content is not that of the hub", expected=described.etag, received=found)
    if reference.sha256 not in ("", digest):
        remedy = "Somebody has changed the file, or the hash is of another one: look before you take it."
        raise UserError(
            f"{what}: another content", expected=f"sha256 {reference.sha256}", received=digest, remedy=remedy
        )
    return digest


def git_hash(path: Path) -> str:
    """Return git's hash of a file's content, in hexadecimal."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def origin_text(found: Fetched) -> str:
    """Return where a file is from, in one line: repository, commit and hash, and what was asked for if it may move."""
    pinned = found.reference
    asked = "" if found.asked.is_pinned else f", which {found.asked.revision} is now"
    return f"{pinned.repository}, commit {pinned.revision}{asked}: {pinned.path}, sha256 {pinned.sha256}"
