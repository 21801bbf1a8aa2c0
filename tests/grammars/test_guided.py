"""Generation under a grammar: always one of its texts, within max_tokens, repeatable, for every kind of tokenizer."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textzoo.common.errors import UserError
from textzoo.engines.base import Engine, LogitsFormat
from textzoo.engines.generate import generate
from textzoo.engines.sampling import IntegerSampler, choose_token
from textzoo.grammars.grammar import Grammar, read_grammar
from textzoo.grammars.token_automaton import Guide
from textzoo.text.settings import TokenizerConfig
from textzoo.text.tokenizers.base import make_tokenizer

TEXT = 'turn on or off the lamp in the kitchen, say "yes" or "no": {}[]-+*/\\0123456789 abcdefghijklmnopqrstuvwxyz é\n'
TOKENIZERS = {
    "char": TokenizerConfig(name="char"),
    "char with <unk>": TokenizerConfig(name="char", unknown="unk"),
    "byte": TokenizerConfig(name="byte"),
    "word": TokenizerConfig(name="word", unknown="unk"),
    "bpe": TokenizerConfig(name="bpe", vocabulary_size=300),
}
NUMBERS = Grammar("json_schema", '{"type": "integer", "minimum": -120, "maximum": 4500}')
ORDERS = Grammar("gbnf", 'root ::= "turn " ("on" | "off") " the " [a-z]{1,12} ("," | "" )')


class RandomEngine(Engine):
    """A stand-in whose logits depend on all tokens that it was fed, as a model's do."""

    name = "random"

    def __init__(self, vocabulary_size, integer=True):
        self.vocabulary_size, self.context_length, self.integer = vocabulary_size, 64, integer
        self.logits_format = LogitsFormat(np.dtype("int8" if integer else "float32"), 0.1 if integer else 1.0, 0)
        self.reset()

    def reset(self):
        self.position, self.seen = 0, 1

    def step_raw(self, token):
        self.position += 1
        self.seen = (self.seen * 31 + token) % 2**32
        values = np.random.default_rng(self.seen).integers(-128, 128, self.vocabulary_size)
        return values.astype(np.int8) if self.integer else values.astype(np.float32) / 16


@pytest.fixture(scope="module", params=TOKENIZERS)
def tokenizer(request):
    return make_tokenizer(TOKENIZERS[request.param], TEXT * 3)


def written(tokenizer, grammar, seed=1, max_tokens=40, integer=True, **options):
    engine = RandomEngine(tokenizer.vocabulary_size, integer)
    continuation = generate(
        engine, tokenizer, " on", max_tokens=max_tokens, seed=seed, temperature=options.pop("temperature", 1.0),
        grammar=grammar, **options
    )  # fmt: skip
    return "".join(continuation)


@pytest.mark.parametrize("integer", [True, False])
@pytest.mark.parametrize("options", [{}, {"temperature": 0.0}, {"top_k": 2}, {"stop": "\n"}], ids=str)
def test_what_is_written_is_a_text_of_the_grammar(tokenizer, options, integer):
    texts = [written(tokenizer, ORDERS, seed, integer=integer, **options) for seed in range(20)]
    assert [text for text in texts if not re.fullmatch("turn (on|off) the [a-z]{1,12},?", text)] == []
    assert texts == [written(tokenizer, ORDERS, seed, integer=integer, **options) for seed in range(20)]
    assert options.get("temperature") == 0 or len(set(texts)) > 2


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), max_tokens=st.integers(1, 8))
def test_a_number_is_whole_however_few_tokens_it_may_have(tokenizer, seed, max_tokens):
    text = written(tokenizer, NUMBERS, seed, max_tokens)
    assert re.fullmatch(r"-?\d+", text)
    assert -120 <= int(text) <= 4500
    assert len(tokenizer.token_bytes) < 300 or len(text) <= max_tokens


def test_too_few_tokens_are_an_error():
    tokenizer = make_tokenizer(TOKENIZERS["char"], TEXT)
    with pytest.raises(UserError, match="max_tokens of at least 13; received 12"):
        written(tokenizer, ORDERS, max_tokens=12)
    assert written(tokenizer, ORDERS, max_tokens=13).startswith("turn on the ")


def test_only_tokens_that_are_a_choice_draw_a_random_number():
    tokenizer = make_tokenizer(TOKENIZERS["char"], TEXT)
    guide = Guide(Grammar("choices", "turn on\nturn off\nno").automaton(tokenizer))
    sampler, drawn = IntegerSampler(0.1, temperature=1.0, seed=5), []
    draw = sampler.random.next
    sampler.random.next = lambda: drawn.append(1) or draw()
    logits = np.zeros(tokenizer.vocabulary_size, np.int8)
    logits[tokenizer.encode("t")[0]] = logits[tokenizer.encode("f")[0]] = 127
    tokens = []
    while (token := choose_token(sampler, logits, guide, 20)) is not None:
        tokens.append(token)
    assert (tokenizer.decode(tokens), len(drawn)) == ("turn off", 2)


def test_a_text_may_end_only_with_the_stop():
    """A grammar without a bound ends where the model says so, and not within the stop text itself."""
    tokenizer = make_tokenizer(TOKENIZERS["char"], TEXT)
    grammar = Grammar("gbnf", r"root ::= [a-b\n]+")
    texts = {written(tokenizer, grammar, seed, stop="\n", max_tokens=30, temperature=8.0) for seed in range(50)}
    assert all(re.fullmatch("[ab]+", text) for text in texts)
    assert len({len(text) for text in texts}) > 3


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("gbnf", 'root ::= "€"', "the vocabulary cannot spell any text of the GBNF grammar"),
        ("gbnf", 'root ::= "Turn on"', "no token with any of 'T'"),
        ("choices", "\n\n", "the list of allowed answers is empty"),
        ("json_schema", '{"a": 1, "a": 2}', "the JSON Schema is damaged.*twice"),
        ("json_schema", "[" * 200_000, "the JSON Schema is too long"),
    ],
)
def test_a_grammar_that_cannot_be_obeyed(kind, content, message):
    tokenizer = make_tokenizer(TOKENIZERS["char"], TEXT)
    with pytest.raises(UserError, match=message):
        Grammar(kind, content).automaton(tokenizer)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("g.ebnf", b"", "no suffix of a grammar; expected .gbnf .GBNF grammar., .json"),
        ("g.gbnf", b"\xff", "expected UTF-8"),
        ("g.gbnf", b"root ::= x", "no rule 'x'"),
        ("g.json", b"{", "damaged"),
        ("g.txt", b"a" * 140_000, "at most 131,072 bytes|131,072"),
    ],
)
def test_files_that_are_no_grammars(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_grammar(tmp_path / name)


def test_the_suffix_tells_the_notation(tmp_path):
    for name, content, text in (
        ("a.gbnf", 'root ::= "no"', "no"),
        ("a.json", '{"const": "no"}', '"no"'),
        ("a.txt", "no\n", "no"),
    ):
        (tmp_path / name).write_text(content)
        tokenizer = make_tokenizer(TOKENIZERS["byte"], TEXT)
        assert written(tokenizer, read_grammar(tmp_path / name)) == text
