"""One answer at a time: who waits, who is refused, and what happens to answers that nobody wants any more."""

import asyncio
import contextlib
import resource
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from api_client import PATIENCE, chat, complete, connection, get, running

from textzoo.common.errors import UserError
from textzoo.serving.http import protocol
from textzoo.serving.http.errors import ApiError
from textzoo.serving.http.server import allowed_connections
from textzoo.serving.http.worker import Job, Worker
from textzoo.serving.sources import ContextLengthError


@pytest.fixture
def at_once():
    """A function that sends a request from a thread of its own, and returns its future."""
    with ThreadPoolExecutor(8) as pool:
        yield pool.submit


def until(condition):
    """Wait for what another thread is about to do."""
    event = threading.Event()
    for _ in range(PATIENCE * 100):
        if condition():
            return
        event.wait(0.01)
    pytest.fail("it never came")


def open_request(server, path="/v1/completions", body=b'{"model":"gpt_int8","prompt":"The ","stream":true}'):
    """A request on a plain socket, whose answer is not read."""
    link = socket.create_connection(server.listener.getsockname(), PATIENCE)
    link.sendall(
        b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body)) + body
    )
    return link


def test_answers_are_made_in_the_order_of_the_requests(gated, at_once):
    with running(gated) as server:
        futures = []
        for number in range(5):
            futures.append(at_once(complete, server, f"Say {number}", max_tokens=2))
            until(lambda count=number + 1: len(gated.prompts) + server.api.worker.waiting == count)
        gated.let(10)
        assert [future.result().values["choices"][0]["text"] for future in futures] == ["aa"] * 5
    assert gated.prompts == [f"Say {number}" for number in range(5)]


@pytest.mark.parametrize("places", [0, 2])
def test_too_many_are_refused_and_told_when_to_come_again(gated, at_once, places):
    with running(gated, max_waiting=places) as server:
        futures = [at_once(complete, server, max_tokens=1) for _ in range(places + 1)]
        until(lambda: gated.prompts and server.api.worker.waiting == places)
        refused = complete(server, max_tokens=1)
        assert refused.status == 503
        assert refused.headers["Retry-After"] == "1"
        assert refused.error["code"] == "queue_full"
        assert refused.error["type"] == "server_error"
        assert get(server, "/health").values == {"status": "ok", "waiting": places}
        gated.let(places + 1)
        assert {future.result().status for future in futures} == {200}
        gated.let(1)
        assert complete(server, max_tokens=1).status == 200


@pytest.mark.parametrize("stream", [b"true", b"false"])
@pytest.mark.parametrize("tokens", [0, 3])
def test_a_client_that_goes_away_stops_its_answer(gated, stream, tokens):
    with running(gated) as server:
        link = open_request(server, body=b'{"model":"gpt_int8","prompt":"The ","stream":%s}' % stream)
        until(lambda: gated.prompts)
        gated.let(tokens)
        link.close()
        assert gated.stops.acquire(timeout=PATIENCE)
        gated.let(1)
        assert complete(server, max_tokens=1).status == 200


def test_a_client_that_goes_away_leaves_the_queue(gated, at_once):
    with running(gated) as server:
        first = at_once(complete, server, "Say 0", max_tokens=1)
        until(lambda: gated.prompts)
        link = open_request(server)
        until(lambda: server.api.worker.waiting == 1)
        link.close()
        until(lambda: server.api.worker.waiting == 0)
        gated.let(1)
        assert first.result().status == 200
    assert gated.prompts == ["Say 0"]


FAILURES = [
    (
        UserError("the board is \x1b[31m gone", received="secret text", remedy="secret text"),
        r"an answer failed: the board is \x1b[31m gone",
    ),
    (RuntimeError("secret text"), "RuntimeError: secret text"),
]


@pytest.mark.parametrize(("failure", "logged"), FAILURES)
def test_a_failure_of_the_engine_is_told_and_the_next_request_tries_again(gated, failure, logged, capsys):
    with running(gated) as server:
        gated.failure = failure
        gated.let(2)
        for failed in (complete(server), chat(server, "Hello", stream=True)):
            assert failed.status == (502 if isinstance(failure, UserError) else 500)
            assert failed.error["type"] == "server_error"
            assert "secret" not in failed.error["message"]  # of the device, perhaps about another answer
        assert get(server, "/health").status == 503
        printed = capsys.readouterr().out
        assert logged in printed
        assert isinstance(failure, RuntimeError) or "secret" not in printed
        gated.failure = None
        gated.let(1)
        assert complete(server, max_tokens=1).status == 200
        assert get(server, "/health").status == 200


def test_a_ctrl_c_that_the_devices_console_notices_ends_the_answer_and_not_the_queue(gated):
    with running(gated) as server:
        gated.failure = KeyboardInterrupt()
        gated.let(1)
        assert complete(server).error["code"] == "shutting_down"
        gated.failure = None
        gated.let(1)
        assert complete(server, max_tokens=1).status == 200


