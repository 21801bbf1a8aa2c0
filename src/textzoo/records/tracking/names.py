"""Convert names and texts of users to those that MLflow accepts; different names stay different."""

import hashlib
import re
from typing import Any

# Characters that MLflow accepts in names of metrics, params and artifacts. It also accepts the colon, which encloses an
# escaped character here and is therefore escaped itself: "decode (1)" becomes "decode :28:1:29:".
PLAIN = re.compile(r"[\w.\- ]")
# An empty part of a path; escapes differ from it, because they have digits between their colons.
EMPTY_PART = ":"
NAME_LENGTH = 250
PART_BYTES = 200  # of a file name, which file systems limit to 255 bytes
DIGEST_LENGTH = 16
# Surrogates, by which Python represents invalid UTF-8 in paths and which no store accepts; PostgreSQL rejects NUL, too.
NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def safe_name(name: str) -> str:
    """Return the name of a metric, param or tag, or an artifact's path, as MLflow accepts it, of up to 250 characters.

    Different names stay different; longer names end in a digest of the whole name.
    """
    parts = [safe_part(part) for part in name.split("/")]
    return shortened("/".join(parts), name, NAME_LENGTH)


def safe_part(part: str) -> str:
    """Return one part of a path, of at most 200 bytes in UTF-8."""
    text = "".join(letter if PLAIN.fullmatch(letter) else f":{ord(letter):x}:" for letter in part)
    if text == "." or text.startswith(".."):  # a relative path; MLflow rejects all names that begin with two dots
        text = f":{ord('.'):x}:{text[1:]}"
    text = text or EMPTY_PART
    while len(text.encode()) > PART_BYTES:
        text = shortened(text, part, len(text) - max(1, (len(text.encode()) - PART_BYTES) // 4))
    return text


def shortened(text: str, origin: str, length: int) -> str:
    """Return the text; if it is longer than `length`, its end is replaced by a digest of the original name."""
    if len(text) <= length:
        return text
    digest = hashlib.sha256(origin.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_LENGTH]
    return f"{text[: length - DIGEST_LENGTH - 1]}:{digest}"


def safe_text(value: Any, length: int) -> str:
    r"""Return a value as text that every store accepts: invalid UTF-8 as \xe9, NUL as \x00; cut at `length`."""
    return NOT_STORABLE.sub(escaped, str(value))[:length]


def escaped(match: re.Match) -> str:
    code = ord(match.group())
    return f"\\x{code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code:02x}"


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested dicts as one dict with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat.update(flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value})
    return flat
