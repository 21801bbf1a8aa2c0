"""Any conversation is what a plain account of it says, whatever falls out of the context and wherever answers stop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talking_toys import ToyEngine, byte_source, characters, toy_source

from textzoo.common.errors import UserError
from textzoo.engines.generate import generate_tokens
from textzoo.serving.answer import INTERRUPTED, LENGTH, STOP
from textzoo.serving.conversation import CHAT, MODES, Conversation
from textzoo.serving.figures import used_of
from textzoo.serving.sources import ContextLengthError, Sampling
from textzoo.serving.transcripts import Transcript, load_transcript
from textzoo.text.chat_templates import DIALOGUE, PLAIN, ChatTemplate

SHORT = ChatTemplate("short", ("", " "), ("a", ""), ("b ", ""), "ab")
SOURCES = {
    "characters": lambda length: toy_source(context_length=length),
    "unknown": lambda length: toy_source(characters(with_unknown=True), length),
    "bytes": lambda length: byte_source(length),
}
STOPS = st.lists(st.text("abcé€\ufffd ", min_size=1, max_size=3), max_size=2).map(tuple)
SAMPLINGS = st.builds(
    Sampling,
    temperature=st.sampled_from([0.0, 1.0, 3.0]),
    top_k=st.sampled_from([0, 5]),
    max_tokens=st.integers(1, 30),
    seed=st.integers(0, 2**32 - 1),
    stops=STOPS,
)
# The text of a message, how it is answered, in which mode, and how many pieces of the answer are taken.
ASKED = st.tuples(st.text("abcé€ \n", max_size=12), SAMPLINGS, st.sampled_from(MODES), st.integers(0, 40))


def cut(text, stops):
    """A text before the stop text that is complete first; of those that end together, before the longest."""
    ends = [(text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text]
    return text[: min(ends)[1]] if ends else text


class Account:
    """The same conversation without streams, caches and early ends: all of a text is made, then cut."""

    def __init__(self, source, template, system):
        self.tokenizer, self.length = source.tokenizer, source.context_length
        self.template, self.system, self.pairs = template, system, []

    def encoded(self, text):
        unknown = "error" if self.tokenizer.unknown_token is None else "unk"
        return self.tokenizer.encode(text, unknown=unknown)

    def prompt(self, text, sampling, mode):
        """The prompt, and how many turns it leaves out; None if even the message alone is too long."""
        before, after = self.template.system
        system = before + self.system + after if self.system else ""
        remembered = [said for said, spoken in self.pairs if spoken == CHAT] if mode == CHAT else []
        end = self.template.user[0] + text + self.template.user[1] + self.template.assistant[0].rstrip(" ")
        prompts = [system + "".join(remembered[out:]) + end for out in range(len(remembered) + 1)]
        room = self.length - min(sampling.max_tokens, self.length // 2)
        for out, prompt in enumerate(prompts):
            if len(self.encoded(prompt)) <= room:
                return prompt, 2 * out
        return (prompts[-1], 2 * len(remembered)) if len(self.encoded(prompts[-1])) <= self.length else None

    def answer(self, prompt, sampling):
        """All tokens and all texts that they make, one after the other, before any stop text."""
        engine = ToyEngine(self.tokenizer.vocabulary_size, self.length)
        settings = {key: getattr(sampling, key) for key in ("temperature", "top_k", "seed", "max_tokens")}
        return list(generate_tokens(engine, self.encoded(prompt), **settings))

    def say(self, text, answer, mode):
        turns = [
            side[0] + said + side[1] for side, said in ((self.template.user, text), (self.template.assistant, answer))
        ]
        self.pairs.append(("".join(turns), mode))


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
@given(
    template=st.sampled_from([PLAIN, DIALOGUE, SHORT]),
    system=st.text("abc ", max_size=12),
    length=st.integers(12, 70),
    asked=st.lists(ASKED, min_size=1, max_size=6),
)
def test_any_conversation_is_what_a_plain_account_says(name, template, system, length, asked, tmp_path_factory):
    source = SOURCES[name](length)
    talking, account = Conversation(source, template, Sampling(), system), Account(source, template, system)
    for text, sampling, mode, taken in asked:
        talking.mode = mode
        expected = account.prompt(text, sampling, mode)
        before = list(talking.turns)
        if expected is None or not expected[0]:
            with pytest.raises(ContextLengthError if expected is None else UserError):
                list(talking.ask(text, sampling))
            assert talking.turns == before
            continue
        reply = talking.ask(text, sampling)
        for _, _piece in zip(range(taken), reply, strict=False):
            pass
        reply.stop()
        list(reply)
        answer = talking.turns[-1]
        made = account.answer(expected[0], sampling)
        assert (answer.prompt, answer.left_out) == expected
        assert list(answer.tokens) == made[: len(answer.tokens)]
        whole = source.tokenizer.decode(answer.tokens)
        told = cut(whole, [*([template.stop] if template.stop else []), *sampling.stops])
        assert answer.text == (told.lstrip(" ") if template.has_roles else told)
        is_long = len(answer.tokens) == sampling.max_tokens
        assert answer.ended == (STOP if told != whole else LENGTH if is_long else INTERRUPTED)
        account.say(text, answer.text, mode)
        assert [turn.mode for turn in talking.turns[len(before) :]] == [mode, mode]
        assert 0 <= used_of(talking) <= length
        assert mode == CHAT or used_of(talking) == 0
    again = SOURCES[name](length)
    assert talking.replay(again) == [0] * (len(talking.turns) // 2)
    path = tmp_path_factory.getbasetemp() / f"{name}.json"
    Transcript.of(talking, "toy").save(path)
    assert load_transcript(path, source.tokenizer.vocabulary_size).turns == talking.turns
