"""Pre-tokenization: text is cut into words, digits, marks and blanks, which joined again are the text.

The kinds `word` and `bpe` share one rule, small enough to be implemented identically in C
(deployment/application/pieces.c): character classes are a few ranges, not the tables of Unicode. A piece is the longest
of

* letters, at most MAX_WORD; or one digit; or marks, at most `longest_run`; each with one space before it, if there is
  one, so that spaces between words need no token, and the text of a token never depends on the token before it;
* blanks (spaces, newlines, controls), at most `longest_run`, without a space that belongs to the next piece.
"""

import re
from collections.abc import Iterator
from functools import cache

MAX_WORD = 16
# Long texts are encoded in parts of about so many characters, to bound the memory that this takes.
PART = 1 << 20
# A space and the longest word with four bytes of UTF-8 per letter: the size of C's buffer for a piece.
MAX_PIECE_BYTES = 1 + 4 * MAX_WORD
BLANKS = ((0x00, 0x20), (0x7F, 0x7F))
DIGITS = ((0x30, 0x39),)
# Punctuation of ASCII and Latin-1, and blocks of symbols; all other characters are letters.
MARKS = (
    *((0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)),
    *((0x80, 0xBF), (0xD7, 0xD7), (0xF7, 0xF7)),
    *((0x2000, 0x2BFF), (0x3000, 0x303F), (0xD800, 0xDFFF), (0xFFF0, 0xFFFF), (0x1F000, 0x1FFFF)),
)


def cut(text: str, longest_run: int) -> Iterator[str]:
    """Yield the pieces of a text, in order.

    Args:
        text: Any text, lone surrogates (marks) included.
        longest_run: Maximum number of marks, or blanks, in one piece; 1 to 16.
    """
    return (match.group() for match in piece_pattern(longest_run).finditer(text))


def whole_parts(text: str) -> Iterator[str]:
    """Yield parts of a text whose pieces, one part after the other, are those of the text.

    A part ends before a blank that follows another character: there every piece ends, because of its characters only
    a space at its beginning may be a blank, unless all are. Where there is no such place, a part is as long as it must
    be; otherwise it has PART characters or a few more.
    """
    start = 0
    while start < len(text):
        found = end_of_word().search(text, start + PART - 1)
        end = found.end() if found else len(text)
        yield text[start:end]
        start = end


def equal_parts(text: str) -> Iterator[str]:
    """Yield a text in parts of PART characters, for tokenizers that encode each character by itself."""
    return (text[start : start + PART] for start in range(0, len(text), PART))


@cache
def end_of_word() -> re.Pattern[str]:
    """Return the pattern of a character that is no blank, and is followed by one."""
    blanks = character_ranges(BLANKS)
    return re.compile(rf"[^{blanks}](?=[{blanks}])")


@cache
def piece_pattern(longest_run: int) -> re.Pattern[str]:
    """Return the pattern of one piece; it matches at every position of every text."""
    blanks, digits, marks = (character_ranges(ranges) for ranges in (BLANKS, DIGITS, MARKS))
    words = rf" ?(?:[^{blanks}{digits}{marks}]{{1,{MAX_WORD}}}|[{digits}]|[{marks}]{{1,{longest_run}}})"
    return re.compile(rf"{words}|[{blanks}](?:(?! [^{blanks}])[{blanks}]){{0,{longest_run - 1}}}")


def character_ranges(ranges: tuple[tuple[int, int], ...]) -> str:
    r"""Return the inside of a character class: [0-9] -> \U00000030-\U00000039."""
    return "".join(rf"\U{low:08x}-\U{high:08x}" for low, high in ranges)


def is_piece(text: str, longest_run: int) -> bool:
    """Return whether a text is one piece; otherwise `cut` never yields it."""
    return next(cut(text, longest_run), None) == text
