"""Answers over HTTP are those of a conversation on this machine, in the shape of OpenAI's API."""

import dataclasses
import json

import pytest
from api_client import NAME, SAMPLING, chat, complete, get, gpt_source, post, pretrained_source, running, told_alone

from textzoo.grammars.grammar import Grammar
from textzoo.serving.answer import log_probabilities
from textzoo.text.chat_templates import PLAIN

GREEDY = {"temperature": 0.0, "max_tokens": 12}
# What a request says -> what it means for a conversation.
SAMPLED = [
    ({}, {}),
    (GREEDY, GREEDY),
    ({"seed": 7}, {"seed": 7}),
    ({"seed": 2**32 - 1, "top_k": 3, "temperature": 1.5}, {"seed": 2**32 - 1, "top_k": 3, "temperature": 1.5}),
    ({"stop": "e"}, {"stops": ("e",)}),
    ({"stop": ["zz", "o", "th"], "seed": 3}, {"stops": ("zz", "o", "th"), "seed": 3}),
    ({"max_tokens": 300}, {"max_tokens": 300}),  # longer than the context
    ({"seed": None, "stop": None, "best_of": None, "user": "me", "n": 1, "top_p": 1.0, "presence_penalty": 0}, {}),
]
DIALOGUES = [
    (["Hello"], ""),
    (["Hello", "Hi!", "What is your name?"], ""),
    (["Hello"], "Be kind."),
    ([text for number in range(20) for text in (f"I am {number}.", "I see.")] + ["Who are you?"], "Be kind."),
]


@pytest.mark.parametrize(("asked", "meant"), SAMPLED)
def test_a_completion_is_the_answer_given_alone(server, alone, asked, meant):
    sampling = dataclasses.replace(SAMPLING, **meant)
    expected = told_alone(alone, ["The "], sampling, template=PLAIN)
    whole = complete(server, **asked).values
    assert whole["choices"][0]["text"] == expected
    events = complete(server, stream=True, **asked).events
    assert "".join(event["choices"][0]["text"] for event in events) == expected
    assert events[-1]["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]


SCHEMA = {"type": "integer", "minimum": 0, "maximum": 99}
# What a request says of its form -> the grammar that it means.
FORMS = [
    ({"grammar": 'root ::= "yes" | "no" [a-f]{2,5}'}, Grammar("gbnf", 'root ::= "yes" | "no" [a-f]{2,5}')),
    ({"json_schema": SCHEMA}, Grammar("json_schema", json.dumps(SCHEMA))),
    ({"response_format": {"type": "json_object", "schema": SCHEMA}}, Grammar("json_schema", json.dumps(SCHEMA))),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}},
        Grammar("json_schema", json.dumps(SCHEMA)),
    ),
    ({"response_format": {"type": "text"}, "grammar": ""}, None),
]


@pytest.mark.parametrize(("asked", "grammar"), FORMS)
def test_an_answer_obeys_the_grammar_that_a_request_brings(server, alone, asked, grammar):
    sampling = dataclasses.replace(SAMPLING, grammar=grammar)
    expected = told_alone(alone, ["The "], sampling, template=PLAIN)
    whole = complete(server, **asked).values["choices"][0]
    assert whole["text"] == expected
    assert whole["finish_reason"] == ("length" if grammar is None else "stop")
    said = chat(server, "Hello", **asked).values["choices"][0]
    assert said["message"]["content"] == told_alone(alone, ["Hello"], sampling)
    if grammar and grammar.kind == "json_schema":
        assert 0 <= json.loads(whole["text"]) <= 99


def test_an_answer_copies_from_the_last_message():
    """Not from the template's text around it; of a completion from the whole prompt."""
    span = {"json_schema": {"type": "string", "format": "input-span"}}
    with running(pretrained_source("tiny_lm")) as server:
        assert chat(server, "Hello", **span).values["choices"][0]["message"]["content"] == '"Hello"'
        assert complete(server, **span).values["choices"][0]["text"] == '"The"'
        refused = chat(server, "Hello", **span, max_tokens=5)
        assert refused.status == 400
        assert "max_tokens of at least" in refused.values["error"]["message"]


