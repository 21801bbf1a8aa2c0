"""GBNF, the notation of grammars of llama.cpp, as far as it is regular.

A rule that refers to itself only at the end of its alternatives (`digits ::= [0-9] digits | ""`), or only at their
start, is a repetition, and is solved as one (Arden's lemma). Any other recursion, as nested brackets have it, needs a
memory that an automaton lacks: it is refused, or followed down to a depth. The rule `input-span` need not be written:
without one of the grammar's own it is a span of the input (textzoo.grammars.spans).
"""

import string
from collections.abc import Iterator
from dataclasses import dataclass, field

from textzoo.common.errors import UserError
from textzoo.common.registry import did_you_mean
from textzoo.grammars.expressions import (
    ANY_CHARACTER,
    EMPTY,
    INPUT_SPAN,
    NOTHING,
    Choice,
    Expression,
    Repeat,
    Sequence,
    characters,
    check_size,
    choice,
    complement,
    repeat,
    sequence,
    text,
)
from textzoo.grammars.reader import Reader, alternatives

ROOT = "root"
MAX_RULES = 1000
NAME_CHARACTERS = frozenset(string.ascii_letters + string.digits + "-_")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "[": "[", "]": "]", "-": "-", "^": "^"}


@dataclass(frozen=True)
class Reference:
    """Whatever a rule stands for; in no expression that leaves this module."""

    name: str


@dataclass(frozen=True)
class Rule:
    """A rule, and the place of its name for errors."""

    expression: Expression
    line: int


PREDEFINED = {"input-span": Rule(INPUT_SPAN, 0)}


def gbnf(content: str, name: str, depth: int = 0) -> Expression:
    """Return the texts of a grammar's rule `root`.

    Args:
        content: The grammar.
        name: What it is, for errors, e.g. "'commands.gbnf'".
        depth: How often a rule may contain itself, where that is not regular; 0 refuses it.

    Raises:
        UserError: It is not valid, too large, or not regular.
    """
    rules = RuleParser(Reader(content, name)).rules()
    check_names(rules, name)
    return Elimination({**PREDEFINED, **rules}, name, depth).solved()


