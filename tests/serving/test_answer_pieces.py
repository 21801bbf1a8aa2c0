"""An answer is the text of its tokens, whatever it stops at and wherever it is stopped."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from talking_toys import ToyEngine, byte_source, fresh_logits, toy_source

from textzoo.common.errors import UserError
from textzoo.engines.generate import generate_tokens
from textzoo.serving.answer import INTERRUPTED, LENGTH, STOP, Answer, context_used, likeliest, slides
from textzoo.serving.local_source import ResumedContext
from textzoo.serving.sources import ContextLengthError, Sampling

SEEDS = st.integers(0, 2**32 - 1)
PROMPTS = st.text("abcé€", min_size=1, max_size=4)


def tokens_of(source, prompt, sampling):
    """All tokens that an answer could have, from an engine of its own."""
    engine = type(source.engine)(source.engine.vocabulary_size, source.engine.context_length)
    prompt = source.tokenizer.encode(prompt)
    settings = {"temperature": sampling.temperature, "top_k": sampling.top_k, "seed": sampling.seed}
    return list(generate_tokens(engine, prompt, max_tokens=sampling.max_tokens, **settings))


def cut(text, stops):
    """A text before the stop text that is complete first; of those that end together, before the longest."""
    ends = [(text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text]
    return text[: min(ends)[1]] if ends else text


@given(PROMPTS, SEEDS, st.integers(1, 60), st.lists(st.text("abcé€\ufffd ", min_size=1, max_size=3), max_size=3))
def test_the_pieces_are_the_text_before_the_first_stop(prompt, seed, max_tokens, stops):
    for source in (byte_source(), toy_source()):
        sampling = Sampling(temperature=2.0, seed=seed, max_tokens=max_tokens, stops=tuple(stops))
        answer = Answer(source, prompt, sampling)
        pieces = list(answer)
        tokens = tokens_of(source, prompt, sampling)
        whole = source.tokenizer.decode(tokens)
        assert all(pieces)
        assert "".join(pieces) == answer.text == cut(whole, stops)
        assert answer.tokens == tokens[: len(answer.tokens)]
        assert answer.ended == (STOP if answer.text != whole else LENGTH)
        assert answer.ended == STOP or len(answer.tokens) == max_tokens


@given(PROMPTS, SEEDS, st.integers(0, 30), st.lists(st.text("abc ", min_size=1, max_size=2), max_size=2))
def test_a_stopped_answer_is_what_its_tokens_say(prompt, seed, taken, stops):
    source = byte_source()
    sampling = Sampling(temperature=2.0, seed=seed, max_tokens=60, stops=tuple(stops))
    answer = Answer(source, prompt, sampling)
    for _, _piece in zip(range(taken), answer, strict=False):
        pass
    before = len(answer.tokens)
    answer.stop()
    answer.finish()
    assert len(answer.tokens) <= before + 1
    whole = source.tokenizer.decode(answer.tokens)
    assert answer.text == cut(whole, stops)
    cut_off = INTERRUPTED if len(answer.tokens) < 60 else LENGTH
    assert answer.ended == (cut_off if answer.text == whole else STOP)


def test_a_closed_answer_makes_no_further_token():
    source = byte_source()
    answer = Answer(source, "a", Sampling(max_tokens=50))
    next(answer)
    answer.close()
    made = source.engine.steps
    assert list(answer) == []
    assert (answer.ended, source.engine.steps) == (INTERRUPTED, made)


def test_logits_are_kept_only_if_wanted():
    source = toy_source()
    for kept in (True, False):
        answer = Answer(source, "a", Sampling(max_tokens=3), keeps_logits=kept).finish()
        assert [step.logits is not None for step in answer.steps] == [kept] * 3


REFUSED = [
    ("", UserError, "nothing to continue"),
    ("a" * 65, ContextLengthError, "longer than the model's context.*at most 64.*65 tokens"),
    ("aßb", UserError, r"not in the vocabulary.*'ß' \(U\+00DF\) at 1"),
    ("a\ud800", UserError, r"not in the vocabulary.*U\+D800"),
]


@pytest.mark.parametrize(("prompt", "kind", "message"), REFUSED)
def test_prompts_that_are_refused(prompt, kind, message):
    with pytest.raises(kind, match=message):
        Answer(toy_source(), prompt, Sampling())


TOKENS = st.lists(st.integers(0, 255), min_size=1, max_size=40)


@given(st.lists(st.tuples(st.booleans(), TOKENS), min_size=1, max_size=5), st.integers(2, 16))
def test_a_resumed_context_is_a_fresh_one(prompts, context_length):
    context = ResumedContext(ToyEngine(context_length=context_length))
    before = []
    for goes_on, tokens in prompts:
        prompt = before + tokens if goes_on else tokens
        expected = fresh_logits(ToyEngine(context_length=context_length), prompt)
        np.testing.assert_array_equal(context.begin(prompt), expected)
        before = prompt


def test_a_resumed_context_feeds_only_what_is_new():
    engine = ToyEngine()
    context = ResumedContext(engine)
    context.begin([1, 2, 3])
    context.begin([1, 2, 3, 4])
    context.begin([1, 2, 3, 4])
    assert engine.steps == 4


@given(st.integers(1, 12), TOKENS)
def test_a_step_that_was_interrupted_is_not_believed(interrupt_at, tokens):
    engine = ToyEngine()
    context = ResumedContext(engine)
    engine.interrupt_at = min(interrupt_at, len(tokens))
    with pytest.raises(KeyboardInterrupt):
        context.begin(tokens)
    np.testing.assert_array_equal(context.begin(tokens), fresh_logits(ToyEngine(), tokens))


@given(st.integers(2, 20), st.integers(1, 90))
def test_slides_and_use_of_the_context_are_counted(context_length, count):
    engine = ToyEngine(context_length=context_length)
    resets, reset = [], engine.reset
    engine.reset = lambda: resets.append(None) or reset()
    fresh_logits(engine, range(count))
    assert slides(count, context_length) == len(resets) - 1
    assert context_used(count, 0, context_length) == engine.position


def test_likeliest_tokens_come_first():
    found = likeliest(np.array([0.0, 3.0, 1.0, 3.0], np.float32), 3)
    assert [token for token, _ in found] == [1, 3, 2]
    assert sum(np.exp(value) for _, value in likeliest(np.array([0.5, -2.0, 9.0]), 3)) == pytest.approx(1.0)
