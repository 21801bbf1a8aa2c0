"""From a tokenizer to its tables in C: tokenizer.h and tokenizer.c.

A tokenizer says itself which numbers its C reads (`Tokenizer.tables`); the code that reads them is one template per
kind, deployment/platforms/common/tokenizer_<kind>.c.j2. The header is the same for all kinds.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from textzoo.common.errors import UserError
from textzoo.common.paths import PLATFORM_SOURCES
from textzoo.compiler.backend.templates import template
from textzoo.text.tokenizers.base import Tokenizer
from textzoo.text.tokenizers.registry import KINDS

NO_TOKEN = -1
NUMBERS_PER_ROW = 16


@dataclass(frozen=True)
class TokenizerTables:
    """What the templates need.

    Attributes:
        kind: Kind of the tokenizer.
        body: Template with the code of this kind.
        vocabulary_size: Number of tokens.
        unknown_token: The token of <unk>, or -1.
        longest_token: Bytes of the longest token.
        table_bytes: What the tables take in flash.
        tables: Values of the kind's own template.
    """

    kind: str
    body: str
    vocabulary_size: int
    unknown_token: int
    longest_token: int
    table_bytes: int
    tables: dict[str, Any] = field(default_factory=dict)


def tokenizer_tables(tokenizer: Tokenizer) -> TokenizerTables:
    """Return the tables of a tokenizer; UserError for a kind that has no template."""
    if not (PLATFORM_SOURCES / body_of(tokenizer.name)).is_file():
        known = [kind for kind in KINDS if (PLATFORM_SOURCES / body_of(kind)).is_file()]
        raise UserError(
            f"tokenizers of kind '{tokenizer.name}' cannot be deployed yet", expected=f"one of {', '.join(known)}"
        )
    tables = tokenizer.tables()
    return TokenizerTables(
        kind=tokenizer.name,
        body=body_of(tokenizer.name),
        vocabulary_size=tokenizer.vocabulary_size,
        unknown_token=NO_TOKEN if tokenizer.unknown_token is None else tokenizer.unknown_token,
        longest_token=max(map(len, tokenizer.token_bytes)),
        table_bytes=sum(value.nbytes for value in tables.values() if isinstance(value, np.ndarray)),
        tables=template_values(tables),
    )


def body_of(kind: str) -> str:
    """Return the template of a kind, relative to deployment/platforms."""
    return f"common/tokenizer_{kind}.c.j2"


def render_tokenizer(tokenizer: Tokenizer) -> dict[str, str]:
    """Return the generated sources by name: tokenizer.h and tokenizer.c."""
    tables = tokenizer_tables(tokenizer)
    values = {key: value for key, value in asdict(tables).items() if key != "tables"} | tables.tables
    return {name: template(f"common/{name}.j2").render(values) for name in ("tokenizer.h", "tokenizer.c")}


def template_values(tables: dict[str, int | np.ndarray]) -> dict[str, Any]:
    """Return numbers as they are; of a table NAME its rows as NAME ("" if it is empty) and its C type as NAME_type."""
    arrays = {name: table for name, table in tables.items() if isinstance(table, np.ndarray)}
    types = {f"{name}_type": f"{table.dtype}_t" for name, table in arrays.items()}
    return {**tables, **{name: rows(table) for name, table in arrays.items()}, **types}


def rows(table: np.ndarray) -> str:
    """Return a table (n,), or (n, m) with braces around each m numbers, as the rows of an initialiser."""
    if table.ndim > 1:
        return "\n".join(f"    {{{', '.join(map(str, row))}}}," for row in table.tolist())
    lines = [table[start : start + NUMBERS_PER_ROW].tolist() for start in range(0, len(table), NUMBERS_PER_ROW)]
    return "\n".join("    " + ", ".join(map(str, line)) + "," for line in lines)
