"""The grammar of all answers, as a JSON Schema made from commands."""

from collections.abc import Collection, Sequence
from typing import Any

from textzoo.text.commands.command import INTENT, Command, Value

# The file's name, beside the tokenizer of a model of commands.
FILE = "grammar.json"
# Understood by textzoo.grammars: whole words of the sentence, as they stand there.
COPIED = {"type": "string", "format": "input-span"}


def schema_of(commands: Sequence[Command], copied: Collection[tuple[str, str]]) -> dict[str, Any]:
    """Return the JSON Schema of the answers.

    Args:
        commands: From which intents, slots and values are taken.
        copied: (intent, slot) of those whose values are copied from the sentence; the others have the values seen.
    """
    intents = sorted({command.intent for command in commands})
    return {"anyOf": [intent_schema(intent, commands, copied) for intent in intents]}


def intent_schema(intent: str, commands: Sequence[Command], copied: Collection[tuple[str, str]]) -> dict[str, Any]:
    slots = [dict(command.slots) for command in commands if command.intent == intent]
    names = sorted({name for given in slots for name in given})
    values = {name: {given[name] for given in slots if name in given} for name in names}
    properties = {name: slot_schema(values[name], is_copied=(intent, name) in copied) for name in names}
    always = [name for name in names if all(name in given for given in slots)]
    return {"properties": {INTENT: {"const": intent}, **properties}, "required": [INTENT, *always]}


def intents_in(schema: Any) -> dict[str, list[str]]:
    """Return intent -> names of its slots, of a schema of this form; empty for any other, which may be anything."""
    found: dict[str, list[str]] = {}
    answers = section(schema).get("anyOf", [schema])
    for answer in answers if isinstance(answers, list) else []:
        properties = section(section(answer).get("properties"))
        kind = section(properties.get(INTENT))
        names = [kind["const"]] if "const" in kind else kind.get("enum")
        for name in names if isinstance(names, list) else []:
            found.setdefault(str(name), [slot for slot in properties if slot != INTENT])
    return found


def section(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def slot_schema(values: Collection[Value], is_copied: bool) -> dict[str, Any]:
    """Return the schema of a slot from the values that it has had."""
    texts = sorted(value for value in values if isinstance(value, str))
    numbers = [value for value in values if isinstance(value, int)]
    lists = [value for value in values if isinstance(value, tuple)]
    kinds: list[dict[str, Any]] = []
    if texts:
        kinds.append(COPIED if is_copied else {"enum": texts})
    if numbers:
        kinds.append({"type": "integer", "minimum": min(numbers), "maximum": max(numbers)})
    if lists:
        entry = COPIED if is_copied else {"enum": sorted({text for value in lists for text in value})}
        kinds.append({"type": "array", "items": entry, "minItems": 1, "maxItems": max(map(len, lists))})
    return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
