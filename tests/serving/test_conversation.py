"""Conversations: what of them is in the prompt, and what becomes of answers."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talking_toys import byte_source, characters, toy_source

from textzoo.common.errors import UserError
from textzoo.grammars.grammar import Grammar
from textzoo.serving.answer import INTERRUPTED
from textzoo.serving.conversation import CHAT, SINGLE, Conversation, Turn
from textzoo.serving.figures import used_of
from textzoo.serving.sources import ContextLengthError, Sampling
from textzoo.text.chat_templates import ASSISTANT, DIALOGUE, PLAIN, SYSTEM, USER, Message
from textzoo.text.tokenizers.unknown import UnknownTextError

WORDS = st.text("abc d", min_size=1, max_size=12)
SAID = Sampling(max_tokens=8, temperature=1.0)
COPY = Grammar("json_schema", '{"type": "string", "format": "input-span"}')


def talk(*texts, template=DIALOGUE, context_length=64, **settings):
    conversation = Conversation(toy_source(context_length=context_length), template, SAID, **settings)
    for text in texts:
        list(conversation.ask(text))
    return conversation


@given(st.lists(st.tuples(WORDS, WORDS), max_size=8), WORDS, st.text("abc", max_size=10), st.integers(1, 100))
def test_a_prompt_has_all_turns_that_fit_and_the_system_text(earlier, text, system, max_tokens):
    conversation = Conversation(toy_source(), DIALOGUE, SAID, system)
    turns = [Turn(role, said) for pair in earlier for role, said in zip((USER, ASSISTANT), pair, strict=True)]
    sampling = Sampling(max_tokens=max_tokens)
    prompt = conversation.prompt_of([*turns, Turn(USER, text)], sampling)
    room = 64 - min(max_tokens, 32)
    assert prompt.text.startswith(f"{system}\nUser: " if system else "User: ")
    assert prompt.text.endswith(f"User: {text}\nBot:")
    assert prompt.tokens == len(prompt.text) <= 64
    assert prompt.tokens <= room or prompt.left_out == len(turns)
    assert prompt.left_out % 2 == 0
    if prompt.left_out:
        longer = prompt.text.count("User: ")
        one_more = "".join(DIALOGUE.turn(turn) for turn in turns[prompt.left_out - 2 : prompt.left_out])
        assert longer == (len(turns) - prompt.left_out) / 2 + 1
        assert prompt.tokens + len(one_more) > room


def test_answers_copy_from_the_last_message_alone():
    """Not from the template's text around it, nor from earlier turns; again when it is made again."""
    talking = Conversation(byte_source(64), DIALOGUE, dataclasses.replace(SAID, max_tokens=20, grammar=COPY))
    for text, copies in (("say yes", {"say", "yes", "say yes"}), ("  \n", {""}), ("no", {"no"})):
        assert json.loads("".join(talking.ask(text))) in copies
    assert json.loads("".join(talking.regenerate())) == "no"
    assert talking.replay(byte_source(64)) == [0, 0, 0]
    with pytest.raises(UserError, match="max_tokens of at least 8"):
        talking.check_grammar("three", dataclasses.replace(talking.sampling, max_tokens=7))


def test_a_long_history_costs_no_more_than_what_fits():
    conversation = Conversation(toy_source(), DIALOGUE, SAID)
    lengths, encode = [], conversation.source.tokenizer.encode
    conversation.source.tokenizer.encode = lambda text, unknown: lengths.append(len(text)) or encode(text, unknown)
    conversation.prompt_of([Turn(USER, "a"), Turn(ASSISTANT, "b")] * 5000 + [Turn(USER, "c")], SAID)
    assert len(lengths) < 10
    assert max(lengths) < 100


def test_a_message_longer_than_the_context_is_refused_and_leaves_no_turn():
    conversation = talk()
    with pytest.raises(ContextLengthError, match="at most 64 tokens, with the system text"):
        conversation.ask("a" * 60)
    assert conversation.turns == []


def test_places_of_unknown_characters_are_those_of_the_message():
    with pytest.raises(UserError, match=r"'Q' \(U\+0051\) at 2"):
        talk("a").ask("abQ")


def test_a_plain_model_goes_on_with_the_text():
    conversation = talk("abc", template=PLAIN)
    first = conversation.turns[1]
    assert first.prompt == "abc"
    list(conversation.ask("d"))
    assert conversation.turns[3].prompt == f"abc{first.text}\nd"


def test_a_single_prompt_stands_alone():
    conversation = talk("a", mode=SINGLE)
    list(conversation.ask("b"))
    assert conversation.turns[3].prompt == "User: b\nBot:"
    conversation.mode = CHAT
    assert used_of(conversation) == 0
    list(conversation.ask("c"))
    conversation.mode = SINGLE
    list(conversation.ask("d"))
    conversation.mode = CHAT
    assert conversation.prompt_for("e", SAID).text == f"User: c\nBot: {conversation.turns[5].text}\nUser: e\nBot:"
    assert used_of(conversation) == len("User: c\nBot:") + len(conversation.turns[5].tokens)
    assert conversation.replay(toy_source()) == [0] * 4


def test_answers_begin_without_the_templates_space():
    for turn in talk("a", "b", "c").turns:
        assert not turn.text.startswith(" ")


def test_what_there_is_of_an_answer_stays():
    conversation = talk()
    reply = conversation.ask("a")
    piece = next(reply)
    reply.stop()
    rest = list(reply)
    user, answer = conversation.turns
    assert (user.text, answer.text, answer.ended) == ("a", piece + "".join(rest), INTERRUPTED)
    reply = conversation.ask("b")
    piece = next(reply)
    reply.close()
    assert [turn.text for turn in conversation.turns[2:]] == ["b", piece]


