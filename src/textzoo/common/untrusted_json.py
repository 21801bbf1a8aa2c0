"""JSON from untrusted files."""

import json
from pathlib import Path
from typing import Any, NoReturn

from textzoo.common.errors import UserError
from textzoo.common.files import read_bytes

# Parsed empty lists need twenty times their bytes in memory; values and keys need time.
MAX_COLLECTIONS = 1 << 18
MAX_VALUES = 1 << 20


def read_json_object(path: Path, limit: int) -> dict[str, Any]:
    """Read a JSON object of at most `limit` bytes.

    Raises:
        UserError: Missing, too large, not JSON, not an object, a duplicate key, NaN or infinity, nested too deeply.
    """
    content = read_bytes(path, limit)
    try:
        values = parse_json(content)
    except (ValueError, RecursionError) as error:
        raise UserError(f"'{path}' is damaged", expected="valid JSON", received=str(error)) from None
    if not isinstance(values, dict):
        raise UserError(f"'{path}' is damaged", expected="a JSON object", received=type(values).__name__)
    return values


def parse_json(content: bytes) -> Any:
    """Return the values of a JSON document; raise ValueError or RecursionError if it is invalid or too complex."""
    collections = content.count(b"[") + content.count(b"{")
    if collections > MAX_COLLECTIONS:
        raise ValueError(f"{collections:,} brackets, of at most {MAX_COLLECTIONS:,} lists and objects")
    values = content.count(b",")
    if values > MAX_VALUES:
        raise ValueError(f"{values:,} commas, of at most {MAX_VALUES:,} values")
    return json.loads(content.decode("utf-8"), object_pairs_hook=unique_keys, parse_constant=refuse_constant)


def is_same(given: Any, value: Any) -> bool:
    """Return whether two JSON values are the same; true and 1.0 are not 1."""
    return type(given) is type(value) and given == value


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key is given twice")
    return values


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
