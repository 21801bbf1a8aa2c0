"""The page's server: Gradio's application behind a guard, on a socket of this program."""

import asyncio
import socket
from collections.abc import Callable

from fastapi import FastAPI
from gradio import mount_gradio_app
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from textzoo.serving.http.errors import ApiError
from textzoo.serving.http.guard import TYPED, Guard
from textzoo.serving.http.server import ServerThread, address_of
from textzoo.serving.web.page import LOOKS, Page

MAX_BODY_BYTES = 1 << 20
MAX_CONNECTIONS = 1000
GRACE_SECONDS = 1  # browsers keep a connection open as long as the page is shown
# The parts of Gradio that the page needs; of the others, some read files and fetch addresses.
GRADIO, OPEN = "gradio_api", ("queue", "heartbeat", "reset", "cancel", "info", "startup-events")
SAME, NAVIGATION = "same-origin", "navigate"
# What the page loads and where it sends to: this server and nothing else, whatever stands in it.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PageGuard(Guard):
    """An application that only its own page uses."""

    def check(self, headers: Headers, path: str) -> None:
        """Raise ApiError for requests that are not the page's."""
        if (origin := headers.get("origin")) and origin.partition("://")[2] != headers.get("host"):
            raise ApiError(403, "requests of other pages are not answered", code="wrong_origin")
        is_link = headers.get("sec-fetch-mode") == NAVIGATION
        if headers.get("sec-fetch-site", TYPED) not in (TYPED, SAME) and not is_link:
            raise ApiError(403, "requests of other pages are not answered", code="wrong_origin")
        first, _, rest = path.removeprefix("/").partition("/")
        if first == GRADIO and rest.partition("/")[0] not in OPEN:
            raise ApiError(404, "there is nothing", code="not_found")
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdecimal() and len(length) < 20) or int(length) > MAX_BODY_BYTES:
            raise ApiError(413, f"more than {MAX_BODY_BYTES} bytes", code="too_large")

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, at_most(receive, MAX_BODY_BYTES), with_headers(send))


def at_most(receive: Receive, limit: int) -> Receive:
    """Return what receives a request's body, and ends the connection of one that is longer."""
    left = limit

    async def receive_some() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        return message if left >= 0 else {"type": "http.disconnect"}

    return receive_some


def with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return send_with_headers


async def application(make_page: Callable[[], Page]) -> FastAPI:
    """Return Gradio's application; it is made inside of a loop, because Gradio would leave loops of its own open."""
    return mount_gradio_app(FastAPI(openapi_url=None), make_page().blocks, path="/", **LOOKS)


class PageServer(ServerThread):
    """The page's server.

    Args:
        make_page: Makes the page.
        listener: A listening socket; it is closed at the end.
        host: Address as the user gave it.

    Attributes:
        url: Of the page.
    """

    def __init__(self, make_page: Callable[[], Page], listener: socket.socket, host: str) -> None:
        self.url = f"{address_of(listener, host)}/"
        super().__init__(
            PageGuard(asyncio.run(application(make_page)), host),
            listener,
            max_connections=MAX_CONNECTIONS,
            lifespan="on",
            grace_seconds=GRACE_SECONDS,
        )
