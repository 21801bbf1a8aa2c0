"""Text files from disk, with clear words for everything that is not UTF-8 text."""

import codecs
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from textzoo.common.errors import UserError
from textzoo.common.files import read_bytes
from textzoo.text.corpora.cleaning import normalise_newlines

# Corpora are held in memory while they are turned into tokens.
MAX_TEXT_BYTES = 1 << 30
# In small or capital letters.
SUFFIX = ".txt"
# UTF-32 first: its little-endian mark begins with that of UTF-16.
FOREIGN_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32-LE",
    codecs.BOM_UTF32_BE: "UTF-32-BE",
    codecs.BOM_UTF16_LE: "UTF-16-LE",
    codecs.BOM_UTF16_BE: "UTF-16-BE",
}


@dataclass(frozen=True)
class Source:
    """Where a part of a corpus comes from, for the record.

    Attributes:
        location: Path as the user gave it, or the name of the origin.
        sha256: Of the bytes as found, before anything was normalised.
        size_bytes: Number of those bytes.
        characters: Number of characters taken over.
        documents: Number of documents taken over.
        normalised: What was changed, and how often.
    """

    location: str
    sha256: str
    size_bytes: int
    characters: int
    documents: int = 1
    normalised: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class LeftOut:
    """A file or subfolder of a folder of texts that is not read: its path in that folder, and why."""

    path: str
    reason: str


def as_paths(given: str | list[str]) -> list[Path]:
    return [Path(path) for path in ([given] if isinstance(given, str) else given)]


def text_files(given: list[Path]) -> list[Path]:
    """The files meant by files and folders: a folder stands for its .txt files, those in subfolders included.

    Files keep the given order; those of a folder are sorted by path. `left_out` tells what else lies there.
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
    """What lies in the folders given and is not read, with the reason, sorted by path."""
    return [
        LeftOut(printable(path.relative_to(folder)), reason)
        for folder in given
        if folder.is_dir()
        for path, reason in sorted(look_through(folder).items())
        if reason
    ]


def look_through(folder: Path) -> dict[Path, str]:
    """Every file of a folder, those in subfolders included -> why it is left out, "" for those that are read.

    A hidden or linked subfolder is one entry.

    Raises:
        UserError: A subfolder that may not be opened: what it holds cannot even be told.
    """
    reasons: dict[Path, str] = {}
    for place, folders, files in os.walk(folder, onerror=refuse_folder):
        for name in folders[:]:
            path = Path(place, name)
            if reason := "hidden" if name.startswith(".") else "a linked folder" if path.is_symlink() else "":
                folders.remove(name)
                reasons[path] = reason
        reasons |= {Path(place, name): reason_to_leave_out(Path(place, name)) for name in files}
    return reasons


def refuse_folder(error: OSError) -> NoReturn:
    raise UserError(
        f"cannot read the folder '{printable(Path(error.filename))}'",
        received=error.strerror or str(error),
        remedy="Mend its permissions, or move it away.",
    ) from error


def reason_to_leave_out(path: Path) -> str:
    """Why a file of a folder is not read, "" if it is."""
    if path.name.startswith("."):
        return "hidden"
    if path.suffix.lower() != SUFFIX:
        return f"no {SUFFIX} file"
    if path.is_symlink() and not path.exists():
        return "a link to nothing"
    if not path.is_file():
        return "no plain file"
    return "" if path.stat().st_size else "empty"


def counted(reasons: list[str]) -> str:
    """How often each reason occurs: "2 no .txt file, 1 hidden"."""
    return ", ".join(f"{reasons.count(reason)} {reason}" for reason in dict.fromkeys(reasons))


def read_text(path: Path) -> tuple[str, Source]:
    """Read a UTF-8 file, with or without byte-order mark, with universal newlines.

    CR LF and CR become LF, so that a corpus gives the same tokens whichever system it was written on.

    Raises:
        UserError: Missing, empty, too large, binary, or not UTF-8; the last with the offset of the first wrong byte.
    """
    content = read_bytes(path, MAX_TEXT_BYTES)
    text = decode_text(content, path)
    if not text.strip():
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
    """The text of files and folders, a line break between two files; UserError as of `read_text`."""
    return "\n".join(read_text(file)[0] for file in text_files(as_paths(given)))


def printable(path: Path) -> str:
    """The path as valid Unicode: file names may hold bytes that are not."""
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
