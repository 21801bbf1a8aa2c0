"""Text that users or models wrote, in places with an alphabet of their own: terminals, Markdown, HTML.

Data (report.json, samples.txt) holds a text as it is. What people read, on a terminal or a page, shows it with visible
escapes, as Python writes them, for what would move the cursor, reorder the line or command the terminal, and for what
the terminal's encoding lacks.
"""

import html
import re
import sys

# What neither a terminal nor a page gets: first and last code point of each range. Newline and tab are no part of them.
HARMFUL = (
    (0x00, 0x08),  # BEL, backspace and others
    (0x0B, 0x0C),  # vertical tab, form feed
    (0x0E, 0x1F),  # ESC and others
    (0x7F, 0x9F),  # DEL, and the C1 controls, CSI and OSC among them
    (0x061C, 0x061C),  # marks, overrides and isolates of the writing direction
    (0x200E, 0x200F),
    (0x2028, 0x202E),  # and the separators of lines and paragraphs
    (0x2066, 0x206F),
    (0xD800, 0xDFFF),  # halves of surrogate pairs, which no encoding has
    (0xFEFF, 0xFEFF),  # what no font shows
    (0xFFF9, 0xFFFB),
    (0xE0000, 0xE007F),
)
CLASS = "".join(rf"\U{low:08x}-\U{high:08x}" for low, high in HARMFUL)
# A carriage return belongs to the newline behind it; alone, it writes over the line.
HARMFUL_CHARACTER = re.compile(rf"[{CLASS}]|\r(?!\n)")
LINE_BREAK = re.compile(r"\r\n|[\t\n\r]")
# What means something to Markdown; an underscore inside of a word does not, a colon only around an emoji's name.
MARKDOWN_CHARACTER = re.compile(r"[\\`*\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_])|:(?=[\w+-]+:)")
# What every font of a picture has; other characters would become empty boxes there.
FONT_ENCODING = "latin-1"
SURROGATE = re.compile("[\ud800-\udfff]")


def escape(character: str) -> str:
    r"""A character as Python writes it: \x1b, \u202e, \U000e0001."""
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def escape_match(match: re.Match[str]) -> str:
    return "".join(map(escape, match.group()))


def visible(text: str, encoding: str = "utf-8") -> str:
    """The text for a terminal of an encoding, or for a page.

    Equal to the text where nothing in it is harmful, or missing in the encoding.
    """
    harmless = HARMFUL_CHARACTER.sub(escape_match, text)
    return harmless.encode(encoding, "backslashreplace").decode(encoding)


def visible_line(text: str, encoding: str = "utf-8") -> str:
    r"""The same in one line: newlines and tabs are escaped too, as \n and \t."""
    names = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
    return visible(LINE_BREAK.sub(lambda match: "".join(names[sign] for sign in match.group()), text), encoding)


def without_surrogates(text: str) -> str:
    """The text with halves of surrogate pairs, which UTF-8 lacks, as escapes."""
    return SURROGATE.sub(escape_match, text)


def markdown_text(text: str) -> str:
    """The text in one line of Markdown, a cell of a table included, where nothing of it is markup."""
    return MARKDOWN_CHARACTER.sub(lambda match: f"&#{ord(match.group())};", visible_line(text))


def markdown_block(text: str) -> list[str]:
    """Lines of a code block that shows the text as a terminal would, whatever fences are in it."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, visible(text), fence]


def html_text(text: str) -> str:
    """The text for an HTML page, which then shows what a terminal would."""
    return html.escape(visible(text)).replace("\r", "&#13;")


def tolerate_missing_characters() -> None:
    """From now on standard output and error write escapes for what their encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