@pytest.mark.parametrize(("turns", "system"), DIALOGUES)
def test_a_chat_is_the_conversation_on_this_machine(server, alone, turns, system):
    roles = ["user", "assistant"] * len(turns)
    messages = [{"role": role, "content": text} for role, text in zip(roles, turns, strict=False)]
    messages = [*([{"role": "developer", "content": system}] if system else []), *messages]
    expected = told_alone(alone, turns, SAMPLING, system)
    whole = post(server, "/v1/chat/completions", model=NAME, messages=messages)
    assert whole.values["choices"][0]["message"] == {"role": "assistant", "content": expected}
    stream = post(server, "/v1/chat/completions", model=NAME, messages=messages, stream=True)
    first, *pieces, _ = [event["choices"][0]["delta"] for event in stream.events]
    assert first == {"role": "assistant", "content": ""}
    assert "".join(piece["content"] for piece in pieces) == expected
    assert whole.headers["X-TextZoo-Left-Out"] == stream.headers["X-TextZoo-Left-Out"]


def test_what_the_context_has_no_room_for_is_told(server):
    short, long = chat(server, *DIALOGUES[1][0]), chat(server, *DIALOGUES[3][0], stream=True)
    assert short.values["textzoo"]["left_out"] == 0
    left_out = long.events[-1]["textzoo"]["left_out"]
    assert 0 < left_out < len(DIALOGUES[3][0])
    assert long.headers["X-TextZoo-Left-Out"] == str(left_out)


def test_texts_come_in_parts_too(server):
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]
    messages = [{"role": "user", "content": parts, "name": None}]
    in_parts = post(server, "/v1/chat/completions", model=NAME, messages=messages).values
    assert in_parts["choices"] == chat(server, "Hello").values["choices"]
    assert complete(server, ["The "]).values["choices"] == complete(server, "The ").values["choices"]


def test_system_texts_of_the_configuration_and_of_requests(alone):
    expected = [told_alone(alone, ["Hello"], SAMPLING, system) for system in ("Be kind.", "A\nB")]
    both = [{"role": "system", "content": text} for text in ("A", "B")]
    with running(gpt_source(), system="Be kind.") as server:
        own = chat(server, "Hello").values
        given = post(
            server, "/v1/chat/completions", model=NAME, messages=[*both, {"role": "user", "content": "Hello"}]
        ).values
    assert [values["choices"][0]["message"]["content"] for values in (own, given)] == expected


def test_unknown_words_of_an_earlier_answer_are_its_own():
    with running(pretrained_source("tiny_bert_generator")) as server:
        assert chat(server, "Hello!", "\ufffd.", "Hello!").status == 200
        refused = chat(server, "Hello!", "xyzzy", "Hello!")
    assert (refused.status, refused.error["param"]) == (400, "messages")
    assert "an earlier answer: 1 word is not in the vocabulary" in refused.error["message"]


