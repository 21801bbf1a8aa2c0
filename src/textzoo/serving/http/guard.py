"""What a server on a desk must not answer: pages of others that a browser on the same machine shows.

A page can send requests to 127.0.0.1, and by a name that its owner lets point there it could read the answers, too.
Both are told by headers that a page cannot change: Origin and Sec-Fetch-Site, which other programs do not send, and
Host.
"""

import ipaddress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from textzoo.serving.http.errors import ApiError, shown

LOOPBACK_NAME = "localhost"
# Said where the server listens on another address.
OPEN_TO_OTHERS = "Other machines can connect, too, and there is no password."
# Sec-Fetch-Site of an address that a person types.
TYPED = "none"


class Guard:
    """An application without pages of its own, so that it is closed to all.

    Args:
        app: The application.
        host: Address on which the server listens. On a loopback address, only loopback names are answered.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self.app, self.host = app, host
        self.is_local = is_loopback(host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            self.check_host(Headers(scope=scope))
            self.check(Headers(scope=scope), scope["path"])
        except ApiError as error:
            await error.response(scope, receive, send)
        else:
            await self.answer(scope, receive, send)

    def check_host(self, headers: Headers) -> None:
        """Raise ApiError for a name that is not this server's."""
        host = headers.get("host", "")
        if self.is_local and not is_loopback(name := name_of(host)) and name != self.host:
            message = f"the host {shown(host)!r} is not this server, which listens on {self.host}"
            raise ApiError(403, message, code="wrong_host")

    def check(self, headers: Headers, path: str) -> None:
        """Raise ApiError for requests of web pages."""
        if "origin" in headers or headers.get("sec-fetch-site", TYPED) != TYPED:
            raise ApiError(403, "requests of web pages are not answered", code="wrong_origin")

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that was checked."""
        await self.app(scope, receive, send)


def name_of(host: str) -> str:
    """Return the name or address of the header Host, without its port."""
    name = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    return name.lower()


def is_loopback(name: str) -> bool:
    if name == LOOPBACK_NAME:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
