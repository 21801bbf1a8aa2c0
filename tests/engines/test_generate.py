"""Generation: repeatable, streaming, sliding, stopping."""

import numpy as np
import pytest

from textzoo.common.errors import UserError
from textzoo.engines.base import Engine, LogitsFormat
from textzoo.engines.generate import Continuation, generate, generate_samples, generate_tokens, until_stop
from textzoo.text.tokenizers.byte import ByteTokenizer
from textzoo.text.tokenizers.character import CharacterTokenizer
from textzoo.text.tokenizers.word import WordTokenizer

ALPHABET = [chr(ord("a") + index) for index in range(8)]


class CountingEngine(Engine):
    """A stand-in whose next token is the last one plus one; it records what it is fed."""

    name = "counting"

    def __init__(self, context_length=6, integer=True):
        self.vocabulary_size, self.context_length = len(ALPHABET), context_length
        self.logits_format = LogitsFormat(np.dtype("int8" if integer else "float32"), 0.1 if integer else 1.0, 0)
        self.fed = []
        self.position = 0

    def reset(self):
        self.position = 0
        self.fed.append("reset")

    def step_raw(self, token):
        self.check_step(token)
        self.fed.append(token)
        self.position += 1
        logits = np.full(self.vocabulary_size, -10, self.logits_format.dtype)
        logits[(token + 1) % self.vocabulary_size] = 20
        return logits


@pytest.fixture
def tokenizer():
    return CharacterTokenizer(ALPHABET)


def text_of(engine, tokenizer, prompt="abc", **options):
    return "".join(generate(engine, tokenizer, prompt, **{"max_tokens": 5, "temperature": 0.0, **options}))


def test_greedy_continuation(tokenizer):
    assert text_of(CountingEngine(), tokenizer) == "defgh"


def test_pieces_come_one_by_one(tokenizer):
    engine = CountingEngine()
    pieces = generate(engine, tokenizer, "ab", max_tokens=4, temperature=0.0)
    assert next(pieces) == "c"
    assert engine.fed == ["reset", 0, 1]  # nothing is computed ahead
    assert list(pieces) == ["d", "e", "f"]


@pytest.mark.parametrize("integer", [True, False])
def test_same_seed_same_text_and_another_seed_another(tokenizer, integer):
    def sample(seed):
        return text_of(CountingEngine(integer=integer), tokenizer, max_tokens=60, temperature=5.0, seed=seed)

    assert sample(4) == sample(4)
    assert sample(4) != sample(5)


def test_past_the_context_the_last_half_is_fed_again():
    engine = CountingEngine(context_length=6)
    list(generate_tokens(engine, np.array([0, 1, 2, 3]), max_tokens=5, temperature=0.0))
    assert engine.fed == ["reset", 0, 1, 2, 3, 4, 5, "reset", 3, 4, 5, 6, 7]


def test_a_prompt_longer_than_the_context_slides_too():
    engine = CountingEngine(context_length=4)
    tokens = list(generate_tokens(engine, np.arange(8), max_tokens=1, temperature=0.0))
    assert engine.fed == ["reset", 0, 1, 2, 3, "reset", 2, 3, 4, 5, "reset", 4, 5, 6, 7]
    assert tokens == [0]


@pytest.mark.parametrize(("stop", "expected"), [("f", "de"), ("ef", "d"), ("xyz", "defgh"), ("d", ""), ("gx", "defgh")])
def test_generation_ends_before_the_stop_text(tokenizer, stop, expected):
    assert text_of(CountingEngine(), tokenizer, stop=stop) == expected


def test_a_possible_stop_text_is_held_back_until_it_is_certain():
    assert list(until_stop(iter(["a", "b", "a", "c"]), ["ac"])) == ["ab"]
    assert list(until_stop(iter(["a", "b", "a"]), ["ac"])) == ["ab", "a"]


def test_samples_differ_and_the_first_is_that_of_the_seed(tokenizer):
    options = {"max_tokens": 30, "temperature": 5.0}
    samples = ["".join(p) for p in generate_samples(CountingEngine(), tokenizer, "a", num_samples=3, seed=7, **options)]
    assert len(set(samples)) == 3
    assert samples[0] == text_of(CountingEngine(), tokenizer, "a", seed=7, **options)


def test_pieces_are_whole_characters_and_tokens_are_counted():
    continuation = Continuation(iter(b"\xc3\xa9A\xe2\x82\xacB\xf0"), ByteTokenizer(), None)
    counts = [(piece, continuation.tokens) for piece in continuation]
    assert counts == [("é", 2), ("A", 3), ("€", 6), ("B", 7), ("\ufffd", 8)]


def test_a_stop_text_may_begin_inside_a_token():
    tokenizer = WordTokenizer(["The", " dog", " sees"])
    continuation = Continuation(iter([0, 1, 2, 1]), tokenizer, "og s")
    assert "".join(continuation) == "The d"
    assert continuation.tokens == 3


def test_unknown_characters_of_the_prompt(tokenizer):
    with pytest.raises(UserError, match="!"):
        text_of(CountingEngine(), tokenizer, "a!")
    seven = CharacterTokenizer(ALPHABET[:7], with_unknown=True)
    assert text_of(CountingEngine(), seven, "a!", unknown="unk", max_tokens=2) == "ab"


def test_an_empty_prompt_and_a_foreign_tokenizer_are_refused(tokenizer):
    with pytest.raises(UserError, match="empty"):
        text_of(CountingEngine(), tokenizer, "")
    with pytest.raises(UserError, match="vocabularies"):
        text_of(CountingEngine(), CharacterTokenizer(["a", "b"]))
