"""Names and texts of users in the alphabets of MLflow: nothing is refused, and two names stay two names."""

import hashlib
import re
from typing import Any

# What MLflow takes in the names of metrics, params and artifacts. It also takes the colon, which begins and ends an
# escaped character here and is therefore escaped itself: "decode (1)" becomes "decode :28:1:29:".
PLAIN = re.compile(r"[\w.\- ]")
# An empty part of a path; no escape looks like it, for they have digits between their colons.
EMPTY_PART = ":"
NAME_LENGTH = 250
PART_BYTES = 200  # of a file's name, which file systems bound by 255 bytes
DIGEST_LENGTH = 16
# Half of a UTF-16 pair: how Python shows bytes of a path that are not UTF-8. No store takes it, and PostgreSQL no NUL.
NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def safe_name(name: str) -> str:
    """A metric's, param's or tag's name, or an artifact's path, as MLflow takes it: at most 250 characters.

    Injective up to its length; longer names end in a digest of the whole.
    """
    parts = [safe_part(part) for part in name.split("/")]
    return shortened("/".join(parts), name, NAME_LENGTH)


def safe_part(part: str) -> str:
    """One part of a path, at most 200 bytes in UTF-8."""
    text = "".join(letter if PLAIN.fullmatch(letter) else f":{ord(letter):x}:" for letter in part)
    if text == "." or text.startswith(".."):  # another place; MLflow refuses all names with two dots in front
        text = f":{ord('.'):x}:{text[1:]}"
    text = text or EMPTY_PART
    while len(text.encode()) > PART_BYTES:
        text = shortened(text, part, len(text) - max(1, (len(text.encode()) - PART_BYTES) // 4))
    return text


def shortened(text: str, origin: str, length: int) -> str:
    """The text, its end replaced by a digest of what it stands for if it is longer than `length`."""
    if len(text) <= length:
        return text
    digest = hashlib.sha256(origin.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_LENGTH]
    return f"{text[: length - DIGEST_LENGTH - 1]}:{digest}"


def safe_text(value: Any, length: int) -> str:
    r"""A value as text that every store takes: bytes that are not UTF-8 as \xe9, NUL as \x00; cut at `length`."""
    return NOT_STORABLE.sub(escaped, str(value))[:length]


def escaped(match: re.Match) -> str:
    code = ord(match.group())
    return f"\\x{code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code:02x}"


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dicts as dotted names."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat.update(flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value})
    return flat
