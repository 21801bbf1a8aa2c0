"""Clients that send too much, too slowly, or what is no HTTP."""

import contextlib
import json
import socket
import threading

import psutil
import pytest
from api_client import NAME, PATIENCE, complete, get, post, running, send

from textzoo.serving.http import protocol

HEAD = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
MANY = 100 << 20


def dialled(server):
    return contextlib.closing(socket.create_connection(server.listener.getsockname(), PATIENCE))


def all_of(link):
    """What comes until the server closes the connection."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while data := link.recv(65536):
            received += data
    return received


def send_until_closed(link, data, count):
    """Send data again and again, as long as it is taken."""
    with contextlib.suppress(ConnectionError):
        for _ in range(count):
            link.sendall(data)


def test_a_body_of_100_mb_is_refused_by_its_length(server):
    before = psutil.Process().memory_info().rss
    with dialled(server) as link:
        link.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % MANY)
        assert link.recv(65536).startswith(b"HTTP/1.1 413 ")
        send_until_closed(link, bytes(1 << 20), 100)
    assert psutil.Process().memory_info().rss - before < MANY // 2
    assert complete(server).status == 200


def test_a_body_without_a_length_is_refused_once_it_is_too_long(server):
    before = psutil.Process().memory_info().rss
    chunk = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
    with dialled(server) as link:
        link.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + chunk)
        assert link.recv(65536).startswith(b"HTTP/1.1 413 ")
        send_until_closed(link, chunk, 98)
    assert psutil.Process().memory_info().rss - before < MANY // 2
    assert complete(server).status == 200


@pytest.mark.parametrize("size", [1 << 20, (1 << 20) + 1])
def test_the_longest_body(server, size):
    body = json.dumps({"model": NAME, "prompt": "a"}).encode()
    got = send(server, "POST", "/v1/completions", body + b" " * (size - len(body)))
    assert got.status == (200 if size == 1 << 20 else 413)
    assert got.status == 200 or got.error["code"] == "request_too_large"


NO_HTTP = {
    "garbage": bytes(range(256)) * 4,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "no host": b"GET /health HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n",
    "a long length": HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "a wrong chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a long header": HEAD + b"X: " + b"a" * 400_000 + b"\r\n\r\n",
    "many headers": HEAD + b"X: a\r\n" * 100_000 + b"\r\n",
    "a long path": b"GET /" + b"a" * 400_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a null in a header": HEAD + b"X: \x00\r\n\r\n",
}


@pytest.mark.parametrize("name", NO_HTTP)
def test_what_is_no_http_gets_an_error_and_the_end(server, name):
    with dialled(server) as link:
        link.sendall(NO_HTTP[name])
        received = all_of(link)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 "))
    assert json.loads(body)["error"]["type"] == "invalid_request_error"
    assert get(server, "/health").status == 200


def test_garbage_behind_a_request_is_not_taken_for_its_answer(server):
    body = json.dumps({"model": NAME, "prompt": "The ", "max_tokens": 3}).encode()
    asked = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with dialled(server) as link:
        link.sendall(asked + asked + b"\x00\xff garbage \r\n\r\n" * 1000)
        received = all_of(link)
    assert received.count(b"HTTP/1.1 200 ") == 2
    assert received.count(b"HTTP/1.1 400 ") == 1
    assert get(server, "/health").status == 200


@pytest.fixture
def impatient(monkeypatch):
    """A server that waits for clients for a tenth of a second."""
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.1)
    monkeypatch.setattr(protocol, "TAKE_SECONDS", 0.1)


SLOW = {
    "nothing": b"",
    "half a line": b"POST /v1/comp",
    "half a header": HEAD,
    "half a body": HEAD + b"Content-Length: 100\r\n\r\n{",
    "half a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
}


@pytest.mark.parametrize("name", SLOW)
def test_a_request_that_never_ends_is_dropped(impatient, gated, name):
    with running(gated) as server, dialled(server) as link:
        link.sendall(SLOW[name])
        assert all_of(link) == b""
        assert server.server.server_state.connections == set()


def test_a_second_request_that_never_ends_is_dropped(impatient, gated):
    with running(gated) as server, dialled(server) as link:
        link.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert link.recv(65536).startswith(b"HTTP/1.1 200 ")
        link.sendall(b"GET /he")
        assert b"HTTP" not in all_of(link)


def test_a_request_that_drips_is_dropped(impatient, gated):
    with running(gated) as server, dialled(server) as link:
        link.sendall(HEAD)
        stopped = threading.Event()
        taken = 0
        with contextlib.suppress(ConnectionError):
            while taken < 10_000 and not stopped.wait(0.01):
                link.sendall(b"X: a\r\n")
                taken += 1
        assert taken < 10_000


def test_an_answer_that_is_not_taken_is_stopped(impatient, gated):
    with running(gated) as server, contextlib.closing(socket.socket()) as link:
        for ends, buffer in ((link, socket.SO_RCVBUF), (server.listener, socket.SO_SNDBUF)):
            ends.setsockopt(socket.SOL_SOCKET, buffer, 4096)
        link.connect(server.listener.getsockname())
        body = json.dumps({"model": NAME, "prompt": "The " * 8, "max_tokens": 4096, "stream": True}).encode()
        link.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        # One after the other: what comes at once is sent at once, and may be small enough to be taken.
        was_stopped = any(gated.let(1) or gated.stops.acquire(timeout=0.002) for _ in range(4000))
        assert was_stopped
        gated.let(1)
        assert complete(server, max_tokens=1).status == 200


def test_the_log_holds_no_text_of_requests(server, caplog, capfd):
    with caplog.at_level(0):
        for prompt in ("a secret wish", "€ secret", "secret" * 100):
            complete(server, prompt)
        post(server, "/v1/completions", model="secret", prompt="secret", secret="secret")
        get(server, "/secret?secret=1")
    out, err = capfd.readouterr()
    assert "secret" not in caplog.text + out + err
