"""Read text files from disk, with clear errors for files that are not UTF-8 text."""

import codecs
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from textzoo.common.errors import UserError
from textzoo.common.files import read_bytes
from textzoo.text.corpora.cleaning import normalise_newlines

# Corpora are held in memory while they are tokenized.
MAX_TEXT_BYTES = 1 << 30
# Compared without regard to case.
SUFFIX = ".txt"
# UTF-32 first: its little-endian byte-order mark begins with that of UTF-16.
FOREIGN_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32-LE",
    codecs.BOM_UTF32_BE: "UTF-32-BE",
    codecs.BOM_UTF16_LE: "UTF-16-LE",
    codecs.BOM_UTF16_BE: "UTF-16-BE",
}


@dataclass(frozen=True)
class Source:
    """Provenance of a part of a corpus.

    Attributes:
        location: Path as the user gave it, or the name of the origin.
        sha256: Hash of the original bytes, before normalisation.
        size_bytes: Number of those bytes.
        characters: Number of characters used.
        documents: Number of documents used.
        normalised: What was changed, and how often.
        licence: Of the part, where it is known; "" otherwise.
    """

    location: str
    sha256: str
    size_bytes: int
    characters: int
    documents: int = 1
    normalised: dict[str, int] = field(default_factory=dict)
    licence: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A file or subfolder of a folder of texts that is not read: its path in that folder, and the reason."""

    path: str
    reason: str


def as_paths(given: str | list[str]) -> list[Path]:
    return [Path(path) for path in ([given] if isinstance(given, str) else given)]


def text_files(given: list[Path]) -> list[Path]:
    """Return files, and the .txt files of folders and their subfolders.

    Files keep the given order; those of a folder are sorted by path. `left_out` lists the other files of folders.
    """
    if not given:
        raise UserError("no text was given", expected="a file, a list of files, or a folder of .txt")
    return [file for path in given for file in ([path] if not path.is_dir() else files_in_folder(path))]


def files_in_folder(folder: Path) -> list[Path]:
    reasons = look_through(folder)
    files = [path for path, reason in reasons.items() if not reason]
    if not files:
        told = counted([reason for reason in reasons.values() if reason])
        raise UserError(f"there is no .txt file in the folder {printable(folder)}", received=told)
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def left_out(given: list[Path]) -> list[LeftOut]:
    """Return the files of the given folders that are not read, with the reasons, sorted by path."""
    return [
        LeftOut(printable(path.relative_to(folder)), reason)
        for folder in given
        if folder.is_dir()
        for path, reason in sorted(look_through(folder).items())
        if reason
    ]


def look_through(folder: Path) -> dict[Path, str]:
    """Return every file of a folder and its subfolders -> why it is left out, "" for those that are read.

    A hidden or linked subfolder is one entry.

    Raises:
        UserError: A subfolder cannot be opened, so that its content is unknown.
    """
    reasons: dict[Path, str] = {}
    for parent, folders, files in os.walk(folder, onerror=refuse_folder):
        for name in folders[:]:
            path = Path(parent, name)
            if reason := "hidden" if name.startswith(".") else "a linked folder" if path.is_symlink() else "":
                folders.remove(name)
                reasons[path] = reason
        reasons |= {Path(parent, name): reason_to_leave_out(Path(parent, name)) for name in files}
    return reasons


def refuse_folder(error: OSError) -> NoReturn:
    raise UserError(
        f"cannot read the folder '{printable(Path(error.filename))}'",
        received=error.strerror or str(error),
        remedy="Correct its permissions, or move it away.",
    ) from error


def reason_to_leave_out(path: Path) -> str:
    """Return why a file of a folder is not read, "" if it is."""
    if path.name.startswith("."):
        return "hidden"
    if path.suffix.lower() != SUFFIX:
        return f"not a {SUFFIX} file"
    if path.is_symlink() and not path.exists():
        return "a broken link"
    if not path.is_file():
        return "not a plain file"
    return "" if path.stat().st_size else "empty"


def counted(reasons: list[str]) -> str:
    """Return how often each reason occurs: "2 not a .txt file, 1 hidden"."""
    return ", ".join(f"{reasons.count(reason)} {reason}" for reason in dict.fromkeys(reasons))


def read_text(path: Path) -> tuple[str, Source]:
    """Read a UTF-8 file, with or without byte-order mark, with universal newlines.

    CR LF and CR become LF, so that a corpus gives the same tokens on whichever system it was written.

    Raises:
        UserError: Missing, empty, too large, binary, or not UTF-8, with the offset of the first invalid byte.
    """
    content = read_bytes(path, MAX_TEXT_BYTES)
    text = decode_text(content, path)
    if not text or text.isspace():
        raise UserError(f"'{path}' is empty", expected="text", received=f"{len(content)} bytes")
    plain = normalise_newlines(text)
    changed = text.count("\r")
    source = Source(
        location=printable(path),
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        characters=len(plain),
        normalised={"CR LF or CR to LF": changed} if changed else {},
    )
    return plain, source


def joined_text(given: str | list[str]) -> str:
    """Return the text of files and folders, joined with line breaks; raise UserError as `read_text` does."""
    return "\n".join(read_text(file)[0] for file in text_files(as_paths(given)))


def printable(path: Path) -> str:
    """Return the path as valid Unicode; file names may contain invalid bytes."""
    return str(path).encode("utf-8", "replace").decode("utf-8")


def decode_text(content: bytes, path: Path) -> str:
    for mark, encoding in FOREIGN_MARKS.items():
        if content.startswith(mark):
            raise not_utf8(path, 0, content, f"{encoding} (its byte-order mark)", encoding)
    start = len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0
    zero = content.find(0)
    if zero >= 0:
        raise UserError(
            f"'{path}' is a binary file", expected="UTF-8 text", received=f"a zero byte at byte offset {zero}"
        )
    try:
        return content[start:].decode("utf-8")
    except UnicodeDecodeError as error:
        offset = start + error.start
        raise not_utf8(path, offset, content, error.reason, "ISO-8859-1") from None


def not_utf8(path: Path, offset: int, content: bytes, reason: str, guess: str) -> UserError:
    line = content.count(b"\n", 0, offset) + 1
    return UserError(
        f"'{path}' is not UTF-8",
        expected="UTF-8 text, with or without byte-order mark",
        received=f"byte 0x{content[offset]:02X} at byte offset {offset} (line {line}): {reason}",
        remedy=f"Convert it first, e.g. iconv -f {guess} -t UTF-8, with the encoding that it was written in.",
    )
