"""From a tokenizer to its tables in C: tokenizer.h and tokenizer.c.

Every kind has one function that makes the tables and one template with the code that reads them; the header is the same
for all kinds. A new kind (word, byte, bpe) is one function, one row in TABLES and one template.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from textzoo.compiler.templates import template
from textzoo.errors import UserError
from textzoo.text.tokenizers import UNKNOWN, Tokenizer

NO_TOKEN = -1
NUMBERS_PER_ROW = 16
REPLACEMENT = "\ufffd"


@dataclass(frozen=True)
class TokenizerTables:
    """What the templates need.

    Attributes:
        kind: Kind of the tokenizer.
        body: Template with the code of this kind.
        vocabulary_size: Number of tokens.
        unknown_token: The token of <unk>, or -1.
        longest_token: UTF-8 bytes of the longest token.
        tables: Values of the kind's own template.
    """

    kind: str
    body: str
    vocabulary_size: int
    unknown_token: int
    longest_token: int
    tables: dict[str, Any] = field(default_factory=dict)


def tokenizer_tables(tokenizer: Tokenizer) -> TokenizerTables:
    """The tables of any tokenizer that has a row in TABLES; UserError for the others."""
    if tokenizer.name not in TABLES:
        raise UserError(
            f"tokenizers of kind '{tokenizer.name}' cannot be deployed yet",
            expected=f"one of {', '.join(TABLES)}",
        )
    unknown = NO_TOKEN if tokenizer.unknown_token is None else tokenizer.unknown_token
    return TokenizerTables(
        kind=tokenizer.name,
        body=f"common/tokenizer_{tokenizer.name}.c.j2",
        vocabulary_size=tokenizer.vocabulary_size,
        unknown_token=unknown,
        longest_token=max(len(token_bytes(token)) for token in tokenizer.tokens),
        tables=TABLES[tokenizer.name](tokenizer),
    )


def render_tokenizer(tokenizer: Tokenizer) -> dict[str, str]:
    """The generated sources by name: tokenizer.h and tokenizer.c."""
    tables = tokenizer_tables(tokenizer)
    values = {key: value for key, value in asdict(tables).items() if key != "tables"} | tables.tables
    return {name: template(f"common/{name}.j2").render(values) for name in ("tokenizer.h", "tokenizer.c")}


def token_bytes(token: str) -> bytes:
    """What the device writes for a token."""
    return (REPLACEMENT if token == UNKNOWN else token).encode("utf-8", "surrogatepass")


def character_tables(tokenizer: Tokenizer) -> dict[str, Any]:
    """Code points per token, and the tokens in their order unless that is 0, 1, 2, ..."""
    characters = len(tokenizer.tokens) - (tokenizer.unknown_token is not None)
    code_points = [ord(REPLACEMENT if token == UNKNOWN else token) for token in tokenizer.tokens]
    order = sorted(range(characters), key=code_points.__getitem__)
    return {
        "characters": characters,
        "code_points": number_rows(code_points),
        "code_point_type": smallest_type(code_points),
        "order": "" if order == list(range(characters)) else number_rows(order),
        "token_type": smallest_type(order),
    }


TABLES: dict[str, Callable[[Any], dict[str, Any]]] = {"char": character_tables}


def smallest_type(values: Iterable[int]) -> str:
    """The smallest unsigned type of C that holds all values."""
    bits = max(values).bit_length()
    return next(f"uint{size}_t" for size in (8, 16, 32) if bits <= size)


def number_rows(values: list[int]) -> str:
    """Numbers as the rows of an initialiser."""
    rows = [values[start : start + NUMBERS_PER_ROW] for start in range(0, len(values), NUMBERS_PER_ROW)]
    return "\n".join("    " + ", ".join(map(str, row)) + "," for row in rows)
