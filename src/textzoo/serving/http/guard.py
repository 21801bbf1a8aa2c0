"""What a server on a desk must not answer: web pages of others that a browser on the same machine shows.

A page can send requests to 127.0.0.1, and by a name that its owner lets point there it could read the answers, too.
Both are told by headers that a page cannot change: Origin, which other programs do not send, and Host.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from textzoo.serving.http.errors import ApiError, shown

LOOPBACK_NAME = "localhost"


class Guard:
    """An application that is closed to web pages of others.

    Args:
        app: The application.
        host: Address on which the server listens. On a loopback address, only loopback names are answered.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self.app, self.host = app, host
        self.is_local = is_loopback(host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self.check(Headers(scope=scope))
        except ApiError as error:
            await error.response(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def check(self, headers: Headers) -> None:
        """Raise ApiError for requests of web pages of others."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if self.is_local and not is_loopback(name := name_of(host)) and name != self.host:
            message = f"the host {shown(host)!r} is not this server, which listens on {self.host}"
            raise ApiError(403, message, code="wrong_host")
        if origin is not None and urlsplit_or_none(origin) != host:
            raise ApiError(403, "requests of web pages of others are not answered", code="wrong_origin")


def name_of(host: str) -> str:
    """Return the name or address of the header Host, without its port."""
    name = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    return name.lower()


def urlsplit_or_none(origin: str) -> str | None:
    """Return name and port of an origin; None if it has none."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def is_loopback(name: str) -> bool:
    if name == LOOPBACK_NAME:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
