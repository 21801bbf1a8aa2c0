"""Spans of the input: which there are, and texts of grammars that have them."""

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_guided import TEXT, TOKENIZERS, written

from textzoo.common.errors import UserError
from textzoo.grammars.automaton import automaton_of
from textzoo.grammars.expressions import Choice, Repeat, Sequence, Span, choice, repeat, sequence
from textzoo.grammars.expressions import text as characters_of
from textzoo.grammars.grammar import Grammar, read_grammar
from textzoo.grammars.spans import MAX_BYTES, UNREACHABLE, InputSpans, SpanPlace, escaped, spellings_of
from textzoo.grammars.token_automaton import Guide, token_automaton
from textzoo.text.tokenizers.base import make_tokenizer

RUNS = re.compile("[0-9A-Za-z\u0080-\U0010ffff]+|[^\0-\x200-9A-Za-z\u0080-\U0010ffff]+")
SPAN = {"type": "string", "format": "input-span"}
PIECES = [bytes([byte]) for byte in range(256)]
PIECES += [b"ab", b"b a", b"aa", "é€".encode(), b" \xe2\x82", b"\\n", b'a\\"', b'"', b'","', b"b "]
INPUTS = st.text("ab1 é€😀\"\\\n\t\x01\x1f.%'", max_size=12) | st.text(max_size=8)


def all_spans(text):
    """Every span of an input, by a list of its runs of letters and of other characters."""
    runs = [match.span() for match in RUNS.finditer(re.sub("[\ud800-\udfff]", "\ufffd", text))]
    return {
        text[first:last] for index, (first, _) in enumerate(runs) for _, last in runs[index:]
    } or {""}  # fmt: skip


def written_spans(content, starts, ends):
    return {content[start:end].decode() for start in starts for end in ends if start < end} or {""}


# Input, its spans.
SPANS = {
    "": {""},
    " \t\n": {""},
    "on": {"on"},
    " turn on\n": {"turn", "on", "turn on"},
    "it's": {"it", "'", "s", "it'", "'s", "it's"},
    "50%.": {"50", "%.", "50%."},
    "a  b": {"a", "b", "a  b"},
    'say "é"': {"say", '"', "é", '"é', 'é"', '"é"', 'say "', 'say "é', 'say "é"'},
    "a_b": {"a", "_", "b", "a_", "_b", "a_b"},
}


@pytest.mark.parametrize("text", SPANS)
def test_spans_of_an_input(text):
    assert all_spans(text) == SPANS[text]


@settings(max_examples=300, deadline=None)
@given(INPUTS)
def test_positions_are_those_of_all_spans(text):
    found = escaped(text)
    assert {json.loads(f'"{span}"') for span in written_spans(found.content, found.starts, found.ends)} == all_spans(
        text
    )


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("x" * 300, ""),
        ("a " + "b" * MAX_BYTES, "b" * MAX_BYTES),
        ("ab" + " c" * 127, "c" + " c" * 126),
        ("abc" + ' "' * 100, '"' + ' "' * 84),
        ("é" * 10 + " é" * 90, "é" + " é" * 84),
        ("long ago " * 100 + "b." * 100 + "   ", "long ago " * 6 + "b." * 100),
    ],
)
def test_the_end_of_a_long_input_counts(text, last):
    """And words that are whole in it."""
    found = escaped(text)
    spans = written_spans(found.content, found.starts, found.ends)
    assert {json.loads(f'"{span}"') for span in spans} == all_spans(last)
    assert len(found.content) <= MAX_BYTES


def fewest_tokens(content):
    """Tokens of the shortest spelling of some bytes, by trying all; None if there is none."""
    best = [0] + [None] * len(content)
    for end in range(1, len(content) + 1):
        ways = [best[end - len(piece)] for piece in PIECES if content[:end].endswith(piece)]
        best[end] = min((way + 1 for way in ways if way is not None), default=None)
    return best[-1]


