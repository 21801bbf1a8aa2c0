"""What is not supported, or not possible, is refused by name and in the API's shape."""

import json

import pytest
from api_client import NAME, get, post, send

TURN = {"role": "user", "content": "Hello"}
MODEL = {"model": NAME}
ASK, SAY = {**MODEL, "prompt": "a"}, {**MODEL, "messages": [TURN]}
SYSTEM, IMAGE = {"role": "system", "content": "a"}, {"type": "image_url", "image_url": {"url": "x"}}
COMPLETIONS, CHAT = "/v1/completions", "/v1/chat/completions"
SCHEMA = "response_format.json_schema.json_schema"
# Path, body, param, code.
REFUSED = [
    (COMPLETIONS, {**MODEL}, "prompt", "missing_required_parameter"),
    (COMPLETIONS, {"prompt": "a"}, "model", "missing_required_parameter"),
    (COMPLETIONS, {"model": "gpt-4", "prompt": "a"}, "model", "model_not_found"),
    (COMPLETIONS, {**MODEL, "prompt": ""}, "prompt", "invalid_value"),
    (COMPLETIONS, {**MODEL, "prompt": "€"}, "prompt", "invalid_value"),
    (COMPLETIONS, {**MODEL, "prompt": ["a", "b"]}, "prompt", "invalid_type"),
    (COMPLETIONS, {**MODEL, "prompt": [1, 2]}, "prompt", "invalid_type"),
    (COMPLETIONS, {**MODEL, "prompt": "a" * 129}, "prompt", "context_length_exceeded"),
    (COMPLETIONS, {**MODEL, "prompt": "a" * 70000}, "prompt", "invalid_value"),
    (COMPLETIONS, {**ASK, "n": 2}, "n", "unsupported_parameter"),
    (COMPLETIONS, {**ASK, "n": True}, "n", "unsupported_parameter"),
    (COMPLETIONS, {**ASK, "best_of": 3}, "best_of", "unsupported_parameter"),
    (COMPLETIONS, {**ASK, "suffix": "b"}, "suffix", "unsupported_parameter"),
    (COMPLETIONS, {**ASK, "top_p": 0.9}, "top_p", "unsupported_parameter"),
    (COMPLETIONS, {**ASK, "logit_bias": {"5": 1}}, "logit_bias", "unsupported_parameter"),
    (COMPLETIONS, {**ASK, "grammar": "root ::= x"}, "grammar", "invalid_value"),
    (COMPLETIONS, {**ASK, "grammar": "a" * 70_000}, "grammar", "invalid_value"),
    (COMPLETIONS, {**ASK, "grammar": 'root ::= "(" root ")" | "a"'}, "grammar", "invalid_value"),
    (COMPLETIONS, {**ASK, "grammar": "root ::= [a-z]{9}", "max_tokens": 8}, "grammar", "invalid_value"),
    (COMPLETIONS, {**ASK, "json_schema": {"multipleOf": 2}}, "response_format", "invalid_value"),
    (COMPLETIONS, {**ASK, "json_schema": {"const": 1}, "grammar": 'root ::= "1"'}, "grammar", "invalid_value"),
    (CHAT, {**SAY, "response_format": {"type": "json_schema"}}, SCHEMA, "missing_required_parameter"),
    (CHAT, {**SAY, "response_format": {"type": "xml"}}, "response_format", "invalid_value"),
    (COMPLETIONS, {**ASK, "temprature": 1}, "temprature", "unknown_parameter"),
    (COMPLETIONS, {**ASK, "user": 3}, "user", "invalid_type"),
    (COMPLETIONS, {**ASK, "temperature": "1"}, "temperature", "invalid_type"),
    (COMPLETIONS, {**ASK, "temperature": True}, "temperature", "invalid_type"),
    (COMPLETIONS, {**ASK, "temperature": 11}, "temperature", "invalid_value"),
    (COMPLETIONS, {**ASK, "temperature": -0.1}, "temperature", "invalid_value"),
    (COMPLETIONS, {**ASK, "seed": -1}, "seed", "invalid_value"),
    (COMPLETIONS, {**ASK, "seed": 2**32}, "seed", "invalid_value"),
    (COMPLETIONS, {**ASK, "seed": 1.5}, "seed", "invalid_type"),
    (COMPLETIONS, {**ASK, "top_k": -1}, "top_k", "invalid_value"),
    (COMPLETIONS, {**ASK, "max_tokens": 0}, "max_tokens", "invalid_value"),
    (COMPLETIONS, {**ASK, "max_tokens": 4097}, "max_tokens", "invalid_value"),
    (COMPLETIONS, {**ASK, "stop": ""}, "stop[0]", "invalid_value"),
    (COMPLETIONS, {**ASK, "stop": [*"abcde"]}, "stop", "invalid_value"),
    (COMPLETIONS, {**ASK, "stop": [1]}, "stop[0]", "invalid_type"),
    (COMPLETIONS, {**ASK, "stream": "yes"}, "stream", "invalid_type"),
    (COMPLETIONS, {**ASK, "stream_options": {"include_usage": True}}, "stream_options", "invalid_value"),
    (COMPLETIONS, {**ASK, "logprobs": 6}, "logprobs", "invalid_value"),
    (COMPLETIONS, {**ASK, "logprobs": True}, "logprobs", "invalid_type"),
    (COMPLETIONS, {**ASK, "logprobs": 1, "echo": True}, "logprobs", "unsupported_parameter"),
    (CHAT, {**MODEL, "messages": []}, "messages", "invalid_value"),
    (CHAT, {**MODEL, "messages": "Hello"}, "messages", "invalid_type"),
    (CHAT, {**MODEL, "messages": [TURN] * 501}, "messages", "invalid_value"),
    (CHAT, {**MODEL, "messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter"),
    (CHAT, {**MODEL, "messages": [{"role": "tool", "content": "a"}]}, "messages[0].role", "invalid_value"),
    (CHAT, {**MODEL, "messages": [{**TURN, "name": "Ann"}]}, "messages[0].name", "unknown_parameter"),
    (CHAT, {**MODEL, "messages": [{"role": "assistant", "content": "a"}]}, "messages", "invalid_value"),
    (CHAT, {**MODEL, "messages": [SYSTEM]}, "messages", "invalid_value"),
    (CHAT, {**MODEL, "messages": [TURN, SYSTEM, TURN]}, "messages", "unsupported_parameter"),
    (CHAT, {**MODEL, "messages": [{"role": "user", "content": "a" * 200}]}, "messages", "context_length_exceeded"),
    (CHAT, {**MODEL, "messages": [{"role": "user", "content": "Grüße"}]}, "messages", "invalid_value"),
    (CHAT, {**MODEL, "messages": [{**TURN, "content": [IMAGE]}]}, "messages[0].content[0].type", "invalid_value"),
    (CHAT, {**SAY, "tools": [{"type": "function"}]}, "tools", "unsupported_parameter"),
    (CHAT, {**SAY, "response_format": {"type": "json_object"}}, "response_format", "unsupported_parameter"),
    (CHAT, {**SAY, "top_logprobs": 2}, "top_logprobs", "invalid_value"),
    (CHAT, {**SAY, "logprobs": True, "top_logprobs": 21}, "top_logprobs", "invalid_value"),
    (CHAT, {**SAY, "max_tokens": 1, "max_completion_tokens": 1}, "max_tokens", "invalid_value"),
    (CHAT, {**SAY, "echo": True}, "echo", "unknown_parameter"),
    ("/tokenize", {"content": "€"}, "content", "invalid_value"),
    ("/tokenize", {"content": 3}, "content", "invalid_type"),
    ("/detokenize", {"tokens": [76]}, "tokens", "invalid_value"),
    ("/detokenize", {"tokens": [-1]}, "tokens[0]", "invalid_value"),
    ("/detokenize", {"tokens": ["a"]}, "tokens[0]", "invalid_type"),
]  # fmt: skip
BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "null": b"null",
    "a key twice": b'{"model": "a", "model": "b"}',
    "NaN": b'{"model": "a", "temperature": NaN}',
    "no UTF-8": b'{"model": "\xff"}',
    "UTF-16": '{"model": "a"}'.encode("utf-16"),
    "a long number": b'{"seed": ' + b"1" * 5000 + b"}",
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a lone surrogate": b'{"model": "\\ud800"}',
    "a lone surrogate as key": b'{"\\ud800": 1}',
    "many lists": b"[" + b"[]," * 300_000 + b"[]]",
    "a form": b"model=gpt&prompt=a",
}