class RuleParser:
    """The grammar of GBNF, one method for each of its rules."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def rules(self) -> dict[str, Rule]:
        found: dict[str, Rule] = {}
        self.blanks(with_lines=True)
        while self.reader.next:
            line = self.reader.content[: self.reader.at].count("\n") + 1
            name = self.name()
            if name in found:
                self.reader.fail(f"each rule once; '{name}' is defined in line {found[name].line}, too")
            self.blanks()
            self.reader.expect("::=")
            found[name] = Rule(self.alternatives(), line)
            self.blanks(with_lines=True)
            if len(found) > MAX_RULES:
                self.reader.fail(f"at most {MAX_RULES:,} rules")
        return found

    def name(self) -> str:
        name = self.reader.while_in(NAME_CHARACTERS.__contains__)
        if not name:
            self.reader.fail("the name of a rule: letters, digits, '-' and '_'")
        return name

    def blanks(self, with_lines: bool = False) -> None:
        """Go on behind blanks and comments, and behind ends of lines where a rule goes on after them."""
        while True:
            self.reader.while_in((" \t\r\n" if with_lines else " \t\r").__contains__)
            if self.reader.next != "#":
                break
            self.reader.while_in(lambda character: character != "\n")
        if not with_lines and self.is_continued():
            self.blanks(with_lines=True)

    def is_continued(self) -> bool:
        """Return whether the end of a line comes next and the rule goes on: in parentheses, or with `|`."""
        return self.reader.next == "\n" and (
            self.reader.depth > 0 or self.reader.content[self.reader.at :].lstrip()[:1] == "|"
        )

    def alternatives(self) -> Expression:
        return alternatives(self.reader, self.sequence)

    def sequence(self) -> Expression:
        self.blanks(with_lines=True)
        parts = []
        while self.reader.next not in ("", "\n", "|", ")"):
            parts.append(self.reader.quantifiers(self.one()))
            self.blanks()
        return sequence(parts)

    def one(self) -> Expression:
        reader = self.reader
        if reader.skip('"'):
            return self.literal()
        if reader.skip("["):
            return self.character_set()
        if reader.skip("."):
            return ANY_CHARACTER
        if reader.skip("("):
            return self.group()
        if reader.next in NAME_CHARACTERS:
            return Reference(self.name())  # type: ignore[return-value]
        return reader.fail("a text in \"\", a set in [], a group in (), '.', or the name of a rule")

    def group(self) -> Expression:
        self.reader.enter()
        found = self.alternatives()
        self.reader.expect(")")
        self.reader.leave()
        return found

    def literal(self) -> Expression:
        found = ""
        while not self.reader.skip('"'):
            if self.reader.next == "\n":
                self.reader.fail("'\"' at the end of a text")
            found += chr(self.character())
        return text(found)

    def character(self) -> int:
        """Read one character, which may be an escape; return its code point."""
        if not self.reader.skip("\\"):
            return ord(self.reader.take())
        mark = self.reader.take()
        if mark in "xuU":
            return self.reader.hexadecimal(mark)
        if mark not in ESCAPES:
            self.reader.at -= 1
            self.reader.fail(f"one of {' '.join(ESCAPES)} x u U behind a backslash")
        return ord(ESCAPES[mark])

    def character_set(self) -> Expression:
        is_negated, ranges = self.reader.skip("^"), []
        while not self.reader.skip("]"):
            first = last = self.character()
            if self.reader.next == "-" and self.reader.content[self.reader.at + 1 : self.reader.at + 2] != "]":
                self.reader.expect("-")
                last = self.character()
            if last < first:
                self.reader.fail("a range from a lower to a higher character")
            ranges.append((first, last))
        return characters(complement(ranges) if is_negated else ranges)


def check_names(rules: dict[str, Rule], name: str) -> None:
    """Raise UserError unless there is a root and every reference has a rule."""
    if ROOT not in rules:
        raise UserError(
            f"{name} has no rule '{ROOT}'",
            expected=f"a rule '{ROOT}', whose texts may be written",
            received=", ".join(rules)[:80] or "no rule",
        )
    for rule in rules.values():
        for reference in references(rule.expression):
            if reference not in {**PREDEFINED, **rules}:
                raise UserError(
                    f"{name} has no rule '{reference}', which line {rule.line} uses",
                    remedy=did_you_mean(reference, {**PREDEFINED, **rules}),
                )


def references(expression: Expression) -> Iterator[str]:
    """Yield the names of the rules that an expression refers to."""
    match expression:
        case Reference(name):
            yield name
        case Sequence(parts) | Choice(parts):
            for part in parts:
                yield from references(part)
        case Repeat(part):
            yield from references(part)


def replaced(expression: Expression, name: str, value: Expression) -> Expression:
    """Return an expression with `value` in place of the references to a rule."""
    match expression:
        case Reference(other) if other == name:
            return value
        case Sequence(parts):
            return sequence(replaced(part, name, value) for part in parts)
        case Choice(parts):
            return choice(replaced(part, name, value) for part in parts)
        case Repeat(part, low, high):
            return repeat(replaced(part, name, value), low, high)
    return expression


@dataclass
class Elimination:
    """Rules as equations, which are solved one by one and put into the others until only the root is left."""

    rules: dict[str, Rule]
    where: str
    depth: int
    values: dict[str, Expression] = field(init=False)

    def __post_init__(self) -> None:
        self.values = {name: rule.expression for name, rule in self.rules.items()}

    def solved(self) -> Expression:
        order = [name for name in self.used() if name != ROOT]
        for name in [*reversed(order), ROOT]:
            value = self.without_itself(name)
            self.values[name] = value
            for other in self.values:
                if other != name and name in references(self.values[other]):
                    self.put(other, name, value)
        return self.values[ROOT]

    def used(self) -> list[str]:
        """Return the rules that the root needs, in the order in which they are found from it."""
        found, waiting = {ROOT: None}, [ROOT]
        for name in waiting:  # grows while it is read
            new = [other for other in references(self.values[name]) if other not in found]
            found |= dict.fromkeys(new)
            waiting += dict.fromkeys(new)
        self.values = {name: self.values[name] for name in found}
        return list(found)

    def put(self, other: str, name: str, value: Expression) -> None:
        self.check_product(self.values[other], name, value)
        self.values[other] = replaced(self.values[other], name, value)

    def check_product(self, expression: Expression, name: str, value: Expression) -> None:
        """Raise UserError before `value` is put into an expression that would become too large."""
        count = sum(1 for other in references(expression) if other == name)
        check_size(Repeat(value, count, count), self.where)

    def without_itself(self, name: str) -> Expression:
        """Return what a rule stands for, without references to itself."""
        value = self.values[name]
        if name not in references(value):
            return value
        if (parts := split(value, name, at_end=True)) is not None:
            again, rest = parts
            return sequence([repeat(again, 0, None), rest])
        if (parts := split(value, name, at_end=False)) is not None:
            again, rest = parts
            return sequence([rest, repeat(again, 0, None)])
        return self.down_to_depth(name, value)

    def down_to_depth(self, name: str, value: Expression) -> Expression:
        if self.depth == 0:
            raise UserError(
                f"the rule '{name}' of {self.where} (line {self.rules[name].line}) contains itself, with something on "
                "both sides",
                expected="a rule that contains itself only at the end, or only at the start, of its alternatives",
                remedy="Such a rule is not regular: set a depth (prediction.grammar_depth) to bound how often.",
            )
        bounded = replaced(value, name, NOTHING)
        for _ in range(self.depth):
            self.check_product(value, name, bounded)
            bounded = replaced(value, name, bounded)
        return bounded


def split(expression: Expression, name: str, at_end: bool) -> tuple[Expression, Expression] | None:
    """Write an expression as `again name | rest` (at_end) or `name again | rest`; None if it has another form."""
    if name not in references(expression):
        return NOTHING, expression
    match expression:
        case Reference():
            return EMPTY, NOTHING
        case Choice(parts):
            found = [split(part, name, at_end) for part in parts]
            if None in found:
                return None
            return choice(again for again, _ in found), choice(rest for _, rest in found)
        case Repeat(part, 0, 1):
            return split(choice([EMPTY, part]), name, at_end)
        case Sequence(parts):
            return split_sequence(parts, name, at_end)
    return None


def split_sequence(parts: tuple[Expression, ...], name: str, at_end: bool) -> tuple[Expression, Expression] | None:
    outer, others = (parts[-1], parts[:-1]) if at_end else (parts[0], parts[1:])
    if any(name in references(part) for part in others) or (found := split(outer, name, at_end)) is None:
        return None
    if at_end:
        return tuple(sequence([*others, part]) for part in found)  # type: ignore[return-value]
    return tuple(sequence([part, *others]) for part in found)  # type: ignore[return-value]
