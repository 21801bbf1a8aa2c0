"""Commands from templates: YAML as Home Assistant's intents have it, parsed by hassil.

    language: en
    intents:
      turn_on:
        - (turn|switch) on [the] {room} lamp
      set_timer:
        - set a timer for {minutes} minutes [called {label}]
    lists:
      room: {values: [kitchen, {in: "(bed|sleeping )room", out: bedroom}]}
      minutes: {range: {from: 1, to: 60}}
      label: {wildcard: true, examples: [tea, laundry]}

The value of a wildcard is copied from the sentence; of another list, it is one of the list's. Home Assistant's own
files have more levels (intents: {Name: {data: [{sentences, slots}]}}), which are read, too.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import yaml

from textzoo.common.bounded_yaml import YamlBombError, fault_of, read_bounded
from textzoo.common.errors import UserError
from textzoo.text.commands.command import INTENT, Command, Value
from textzoo.text.draws import number, pick, shuffled

# Rules may contain rules, but not themselves.
MAX_DEPTH = 20
# Share of numbers that are written as words.
WORDS = 0.3
MISSING = UserError(
    "templates of commands need the package hassil",
    remedy="Install it: pip install 'textzoo[commands]', or in the project's folder make setup.",
)


@dataclass(frozen=True)
class Wording:
    """A template of sentences.

    Attributes:
        intent: What they ask for.
        block: Number of the block that it stands in, among all of the file; its wordings ask for the same slots.
        template: As it is written.
        slots: Values that every sentence has.
        domains: Kinds of devices that the list `name` is of; none for all.
        expression: Of hassil.
        rules: Name -> expression of the rules that it may name.
        lists: Name -> hassil's list.
    """

    intent: str
    block: int
    template: str
    slots: Mapping[str, Value]
    domains: tuple[str, ...]
    expression: Any = dataclasses.field(repr=False, compare=False)
    rules: Mapping[str, Any] = dataclasses.field(repr=False, compare=False)
    lists: Mapping[str, Any] = dataclasses.field(repr=False, compare=False)


@dataclass(frozen=True)
class Templates:
    """The wordings of a file.

    Attributes:
        language: For numbers as words, ISO 639-1.
        wordings: In the order of the file.
        polite: Words that people add.
        examples: Wildcard -> texts that it may stand for.
    """

    language: str
    wordings: Sequence[Wording]
    polite: Sequence[str]
    examples: Mapping[str, Sequence[str]]


def read_yaml(path: Path) -> Any:
    """Return the values of an untrusted YAML file; UserError if it cannot be read."""
    try:
        return read_bounded(path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, YamlBombError) as error:
        raise UserError(f"'{path}' cannot be read", expected="YAML", received=fault_of(error)) from None


def parse_templates(values: Any, name: str) -> Templates:
    """Return the templates of a file's values; raise UserError where they are not valid.

    Args:
        values: The parsed YAML or JSON.
        name: Of the file, for errors.
    """
    try:
        from hassil.intents import Intents
        from hassil.parser import ParseError
    except ImportError:
        raise MISSING from None
    try:
        filled, examples = in_full(values)
        intents = Intents.from_dict(filled)
        wordings = list(wordings_of(intents))
    except (ParseError, TypeError, ValueError, KeyError, AttributeError, AssertionError, RecursionError) as error:
        raise UserError(
            f"{name} is not a file of commands",
            expected="intents with templates, and lists: docs/how_to/commands.md",
            received=f"{type(error).__name__}: {error}"[:300],
        ) from None
    for wording in wordings:
        check_slots(wording)
    if not wordings:
        raise UserError(f"{name} has no templates", expected="intents: {turn_on: [turn on the lamp]}")
    return Templates(intents.language, wordings, intents.skip_words, examples)


def in_full(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the values with all levels that hassil expects, and the examples of wildcards."""
    intents = {
        str(intent): content if isinstance(content, dict) else {"data": [{"sentences": list(content)}]}
        for intent, content in values["intents"].items()
    }
    lists = {
        str(name): content if isinstance(content, dict) else {"values": list(content)}
        for name, content in (values.get("lists") or {}).items()
    }
    examples = {name: list(map(str, content["examples"])) for name, content in lists.items() if "examples" in content}
    return {"language": "en", **values, "intents": intents, "lists": lists}, examples


def wordings_of(intents: Any) -> Iterator[Wording]:
    """Yield the wordings of hassil's Intents; each sentence is parsed here."""
    block = 0
    for intent in intents.intents.values():
        for data in intent.data:
            context = data.requires_context.get("domain", ())
            for template, sentence in parsed_sentences(data):
                yield Wording(
                    intent=intent.name,
                    block=block,
                    template=template,
                    slots={name: value for name, value in data.slots.items() if is_simple(name, value)},
                    domains=(context,) if isinstance(context, str) else tuple(context),
                    expression=sentence.expression,
                    rules={**intents.expansion_rules, **data.expansion_rules},
                    lists={**intents.slot_lists, **data.slot_lists},
                )
            block += 1


def check_slots(wording: Wording) -> None:
    """Raise UserError if a slot has the name of the answer's first key."""
    if any(reference.slot_name == INTENT for reference in list_names(wording)):
        raise UserError(f"a slot of the template '{wording.template}' is named {INTENT}", remedy="Rename it.")


def parsed_sentences(data: Any) -> Iterator[tuple[str, Any]]:
    from hassil.parse_expression import parse_sentence

    for text in data.sentence_texts:
        yield text, parse_sentence(text, keep_text=True)