def check_shape(got, status):
    assert got.status == status
    assert got.headers["content-type"] == "application/json"
    assert set(got.values) == {"error"}
    assert set(got.error) == {"message", "type", "param", "code"}
    assert got.error["type"] == "invalid_request_error"
    assert got.error["message"]


@pytest.mark.parametrize(("path", "body", "param", "code"), REFUSED)
def test_a_request_is_refused_by_name(server, path, body, param, code):
    got = post(server, path, **body)
    check_shape(got, 404 if code == "model_not_found" else 400)
    assert (got.error["param"], got.error["code"]) == (param, code)


@pytest.mark.parametrize("stream", [False, True])
def test_a_stream_is_refused_before_it_begins(server, stream):
    check_shape(post(server, COMPLETIONS, **MODEL, prompt="€", stream=stream), 400)


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("path", [COMPLETIONS, CHAT, "/tokenize", "/detokenize"])
def test_a_body_that_is_no_object_of_json(server, name, path):
    got = send(server, "POST", path, BODIES[name])
    check_shape(got, 400)
    assert got.error["code"] == "invalid_json"


@pytest.mark.parametrize("value", [1e400, -1e400])
def test_numbers_that_are_infinite(server, value):
    body = json.dumps({**MODEL, "prompt": "a", "temperature": 5}).replace("5}", f"{'-' * (value < 0)}1e400}}")
    got = send(server, "POST", COMPLETIONS, body)
    check_shape(got, 400)
    assert got.error["param"] == "temperature"


