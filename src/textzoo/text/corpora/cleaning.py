"""Text made uniform: newlines, Unicode forms, ASCII folding, documents and duplicates."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

# Separates documents wherever several of them stand in one text.
DOCUMENT_SEPARATOR = "\n\n"
UNICODE_FORMS = ("NFC", "NFD", "NFKC", "NFKD")
BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")

# What Unicode's own decomposition does not turn into ASCII, or not into what a reader expects.
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
    """Universal newlines: CR LF and a lone CR become LF; nothing else counts as a newline."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_plain(character: str) -> bool:
    """Whether a character is printable ASCII or a newline."""
    return character == "\n" or " " <= character <= "~"


def fold_character(character: str) -> str:
    """The ASCII text that stands for one character; empty where there is none."""
    if character in TYPOGRAPHY:
        return TYPOGRAPHY[character]
    if character.isspace():
        return " "
    return "".join(part for part in unicodedata.normalize("NFKD", character) if is_plain(part))


def fold_to_ascii(text: str) -> tuple[str, dict[str, int]]:
    """Replace everything but printable ASCII and newlines by what comes nearest, or drop it.

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
    """The documents of a text: its parts between blank lines (of nothing, or of spaces).

    A text that already has the separator's mark (the separator without whitespace around it) is divided there instead.
    Newlines before a document and whitespace behind it are left out, and so are documents of nothing else.
    """
    return list(iterate_documents(text, separator))


def iterate_documents(text: str, separator: str | None = None) -> Iterator[str]:
    """The same one by one, without a copy of the whole text."""
    mark = (separator or "").strip()
    boundary = re.compile(re.escape(mark)) if mark and mark in text else BLANK_LINES
    start = 0
    for match in boundary.finditer(text):
        yield from stripped_document(text[start : match.start()])
        start = match.end()
    yield from stripped_document(text[start:])


def stripped_document(part: str) -> list[str]:
    """The document, or nothing where there is none; blank lines at its beginning are no part of it."""
    document = BLANK_LINES.sub("", f"\n\n{part}", count=1).rstrip()
    return [document] if document else []


def join_documents(documents: list[str], separator: str | None = None) -> str:
    """One text of all documents.

    Args:
        documents: Texts; newlines at both ends are left out where several of them are joined.
        separator: Stands after every document, the last one included, so that each has its end. None for a blank line
            in between; a single document then stays as it is, to the last newline.
    """
    if separator is not None:
        return "".join(document.strip("\n") + separator for document in documents)
    if len(documents) == 1:
        return documents[0]
    return DOCUMENT_SEPARATOR.join(document.strip("\n") for document in documents)


def first_occurrences(documents: Iterable[str], seen: set[str] | None = None) -> list[str]:
    """The documents without exact repetitions (differences in whitespace do not count), in their order.

    Args:
        documents: Texts to look through.
        seen: What was met before, whitespace-normalised; new documents are added to it.
    """
    seen = set() if seen is None else seen
    kept = []
    for document in documents:
        key = " ".join(document.split())
        if key not in seen:
            seen.add(key)
            kept.append(document)
    return kept