@settings(max_examples=200, deadline=None)
@given(INPUTS, st.randoms(use_true_random=False))
def test_every_text_within_a_span_can_become_one_in_as_many_tokens_as_said(text, random):
    spellings = spellings_of(PIECES, None)
    place, targets = (
        SpanPlace(InputSpans(text, spellings)),
        [json.dumps(span, ensure_ascii=False)[1:-1].encode() for span in all_spans(text)],
    )
    so_far = b""
    while True:
        rests = [target[len(so_far) :] for target in targets if target.startswith(so_far)]
        assert place.distance == min(map(fewest_tokens, rests))
        possible = {token for token, piece in enumerate(PIECES) if any(rest.startswith(piece) for rest in rests)}
        assert {*place.allowed(UNREACHABLE - 1)} == possible
        if not possible:
            break
        token = random.choice(sorted(possible))
        so_far += PIECES[token]
        assert place.advance(token)
    assert place.distance == 0


def test_a_span_that_no_token_can_spell_is_the_empty_text():
    assert InputSpans("é", spellings_of([b"a"], None)).starts == (0,)
    assert InputSpans("é a", spellings_of([b"a"], None)).shortest == 1
    assert InputSpans('a"', spellings_of([b'a"', b'"'], None)).shortest == 0


OBJECT = {
    "anyOf": [
        {"properties": {"intent": {"const": "play"}, "what": SPAN, "who": SPAN}, "required": ["intent", "what"]},
        {"properties": {"intent": {"const": "none"}}, "required": ["intent"]},
        {
            "properties": {"names": {"type": "array", "items": SPAN, "minItems": 1, "maxItems": 3}},
            "required": ["names"],
        },
    ]
}
GBNF = r'root ::= "{\"" ("a\":\"" input-span "\"}" | "is it a lamp\":1}")'


def spans_in(text):
    """The values of an answer of OBJECT that are copied."""
    values = json.loads(text)
    return [*values.get("names", []), *(values[key] for key in ("what", "who") if key in values)]


@pytest.fixture(scope="module", params=["char", "byte", "bpe"])
def tokenizer(request):
    return make_tokenizer(TOKENIZERS[request.param], TEXT * 3)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), text=st.text('ab 0é"\\\n,', max_size=20), room=st.integers(0, 12))
def test_answers_copy_from_the_input(tokenizer, seed, text, room):
    grammar = Grammar("json_schema", json.dumps(OBJECT))
    automaton = grammar.automaton(tokenizer, ("\n",))
    max_tokens = Guide(automaton, text).distance + room
    found = written(tokenizer, grammar, seed, max_tokens, stop="\n", input_text=text)
    assert {*spans_in(found)} <= all_spans(text)
    assert json.loads(found).get("intent", "play") in ("play", "none")


def expanded(expression, spans):
    """The same expression with all spans of an input written out."""
    match expression:
        case Span():
            return choice(characters_of(json.dumps(one, ensure_ascii=False)[1:-1]) for one in sorted(spans))
        case Sequence(parts):
            return sequence(expanded(part, spans) for part in parts)
        case Choice(parts):
            return choice(expanded(part, spans) for part in parts)
        case Repeat(part, low, high):
            return repeat(expanded(part, spans), low, high)
    return expression


GBNFS = [GBNF, r'root ::= ("\"" input-span "\"" | "oh, no"){3} ("," "\"" input-span "\"")?']
GRAMMARS = [Grammar("json_schema", json.dumps(OBJECT)), *(Grammar("gbnf", content) for content in GBNFS)]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(GRAMMARS), INPUTS, st.randoms(use_true_random=False), st.integers(0, 12))
def test_with_tokens_of_one_byte_a_span_is_the_choice_of_all_spans(grammar, text, random, room):
    """The same tokens may come at every place, for any number of tokens that are left."""
    bytes_alone, expression = [bytes([byte]) for byte in range(256)], grammar.expression()
    alike = automaton_of(expanded(expression, all_spans(text)))
    guide = Guide(token_automaton(automaton_of(expression), bytes_alone, None, "it"), text)
    other = Guide(token_automaton(alike, bytes_alone, None, "it"))
    for left in range(guide.distance + room, -1, -1):
        assert guide.distance == other.distance
        assert (guide.is_final, guide.may_end) == (other.is_final, other.may_end)
        for fewer in {left, max(left - 3, 0), guide.distance}:
            assert (guide.allowed(fewer) == other.allowed(fewer)).all()
        allowed = np.flatnonzero(guide.allowed(left))
        if len(allowed) == 0:
            break
        token = int(random.choice(allowed.tolist()))
        guide.advance(token)
        other.advance(token)