@pytest.mark.parametrize(("fails_at", "turns"), [(1, 0), (8, 2)])
def test_a_source_that_fails_before_the_first_token_leaves_no_turn(fails_at, turns):
    conversation = talk()
    engine, step = conversation.source.engine, conversation.source.engine.step_raw

    def fail(token):
        if engine.steps == len("User: a\nBot:") + fails_at - 2:
            raise UserError("the board is gone")
        return step(token)

    engine.step_raw = fail
    with pytest.raises(UserError, match="is gone"):
        list(conversation.ask("a"))
    assert len(conversation.turns) == turns


def test_another_answer_has_the_next_seed():
    conversation = talk("a", "b")
    list(conversation.regenerate())
    list(conversation.regenerate())
    assert [turn.sampling.seed for turn in conversation.turns if turn.sampling] == [1, 3]
    assert [turn.text for turn in conversation.turns if turn.role == USER] == ["a", "b"]
    conversation.turns[-1] = Turn(ASSISTANT, "of another program")
    list(conversation.regenerate())
    assert conversation.turns[-1].sampling.seed == 2


def test_an_answer_that_cannot_be_made_again_stays():
    conversation = talk("a")
    turns = list(conversation.turns)
    conversation.system = "b" * 70
    with pytest.raises(ContextLengthError):
        conversation.regenerate()
    assert conversation.turns == turns
    with pytest.raises(UserError, match="no answer to make again"):
        talk().regenerate()


def test_a_replay_counts_tokens_that_differ():
    conversation = talk("a", "b")
    tokens = [len(turn.tokens) for turn in conversation.turns if turn.tokens]
    assert conversation.replay(toy_source()) == [0, 0]
    assert 0 < sum(conversation.replay(toy_source(salt=2))) <= sum(tokens)
    conversation.turns[1] = Turn(ASSISTANT, "of another program")
    assert conversation.replay(toy_source()) == [0]


def talk_with_unknown(*texts, **settings):
    conversation = Conversation(toy_source(characters(with_unknown=True)), DIALOGUE, SAID, **settings)
    conversation.sampling = dataclasses.replace(SAID, unknown="unk")
    for text in texts:
        list(conversation.ask(text))
    conversation.sampling = SAID
    return conversation


def test_unknown_text_may_be_replaced():
    assert talk_with_unknown("aQb").turns[0].text == "aQb"


def test_what_was_said_with_unknown_text_is_remembered_and_made_again():
    conversation = talk_with_unknown("Q")
    conversation.turns[1] = dataclasses.replace(conversation.turns[1], text="a\ufffdb")  # an answer with <unk> in it
    conversation.turns[1:1] = [Turn(ASSISTANT, "a"), Turn(USER, "Q")]
    list(conversation.ask("c"))
    assert conversation.turns[-1].prompt.endswith("User: Q\nBot: a\ufffdb\nUser: c\nBot:")
    assert conversation.turns[-1].sampling.unknown == "unk"
    assert conversation.replay(toy_source(characters(with_unknown=True))) == [0, 0]
    with pytest.raises(UnknownTextError, match=r"^1 character is not.*'Z' \(U\+005A\) at 1"):
        conversation.ask("cZ")
    conversation.system = "be Zoë"
    with pytest.raises(UnknownTextError, match=r"^the system text: 2 characters are not.*'Z' \(U\+005A\) at 3"):
        conversation.ask("c")


def test_turns_of_a_model_with_other_characters_are_refused_without_a_token_for_them():
    conversation = talk()
    conversation.turns = [Turn(USER, "Q"), Turn(ASSISTANT, "a")]
    with pytest.raises(UserError, match=r"^what was said before cannot .*: 1 character .*'Q'.* new conversation"):
        conversation.ask("c")
    assert len(conversation.turns) == 2


# Prompts that a model with other characters, or a shorter context, cannot read.
UNREADABLE = ["Q", "a" * 65, "", "\ud800"]


@pytest.mark.parametrize("prompt", UNREADABLE, ids=range(len(UNREADABLE)))
def test_an_answer_to_what_a_model_cannot_read_differs_as_a_whole(prompt):
    conversation = talk("a", "b")
    kept = dataclasses.replace(conversation.turns[1], prompt=prompt)
    conversation.turns[1] = kept
    assert conversation.replay(toy_source()) == [len(kept.tokens), 0]


# With <unk> or without, role, text, the message.
CHECKED = [
    (True, USER, "aQ", r"^1 character .* at 1"),
    (True, USER, "a\ufffd", "^1 character"),
    (True, ASSISTANT, "aQ", r"^an earlier answer: 1 character .* at 1"),
    (True, ASSISTANT, "\ufffdaQ", r"^an earlier answer: 2 characters .* at 0"),
    (True, ASSISTANT, "\ufffda\ufffd", None),
    (False, ASSISTANT, "a\ufffd", r"^an earlier answer: 1 character .* at 1"),
    (True, SYSTEM, "Q", r"^the system text: 1 character"),
    (False, USER, "ab", None),
]


@pytest.mark.parametrize(("with_unknown", "role", "text", "message"), CHECKED, ids=range(len(CHECKED)))
def test_messages_of_others_are_checked(with_unknown, role, text, message):
    conversation = Conversation(toy_source(characters(with_unknown)), DIALOGUE, SAID)
    if message is None:
        conversation.check(Message(role, text), SAID)
    else:
        with pytest.raises(UnknownTextError, match=message):
            conversation.check(Message(role, text), SAID)