def test_the_shape_of_a_completion(server):
    values = complete(server, "The ", max_tokens=5).values
    assert values["id"].startswith("cmpl-")
    assert values["object"] == "text_completion"
    assert values["model"] == NAME
    assert values["system_fingerprint"] == "fp_0123456789ab"
    assert values["choices"] == [
        {"index": 0, "text": values["choices"][0]["text"], "logprobs": None, "finish_reason": "length"}
    ]
    assert values["usage"] == {"prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9}
    assert values["textzoo"]["engine"] == "litert_ref"


def test_usage_comes_with_a_stream_if_asked_for(server):
    whole = chat(server, "Hello").values
    *events, last = chat(server, "Hello", stream=True, stream_options={"include_usage": True}).events
    assert last["usage"] == whole["usage"]
    assert last["choices"] == []
    assert {event["usage"] for event in events} == {None}
    assert all("usage" not in event for event in chat(server, "Hello", stream=True).events)
    assert {event["id"] for event in [*events, last]} == {last["id"]}


@pytest.mark.parametrize("stop", [["\n"], ["e"]])
def test_an_answer_ends_by_stop_or_length(server, stop):
    stopped = complete(server, stop=stop, max_tokens=200).values
    assert stopped["choices"][0]["finish_reason"] == "stop"
    assert stop[0] not in stopped["choices"][0]["text"]
    assert stopped["usage"]["completion_tokens"] <= len(stopped["choices"][0]["text"]) + 1
    assert complete(server, max_tokens=1).values["choices"][0]["finish_reason"] == "length"


def test_the_prompt_may_stand_before_the_answer(server):
    text = complete(server).values["choices"][0]["text"]
    assert complete(server, echo=True).values["choices"][0]["text"] == f"The {text}"
    events = complete(server, echo=True, stream=True).events
    assert "".join(event["choices"][0]["text"] for event in events) == f"The {text}"


@pytest.mark.parametrize("stream", [False, True])
def test_probabilities_of_a_completion_are_the_models(server, alone, stream):
    got = complete(server, logprobs=3, temperature=0, max_tokens=8, stream=stream)
    choices = [event["choices"][0] for event in got.events] if stream else got.values["choices"]
    rows = [choice["logprobs"] for choice in choices if choice["logprobs"]]
    tokens = [token for row in rows for token in row["tokens"]]
    assert "".join(tokens) == "".join(choice["text"] for choice in choices)
    assert [offset for row in rows for offset in row["text_offset"]] == list(range(8))
    values = [value for row in rows for value in row["token_logprobs"]]
    tops = [top for row in rows for top in row["top_logprobs"]]
    for index, (token, value, top) in enumerate(zip(tokens, values, tops, strict=True)):
        expected = log_probabilities(alone.next_logits(alone.tokenizer.encode("The " + "".join(tokens[:index]))))
        assert value == pytest.approx(expected.max())
        assert max(top, key=top.get) == token
        assert sorted(top.values()) == pytest.approx(sorted(expected)[-3:])


@pytest.mark.parametrize("stream", [False, True])
def test_probabilities_of_a_chat(server, stream):
    got = chat(server, "Hello", logprobs=True, top_logprobs=2, stream=stream)
    choices = [event["choices"][0] for event in got.events] if stream else got.values["choices"]
    rows = [row for choice in choices if choice["logprobs"] for row in choice["logprobs"]["content"]]
    text = "".join(choice["delta" if stream else "message"].get("content", "") for choice in choices)
    assert bytes(byte for row in rows for byte in row["bytes"]).decode().lstrip(" ") == text
    assert {len(row["top_logprobs"]) for row in rows} == {2}
    assert all(row["logprob"] <= 0 for row in rows)
    without = chat(server, "Hello", logprobs=True).values["choices"][0]["logprobs"]["content"]
    assert [row["logprob"] for row in without] == [row["logprob"] for row in rows]


def test_models(server):
    listed = get(server, "/v1/models").values
    assert [model["id"] for model in listed["data"]] == [NAME]
    assert get(server, f"/v1/models/{NAME}").values == listed["data"][0]
    assert listed["data"][0]["context_length"] == 128
    assert get(server, "/v1/models/other").error["code"] == "model_not_found"


def test_tokens_of_a_text_and_back(server, alone):
    tokens = post(server, "/tokenize", content="The king").values["tokens"]
    assert tokens == alone.tokenizer.encode("The king").tolist()
    assert post(server, "/detokenize", tokens=tokens).values == {"content": "The king"}


def test_health_and_figures(server):
    assert get(server, "/health").values["status"] == "ok"
    before = figures(server)
    complete(server, max_tokens=5)
    complete(server, max_tokens=0)
    get(server, "/secret/path")
    after = figures(server)
    grown = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
    assert grown["textzoo_completion_tokens_total"] == 5
    assert grown["textzoo_prompt_tokens_total"] == 4
    assert grown['textzoo_requests_total{route="/v1/completions",status="200"}'] == 1
    assert grown['textzoo_requests_total{route="/v1/completions",status="400"}'] == 1
    assert grown['textzoo_requests_total{route="other",status="404"}'] == 1
    assert after["textzoo_waiting_requests"] == 0


def figures(server):
    lines = [line for line in get(server, "/metrics").body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
