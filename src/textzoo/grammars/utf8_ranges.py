"""UTF-8 of ranges of characters, as sequences of ranges of bytes (RFC 3629)."""

from collections.abc import Iterator

LENGTHS = (0x7F, 0x7FF, 0xFFFF, 0x10FFFF)  # last code point with 1, 2, 3, 4 bytes
ByteRanges = list[tuple[int, int]]


def byte_ranges(first: int, last: int) -> Iterator[ByteRanges]:
    """Yield sequences of ranges of bytes that together are the UTF-8 of the code points first to last.

    Args:
        first: The first code point.
        last: The last one; there are no surrogates from the one to the other.
    """
    for end in LENGTHS:
        if first <= min(last, end):
            yield from of_one_length(first, min(last, end))
            first = end + 1


def of_one_length(first: int, last: int) -> Iterator[ByteRanges]:
    """Split a range so that, in each part, bytes behind a byte that varies take all values 0x80 to 0xBF."""
    for bits in (18, 12, 6):
        block = (1 << bits) - 1
        if first & ~block != last & ~block:
            if first & block:
                yield from of_one_length(first, first | block)
                yield from of_one_length((first | block) + 1, last)
                return
            if last & block != block:
                yield from of_one_length(first, (last & ~block) - 1)
                yield from of_one_length(last & ~block, last)
                return
    yield list(zip(chr(first).encode(), chr(last).encode(), strict=True))
