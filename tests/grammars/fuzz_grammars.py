"""Thousands of random grammars, by hand: every text is judged by an independent program, and C writes what Python does.

    python tests/grammars/fuzz_grammars.py --count 10000 --texts 10 --seed 1

Half of the grammars are GBNF, judged as regular expressions by llguidance; half are JSON Schemas, judged by jsonschema.
Each has an input, of which spans may be copied: all spans as a regular expression, or a format that looks for a text in
the input. Each text has random logits, seed, temperature, top_k and max_tokens. Prints how far it is, and the counts as
JSON.
"""

import argparse
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jsonschema
import llguidance
import numpy as np
from guided_c import SCALE, GuidedC, text_in_python

from textzoo.common.errors import UserError
from textzoo.engines.sampling import IntegerSampler
from textzoo.grammars.grammar import Grammar
from textzoo.grammars.table import grammar_table
from textzoo.grammars.token_automaton import Guide, TokenAutomaton
from textzoo.text.settings import TokenizerConfig
from textzoo.text.tokenizers.base import make_tokenizer

TEXT = 'turn on the lamp "yes" no: {}[]-+*/\\0123456789 abcdefghijklmnopqrstuvwxyz ABC é€\n\t.,' * 3
LETTERS = 'abcxyzABé€"\\ 0123\n'
SAID = ["turn", "on", "it's", "é", "lamp", '"hi"', "50%", "\\", "\n", " ", "€", "a.b"]
EVERY_SECONDS = 30
RIGHT, TOO_SHORT, REFUSED = "right", "no text has so few tokens", "refused as too large"
OUT_OF_PLACE = "refused: a span out of place"
FINE = {RIGHT, TOO_SHORT, REFUSED, OUT_OF_PLACE}


def places(said: str) -> list[tuple[int, int]]:
    """Where words and runs of other characters begin and end."""
    word = "0-9A-Za-z\x80-\U0010ffff"
    return [match.span() for match in re.finditer(f"[{word}]+|[^\0- {word}]+", said)]


def is_span(value: str, said: str) -> bool:
    """Whether a text stands in an input, from the beginning of a word to the end of one; "" only without words."""
    found = places(said)
    begins, ends = {first for first, _ in found}, {last for _, last in found}
    at = [index for index in range(len(said)) if said.startswith(value, index)]
    return any(index in begins and index + len(value) in ends for index in at) if found else value == ""


class Pair(NamedTuple):
    """The same grammar, or part of one, in GBNF and as a regular expression."""

    gbnf: str
    regex: str


def escaped(content: str) -> str:
    """The regular expression of a text."""
    return "".join(f"\\x{{{ord(character):x}}}" for character in content)


class GbnfMaker:
    """Random grammars, whose rules refer to later ones, or end with themselves.

    Each method returns a part in both notations.
    """

    def __init__(self, random_source: random.Random, said: str) -> None:
        self.random, self.said = random_source, said

    def grammar(self) -> Pair:
        """Make the rules from the last one to the root, which is the first."""
        rules: list[str] = []
        later: dict[str, str] = {}  # name -> regular expression
        for index in reversed(range(self.random.randint(1, 4))):
            name = f"rule{index}" if index else "root"
            body = self.alternatives(later, depth=2)
            if self.random.random() < 0.2:
                first = self.characters()
                body = Pair(f"({body.gbnf}) | {first.gbnf} {name}", f"(?:{first.regex})*(?:{body.regex})")
            rules.insert(0, f"{name} ::= {body.gbnf}")
            later[name] = f"(?:{body.regex})"
        return Pair("\n".join(rules), later["root"])

    def alternatives(self, later: dict[str, str], depth: int) -> Pair:
        parts = [self.sequence(later, depth) for _ in range(self.random.choice([1, 1, 2, 3]))]
        return Pair(" | ".join(part.gbnf for part in parts), "|".join(part.regex for part in parts))

    def sequence(self, later: dict[str, str], depth: int) -> Pair:
        parts = [self.part(later, depth) for _ in range(self.random.choice([1, 1, 2, 3]))]
        return Pair(" ".join(part.gbnf for part in parts), "".join(part.regex for part in parts))

    def part(self, later: dict[str, str], depth: int) -> Pair:
        kinds = [self.literal, self.characters, self.copied]
        kinds += [lambda: self.reference(later)] if later else []
        kinds += [lambda: self.group(later, depth)] if depth else []
        one = self.random.choice(kinds)()
        quantifier = self.random.choice(["", "", "", "", "?", "*", "+", "{2}", "{1,3}"])
        return Pair(f"({one.gbnf}){quantifier}", f"(?:{one.regex}){quantifier}")

    def reference(self, later: dict[str, str]) -> Pair:
        return Pair(*self.random.choice(sorted(later.items())))

    def group(self, later: dict[str, str], depth: int) -> Pair:
        inner = self.alternatives(later, depth - 1)
        return Pair(f"({inner.gbnf})", inner.regex)

    def literal(self) -> Pair:
        content = "".join(self.random.choice(LETTERS) for _ in range(self.random.randint(1, 5)))
        return Pair(json.dumps(content, ensure_ascii=False), escaped(content))

    def copied(self) -> Pair:
        found = places(self.said)
        spans = {self.said[first:last] for first, _ in found for _, last in found if first < last} or {""}
        regex = "|".join(escaped(json.dumps(span, ensure_ascii=False)) for span in sorted(spans))
        return Pair(r'"\"" input-span "\""', regex)

    def characters(self) -> Pair:
        return Pair(*[self.random.choice(["[a-c]", "[xyz]", "[0-9]", "[a-zé]", "[^a-y\\n]", "[A-C0-3]"])] * 2)


