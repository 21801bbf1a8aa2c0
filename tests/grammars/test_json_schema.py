"""JSON Schema: every text that an automaton allows is valid by jsonschema; what cannot be obeyed is named."""

import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from walks import random_texts

from textzoo.common.errors import UserError
from textzoo.grammars.automaton import automaton_of
from textzoo.grammars.json_schema import json_schema

AB = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"enum": ["x", "y"]}, "c": {"type": "boolean"}}}
PAIR = {"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "items": {"const": 3}}
# Schema, texts that it allows, texts that it does not.
SCHEMAS = {
    "integers": (
        {"type": "integer", "minimum": -12, "maximum": 345},
        ["-12", "0", "345"],
        ["-13", "346", "01", "-0", "1.0"],
    ),
    "exclusive": ({"exclusiveMinimum": 0, "exclusiveMaximum": 2.5}, ["1", "2"], ["0", "3"]),
    "numbers": ({"type": "number"}, ["0", "-0.5", "12.25"], ["1.", ".5", "1e3", "01"]),
    "strings": (
        {"type": "string", "minLength": 1, "maxLength": 2},
        ['"a"', '"\\n\\""', '"é😀"'],
        ['""', '"abc"', '"\n"'],
    ),
    "a pattern": (
        {"type": "string", "pattern": r"^[A-Z]{2}\d+$", "maxLength": 5},
        ['"AB1"', '"AB123"'],
        ['"AB"', '"AB1234"'],
    ),
    "a pattern within": ({"pattern": 'a"b|^c'}, ['"xa\\"b"', '"cde"'], ['"ab"', '"xc"']),
    "types": ({"type": ["null", "boolean"]}, ["null", "true", "false"], ["nul", "0"]),
    "values": ({"enum": [1, "1", None, [1, {"a": 2}]]}, ["1", '"1"', "null", '[1,{"a":2}]'], ["2", "[1]"]),
    "values of a type": ({"type": "string", "enum": [1, "1"]}, ['"1"'], ["1"]),
    "required": (
        {**AB, "required": ["b"]},
        ['{"b":"x"}', '{"a":1,"b":"y","c":true}'],
        ["{}", '{"a":1}', '{"b":"x","a":1}'],
    ),
    "optional": (AB, ["{}", '{"c":true}', '{"a":-1,"c":false}'], ["{,}", '{"a":1,}', '{"c":true,"a":1}']),
    "no properties": ({"type": "object"}, ["{}"], ['{"a":1}']),
    "items": (
        {"type": "array", "items": {"const": 1}, "minItems": 1, "maxItems": 3},
        ["[1]", "[1,1,1]"],
        ["[]", "[1,1,1,1]"],
    ),
    "any number of items": ({"items": {"const": 1}}, ["[]", "[1]", "[1,1,1,1,1]"], ["[1,]"]),
    "first items": (PAIR, ["[]", "[1]", "[1,2,3,3]"], ["[2]", "[1,3]"]),
    "only first items": ({**PAIR, "items": False, "minItems": 2}, ["[1,2]"], ["[1]", "[1,2,3]"]),
    "some first items": ({**PAIR, "maxItems": 1}, ["[]", "[1]"], ["[1,2]"]),
    "definitions": ({"$ref": "#/$defs/a/items/0", "$defs": {"a": {"items": [{"const": 7}]}}}, ["7"], ["8"]),
    "one of": ({"oneOf": [{"const": 1}, {"type": "string", "maxLength": 1}]}, ["1", '""'], ["2"]),
    "any of": ({"anyOf": [{"type": "integer"}, {"const": 1}], "title": "t"}, ["1", "2"], ["x"]),
    "all of one": ({"allOf": [{"const": "a"}]}, ['"a"'], ["a"]),
    "a name with quotes": ({"properties": {'a"b/~': {"const": 0}}, "required": ['a"b/~']}, ['{"a\\"b/~":0}'], ["{}"]),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_texts_of_a_schema(name):
    schema, allowed, refused = SCHEMAS[name]
    automaton = automaton_of(json_schema(schema, "the schema"))
    assert [text for text in allowed if not automaton.accepts(text.encode())] == []
    assert [text for text in refused if automaton.accepts(text.encode())] == []
    if "definitions" not in name:  # its schema stands where the draft has none
        for text in [*allowed, *random_texts(automaton, 20, seed=1)]:
            jsonschema.validate(json.loads(text), schema)


@pytest.mark.parametrize("low", [-1005, -100, -10, -9, -1, 0, 1, 9, 10, 99, 100, 101])
def test_every_integer_of_a_range(low):
    for high in (low, low + 1, low + 9, low + 110, low + 1000, None):
        schema = {"type": "integer", "minimum": low} | ({} if high is None else {"maximum": high})
        automaton = automaton_of(json_schema(schema, "the schema"))
        found = [number for number in range(-1300, 1300) if automaton.accepts(str(number).encode())]
        assert found == [number for number in range(-1300, 1300) if low <= number <= (1300 if high is None else high)]


def nested(schemas):
    names = st.sampled_from(["a", "b", "long name", 'q"'])
    objects = st.dictionaries(names, schemas, max_size=4).flatmap(
        lambda found: (
            st.lists(st.sampled_from(sorted(found)), unique=True).map(
                lambda needed: {"type": "object", "properties": found, "required": needed}
            )
            if found
            else st.just({"type": "object"})
        )
    )
    counts = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(sorted)
    arrays = st.tuples(schemas, counts).map(
        lambda row: {"type": "array", "items": row[0], "minItems": row[1][0], "maxItems": row[1][1]}
    )
    tuples = st.tuples(st.lists(schemas, min_size=1, max_size=3), schemas | st.just(False)).map(
        lambda row: {"type": "array", "prefixItems": row[0], "items": row[1]}
    )
    return objects | arrays | tuples | st.lists(schemas, min_size=1, max_size=3).map(lambda found: {"anyOf": found})


NUMBERS = st.tuples(st.integers(-2000, 2000), st.integers(0, 3000)).map(
    lambda row: {"type": "integer", "minimum": row[0], "maximum": row[0] + row[1]}
)
STRINGS = st.tuples(st.integers(0, 3), st.integers(0, 5)).map(
    lambda row: {"type": "string", "minLength": row[0], "maxLength": row[0] + row[1]}
)
PATTERNS = st.sampled_from(["^a+$", "b", r"^\d{2}-[x-z]?$", "^(?:on|off)$", r"[\"\\]", "^.$", r"\s"]).map(
    lambda found: {"type": "string", "pattern": found, "maxLength": 8}
)
VALUES = st.lists(st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3), min_size=1, max_size=4)
LEAVES = NUMBERS | STRINGS | PATTERNS | VALUES.map(lambda found: {"enum": found})
LEAVES |= st.sampled_from([{"type": "boolean"}, {"type": ["null", "number"]}])


@settings(max_examples=60, deadline=None)
@given(st.recursive(LEAVES, nested, max_leaves=6), st.integers(0, 2**32 - 1))
def test_random_texts_of_random_schemas_are_valid(schema, seed):
    automaton = automaton_of(json_schema(schema, "the schema"))
    for text in random_texts(automaton, 5, seed):
        jsonschema.Draft202012Validator(schema).validate(json.loads(text))


# Schema, and what its error says.
WRONG = [
    ({}, "any value at #"),
    (True, "any value at #"),
    (7, "not a schema at #"),
    ({"type": "strin"}, 'no type at #.*received "strin"'),
    ({"not": {"type": "null"}}, "not cannot be obeyed"),
    ({"type": "integer", "multipleOf": 3}, "multipleOf .* cannot be obeyed"),
    ({"type": "string", "format": "date", "contentEncoding": "x"}, "contentEncoding, format .* cannot be obeyed"),
    ({"type": "array"}, "an array of any values"),
    ({"type": "array", "items": {"const": 1}, "uniqueItems": True}, "uniqueItems"),
    ({"properties": {"a": {"items": {"type": "x"}}}}, "no type at #/properties/a/items"),
    ({"properties": {"a": {"$ref": "#"}}}, "# contains itself at #/properties/a.*grammar_depth"),
    ({"$ref": "other.json"}, "out of the document"),
    ({"$ref": "#/$defs/b", "$defs": {"a": {}}}, "a reference to nothing"),
    ({"required": ["x"]}, "required is wrong"),
    ({"minLength": 3, "maxLength": 1}, "minLength is more than maxLength"),
    ({"maxLength": -1}, "maxLength is wrong"),
    ({"minimum": "a"}, "minimum is wrong"),
    ({"oneOf": [{"type": "integer"}, {"const": 1}]}, "schemas 0 and 1 allow the same text"),
    ({"allOf": [{"const": 1}, {"const": 1}]}, "allOf of several schemas"),
    ({"enum": []}, "enum is wrong"),
    ({"enum": [1], "type": "string"}, "allows no text"),
    ({"pattern": "^(?=a)"}, "without lookahead"),
    ({"pattern": r"(a)\1"}, "reference to a group"),
    ({"pattern": "a(^b)"}, "at the ends of the whole pattern"),
    ({"pattern": "(a"}, "column 3"),
    ({"pattern": "a)"}, "parentheses match|'\\)'"),
    ({"pattern": "*"}, "something to repeat"),
    ({"pattern": "[a"}, "more text"),
    ({"type": "string", "maxLength": 100_000}, "too large"),
]


@pytest.mark.parametrize(("schema", "message"), WRONG, ids=lambda value: json.dumps(value)[:40])
def test_what_cannot_be_obeyed_is_named(schema, message):
    with pytest.raises(UserError, match=message):
        automaton_of(json_schema(schema, "the schema"))


@pytest.mark.parametrize("depth", [1, 3])
def test_definitions_within_themselves_down_to_a_depth(depth):
    schema = {"$ref": "#/$defs/tree", "$defs": {"tree": {"items": {"$ref": "#/$defs/tree"}, "maxItems": 1}}}
    automaton = automaton_of(json_schema(schema, "the schema", depth))
    found = [automaton.accepts(("[" * count + "]" * count).encode()) for count in range(1, depth + 4)]
    assert found == [count <= depth + 1 for count in range(1, depth + 4)]
