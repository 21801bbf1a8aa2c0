"""JSON Schema (draft 2020-12), as far as it is regular: the compact JSON of the values that a schema allows.

Texts have no blanks outside strings, properties come in the order of the schema, and every character has one spelling.
A keyword that could not be obeyed is refused by name, never ignored; annotations (title, description, ...) are read
over. Properties and items that a schema does not name are never written, so what it says about them holds. A string of
format input-span is a span of the input (textzoo.grammars.spans); other formats are refused.
"""

import json
import math
from collections.abc import Callable
from itertools import combinations
from typing import Any, NoReturn

from textzoo.common.errors import UserError
from textzoo.grammars.automaton import DEAD, automaton_of, common_texts
from textzoo.grammars.expressions import (
    EMPTY,
    INPUT_SPAN,
    LAST_CODE_POINT,
    NOTHING,
    Both,
    Expression,
    characters,
    check_size,
    choice,
    has_spans,
    optional,
    repeat,
    sequence,
    text,
)
from textzoo.grammars.json_numbers import integers, numbers
from textzoo.grammars.patterns import Ranges, pattern

MAX_SCHEMAS = 10_000  # with each reference followed
MAX_COMPARED = 20
SPAN_FORMAT = "input-span"
ANNOTATIONS = frozenset(
    ["title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$schema", "$id", "$comment"]
)
DEFINITIONS = frozenset(["$defs", "definitions"])
# What no automaton, or none of a useful size, decides.
REMEDY = "Such a condition is not regular, or not supported: leave it out, or check it in your program."
SHORT_ESCAPES = {ord(mark): f"\\{letter}" for mark, letter in zip('"\\\b\f\n\r\t', '"\\bfnrt', strict=True)}
PLAIN: Ranges = [(0x20, 0x21), (0x23, 0x5B), (0x5D, LAST_CODE_POINT)]
# Keyword -> type that a schema without `type` is read as; the texts are then some of those that it allows.
IMPLIED = {"properties": "object", "required": "object", "additionalProperties": "object"}
IMPLIED |= {"items": "array", "prefixItems": "array", "minItems": "array", "maxItems": "array"}
IMPLIED |= {"pattern": "string", "minLength": "string", "maxLength": "string"}
IMPLIED |= dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), "integer")
TYPE_NAMES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
TYPE_NAMES |= {"null": type(None)}


def json_schema(schema: Any, name: str, depth: int = 0) -> Expression:
    """Return the JSON texts that a schema allows.

    Args:
        schema: The schema, as parsed JSON.
        name: What it is, for errors.
        depth: How often a definition may contain itself; 0 refuses it.

    Raises:
        UserError: It is not valid, asks for something that is not regular, or allows nothing.
    """
    found = SchemaReader(schema, name, depth).of(schema, "#")
    if found == NOTHING:
        raise UserError(f"{name} allows no text")
    return found


def spelled(ranges: Ranges) -> Expression:
    """Return one character of some ranges as it stands in a string of JSON; other control characters are left out."""
    plain = characters(
        (max(first, low), min(last, high))
        for first, last in ranges
        for low, high in PLAIN
        if max(first, low) <= min(last, high)
    )
    escapes = [
        text(escape) for code, escape in SHORT_ESCAPES.items() if any(low <= code <= high for low, high in ranges)
    ]
    return choice([*([plain] if plain != NOTHING else []), *escapes])


ANY_SPELLED = spelled([(0, LAST_CODE_POINT)])


def spelled_value(value: Any) -> Expression:
    return text(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False))