def test_the_shortest_text_depends_on_the_input():
    """By a span of one token, or beside it."""
    tokenizer = make_tokenizer(TOKENIZERS["char"], TEXT)
    automaton = Grammar("gbnf", GBNF).automaton(tokenizer)
    lengths = {text: Guide(automaton, text).distance for text in ("", "x", "lamp", "abcdefghijklmnop")}
    assert lengths == {text: min(2 + 4 + len(text) + 2, len('{"is it a lamp":1}')) for text in lengths}
    assert automaton.ways[:, automaton.start].tolist() == [18, 8]


def test_without_an_input_text_the_prompt_is_copied_from():
    tokenizer = make_tokenizer(TOKENIZERS["char"], TEXT)
    grammar = Grammar("json_schema", json.dumps(SPAN))
    assert written(tokenizer, grammar) == '"on"'
    assert written(tokenizer, grammar, input_text="the lamp", seed=3) in ('"the"', '"lamp"', '"the lamp"')


# Grammar, and what its error says.
WRONG = {
    'root ::= "\\"" ("yes" | input-span) "\\""': "span of the input where another text could begin.*behind '\"'",
    'root ::= "\\"" input-span? "\\""': "where another text could begin",
    'root ::= "a" input-span "\\""': "with no quote before it.*behind 'a'",
    'root ::= input-span "\\""': "no quote before it",
    'root ::= "\\"" input-span': "no quote behind it.*behind '\"{input-span}'",
    'root ::= "\\"" input-span input-span "\\""': "no quote before it|no quote behind it",
    'root ::= "a\\"" input-span ("\\"" | "b")': "no quote behind it",
    'root ::= ("\\"" input-span "\\""){65}': "too many spans.*at most 64",
    'root ::= ("\\"" input-span "\\"" | "no!"){65}': "too many spans",
}


@pytest.mark.parametrize("content", WRONG)
def test_a_span_out_of_place_is_refused(tmp_path, content):
    (tmp_path / "g.gbnf").write_text(content)
    with pytest.raises(UserError, match=WRONG[content]):
        read_grammar(tmp_path / "g.gbnf").automaton(make_tokenizer(TOKENIZERS["byte"], TEXT))


SCHEMAS_WRONG = [
    ({**SPAN, "maxLength": 3, "minLength": 1}, "maxLength, minLength beside format and type cannot be obeyed"),
    ({**SPAN, "pattern": "a"}, "pattern beside format"),
    ({**SPAN, "enum": ["a"]}, "enum beside format"),
    ({**SPAN, "type": ["string", "null"]}, "expected type: string"),
    ({"type": "string", "format": "date"}, "format beside type cannot be obeyed"),
    ({"oneOf": [SPAN, {"const": 1}]}, "oneOf with a span"),
    ({"anyOf": [SPAN, {"enum": ["a", "b"]}]}, "where another text could begin"),
]


@pytest.mark.parametrize(("schema", "message"), SCHEMAS_WRONG, ids=lambda value: json.dumps(value)[:40])
def test_a_schema_that_a_span_cannot_obey(schema, message):
    with pytest.raises(UserError, match=message):
        Grammar("json_schema", json.dumps(schema)).check()


@pytest.mark.parametrize(
    ("stop", "is_refused"), [("\n", False), ("\n<end>", False), (".", True), ('\n"', True), ("<", True)]
)
def test_stop_texts_that_a_span_could_hold(stop, is_refused):
    tokenizer, grammar = make_tokenizer(TOKENIZERS["byte"], TEXT), Grammar("json_schema", json.dumps(SPAN))
    if is_refused:
        with pytest.raises(UserError, match="could stand in a span of the input"):
            grammar.automaton(tokenizer, (stop,))
    else:
        assert written(tokenizer, grammar, stop=stop, input_text="a. <b")[1:-1] in all_spans("a. <b")


def test_a_rule_of_that_name_wins():
    tokenizer = make_tokenizer(TOKENIZERS["char"], TEXT)
    grammar = Grammar("gbnf", 'root ::= input-span\ninput-span ::= "lamp"')
    assert written(tokenizer, grammar) == "lamp"


def test_grammars_without_spans_need_no_spellings():
    automaton = Grammar("choices", "yes\nno").automaton(make_tokenizer(TOKENIZERS["char"], TEXT))
    assert (automaton.spellings, len(automaton.ways), np.any(automaton.behind_span)) == ({}, 1, False)