ROUTES = [("GET", "/", 404), ("GET", "/v1", 404), ("GET", COMPLETIONS, 405), ("POST", "/health", 405)]
ROUTES += [("GET", "/health/", 404), ("POST", f"{COMPLETIONS}/", 404)]
ROUTES += [("DELETE", f"/v1/models/{NAME}", 405), ("POST", "/v1/embeddings", 404), ("GET", "/v1/models/", 404)]


@pytest.mark.parametrize(("method", "path", "status"), ROUTES)
def test_other_routes(server, method, path, status):
    check_shape(send(server, method, path), status)


HOSTS = [("evil.example", 403), ("evil.example:8080", 403), ("localhost", 200), ("127.0.0.1:1", 200), ("[::1]:80", 200)]
HOSTS += [
    ("127.0.0.1.evil.example", 403),
    ("localhost.evil.example", 403),
    ("", 403),
    ("[::2]", 403),
    ("LocalHost", 200),
]


@pytest.mark.parametrize(("host", "status"), HOSTS)
def test_names_that_others_let_point_here_are_refused(server, host, status):
    got = get(server, "/v1/models", Host=host)
    assert got.status == status
    if status != 200:
        check_shape(got, 403)


PAGES = [
    ("Origin", value) for value in ("http://evil.example", "null", "http://localhost:1", "", "http://[", "file://")
]
PAGES += [("Sec-Fetch-Site", value) for value in ("cross-site", "same-site", "same-origin", "")]


@pytest.mark.parametrize(("name", "value"), PAGES)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_pages_are_refused(server, name, value, method):
    got = send(server, method, "/v1/models", headers={name: value})
    check_shape(got, 403)
    assert not any(name.lower().startswith("access-control") for name in got.headers)


def test_an_address_that_is_typed_into_a_browser_is_answered(server):
    assert get(server, "/v1/models", **{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}).status == 200
