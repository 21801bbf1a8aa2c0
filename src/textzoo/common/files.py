"""Atomic writes, bounded reads, and content hashes of files."""

import contextlib
import hashlib
import json
import math
import os
import shlex
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError

READ_SIZE = 1 << 20
# The topmost folders that this process created with `make_folder`.
MADE: set[Path] = set()


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, with its suffix; it replaces `path` on success and is removed otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    r"""Write a text file atomically, in UTF-8 with plain newlines.

    Surrogates, which UTF-8 cannot represent, become escapes (\ud800); in JSON that is exact.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a binary file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, values: Any) -> None:
    """Write JSON atomically; NaN and infinity, which JSON lacks, become the strings "nan", "inf" and "-inf"."""
    write_text(path, json.dumps(in_json(values), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def in_json(value: Any) -> Any:
    """Return nested values with NaN and infinity replaced by strings."""
    if isinstance(value, dict):
        return {key: in_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [in_json(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def file_digest(path: Path) -> str:
    """Return the sha256 of a file's content, as hexadecimal text."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(READ_SIZE):
            digest.update(block)
    return digest.hexdigest()


def value_digest(value: Any) -> str:
    """Return the sha256 of a JSON-serializable value, the same for equal values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def user_path(text: str) -> Path:
    """Return the path that a user has written, with ~ as the home folder; ~name stays if there is no such user."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 (Path.expanduser fails where there is no such home)


def shown_path(path: Path) -> str:
    """Return a path as users write it: relative to the current folder if it is inside it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def shown_setting(key: str, path: Path) -> str:
    """Return `key=path`, quoted for a shell, to be appended to a command."""
    return shlex.quote(f"{key}={shown_path(path)}")


A_FILE, A_FOLDER = "a file", "a folder"
# Types of files, in words.
KINDS = {
    stat.S_IFREG: A_FILE,
    stat.S_IFDIR: A_FOLDER,
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def kind_of_path(path: Path) -> str | None:
    """Return the type of what is at a path, links followed, in words; None for nothing.

    The path is not opened: opening a pipe may block forever.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a zero byte or a surrogate in the path
        return None
    except OSError as error:
        return f"not accessible ({error.strerror})"
    return KINDS.get(stat.S_IFMT(mode), "not a plain file")


def require_file(path: Path, what: str = "file") -> None:
    """Raise UserError, which says what is there instead, unless the path is a plain file; nothing is opened."""
    kind = kind_of_path(path)
    if kind is None:
        raise UserError(f"there is no {what} '{path}'", remedy="Check the path.")
    if kind != A_FILE:
        raise UserError(f"'{path}' is {kind}", expected=f"a {what}", remedy="Check the path.")


def make_folder(path: Path) -> None:
    """Create a folder and its missing parents, and note them for `remove_unused`."""
    missing = [folder for folder in (path.absolute(), *path.absolute().parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    MADE.update(missing[-1:])


def remove_unused(folder: Path, expendable: Collection[str]) -> None:
    """Remove a folder that this process created if it holds only expendable files, and its parents if empty then.

    Args:
        folder: It is kept if it existed before this process, or holds anything else.
        expendable: Names of files and folders in it.
    """
    folders = [folder.absolute(), *folder.absolute().parents]
    made = next((index for index, found in enumerate(folders) if found in MADE), None)
    if made is None or not folder.is_dir() or {path.name for path in folder.iterdir()} - {*expendable}:
        return
    shutil.rmtree(folder)
    with contextlib.suppress(OSError):  # not empty: it holds another run
        for above in folders[1 : made + 1]:
            above.rmdir()


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the content of a file of at most `limit` bytes; raise UserError if it is larger or cannot be read.

    A file that reports size 0 is not opened: files of /proc do, and reading some of them never ends.
    """
    require_file(path)
    try:
        size = path.stat().st_size
        if not size:
            return b""
        if size > limit:
            raise UserError(f"'{path}' is too large", expected=f"at most {limit:,} bytes", received=f"{size:,}")
        with path.open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise UserError(f"cannot read '{path}'", received=error.strerror or str(error)) from error