class SchemaMaker:
    """Random JSON Schemas."""

    def __init__(self, random_source: random.Random) -> None:
        self.random = random_source

    def schema(self, depth: int = 2) -> dict:
        kinds = [self.integer, self.string, self.pattern, self.enumeration, self.simple, self.copied]
        kinds += [self.object, self.array, self.tuple, self.any_of] if depth else []
        maker = self.random.choice(kinds)
        return maker(depth) if maker in (self.object, self.array, self.tuple, self.any_of) else maker()

    def integer(self) -> dict:
        low = self.random.randint(-2000, 2000)
        return {"type": "integer", "minimum": low, "maximum": low + self.random.choice([0, 5, 99, 5000])}

    def string(self) -> dict:
        low = self.random.randrange(3)
        return {"type": "string", "minLength": low, "maxLength": low + self.random.randrange(4)}

    def pattern(self) -> dict:
        parts = [r"\d{2}", "[a-c]+", "(?:on|off)", "x?", r"\.", '"', r"\\", "[^a-z]"]
        found = "".join(self.random.choice(parts) for _ in range(self.random.randint(1, 3)))
        return {"type": "string", "pattern": self.random.choice(["^{}$", "^{}", "{}"]).format(found), "maxLength": 9}

    def enumeration(self) -> dict:
        values = [None, True, 7, -3, "", "a", 'q"', "é", [1], {"b": 2}]
        return {"enum": self.random.sample(values, self.random.randint(1, 4))}

    def copied(self) -> dict:
        return {"type": "string", "format": "input-span"}

    def simple(self) -> dict:
        return {"type": self.random.choice(["boolean", "null", "number", "integer", ["string", "null"]])}

    def object(self, depth: int) -> dict:
        names = self.random.sample(["a", "b", "name", 'q"', "é"], self.random.randrange(4))
        needed = [name for name in names if self.random.random() < 0.5]
        return {"type": "object", "properties": {name: self.schema(depth - 1) for name in names}, "required": needed}

    def array(self, depth: int) -> dict:
        low = self.random.randrange(3)
        most = low + self.random.randrange(3)
        return {"type": "array", "items": self.schema(depth - 1), "minItems": low, "maxItems": most}

    def tuple(self, depth: int) -> dict:
        first = [self.schema(depth - 1) for _ in range(self.random.randint(1, 3))]
        return {"type": "array", "prefixItems": first, "items": self.random.choice([False, {"const": 3}])}

    def any_of(self, depth: int) -> dict:
        return {"anyOf": [self.schema(depth - 1) for _ in range(self.random.randint(1, 3))]}


class Judge:
    """Says whether a text is one of a grammar's, without any code of this project.

    Args:
        grammar: The grammar.
        regex: For GBNF, the same as a regular expression.
        said: The input.
    """

    TOKENS = llguidance.LLTokenizer("byte")

    def __init__(self, grammar: Grammar, regex: str, said: str) -> None:
        if grammar.kind == "json_schema":
            formats = jsonschema.FormatChecker(())
            formats.checks("input-span")(lambda value: not isinstance(value, str) or is_span(value, said))
            validator = jsonschema.Draft202012Validator(json.loads(grammar.content), format_checker=formats)
            self.accepts = lambda text: validator.is_valid(json.loads(text))
        else:
            self.matcher = llguidance.LLMatcher(self.TOKENS, llguidance.LLMatcher.grammar_from_regex(regex))
            self.accepts = self.matches

    def matches(self, text: str) -> bool:
        self.matcher.reset()
        tokens = list(text.encode())
        taken = self.matcher.try_consume_tokens(tokens)
        if self.matcher.is_error():
            raise ValueError(self.matcher.get_error())
        return taken == len(tokens) and self.matcher.is_accepting()


