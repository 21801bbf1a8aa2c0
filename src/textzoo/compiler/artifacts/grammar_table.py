"""From a grammar to its table in C: grammar_table.h and, for a project that has a grammar, grammar_table.c."""

from dataclasses import asdict

import numpy as np

from textzoo.compiler.artifacts.tokenizer_tables import rows
from textzoo.compiler.backend.templates import template
from textzoo.grammars.table import GrammarTable

NO_GRAMMAR = "This project has no grammar: a text may be anything"


def render_grammar(vocabulary_size: int, table: GrammarTable | None = None, name: str = "") -> dict[str, str]:
    """Return the generated sources by name.

    Args:
        vocabulary_size: Number of the model's tokens.
        table: None for a project without a grammar.
        name: What the grammar is, for the comment.
    """
    values = {"title": NO_GRAMMAR, "vocabulary_size": vocabulary_size, "records": b""}
    if table is not None:
        values |= {"title": f"Texts that {name} allows", **asdict(table)}
        values |= {"crc32": table.crc32, "has_spans": table.has_spans}
    header = {"grammar_table.h": template("common/grammar_table.h.j2").render(values)}
    if table is None:
        return header
    sets = np.frombuffer(b"".join(table.sets) or bytes((vocabulary_size + 7) // 8), np.uint8)
    tables = {
        "record_rows": rows(np.frombuffer(table.records, np.uint8)),
        "set_rows": rows(sets.reshape(-1, (vocabulary_size + 7) // 8)),
        "first_byte_rows": rows(np.frombuffer(table.first_bytes, np.uint8)),
    }
    return {**header, "grammar_table.c": template("common/grammar_table.c.j2").render(tables)}
