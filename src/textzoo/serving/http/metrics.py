"""Figures of the server in Prometheus' text format."""

import time
from collections.abc import Callable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from textzoo.serving.answer import Answer

SECONDS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 300.0)


class Metrics:
    """The figures of one server.

    Args:
        waiting: Returns the number of requests that wait.
    """

    def __init__(self, waiting: Callable[[], int]) -> None:
        disable_created_metrics()  # a second series for each, which few read
        self.registry = CollectorRegistry()
        named = {"registry": self.registry, "namespace": "textzoo"}
        self.requests = Counter("requests", "Requests.", ["route", "status"], **named)
        self.seconds = Histogram(
            "request_seconds",
            "From the request's head to the end of the response.",
            ["route"],
            buckets=SECONDS,
            **named,
        )
        self.answer_seconds = Counter("answer_seconds", "Time in which answers were made.", **named)
        self.prompt_tokens = Counter("prompt_tokens", "Tokens of prompts that were answered.", **named)
        self.completion_tokens = Counter("completion_tokens", "Tokens of answers.", **named)
        Gauge("waiting_requests", "Requests that wait for others.", **named).set_function(waiting)

    def count(self, answer: Answer) -> None:
        """Add an answer that has ended."""
        self.answer_seconds.inc(answer.seconds)
        self.prompt_tokens.inc(answer.prompt_tokens)
        self.completion_tokens.inc(len(answer.steps))

    @property
    def response(self) -> Response:
        return Response(generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


class Measured:
    """An application whose requests are counted and timed.

    Args:
        app: The application.
        metrics: Gets the figures.
        routes: Returns the name of the route of a path: few different ones, whatever clients ask for.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, route_of: Callable[[str], str]) -> None:
        self.app, self.metrics, self.route_of = app, metrics, route_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route, start, status = self.route_of(scope["path"]), time.perf_counter(), "gone"

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            self.metrics.requests.labels(route, status).inc()
            self.metrics.seconds.labels(route).observe(time.perf_counter() - start)
