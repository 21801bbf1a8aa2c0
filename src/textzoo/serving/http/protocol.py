"""Uvicorn's HTTP, with time limits for clients that are slow on purpose, and errors in the API's shape."""

import asyncio
from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from textzoo.serving.http.errors import ApiError, json_bytes

# A request must have arrived by then, and what is sent must be taken.
REQUEST_SECONDS, TAKE_SECONDS = 30.0, 30.0
UNFINISHED = (h11.IDLE, h11.SEND_BODY)


class GuardedProtocol(H11Protocol):
    """One connection."""

    max_connections = 1000
    request_timer: asyncio.TimerHandle | None = None
    take_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin the time of the first request; refuse a connection too many."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)  # so that `pause_writing` tells of every byte that is not taken
        self.watch_request()
        if len(self.connections) > self.max_connections:
            self.refuse(ApiError(503, "too many connections", code="too_many_connections"))

    def data_received(self, data: bytes) -> None:
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
        """Send an error, if no response has begun, and close the connection."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json_bytes(error.body)
            headers = {"content-type": "application/json", "content-length": f"{len(body)}", "connection": "close"}
            reason = HTTPStatus(error.status).phrase
            events = [
                h11.Response(status_code=error.status, reason=reason.encode(), headers=[*headers.items()]),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ]
            self.transport.write(b"".join(self.conn.send(event) for event in events))
        self.transport.close()


def cancelled(timer: asyncio.TimerHandle | None) -> None:
    """Cancel a timer, if there is one."""
    if timer:
        timer.cancel()
