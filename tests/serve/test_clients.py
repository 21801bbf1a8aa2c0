"""The programs that people use: the package `openai`, and the command `llm`."""

import dataclasses

import openai
import pytest
from api_client import NAME, SAMPLING, told_alone

from llm_command import run_llm
from textzoo.text.chat_templates import PLAIN

MESSAGES = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def client(server):
    with openai.OpenAI(base_url=server.url, api_key="none", max_retries=0) as opened:
        yield opened


def test_openai_lists_the_model(client):
    assert [model.id for model in client.models.list()] == [NAME]
    assert client.models.retrieve(NAME).owned_by == "textzoo"


def test_openai_completes(client, alone):
    expected = told_alone(alone, ["The "], SAMPLING, template=PLAIN)
    whole = client.completions.create(model=NAME, prompt="The ")
    assert whole.choices[0].text == expected
    assert whole.usage.completion_tokens == SAMPLING.max_tokens
    with client.completions.create(model=NAME, prompt="The ", stream=True) as stream:
        assert "".join(chunk.choices[0].text for chunk in stream) == expected


def test_openai_chats(client, alone):
    expected = told_alone(alone, ["Hello"], SAMPLING)
    whole = client.chat.completions.create(model=NAME, messages=MESSAGES, seed=1, logprobs=True, top_logprobs=2)
    assert whole.choices[0].message.content == expected
    assert whole.choices[0].finish_reason in ("stop", "length")
    assert len(whole.choices[0].logprobs.content[0].top_logprobs) == 2
    options = {"include_usage": True}
    with client.chat.completions.create(model=NAME, messages=MESSAGES, stream=True, stream_options=options) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == expected
    assert chunks[-1].usage == whole.usage


def test_openai_streams_with_its_helper(client, alone):
    with client.chat.completions.stream(model=NAME, messages=MESSAGES, max_tokens=100) as stream:
        text = stream.get_final_completion().choices[0].message.content
    assert text == told_alone(alone, ["Hello"], dataclasses.replace(SAMPLING, max_tokens=100))


MISTAKES = [
    (openai.NotFoundError, "model_not_found", {"model": "gpt-4"}),
    (openai.BadRequestError, "unsupported_parameter", {"n": 2}),
    (openai.BadRequestError, "context_length_exceeded", {"messages": [{"role": "user", "content": "a" * 500}]}),
]


@pytest.mark.parametrize(("kind", "code", "changes"), MISTAKES)
def test_openai_raises_its_own_errors(client, kind, code, changes):
    with pytest.raises(kind) as caught:
        client.chat.completions.create(**{"model": NAME, "messages": MESSAGES, **changes})
    assert caught.value.code == code


@pytest.fixture
def llm(server, tmp_path):
    """A function that runs the command `llm` and returns what it prints."""
    return lambda *arguments: run_llm(tmp_path, server.url, NAME, *arguments)


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--no-stream"]])
def test_llm_chats(llm, alone, options):
    printed = llm("-m", "tiny", "-o", "seed", "3", "Hello", *options)
    assert printed == told_alone(alone, ["Hello"], dataclasses.replace(SAMPLING, seed=3))


@pytest.mark.slow
def test_llm_continues_a_conversation_and_a_text(llm, alone):
    first = llm("-m", "tiny", "Hello")
    second = llm("-c", "Who are you?")
    assert second == told_alone(alone, ["Hello", first, "Who are you?"], SAMPLING)
    plain = llm("-m", "plain", "The ")
    assert plain == told_alone(alone, ["The "], SAMPLING, template=PLAIN)
