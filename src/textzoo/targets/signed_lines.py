"""Lines of the console's protocol with a checksum, so that what a serial line has damaged is noticed.

    {"n":7,"command":"logits","tokens":[5],"reset":false,"crc":"89abcdef"}

The last field is the CRC-32 of all bytes before its comma. deployment/application/README.md describes the protocol.
"""

import json
import re
import zlib
from typing import Any

from textzoo.targets.protocol import CRC_KEY

SIGNATURE = re.compile(rb"(\{.*)" + re.escape(CRC_KEY) + rb'([0-9a-f]{8})"\}', re.DOTALL)
# What the longest number and first line add to a command, and the signature.
MAX_NUMBER = 2**32 - 1


def command_line(values: dict[str, Any], number: int = MAX_NUMBER, first: int = MAX_NUMBER) -> bytes:
    """A signed command as short as it gets, because the device's line is short.

    Args:
        values: The command; lone surrogates, which are not UTF-8, become escapes.
        number: Of the command, 0 to MAX_NUMBER.
        first: The first line of the answer that is wanted; 0 for all of them.
    """
    asked = {"n": number, **({"from": first} if first else {}), **values}
    try:
        body = json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:
        body = json.dumps(asked, separators=(",", ":")).encode("ascii")
    return signed(body)


def signed(body: bytes) -> bytes:
    """An object on a line, with its checksum."""
    opened = body[:-1]
    return opened + CRC_KEY + b'%08x"}\n' % zlib.crc32(opened)


def checked_body(line: bytes) -> bytes | None:
    """The object of a signed line without its checksum; None where that is missing or wrong."""
    match = SIGNATURE.fullmatch(line)
    if match is None or int(match[2], 16) != zlib.crc32(match[1]):
        return None
    return match[1] + b"}"


def object_of(body: bytes) -> dict[str, Any] | None:
    """The object of a line; None where it is not one of JSON, or nests too deep to be one of ours."""
    try:
        values = json.loads(body, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def refuse_constant(name: str) -> None:
    """NaN and infinity are no JSON."""
    raise ValueError(name)