def is_simple(name: str, value: Any) -> bool:
    return name != INTENT and isinstance(value, str | int) and not isinstance(value, bool)


class Writer:
    """Writes sentences of wordings.

    Args:
        templates: With the wordings.
        filler: Wildcard -> a text that it stands for.
        names: Kind of device -> names of devices, for the list `name`; empty where the file has that list.
        chooser: Draws alternatives and values.
    """

    def __init__(
        self,
        templates: Templates,
        filler: Callable[[str], str],
        names: Mapping[str, Sequence[str]],
        chooser: Random,
    ) -> None:
        self.templates, self.filler, self.names, self.chooser = templates, filler, names, chooser

    def command(self, wording: Wording) -> Command:
        """Return a command of a wording."""
        slots: dict[str, Value] = dict(wording.slots)
        text = self.text(wording.expression, wording, slots, MAX_DEPTH)
        return Command(" ".join(text.split()), wording.intent, tuple(sorted(slots.items())), wording.template)

    def text(self, expression: Any, wording: Wording, slots: dict[str, Value], depth: int) -> str:
        """Return a text of an expression, and add the slots that it has."""
        kind = type(expression).__name__
        if depth < 0:
            raise UserError(f"a rule of the template '{wording.template}' contains itself")
        if kind == "TextChunk":
            return expression.original_text
        if kind == "RuleReference":
            rule = found(wording.rules, expression.rule_name, "rule", wording)
            return self.text(rule.expression, wording, slots, depth - 1)
        if kind == "ListReference":
            return self.value(expression, wording, slots, depth)
        if kind == "Alternative":
            return self.text(pick(self.chooser, expression.items), wording, slots, depth)
        items = expression.items if kind == "Sequence" else shuffled(self.chooser, expression.items)
        return "".join(self.text(item, wording, slots, depth) for item in items)

    def value(self, reference: Any, wording: Wording, slots: dict[str, Value], depth: int) -> str:
        """Return the text of one of a list's values, and add the value."""
        name = reference.list_name
        if name == "name" and self.names:
            text: str = pick(self.chooser, self.devices(wording))
            slots[reference.slot_name] = text
            return text
        if reference.is_inline_range:
            start, stop, step = reference.get_inline_range()
            return self.integer(slots, reference.slot_name, start, stop, step)
        entries = found(wording.lists, name, "list", wording)
        kind = type(entries).__name__
        if kind == "WildcardSlotList":
            text = self.filler(name)
            slots[reference.slot_name] = text
            return text
        if kind == "RangeSlotList":
            factor = round(entries.multiplier or 1)
            return self.integer(slots, reference.slot_name, entries.start, entries.stop, entries.step, factor)
        if not entries.values:
            raise UserError(f"the template '{wording.template}' names a list without values", received=name)
        entry = pick(self.chooser, entries.values)
        text = self.text(entry.text_in, wording, {}, depth - 1)
        slots[reference.slot_name] = slot_value(entry.value_out, text)
        return text

    def integer(self, slots: dict[str, Value], slot: str, start: int, stop: int, step: int = 1, factor: int = 1) -> str:
        """Return an integer as digits or words, and add its value."""
        chosen = start + step * number(self.chooser, 0, (stop - start) // step)
        slots[slot] = chosen * factor
        return in_words(chosen, self.templates.language) if self.chooser.random() < WORDS else str(chosen)

    def devices(self, wording: Wording) -> list[str]:
        kinds = wording.domains or tuple(self.names)
        return [name for kind in kinds for name in self.names.get(kind, ())]


def slot_value(out: Any, text: str) -> Value:
    """Return the value of a list's entry: what it says with `out`, else its text."""
    if out is None:
        return " ".join(text.split())
    return out if isinstance(out, int) and not isinstance(out, bool) else str(out)


def found(table: Mapping[str, Any], name: str, what: str, wording: Wording) -> Any:
    if name not in table:
        raise UserError(f"the template '{wording.template}' names an unknown {what}", received=name)
    return table[name]


def in_words(value: int, language: str) -> str:
    """Return a number as words, or as digits in a language without them."""
    from hassil.numbers import get_rbnf_engine

    try:
        return get_rbnf_engine(language).format_number(value).text.replace("-", " ")
    except ValueError:
        return str(value)


def list_names(wording: Wording) -> list[Any]:
    """Return hassil's references to lists in a wording, those in its rules included."""
    return list(references_in(wording.expression, wording, MAX_DEPTH))


def references_in(expression: Any, wording: Wording, depth: int) -> Iterator[Any]:
    kind = type(expression).__name__
    if depth < 0:
        raise UserError(f"a rule of the template '{wording.template}' contains itself")
    if kind == "ListReference":
        yield expression
    elif kind == "RuleReference":
        rule = found(wording.rules, expression.rule_name, "rule", wording)
        yield from references_in(rule.expression, wording, depth - 1)
    elif kind != "TextChunk":
        for item in expression.items:
            yield from references_in(item, wording, depth)


def copied_slots(wordings: Sequence[Wording]) -> frozenset[tuple[str, str]]:
    """Return the (intent, slot) of wildcards."""
    return frozenset(
        (wording.intent, reference.slot_name)
        for wording in wordings
        for reference in list_names(wording)
        if type(wording.lists.get(reference.list_name)).__name__ == "WildcardSlotList"
    )
