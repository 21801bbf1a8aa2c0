"""Errors in the shape of OpenAI's API, and JSON for any text."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from textzoo.common.errors import UserError
from textzoo.serving.sources import ContextLengthError

INVALID, SERVER = "invalid_request_error", "server_error"
MAX_SHOWN = 100
UNAVAILABLE = 503
RETRY_SECONDS = "1"


class ApiError(Exception):
    """A request that is not answered as asked.

    Args:
        status: Of HTTP, 400 to 599.
        message: For people.
        param: Name of the key of the request that is wrong.
        code: For programs, e.g. "model_not_found".
        headers: Additional headers of the response.
    """

    def __init__(
        self, status: int, message: str, *, param: str = "", code: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code
        self.headers = dict(headers or {})

    @property
    def is_failure(self) -> bool:
        """Whether the program or a device failed."""
        return self.status >= 500 and self.status != UNAVAILABLE

    @property
    def body(self) -> dict[str, Any]:
        """The response's values."""
        return {
            "error": {
                "message": self.message,
                "type": INVALID if self.status < 500 else SERVER,
                "param": self.param or None,
                "code": self.code or None,
            }
        }

    @property
    def response(self) -> Response:
        return json_response(self.body, self.status, self.headers)


def of_prompt(error: UserError, param: str) -> ApiError:
    """Return the API's error for a prompt that the model cannot continue."""
    is_long = isinstance(error, ContextLengthError)
    return ApiError(400, str(error), param=param, code="context_length_exceeded" if is_long else "invalid_value")


def invalid(param: str, why: str) -> ApiError:
    """Return the error for a value that is not possible."""
    return ApiError(400, f"{param}: {why}", param=param, code="invalid_value")


def unsupported(param: str, why: str = "") -> ApiError:
    """Return the error for a key of the API, or a value of it, that this server does not implement."""
    message = f"{shown(param)} is not supported{': ' if why else ''}{why}"
    return ApiError(400, message, param=shown(param), code="unsupported_parameter")


def full(waiting: int) -> ApiError:
    message = f"{waiting} requests are waiting already; try again later"
    return ApiError(UNAVAILABLE, message, code="queue_full", headers={"Retry-After": RETRY_SECONDS})


def ending() -> ApiError:
    return ApiError(UNAVAILABLE, "the server is shutting down", code="shutting_down")


def failed_before() -> ApiError:
    message = "the engine failed in the middle of an earlier answer; ask again"
    return ApiError(UNAVAILABLE, message, code="engine_failed")


def internal() -> ApiError:
    return ApiError(500, "the server failed; its log says more", code="internal_error")


def shown(text: str) -> str:
    """Return a text of the client for a message, short enough."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def json_bytes(values: Any) -> bytes:
    """Return JSON in UTF-8; a lone surrogate becomes the escape that JSON has for it."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def json_response(values: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json_bytes(values), status, headers, media_type="application/json")
