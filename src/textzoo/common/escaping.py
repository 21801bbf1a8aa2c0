"""Escaping of text from users and models for terminals, Markdown and HTML.

Data files (report.json, samples.txt) hold a text unchanged. Terminals and pages show it with visible escapes, as Python
writes them, for characters that would move the cursor, reorder the line or control the terminal, and for characters
that the terminal's encoding lacks.
"""

import html
import re
import sys

# Characters that are always escaped: first and last code point of each range. Newline and tab are not among them.
HARMFUL = (
    (0x00, 0x08),  # BEL, backspace and others
    (0x0B, 0x0C),  # vertical tab, form feed
    (0x0E, 0x1F),  # ESC and others
    (0x7F, 0x9F),  # DEL, and the C1 controls, CSI and OSC among them
    (0x061C, 0x061C),  # this and the next three: bidirectional marks, overrides and isolates
    (0x200E, 0x200F),
    (0x2028, 0x202E),  # and the line and paragraph separators
    (0x2066, 0x206F),
    (0xD800, 0xDFFF),  # surrogates, which no encoding has
    (0xFEFF, 0xFEFF),  # this and the next two: invisible in every font
    (0xFFF9, 0xFFFB),
    (0xE0000, 0xE007F),
)
CLASS = "".join(rf"\U{low:08x}-\U{high:08x}" for low, high in HARMFUL)
# A carriage return before a newline is part of a line ending; alone, it would overwrite the line.
HARMFUL_CHARACTER = re.compile(rf"[{CLASS}]|\r(?!\n)")
LINE_BREAK = re.compile(r"\r\n|[\t\n\r]")
# Markdown's special characters; not an underscore inside a word, a colon only around an emoji's name.
MARKDOWN_CHARACTER = re.compile(r"[\\`*\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_])|:(?=[\w+-]+:)")
# The characters that every font of a figure has; others would become empty boxes.
FONT_ENCODING = "latin-1"
SURROGATE = re.compile("[\ud800-\udfff]")


def escape(character: str) -> str:
    r"""Return a character as Python escapes it: \x1b, \u202e, \U000e0001."""
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def escape_match(match: re.Match[str]) -> str:
    return "".join(map(escape, match.group()))


def visible(text: str, encoding: str = "utf-8") -> str:
    """Return the text for a terminal with this encoding, or for a page, with escapes where necessary.

    A text without control characters that the encoding can represent is returned unchanged.
    """
    harmless = HARMFUL_CHARACTER.sub(escape_match, text)
    return harmless.encode(encoding, "backslashreplace").decode(encoding)


def visible_line(text: str, encoding: str = "utf-8") -> str:
    r"""Return the same as `visible` in one line: newlines and tabs are escaped too, as \n and \t."""
    names = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
    return visible(LINE_BREAK.sub(lambda match: "".join(names[sign] for sign in match.group()), text), encoding)


def without_surrogates(text: str) -> str:
    """Return the text with surrogates, which UTF-8 cannot represent, as escapes."""
    return SURROGATE.sub(escape_match, text)


def markdown_text(text: str) -> str:
    """Return the text as one line of Markdown, e.g. a table's cell, with all markup escaped."""
    return MARKDOWN_CHARACTER.sub(lambda match: f"&#{ord(match.group())};", visible_line(text))


def markdown_block(text: str) -> list[str]:
    """Return the lines of a code block that shows the text as a terminal would, even if it contains fences."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, visible(text), fence]


def html_text(text: str) -> str:
    """Return the text for an HTML page, which then shows what a terminal would."""
    return html.escape(visible(text)).replace("\r", "&#13;")


def tolerate_missing_characters() -> None:
    """Make standard output and error write escapes for characters that their encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
