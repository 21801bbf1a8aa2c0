"""From a tokenizer to its tables in C: tokenizer.h and tokenizer.c.

Every kind has one function that makes the tables and one template with the code that reads them; the header is the same
for all kinds. A new kind is one function, one row in TABLES and one template.
"""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from textzoo.common.errors import UserError
from textzoo.compiler.backend.templates import template
from textzoo.text.tokenizers import bpe as bpe_tokenizer
from textzoo.text.tokenizers import word as word_tokenizer
from textzoo.text.tokenizers.base import Tokenizer
from textzoo.text.tokenizers.pieces import MAX_PIECE_BYTES

NO_TOKEN = -1
NUMBERS_PER_ROW = 16
UINT16_BYTES = 2

# The values of a kind's template, and how many bytes of flash its tables take.
Tables = tuple[dict[str, Any], int]


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
    """Return the tables of any tokenizer that has a row in TABLES; UserError for the others."""
    if tokenizer.name not in TABLES:
        raise UserError(
            f"tokenizers of kind '{tokenizer.name}' cannot be deployed yet",
            expected=f"one of {', '.join(TABLES)}",
        )
    unknown = NO_TOKEN if tokenizer.unknown_token is None else tokenizer.unknown_token
    tables, table_bytes = TABLES[tokenizer.name](tokenizer)
    return TokenizerTables(
        kind=tokenizer.name,
        body=f"common/tokenizer_{tokenizer.name}.c.j2",
        vocabulary_size=tokenizer.vocabulary_size,
        unknown_token=unknown,
        longest_token=max(map(len, tokenizer.token_bytes)),
        table_bytes=table_bytes,
        tables=tables,
    )


def render_tokenizer(tokenizer: Tokenizer) -> dict[str, str]:
    """Return the generated sources by name: tokenizer.h and tokenizer.c."""
    tables = tokenizer_tables(tokenizer)
    values = {key: value for key, value in asdict(tables).items() if key != "tables"} | tables.tables
    return {name: template(f"common/{name}.j2").render(values) for name in ("tokenizer.h", "tokenizer.c")}


def character_tables(tokenizer: Tokenizer) -> Tables:
    """Return the code points per token, and the tokens in their order unless that is 0, 1, 2, ..."""
    characters = len(tokenizer.tokens) - (tokenizer.unknown_token is not None)
    code_points = tokenizer.code_points.tolist()
    order = unless_rising(sorted(range(characters), key=code_points.__getitem__))
    values = {
        "characters": characters,
        "code_points": number_rows(code_points),
        "code_point_type": smallest_type(code_points),
        "order": number_rows(order),
        "token_type": smallest_type(order),
    }
    return values, array_bytes(code_points) + array_bytes(order)


def word_tables(tokenizer: Tokenizer) -> Tables:
    """Return the bytes of all tokens, where each begins, and their order unless that is 0, 1, 2, ..."""
    words = len(tokenizer.tokens) - (tokenizer.unknown_token is not None)
    texts = b"".join(tokenizer.token_bytes)
    offsets = [0, *itertools.accumulate(map(len, tokenizer.token_bytes))]
    order = unless_rising(sorted(range(words), key=tokenizer.token_bytes.__getitem__))
    values = {
        "words": words,
        "longest_run": word_tokenizer.MAX_RUN,
        "offsets": number_rows(offsets),
        "offset_type": smallest_type(offsets),
        "texts": number_rows(list(texts)),
        "text_bytes": len(texts),
        "order": number_rows(order),
        "token_type": smallest_type(order),
    }
    return values, array_bytes(offsets) + len(texts) + array_bytes(order)


def byte_tables(tokenizer: Tokenizer) -> Tables:
    """Return no table: a token is its byte."""
    return {}, 0


def bpe_tables(tokenizer: Tokenizer) -> Tables:
    """Return the pair of each merge, which is what decoding needs too, and the merges in the order of their pairs."""
    merges = tokenizer.merges
    values = {
        "merges": len(merges),
        "longest_run": bpe_tokenizer.MAX_RUN,
        "longest_piece": MAX_PIECE_BYTES,
        "pairs": "\n".join(f"    {{{left}, {right}}}," for left, right in merges),
        "order": number_rows(sorted(range(len(merges)), key=merges.__getitem__)),
    }
    return values, 3 * UINT16_BYTES * len(merges)


TABLES: dict[str, Callable[[Any], Tables]] = {
    "char": character_tables,
    "word": word_tables,
    "byte": byte_tables,
    "bpe": bpe_tables,
}


def smallest_type(values: Iterable[int]) -> str:
    """Return the smallest unsigned type of C that holds all values."""
    return f"uint{smallest_bits(values)}_t"


def smallest_bits(values: Iterable[int]) -> int:
    bits = max(values, default=0).bit_length()
    return next(size for size in (8, 16, 32) if bits <= size)


def array_bytes(values: list[int]) -> int:
    """Return the bytes that the values take as an array of their smallest type."""
    return len(values) * smallest_bits(values) // 8


def unless_rising(order: list[int]) -> list[int]:
    """Return an order, or [] for 0, 1, 2, ..., which needs no table."""
    return [] if order == list(range(len(order))) else order


def number_rows(values: list[int]) -> str:
    """Return the numbers as the rows of an initialiser."""
    rows = [values[start : start + NUMBERS_PER_ROW] for start in range(0, len(values), NUMBERS_PER_ROW)]
    return "\n".join("    " + ", ".join(map(str, row)) + "," for row in rows)
