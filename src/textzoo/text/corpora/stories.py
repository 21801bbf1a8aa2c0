"""The corpus tinystories: stories that are separated by <|endoftext|>, in printable ASCII."""

import hashlib
from pathlib import Path

from textzoo.common.errors import UserError
from textzoo.common.files import read_bytes
from textzoo.text.corpora.cleaning import fold_to_ascii, normalise_newlines
from textzoo.text.corpora.reading import MAX_TEXT_BYTES, Source, printable

MARK = b"<|endoftext|>"


def read_stories(paths: list[Path], *, is_beginning: bool) -> tuple[list[str], list[Source]]:
    """Return the stories of files, without the marks.

    Args:
        paths: Files of at most MAX_TEXT_BYTES.
        is_beginning: Whether the files end somewhere: a story that no mark ends is then left out.

    Raises:
        UserError: A file that cannot be read, or without a story.
    """
    stories, sources = [], []
    for path in paths:
        content = read_bytes(path, MAX_TEXT_BYTES)
        parts = content.split(MARK)
        found, report = folded(parts[:-1] if is_beginning else parts)
        if not found:
            raise UserError(f"'{path}' holds no story", expected=f"stories that end with {MARK.decode()}")
        stories += found
        digest = hashlib.sha256(content).hexdigest()
        sources.append(Source(printable(path), digest, len(content), sum(map(len, found)), len(found), report))
    return stories, sources


def folded(parts: list[bytes]) -> tuple[list[str], dict[str, int]]:
    """Return the stories that are not empty, and how often each character was replaced."""
    joined = MARK.join(parts).decode("utf-8", "replace")
    text, report = fold_to_ascii(normalise_newlines(joined))
    stories = (story.strip() for story in text.split(MARK.decode()))
    return [story for story in stories if story], report