class SchemaReader:
    """Translates the schemas of one document.

    Args:
        document: The whole document, for its references.
        name: What it is, for errors.
        depth: How often a definition may contain itself.
    """

    def __init__(self, document: Any, name: str, depth: int) -> None:
        self.document = document
        self.name = name
        self.depth = depth
        self.open: list[str] = []  # references that are being followed
        self.count = 0

    def fail(self, place: str, what: str, expected: str = "", received: Any = None, remedy: str = "") -> NoReturn:
        shown = "" if received is None else json.dumps(received)[:60]
        raise UserError(f"{self.name}: {what} at {place}", expected=expected, received=shown, remedy=remedy)

    def of(self, schema: Any, place: str) -> Expression:
        """Return the texts of a schema.

        Args:
            schema: The schema.
            place: Where it stands in the document, as a JSON pointer.
        """
        self.count += 1
        if self.count > MAX_SCHEMAS:
            self.fail(place, "too many schemas", f"at most {MAX_SCHEMAS:,}, with every reference followed")
        if schema is False:
            return NOTHING
        if schema is True or schema == {}:
            self.fail(place, "any value", "a type: values of any type nest without a bound", remedy=REMEDY)
        if not isinstance(schema, dict):
            self.fail(place, "not a schema", "an object or true or false", schema)
        if schema.get("format") == SPAN_FORMAT:
            return self.span(schema, place)
        for keyword, translate in SPECIAL.items():
            if keyword in schema:
                self.check_keywords(schema, place, {keyword, "type"} if keyword in ("enum", "const") else {keyword})
                return translate(self, schema, place)
        return self.of_types(schema, place)

    def check_keywords(self, schema: dict[str, Any], place: str, known: set[str]) -> None:
        """Raise UserError for keywords that would be ignored."""
        unknown = sorted(set(schema) - known - ANNOTATIONS - DEFINITIONS)
        if unknown:
            besides = f" beside {' and '.join(sorted(known & set(schema)))}" if known & set(schema) else ""
            self.fail(place, f"{', '.join(unknown)}{besides} cannot be obeyed", remedy=REMEDY)

    def of_types(self, schema: dict[str, Any], place: str) -> Expression:
        implied = next((IMPLIED[keyword] for keyword in schema if keyword in IMPLIED), None)
        types = schema.get("type", implied)
        types = types if isinstance(types, list) else [types]
        self.check_keywords(schema, place, {"type", *IMPLIED})
        for name in types:
            if not isinstance(name, str) or name not in TYPES:
                self.fail(place, "no type", f"type: {', '.join(TYPES)}", name, "" if name else REMEDY)
        self.check_keywords(schema, place, {"type"}.union(*(KEYWORDS[name] for name in types)))
        return choice(TYPES[name](self, schema, place) for name in types)

    def whole(self, schema: dict[str, Any], keyword: str, place: str, default: int | None) -> int | None:
        """Return a keyword's count, 0 or more."""
        value = schema.get(keyword, default)
        if value is not None and (type(value) not in (int, float) or value < 0 or value != int(value)):
            self.fail(place, f"{keyword} is wrong", "a whole number, 0 or more", value)
        return None if value is None else int(value)

    def counts(self, schema: dict[str, Any], low: str, high: str, place: str) -> tuple[int, int | None]:
        least, most = self.whole(schema, low, place, 0), self.whole(schema, high, place, None)
        if most is not None and most < least:
            self.fail(place, f"{low} is more than {high}", received=[least, most])
        return least, most

    def string(self, schema: dict[str, Any], place: str) -> Expression:
        low, high = self.counts(schema, "minLength", "maxLength", place)
        has_length = bool(low) or high is not None
        length = repeat(ANY_SPELLED, low, high)
        if "pattern" not in schema:
            return self.quoted(length)
        if not isinstance(schema["pattern"], str):
            self.fail(place, "pattern is wrong", "a regular expression as a string", schema["pattern"])
        matching = pattern(schema["pattern"], f"{self.name}: the pattern at {place}", spelled)
        return self.quoted(Both(matching, length) if has_length else matching)

    def span(self, schema: dict[str, Any], place: str) -> Expression:
        self.check_keywords(schema, place, {"format", "type"})
        if schema.get("type", "string") != "string":
            self.fail(place, f"format {SPAN_FORMAT} of another type", "type: string", schema["type"], "Use anyOf.")
        return self.quoted(INPUT_SPAN)

    @staticmethod
    def quoted(content: Expression) -> Expression:
        return sequence([text('"'), content, text('"')])

    def integer(self, schema: dict[str, Any], place: str) -> Expression:
        low = self.bound(schema, "minimum", "exclusiveMinimum", place, math.ceil, 1, max)
        high = self.bound(schema, "maximum", "exclusiveMaximum", place, math.floor, -1, min)
        return integers(low, high)

    def bound(
        self,
        schema: dict[str, Any],
        keyword: str,
        exclusive: str,
        place: str,
        rounded: Callable[[float], int],
        step: int,
        narrower: Callable[..., int],
    ) -> int | None:
        """Return the lowest or highest integer that two keywords allow; None without a bound."""
        for name in (keyword, exclusive):
            if name in schema and type(schema[name]) not in (int, float):
                self.fail(place, f"{name} is wrong", "a number", schema[name])
        bounds = [rounded(schema[keyword])] if keyword in schema else []
        if exclusive in schema:
            edge = rounded(schema[exclusive])
            bounds.append(edge + step if edge == schema[exclusive] else edge)
        return narrower(bounds) if bounds else None

    def number(self, schema: dict[str, Any], place: str) -> Expression:
        return numbers()

    def boolean(self, schema: dict[str, Any], place: str) -> Expression:
        return choice([text("true"), text("false")])

    def null(self, schema: dict[str, Any], place: str) -> Expression:
        return text("null")

    def object(self, schema: dict[str, Any], place: str) -> Expression:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, dict):
            self.fail(place, "properties is wrong", "an object of schemas", properties)
        if not isinstance(required, list) or any(name not in properties for name in required):
            self.fail(place, "required is wrong", "a list of names that properties defines", required)
        pairs = [
            (self.property(key, value, f"{place}/properties/{key}"), key in required)
            for key, value in properties.items()
        ]
        return sequence([text("{"), self.ordered(pairs), text("}")])

    def property(self, key: str, schema: Any, place: str) -> Expression:
        return sequence([spelled_value(key), text(":"), self.of(schema, place)])

    @staticmethod
    def ordered(pairs: list[tuple[Expression, bool]]) -> Expression:
        """Return the properties in their order, with commas, where those that are not required may be missing."""
        found, rest = [], EMPTY  # rest: what follows a property that is there
        for written, is_required in reversed(pairs):
            found = [sequence([written, rest])] + ([] if is_required else found)
            with_comma = sequence([text(","), written])
            rest = sequence([with_comma if is_required else optional(with_comma), rest])
        needs_one = any(is_required for _, is_required in pairs)
        return choice([*found, *([] if needs_one else [EMPTY])])

    def array(self, schema: dict[str, Any], place: str) -> Expression:
        low, high = self.counts(schema, "minItems", "maxItems", place)
        first = schema.get("prefixItems", [])
        if not isinstance(first, list):
            self.fail(place, "prefixItems is wrong", "a list of schemas", first)
        prefix = [self.of(item, f"{place}/prefixItems/{index}") for index, item in enumerate(first)]
        if high == 0:
            return text("[]")
        if "items" not in schema and (low > len(prefix) or not prefix):
            self.fail(place, "an array of any values", "items: a schema", remedy=REMEDY)
        others = self.of(schema["items"], f"{place}/items") if "items" in schema else NOTHING
        return sequence([text("["), self.elements(prefix, others, low, high), text("]")])

    @staticmethod
    def elements(prefix: list[Expression], others: Expression, low: int, high: int | None) -> Expression:
        """Return from low to high elements with commas: those of the prefix, then any number of others."""
        start = prefix if high is None else prefix[:high]
        most = None if high is None else high - len(start)
        first = start[0] if start else others
        if not start:
            most = None if most is None else most - 1
        comma = text(",")
        beyond = len(start) if start else 1
        rest = repeat(sequence([comma, others]), max(low - beyond, 0), most)
        for index in range(len(start) - 1, 0, -1):
            tail = sequence([comma, start[index], rest])
            rest = tail if low > index else optional(tail)
        written = sequence([first, rest])
        return written if low > 0 else optional(written)

    def enumeration(self, schema: dict[str, Any], place: str) -> Expression:
        values = [schema["const"]] if "const" in schema else schema["enum"]
        if not isinstance(values, list) or not values:
            self.fail(place, "enum is wrong", "a list of values", values)
        types = schema.get("type")
        names = types if isinstance(types, list) else [types]
        allowed = [value for value in values if types is None or any(is_of_type(value, name) for name in names)]
        return choice(spelled_value(value) for value in allowed)

    def any_of(self, schema: dict[str, Any], place: str) -> Expression:
        return choice(self.branches(schema, "anyOf", place))

    def one_of(self, schema: dict[str, Any], place: str) -> Expression:
        found = self.branches(schema, "oneOf", place)
        if len(found) > MAX_COMPARED:
            self.fail(place, "oneOf is too long", f"at most {MAX_COMPARED} schemas", remedy="Use anyOf.")
        if any(map(has_spans, found)):
            self.fail(
                place, "oneOf with a span of the input, which may be any text, cannot be obeyed", remedy="Use anyOf."
            )
        automata = [automaton_of(branch, self.name) for branch in found]
        for (first, one), (second, other) in combinations(enumerate(automata), 2):
            if common_texts(one, other).start != DEAD:
                what = f"oneOf, whose schemas {first} and {second} allow the same text,"
                self.fail(place, f"{what} cannot be obeyed", remedy="Use anyOf, or make them differ.")
        return choice(found)

    def all_of(self, schema: dict[str, Any], place: str) -> Expression:
        found = self.branches(schema, "allOf", place)
        if len(found) > 1:
            self.fail(place, "allOf of several schemas cannot be obeyed", remedy=REMEDY)
        return found[0]

    def branches(self, schema: dict[str, Any], keyword: str, place: str) -> list[Expression]:
        values = schema[keyword]
        if not isinstance(values, list) or not values:
            self.fail(place, f"{keyword} is wrong", "a list of schemas", values)
        return [self.of(value, f"{place}/{keyword}/{index}") for index, value in enumerate(values)]

    def reference(self, schema: dict[str, Any], place: str) -> Expression:
        pointer = schema["$ref"]
        target = self.target(pointer, place)
        if self.open.count(pointer) > self.depth:
            if self.depth:
                return NOTHING
            self.fail(
                place,
                f"{pointer} contains itself",
                "definitions without recursion, which is not regular",
                remedy="Set a depth (prediction.grammar_depth) to bound how often it may.",
            )
        self.open.append(pointer)
        found = self.of(target, pointer)
        self.open.pop()
        check_size(found, f"{self.name}, whose references are followed,")
        return found

    def target(self, pointer: Any, place: str) -> Any:
        """Return what a reference within the document points to."""
        if not isinstance(pointer, str) or not (pointer == "#" or pointer.startswith("#/")):
            self.fail(place, "a reference out of the document", "$ref: #/...", pointer)
        found = self.document
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            elif isinstance(found, dict) and key in found:
                found = found[key]
            else:
                self.fail(place, "a reference to nothing", "$ref: the place of a schema in the document", pointer)
        return found


def is_of_type(value: Any, name: Any) -> bool:
    known = TYPE_NAMES.get(name, ()) if isinstance(name, str) else ()
    return isinstance(value, known) and (name == "boolean" or not isinstance(value, bool))


Translate = Callable[[SchemaReader, dict[str, Any], str], Expression]
# Keyword that decides alone -> what it allows.
SPECIAL: dict[str, Translate] = {
    "$ref": SchemaReader.reference,
    "const": SchemaReader.enumeration,
    "enum": SchemaReader.enumeration,
    "anyOf": SchemaReader.any_of,
    "oneOf": SchemaReader.one_of,
    "allOf": SchemaReader.all_of,
}
TYPES: dict[str, Translate] = {
    "object": SchemaReader.object,
    "array": SchemaReader.array,
    "string": SchemaReader.string,
    "integer": SchemaReader.integer,
    "number": SchemaReader.number,
    "boolean": SchemaReader.boolean,
    "null": SchemaReader.null,
}
KEYWORDS = {name: {keyword for keyword, owner in IMPLIED.items() if owner == name} for name in TYPES}
