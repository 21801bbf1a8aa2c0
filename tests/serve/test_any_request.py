"""Whatever a client sends, it gets an answer in the shape of the API, and never a failure of the server."""

import json

import pytest
from api_client import NAME, send
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from textzoo.serving.http.schema import LABELS, NEUTRAL, ChatRequest, CompletionRequest

texts = st.text(max_size=20) | st.sampled_from(["The ", "Hello", "", "\ud800", "a" * 200])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
roles = st.sampled_from(["system", "developer", "user", "assistant", "tool"]) | texts
parts = st.fixed_dictionaries({"type": st.sampled_from(["text", "image_url"]), "text": texts}, optional={"x": scalars})
messages = st.fixed_dictionaries({"role": roles, "content": texts | st.lists(parts, max_size=3) | anything})
schemas = st.fixed_dictionaries({"type": st.sampled_from(["integer", "array", "string"])}) | anything
formats = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "json_object", "json_schema", "xml"])},
    optional={"schema": schemas, "json_schema": st.fixed_dictionaries({"name": texts, "schema": schemas}) | anything},
)
VALUES = {
    "model": st.just(NAME) | anything,
    "prompt": texts | st.lists(texts, max_size=2) | anything,
    "messages": st.lists(messages | anything, max_size=4) | anything,
    "max_tokens": st.integers(-1, 5) | anything,
    "max_completion_tokens": st.integers(-1, 5) | anything,
    "seed": st.integers(0, 2**33) | anything,
    "temperature": st.floats(-1, 12) | anything,
    "top_k": st.integers(-1, 100) | anything,
    "stop": texts | st.lists(texts, max_size=6) | anything,
    "stream_options": st.dictionaries(st.sampled_from(["include_usage", "x"]), anything) | anything,
    "grammar": st.sampled_from(['root ::= "a"', "root ::= [a-z]{1,3}", "root ::= root", ""]) | anything,
    "json_schema": schemas,
    "response_format": formats | anything,
    "logprobs": st.booleans() | st.integers(-1, 7) | anything,
    "top_logprobs": st.integers(-1, 25) | anything,
    **{key: st.sampled_from([*values, None, 2]) | anything for key, values in NEUTRAL.items()},
    **dict.fromkeys((*LABELS, "other"), anything),
    **dict.fromkeys(("stream", "echo"), st.booleans() | anything),
}
bodies = st.builds(
    lambda base, more: {**base, **more},
    st.sampled_from(
        [
            {"model": NAME, "prompt": "The ", "max_tokens": 2},
            {"model": NAME, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 2},
            {},
        ]
    ),
    st.lists(st.sampled_from([*VALUES]), max_size=4, unique=True).flatmap(
        lambda keys: st.fixed_dictionaries({key: VALUES[key] for key in keys})
    ),
)
EFFORT = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def check(got, path):
    """A whole answer, a stream, or an error of the client."""
    if got.headers["content-type"].startswith("text/event-stream"):
        assert got.status == 200
        assert got.events
    elif got.status == 200:
        assert got.values["object"] == ("text_completion" if path == "/v1/completions" else "chat.completion")
        assert got.values["choices"][0]["finish_reason"] in ("stop", "length")
    else:
        assert got.status in (400, 404)
        assert set(got.error) == {"message", "type", "param", "code"}
        assert got.error["type"] == "invalid_request_error"


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions"])
@EFFORT
@given(body=bodies | anything)
def test_any_body(server, path, body):
    check(send(server, "POST", path, json.dumps(body)), path)


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions"])
@EFFORT
@given(body=st.binary(max_size=200))
def test_any_bytes(server, path, body):
    check(send(server, "POST", path, body), path)


def test_the_tables_name_no_key_that_is_supported():
    for kind in (CompletionRequest, ChatRequest):
        assert not {*NEUTRAL, *LABELS} & set(kind.model_fields)
        assert set(kind.model_fields) <= set(VALUES)
