"""Uvicorn's HTTP, with time limits for clients that are slow on purpose, and errors in the API's shape."""

import asyncio
from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from textzoo.serving.http.errors import ApiError, json_bytes

# A request must have arrived by then, and what is sent must be taken.
REQUEST_SECONDS, TAKE_SECONDS = 30.0, 30.0
# Who is refused may still be sending: a connection that is closed meanwhile loses the answer.
LINGER_SECONDS = 2.0
# Connections beyond the limit that are told why they are refused; still more are only cut.
MAX_REFUSED = 100
UNFINISHED = (h11.IDLE, h11.SEND_BODY)


class GuardedProtocol(H11Protocol):
    """One connection."""

    max_connections = 1000
    request_timer: asyncio.TimerHandle | None = None
    take_timer: asyncio.TimerHandle | None = None
    is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin the time of the first request; refuse a connection too many."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # so that `pause_writing` tells of every byte that is not taken
        self.watch_request()
        too_many = len(self.connections) - self.max_connections
        if too_many > MAX_REFUSED:
            self.transport.abort()
        elif too_many > 0:
            self.refuse(ApiError(503, "too many connections", code="too_many_connections"))

    def data_received(self, data: bytes) -> None:
        """Take what comes; of a client that was refused it is dropped."""
        if self.is_refused:
            return
        super().data_received(data)
        self.watch_request()

    def watch_request(self) -> None:
        """Begin the time of a request that has not arrived completely; end it once it has."""
        if self.conn.their_state not in UNFINISHED:
            self.request_timer = cancelled(self.request_timer)
        elif self.request_timer is None:
            self.request_timer = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.take_timer = self.take_timer or self.loop.call_later(TAKE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self.take_timer = cancelled(self.take_timer)

    def connection_lost(self, exc: Exception | None) -> None:
        self.request_timer, self.take_timer = cancelled(self.request_timer), cancelled(self.take_timer)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        self.refuse(ApiError(400, msg.rstrip("."), code="invalid_http"))

    def refuse(self, error: ApiError) -> None:
        """Send an error, and close the connection once the client has had time to read it.

        If a response has begun, the connection is closed at once.
        """
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        self.is_refused = True
        if self.cycle:  # of a request whose body is wrong: it ends as if the client had gone
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        body = json_bytes(error.body)
        headers = {"content-type": "application/json", "content-length": f"{len(body)}", "connection": "close"}
        reason = HTTPStatus(error.status).phrase
        events = [
            h11.Response(status_code=error.status, reason=reason.encode(), headers=[*headers.items()]),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ]
        self.transport.write(b"".join(self.conn.send(event) for event in events))
        self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)


def cancelled(timer: asyncio.TimerHandle | None) -> None:
    """Cancel a timer, if there is one."""
    if timer:
        timer.cancel()