class Trial:
    """Writes texts under grammars, in Python and in C."""

    def __init__(self, folder: Path) -> None:
        configs = [TokenizerConfig(name="byte"), TokenizerConfig(name="bpe", vocabulary_size=300)]
        self.tokenizers = [make_tokenizer(config, TEXT) for config in configs]
        self.builds = [GuidedC(tokenizer.vocabulary_size, folder) for tokenizer in self.tokenizers]
        for build, tokenizer in zip(self.builds, self.tokenizers, strict=True):
            build.load_tokens(tokenizer.token_bytes)

    def outcomes(self, grammar: Grammar, said: str, judge: Judge, seed: int, texts: int) -> Iterator[str]:
        """Write some texts under one grammar, each with its own seed, sampling and length."""
        choose = random.Random(seed)
        which = choose.randrange(len(self.tokenizers))
        automaton = grammar.automaton(self.tokenizers[which])
        self.builds[which].load(grammar_table(automaton, grammar.name))
        for _ in range(texts):
            shortest = Guide(automaton, said).distance
            max_tokens = max(choose.choice([shortest - 1, shortest, shortest + choose.randrange(9), 60]), 1)
            options = (choose.choice([0.0, 0.7, 1.0, 5.0]), choose.choice([0, 0, 1, 3]), choose.getrandbits(32))
            yield self.outcome(which, automaton, said, judge, max_tokens, options)

    def outcome(
        self,
        which: int,
        automaton: TokenAutomaton,
        said: str,
        judge: Judge,
        max_tokens: int,
        options: tuple[float, int, int],
    ) -> str:
        tokenizer, (temperature, top_k, seed) = self.tokenizers[which], options
        size = (max_tokens, tokenizer.vocabulary_size)
        logits = np.random.default_rng(seed).integers(-128, 128, size).astype(np.int8)
        sampler = IntegerSampler(SCALE, temperature=temperature, top_k=top_k, seed=seed)
        written = text_in_python(automaton, sampler, logits, said)
        if self.builds[which].text(logits, temperature, top_k, seed, said) != written:
            return "C differs"
        if Guide(automaton, said).distance > max_tokens:
            return TOO_SHORT if not written else "a text for which there is no room"
        return RIGHT if judge.accepts(tokenizer.decode(written)) else "not a text of the grammar"


def random_grammar(seed: int) -> tuple[Grammar, str, str]:
    """A grammar, for GBNF the same one as a regular expression, and an input."""
    choose = random.Random(seed)
    said = choose.choice(["", " "]).join(choose.choice(SAID) for _ in range(choose.randrange(8)))
    if choose.random() < 0.5:
        return Grammar("json_schema", json.dumps(SchemaMaker(choose).schema())), "", said
    pair = GbnfMaker(choose, said).grammar()
    return Grammar("gbnf", pair.gbnf), pair.regex, said


def judged(trial: Trial, seed: int, texts: int) -> list[str]:
    """What became of a grammar's texts; what is wrong is printed."""
    grammar, regex, said = random_grammar(seed)
    try:
        outcomes = list(trial.outcomes(grammar, said, Judge(grammar, regex, said), seed, texts))
    except UserError as error:
        reasons = {"too large": REFUSED, "too many": REFUSED, "has a span of the input": OUT_OF_PLACE}
        found = [outcome for reason, outcome in reasons.items() if reason in str(error)]
        outcomes = found or [f"error: {error}"[:200]]
    except Exception as error:
        outcomes = [f"exception: {error!r}"[:200]]
    for outcome in {*outcomes} - FINE:
        print(f"seed {seed}: {outcome}\n{grammar.content}\n{said!r}", file=sys.stderr, flush=True)
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="how many grammars")
    parser.add_argument("--texts", type=int, default=10, help="texts of each")
    parser.add_argument("--seed", type=int, default=1, help="of the first grammar")
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    start = last = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder))
        for index in range(arguments.count):
            counts.update(judged(trial, arguments.seed + index, arguments.texts))
            if time.monotonic() > last + EVERY_SECONDS:
                last = time.monotonic()
                print(f"{index + 1:,} of {arguments.count:,}, {(index + 1) / (last - start):.0f}/s", flush=True)
    print(json.dumps({"grammars": arguments.count, "seed": arguments.seed, "outcomes": counts}, indent=2))
    return 0 if counts.keys() <= FINE else 1


if __name__ == "__main__":
    sys.exit(main())
