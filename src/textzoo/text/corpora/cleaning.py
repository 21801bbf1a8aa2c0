"""Normalisation of text: newlines, Unicode forms, ASCII folding, documents and duplicates."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

# Separates the documents of a text.
DOCUMENT_SEPARATOR = "\n\n"
UNICODE_FORMS = ("NFC", "NFD", "NFKC", "NFKD")
BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")

# Characters that Unicode's decomposition does not turn into ASCII, or not into what a reader expects.
TYPOGRAPHY = {
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{SINGLE LOW-9 QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{DOUBLE LOW-9 QUOTATION MARK}": '"',
    "\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}": '"',
    "\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}": '"',
    "\N{HYPHEN}": "-",
    "\N{NON-BREAKING HYPHEN}": "-",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "--",
    "\N{MINUS SIGN}": "-",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{BULLET}": "*",
    "\N{LATIN SMALL LETTER SHARP S}": "ss",
    "\N{LATIN SMALL LETTER AE}": "ae",
    "\N{LATIN CAPITAL LETTER AE}": "AE",
    "\N{LATIN SMALL LETTER O WITH STROKE}": "o",
    "\N{LATIN CAPITAL LETTER O WITH STROKE}": "O",
}


def normalise_newlines(text: str) -> str:
    """Replace CR LF and a lone CR by LF (universal newlines)."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_plain(character: str) -> bool:
    """Return whether a character is printable ASCII or a newline."""
    return character == "\n" or " " <= character <= "~"


def fold_character(character: str) -> str:
    """Return the ASCII text that replaces one character; empty if there is none."""
    if character in TYPOGRAPHY:
        return TYPOGRAPHY[character]
    if character.isspace():
        return " "
    return "".join(part for part in unicodedata.normalize("NFKD", character) if is_plain(part))


def fold_to_ascii(text: str) -> tuple[str, dict[str, int]]:
    """Replace every character other than printable ASCII and newlines by its nearest ASCII text, or drop it.

    Returns:
        The folded text, and how often each character was replaced: {"U+2019 to '": 275, "U+00B0 dropped": 1}.
    """
    counts = {character: count for character, count in Counter(text).items() if not is_plain(character)}
    table = {character: fold_character(character) for character in sorted(counts)}
    report = {
        f"U+{ord(character):04X} {f'to {folded}' if folded else 'dropped'}": counts[character]
        for character, folded in table.items()
    }
    return text.translate(str.maketrans(table)), report


def split_documents(text: str, separator: str | None = None) -> list[str]:
    """Return the documents of a text: its parts between blank lines (empty, or of spaces only).

    A text that already contains the separator (without the whitespace around it) is split there instead. Newlines
    before a document and whitespace after it are removed, and so are documents that consist of nothing else.
    """
    return list(iterate_documents(text, separator))


def iterate_documents(text: str, separator: str | None = None) -> Iterator[str]:
    """Yield what `split_documents` returns, without a copy of the whole text."""
    mark = (separator or "").strip()
    boundary = re.compile(re.escape(mark)) if mark and mark in text else BLANK_LINES
    start = 0
    for match in boundary.finditer(text):
        yield from stripped_document(text[start : match.start()])
        start = match.end()
    yield from stripped_document(text[start:])


def stripped_document(part: str) -> list[str]:
    """Return a list of the document without blank lines at its beginning; an empty list if there is none."""
    document = BLANK_LINES.sub("", f"\n\n{part}", count=1).rstrip()
    return [document] if document else []


def join_documents(documents: list[str], separator: str | None = None) -> str:
    """Join documents to one text.

    Args:
        documents: Texts; newlines at both ends are removed if several are joined.
        separator: Text after every document, the last one included. None for a blank line between documents; a single
            document is then returned unchanged.
    """
    if separator is not None:
        return "".join(document.strip("\n") + separator for document in documents)
    if len(documents) == 1:
        return documents[0]
    return DOCUMENT_SEPARATOR.join(document.strip("\n") for document in documents)


def first_occurrences(documents: Iterable[str], seen: set[str] | None = None) -> list[str]:
    """Return the documents without exact repetitions (ignoring differences in whitespace), in their order.

    Args:
        documents: Texts to compare.
        seen: Earlier documents, whitespace-normalised; new documents are added to it.
    """
    seen = set() if seen is None else seen
    kept = []
    for document in documents:
        key = " ".join(document.split())
        if key not in seen:
            seen.add(key)
            kept.append(document)
    return kept
