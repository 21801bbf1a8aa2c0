"""The server's socket, thread and end."""

import errno
import socket
import threading
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from textzoo.common.errors import UserError
from textzoo.serving.http.api import Api
from textzoo.serving.http.guard import Guard
from textzoo.serving.http.metrics import Measured
from textzoo.serving.http.protocol import GuardedProtocol

MAX_HEADER_BYTES = 1 << 15
IDLE_SECONDS = 30  # of a connection that is kept between requests
# Connections beside those whose requests wait.
SPARE_CONNECTIONS = 100
GRACE_SECONDS = 5
POLL_SECONDS = 0.2
REASONS = {
    errno.EADDRINUSE: "another program listens there; choose another {section}.port, or 0 for a free one",
    errno.EACCES: "ports below 1024 need permission; choose another {section}.port",
    errno.EADDRNOTAVAIL: "this machine has no such address; choose another {section}.host",
}


def bind(host: str, port: int, section: str = "serve") -> socket.socket:
    """Return a listening socket for the host and port of a section; raise UserError if that is not possible."""
    if not host:  # the system would take it for all addresses
        raise UserError(f"{section}.host is empty", expected="127.0.0.1, or 0.0.0.0 for other machines, too")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=512)
    except (OSError, UnicodeError) as error:
        raise UserError(
            f"cannot listen on {section}.host={host} {section}.port={port}",
            received=str(error),
            remedy=REASONS.get(getattr(error, "errno", None), "Check {section}.host.").format(section=section),
        ) from None


class ServerThread:
    """An application on a socket, served by a thread.

    Args:
        app: The application.
        listener: A listening socket; it is closed at the end.
        max_connections: Number of connections at once; more are refused.
        lifespan: uvicorn's: "on" for an application that is to be told of start and end.
        grace_seconds: Time for connections to end.
    """

    def __init__(
        self, app: ASGIApp, listener: socket.socket, *, max_connections: int, lifespan: str, grace_seconds: int
    ) -> None:
        config = uvicorn.Config(
            app,
            http=limited(max_connections),
            ws="none",
            lifespan=lifespan,
            log_config=None,
            log_level="critical",  # it logs addresses of clients; failures are logged by the application
            access_log=False,
            server_header=False,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=grace_seconds,
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, args=([listener],), name="textzoo-http", daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def wait(self) -> None:
        """Wait until the server ends, or for a KeyboardInterrupt."""
        while self.thread.is_alive():
            self.thread.join(POLL_SECONDS)

    def __exit__(self, *_: object) -> None:
        """End connections."""
        self.server.should_exit = True
        self.thread.join()


class HttpServer(ServerThread):
    """The API's server.

    Args:
        api: The application.
        listener: A listening socket; it is closed at the end.
        host: Address as the user gave it.

    Attributes:
        url: Of the API's first version.
    """

    def __init__(self, api: Api, listener: socket.socket, host: str) -> None:
        self.api, self.listener = api, listener
        self.url = f"{address_of(listener, host)}/v1"
        super().__init__(
            Measured(Guard(api.app, host), api.metrics, api.route_of),
            listener,
            max_connections=api.worker.max_waiting + SPARE_CONNECTIONS,
            lifespan="off",
            grace_seconds=GRACE_SECONDS,
        )

    def wait(self) -> None:
        """Wait for a KeyboardInterrupt."""
        super().wait()
        raise RuntimeError("the server ended by itself")

    def __exit__(self, *_: object) -> None:
        """Stop answers, then connections."""
        self.api.worker.close()
        super().__exit__()


def address_of(listener: socket.socket, host: str) -> str:
    """Return the URL of a listening socket, without a path."""
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def limited(max_connections: int) -> type[GuardedProtocol]:
    """Return the protocol with a limit of connections."""
    return type("LimitedProtocol", (GuardedProtocol,), {"max_connections": max_connections})
