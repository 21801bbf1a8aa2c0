"""Lines of the console's protocol with a checksum, which detects damage on a serial line.

    {"n":7,"command":"logits","tokens":[5],"reset":false,"crc":"89abcdef"}

The last field is the CRC-32 of all bytes before its comma. deployment/application/README.md describes the protocol.
"""

import json
import re
import zlib
from typing import Any

from textzoo.targets.protocol import CRC_KEY

SIGNATURE = re.compile(rb"(\{.*)" + re.escape(CRC_KEY) + rb'([0-9a-f]{8})"\}', re.DOTALL)
# Largest number of a command, and of a line of its answer.
MAX_NUMBER = 2**32 - 1


def command_line(values: dict[str, Any], number: int = MAX_NUMBER, first: int = MAX_NUMBER) -> bytes:
    """Return a command with checksum, without optional spaces, because the device's line buffer is short.

    Args:
        values: The command; lone surrogates, which are not UTF-8, become escapes.
        number: Number of the command, 0 to MAX_NUMBER.
        first: First line of the answer to be sent; 0 for all lines.
    """
    asked = {"n": number, **({"from": first} if first else {}), **values}
    try:
        body = json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:
        body = json.dumps(asked, separators=(",", ":")).encode("ascii")
    return signed(body)


def signed(body: bytes) -> bytes:
    """Return an object as a line with its checksum."""
    opened = body[:-1]
    return opened + CRC_KEY + b'%08x"}\n' % zlib.crc32(opened)


def checked_body(line: bytes) -> bytes | None:
    """Return the object of a line without its checksum; None if that is missing or wrong."""
    match = SIGNATURE.fullmatch(line)
    if match is None or int(match[2], 16) != zlib.crc32(match[1]):
        return None
    return match[1] + b"}"


def object_of(body: bytes) -> dict[str, Any] | None:
    """Return the object of a line; None if it is not a JSON object, or is nested too deeply."""
    try:
        values = json.loads(body, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def refuse_constant(name: str) -> None:
    """Reject NaN and infinity, which JSON does not have."""
    raise ValueError(name)
