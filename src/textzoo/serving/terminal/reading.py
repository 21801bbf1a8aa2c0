"""What is typed or sent: messages of one line, and of several between two fences of three quotation marks."""

import codecs
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

from textzoo.common.errors import UserError
from textzoo.common.files import read_bytes

PROMPT = "> "
FENCE = '"""'
MAX_LINE_BYTES = 1 << 20
MAX_FILE_BYTES = 1 << 20


class Reader(Protocol):
    """Where messages and commands come from."""

    def read(self) -> str:
        """Return the next text; raise EOFError at the end, UserError for one that cannot be read."""


class LineReader:
    """Lines of a pipe, a file, or a terminal without an editor.

    Args:
        file: Bytes; by default the standard input. Invalid UTF-8 becomes lone surrogates, which no vocabulary has.
        ask: Called before each text.
    """

    def __init__(self, file: BinaryIO | None = None, ask: Callable[[], None] = lambda: None) -> None:
        self.file = file or (sys.stdin.buffer if sys.stdin else io.BytesIO())  # closed: there is nothing to read
        self.ask = ask
        self.is_first = True

    def read(self) -> str:
        self.ask()
        text = self.line()
        if not text.startswith(FENCE):
            return text
        lines = [text]
        while is_open("\n".join(lines)):
            try:
                lines.append(self.line())
            except EOFError:
                break
        return without_fences("\n".join(lines))

    def line(self) -> str:
        """Return a line without its end; raise UserError if it is too long, after its end was read."""
        content = self.file.readline(MAX_LINE_BYTES)
        if not content:
            raise EOFError
        if len(content) == MAX_LINE_BYTES and not content.endswith(b"\n"):
            while (rest := self.file.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            raise UserError("a line is too long", expected=f"less than {MAX_LINE_BYTES:,} bytes")
        if self.is_first:  # some editors begin a file with a mark
            self.is_first, content = False, content.removeprefix(codecs.BOM_UTF8)
        return content.decode("utf-8", "surrogateescape").removesuffix("\n").removesuffix("\r")


def text_of_file(path: Path) -> str:
    """Return the text of a file without the newlines at its end; raise UserError if it is none, or too long."""
    try:
        return read_bytes(path, MAX_FILE_BYTES).decode("utf-8-sig").rstrip("\n")
    except UnicodeDecodeError as error:
        raise UserError(f"'{path}' is not a text", expected="UTF-8", received=str(error)) from None


def is_open(text: str) -> bool:
    """Return whether a text begins with a fence and has no closing one at its end yet."""
    if not text.startswith(FENCE):
        return False
    rest = text[len(FENCE) :].rstrip()
    return not rest.endswith(FENCE)


def without_fences(text: str) -> str:
    """Return the text between fences, as a message even if it begins with a slash; a text without fences unchanged."""
    if not text.startswith(FENCE):
        return text
    inner = text[len(FENCE) :].rstrip().removesuffix(FENCE).strip("\n")
    return f"/{inner}" if inner.startswith("/") else inner