@pytest.mark.parametrize("stream", [False, True])
def test_what_only_the_device_refuses_is_a_mistake_of_the_request(gated, stream):
    with running(gated) as server:
        gated.failure = ContextLengthError("the text is too long for one line")
        gated.let(1)
        refused = complete(server, stream=stream)
        assert (refused.status, refused.error["code"]) == (400, "context_length_exceeded")
        assert get(server, "/health").status == 200


def test_a_failure_in_a_stream_is_its_last_event(gated):
    with running(gated) as server, contextlib.closing(open_request(server)) as link:
        gated.let(1)
        received = b""
        while b'"text":"a"' not in received:
            received += link.recv(4096)
        gated.failure = UserError("the board is gone")
        gated.let(1)
        while b"0\r\n\r\n" not in received:
            received += link.recv(4096)
    assert b"the board is gone" in received
    assert b"[DONE]" not in received


def test_the_end_of_the_server_is_told_to_everybody(gated, at_once):
    with running(gated) as server, contextlib.closing(open_request(server)) as link:
        gated.let(1)
        received = b""
        while b'"text":"a"' not in received:
            received += link.recv(4096)
        waiting = at_once(complete, server, "Say 1")
        until(lambda: server.api.worker.waiting == 1)
        server.__exit__()
        assert waiting.result().status == 503
        assert waiting.result().error["code"] == "shutting_down"
        while data := link.recv(4096):
            received += data
    assert b"shutting_down" in received
    assert b"[DONE]" not in received


def test_connections_are_kept_and_counted(gated):
    with running(gated, max_waiting=0) as server, contextlib.ExitStack() as stack:
        links = [stack.enter_context(contextlib.closing(connection(server))) for _ in range(101)]
        statuses = []
        for link in links:
            link.request("GET", "/health")
            response = link.getresponse()
            statuses.append((response.status, response.read()[:9]))
        assert statuses[:100] == [(200, b'{"status"')] * 100
        assert statuses[100] == (503, b'{"error":')


def test_a_client_that_is_refused_while_it_sends_is_told_why(gated):
    """Its request goes to a connection that the server wants to be rid of; a closed one would lose the answer."""
    with running(gated, max_waiting=0) as server, contextlib.ExitStack() as stack:
        links = [
            stack.enter_context(contextlib.closing(socket.create_connection(server.listener.getsockname(), PATIENCE)))
            for _ in range(101)
        ]
        received = links[-1].recv(10)
        for part in (
            b"POST /v1/completions HTTP/1.1\r\n",
            b"Host: localhost\r\nContent-Length: 9\r\n\r\n",
            b"123456789",
        ):
            links[-1].sendall(part)
        while data := links[-1].recv(4096):
            received += data
        assert received.startswith(b"HTTP/1.1 503 ")
        assert b"too_many_connections" in received


def test_far_too_many_connections_are_cut(gated, monkeypatch):
    monkeypatch.setattr(protocol, "MAX_REFUSED", 1)
    with running(gated, max_waiting=0) as server, contextlib.ExitStack() as stack:
        links = [
            stack.enter_context(contextlib.closing(socket.create_connection(server.listener.getsockname(), PATIENCE)))
            for _ in range(102)
        ]
        with contextlib.suppress(ConnectionError):
            assert links[-1].recv(10) == b""
        assert links[-2].recv(10) == b"HTTP/1.1 5"


@pytest.mark.parametrize(
    ("limits", "allowed"), [((1000, 1000), 400), ((450, 1000), 400), ((700, 700), 244), ((10, 10), 1), ((-1, -1), 400)]
)
def test_no_more_connections_than_the_system_has_files_for(monkeypatch, limits, allowed):
    now = [limits]
    monkeypatch.setattr(resource, "getrlimit", lambda which: now[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda which, values: now.append(values))
    assert allowed_connections(400) == allowed
    assert now[-1][0] >= min(856, limits[1])


def test_an_answer_that_has_not_begun_is_refused_at_the_end():
    """Also the first one of all, while the worker is between two answers."""
    go_on = threading.Event()

    class BusyWorker(Worker):
        def first(self):
            go_on.wait(PATIENCE)
            return super().first()

    async def closed_before_it_begins():
        worker, job = BusyWorker(0, lambda job: None), Job(lambda: None)
        worker.submit(job)
        closing = asyncio.create_task(asyncio.to_thread(worker.close))
        while not worker.is_closed:
            await asyncio.sleep(0.01)
        go_on.set()
        await closing
        await asyncio.wait_for(job.next(), PATIENCE)

    with pytest.raises(ApiError, match="shutting down"):
        asyncio.run(closed_before_it_begins())


def test_what_a_device_costs_is_told(gated):
    with running(gated) as server:
        gated.let(3)
        values = complete(server, max_tokens=3).values
        assert values["textzoo"]["cost"] == 30
        assert values["textzoo"]["counter"] == "instructions"
        refused = complete(server, logprobs=1)
        assert (refused.status, refused.error["param"]) == (400, "logprobs")
