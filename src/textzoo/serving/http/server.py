"""The server's socket, thread and end."""

import contextlib
import errno
import resource
import socket
import threading
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from textzoo.common.errors import UserError
from textzoo.serving.http.api import Api
from textzoo.serving.http.guard import Guard
from textzoo.serving.http.log import logged_to_console
from textzoo.serving.http.metrics import Measured
from textzoo.serving.http.protocol import MAX_REFUSED, GuardedProtocol

MAX_HEADER_BYTES = 1 << 15
IDLE_SECONDS = 30  # of a connection that is kept between requests
# Connections beside those whose requests wait.
SPARE_CONNECTIONS = 100
# Files that a server has open beside its connections: models, devices, libraries.
OTHER_FILES = 100
# Connections that the system accepts before the server has looked at them.
BACKLOG = 256
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
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        raise UserError(
            f"cannot listen on {section}.host={host} {section}.port={port}",
            received=str(error),
            remedy=REASONS.get(getattr(error, "errno", None), "Check {section}.host.").format(section=section),
        ) from None


class ServerThread:
    """An application on a socket, served by a thread; what fails meanwhile is told on the console.

    Args:
        app: The application.
        listener: A listening socket; it is closed at the end.
        max_connections: Number of connections at once, if the system allows so many files; more are refused.
        lifespan: uvicorn's: "on" for an application that is to be told of start and end.
        grace_seconds: Time for connections to end.
    """

    def __init__(
        self, app: ASGIApp, listener: socket.socket, *, max_connections: int, lifespan: str, grace_seconds: int
    ) -> None:
        config = uvicorn.Config(
            app,
            http=limited(allowed_connections(max_connections)),
            ws="none",
            lifespan=lifespan,
            log_config=None,
            log_level="critical",  # it logs addresses of clients; failures are logged by the application
            access_log=False,
            backlog=BACKLOG,
            server_header=False,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=grace_seconds,
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, args=([listener],), name="textzoo-http", daemon=True)
        self.log = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.log.enter_context(logged_to_console())
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
        self.log.close()


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


def allowed_connections(wanted: int) -> int:
    """Return how many connections the system's limit of open files leaves of those that are wanted.

    The limit is raised as far as this process may: asyncio logs thousands of lines where it cannot accept a connection.
    """
    beside = MAX_REFUSED + BACKLOG + OTHER_FILES
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= limit < wanted + beside:  # -1 is no limit
        limit = wanted + beside if most < 0 else min(wanted + beside, most)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if limit < 0 else max(1, min(wanted, limit - beside))


def limited(max_connections: int) -> type[GuardedProtocol]:
    """Return the protocol with a limit of connections."""
    return type("LimitedProtocol", (GuardedProtocol,), {"max_connections": max_connections})
