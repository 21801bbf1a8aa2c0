"""JSON from files that nobody vouches for."""

import json
from pathlib import Path
from typing import Any, NoReturn

from textzoo.errors import UserError
from textzoo.text.reading import read_bytes

# Empty lists take twenty times their bytes when they are read.
MAXIMAL_COLLECTIONS = 1 << 18


def read_json_object(path: Path, limit: int) -> dict[str, Any]:
    """Read a JSON object of at most `limit` bytes.

    Raises:
        UserError: Missing, too large, not JSON, not an object, a key given twice, NaN or infinity, nested too deeply.
    """
    content = read_bytes(path, limit)
    collections = content.count(b"[") + content.count(b"{")
    if collections > MAXIMAL_COLLECTIONS:
        raise UserError(
            f"'{path}' is damaged",
            expected=f"at most {MAXIMAL_COLLECTIONS:,} lists and objects",
            received=f"{collections:,} brackets",
        )
    try:
        values = json.loads(content.decode("utf-8"), object_pairs_hook=unique_keys, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UserError(f"'{path}' is damaged", expected="valid JSON", received=str(error)) from None
    if not isinstance(values, dict):
        raise UserError(f"'{path}' is damaged", expected="a JSON object", received=type(values).__name__)
    return values


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key is given twice")
    return values


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
