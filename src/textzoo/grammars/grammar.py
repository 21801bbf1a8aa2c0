"""A grammar as users write it: GBNF, a JSON Schema, or a list of allowed answers; and what it allows."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from textzoo.common.errors import UserError
from textzoo.common.files import read_bytes
from textzoo.common.untrusted_json import parse_json
from textzoo.grammars.automaton import Automaton, automaton_of, texts_before
from textzoo.grammars.expressions import Expression, choice, has_spans, text
from textzoo.grammars.gbnf import gbnf
from textzoo.grammars.json_schema import json_schema
from textzoo.grammars.settings import MAX_BYTES
from textzoo.grammars.spans import check_places, check_stops
from textzoo.grammars.token_automaton import TokenAutomaton, token_automaton
from textzoo.text.tokenizers.base import Tokenizer


@dataclass(frozen=True)
class Grammar:
    """A grammar: two with the same fields allow the same texts.

    Attributes:
        kind: A key of KINDS.
        content: What the user wrote.
        depth: How often a rule or definition may contain itself, where that is not regular; 0 refuses it.
    """

    kind: str
    content: str
    depth: int = 0

    @property
    def name(self) -> str:
        return f"the {KINDS[self.kind].title}"

    def expression(self) -> Expression:
        """Return the allowed texts.

        Raises:
            UserError: The grammar is not valid, too large, or not regular.
        """
        if (size := len(self.content.encode(errors="replace"))) > MAX_BYTES:
            raise UserError(f"{self.name} is too long", expected=f"at most {MAX_BYTES:,} bytes", received=f"{size:,}")
        return KINDS[self.kind].read(self.content, self.name, self.depth)

    def check(self) -> None:
        """Raise UserError if the grammar is not valid, or has a span of the input out of place."""
        if has_spans(self.expression()):
            automaton(self, ())

    def automaton(self, tokenizer: Tokenizer, stops: tuple[str, ...] = ()) -> TokenAutomaton:
        """Return the automaton over a vocabulary's tokens.

        Args:
            tokenizer: With the vocabulary.
            stops: Texts with which the model says that it has ended: a text is followed by one of them, and contains
                none before. Without any, a text ends where the grammar allows nothing further.

        Raises:
            UserError: The grammar is not valid, the vocabulary cannot spell it, or a stop text could stand in a span.
        """
        return over_tokens(self, stops, tokenizer)


@dataclass(frozen=True)
class Kind:
    """A notation of grammars.

    Attributes:
        title: Its name in sentences.
        suffix: Of its files.
        read: (content, name, depth) -> the allowed texts.
    """

    title: str
    suffix: str
    read: Callable[[str, str, int], Expression]


# Few, because those of a large vocabulary take up to 128 MB.
@functools.lru_cache(maxsize=4)
def over_tokens(grammar: Grammar, stops: tuple[str, ...], tokenizer: Tokenizer) -> TokenAutomaton:
    """Return the automaton over tokens, made once for all texts under it; see `Grammar.automaton`."""
    return token_automaton(automaton(grammar, stops), tokenizer.token_bytes, tokenizer.unknown_token, grammar.name)


@functools.lru_cache(maxsize=16)
def automaton(grammar: Grammar, stops: tuple[str, ...]) -> Automaton:
    """Return the automaton over bytes; see `Grammar.automaton`."""
    found = automaton_of(grammar.expression(), grammar.name)
    check_places(found, grammar.name)
    check_stops(found, stops, grammar.name)
    return texts_before(found, stops) if stops else found


def read_json_schema(content: str, name: str, depth: int) -> Expression:
    try:
        schema = parse_json(content.encode())
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name} is damaged", expected="valid JSON", received=str(error)) from None
    return json_schema(schema, name, depth)


def read_choices(content: str, name: str, depth: int) -> Expression:
    """Return the lines of a text, each an allowed answer; empty lines do not count."""
    answers = [line for line in content.splitlines() if line]
    if not answers:
        raise UserError(f"{name} is empty", expected="one allowed answer in each line")
    return choice(text(answer) for answer in answers)


KINDS = {
    "gbnf": Kind("GBNF grammar", ".gbnf", gbnf),
    "json_schema": Kind("JSON Schema", ".json", read_json_schema),
    "choices": Kind("list of allowed answers", ".txt", read_choices),
}


SUFFIXES = {kind.suffix: name for name, kind in KINDS.items()}


def read_grammar(path: Path, depth: int = 0) -> Grammar:
    """Return the grammar of a file; its suffix tells the notation.

    Raises:
        UserError: There is no such file, it is too long, not UTF-8, or not valid.
    """
    if path.suffix not in SUFFIXES:
        known = ", ".join(f"{suffix} ({KINDS[name].title})" for suffix, name in SUFFIXES.items())
        raise UserError(f"'{path}' has no suffix of a grammar", expected=known, received=path.suffix or "no suffix")
    try:
        content = read_bytes(path, MAX_BYTES).decode()
    except UnicodeDecodeError as error:
        raise UserError(f"'{path}' is damaged", expected="UTF-8", received=str(error)) from None
    found = Grammar(SUFFIXES[path.suffix], content, depth)
    found.check()
    return found
