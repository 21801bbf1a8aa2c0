"""Numbers of JSON in a range, as expressions over their decimal digits."""

from textzoo.grammars.expressions import (
    EMPTY,
    NOTHING,
    Expression,
    characters,
    choice,
    optional,
    repeat,
    sequence,
    text,
)

DIGIT = characters([(ord("0"), ord("9"))])
FIRST_DIGIT = characters([(ord("1"), ord("9"))])


def integers(low: int | None, high: int | None) -> Expression:
    """Return the decimal notation of the integers from low to high, without leading zeros and without -0."""
    parts = []
    if high is None or high >= 0:
        parts.append(from_zero(max(low or 0, 0), high))
    if low is None or low < 0:
        least = 1 if high is None or high >= -1 else -high
        parts.append(sequence([text("-"), from_zero(least, None if low is None else -low)]))
    return choice(parts)


def numbers() -> Expression:
    """Return decimal fractions of any length, without an exponent."""
    fraction = optional(sequence([text("."), repeat(DIGIT, 1, None)]))
    return sequence([optional(text("-")), from_zero(0, None), fraction])


def from_zero(low: int, high: int | None) -> Expression:
    """Return the integers from low (0 or more) to high."""
    length = len(str(low))
    if high is None:
        longer = sequence([FIRST_DIGIT, repeat(DIGIT, length, None)])
        return choice([of_one_length(str(low), "9" * length), longer])
    parts = []
    while low <= high:
        last = min(high, 10**length - 1)
        parts.append(of_one_length(str(low), str(last)))
        low, length = last + 1, length + 1
    return choice(parts)


def of_one_length(low: str, high: str) -> Expression:
    """Return the numbers from low to high, which have the same number of digits."""
    if low > high:
        return NOTHING
    if not low:
        return EMPTY
    first, last, rest = int(low[0]), int(high[0]), len(low) - 1
    if first == last:
        return sequence([text(low[0]), of_one_length(low[1:], high[1:])])
    between = digits(first + 1, last - 1)
    return choice(
        [
            sequence([text(low[0]), of_one_length(low[1:], "9" * rest)]),
            sequence([between, repeat(DIGIT, rest, rest)]),
            sequence([text(high[0]), of_one_length("0" * rest, high[1:])]),
        ]
    )


def digits(first: int, last: int) -> Expression:
    return characters([(ord("0") + first, ord("0") + last)] if first <= last else [])
