"""Errors of the Developer Cloud, a type for each kind that a caller may treat on its own."""

import re
from typing import Any

from textzoo.common import secrets
from textzoo.common.errors import UserError
from textzoo.common.escaping import visible_line

MAX_SHOWN = 400  # characters of a server's text
TAG = re.compile(r"<[^<>]{0,1000}>")
# Keys under which the services put what went wrong, in order of preference.
MESSAGE_KEYS = ("message", "error", "error_description", "errors", "detail", "result")


class CloudError(UserError):
    """Anything that went wrong with the Developer Cloud."""


class UnreachableError(CloudError):
    """No answer: no network, no such host, a proxy that refuses, too slow."""


class CertificateError(UnreachableError):
    """The server's certificate is not accepted; nothing was sent to it."""


class ServerFailedError(CloudError):
    """The server answered with an error's status.

    Args:
        status: Of the answer.
        others: As for UserError.
    """

    def __init__(self, what: str, status: int, **others: str) -> None:
        self.status = status
        super().__init__(what, **others)


class NotAuthorizedError(ServerFailedError):
    """The server does not take the token."""


class ParametersError(ServerFailedError):
    """The server does not take the parameters of a job."""


class NotUnderstoodError(CloudError):
    """An answer that is not of the shape that is known, or is too large."""


class JobFailedError(CloudError):
    """A job has ended with an error of ST's tools or boards."""


class TimeLimitError(CloudError):
    """A job takes longer than it may."""


class UnknownBoardError(CloudError):
    """The cloud has no such board, or none is free to be had."""


class UnknownVersionError(CloudError):
    """The cloud has no such version of ST Edge AI Core, or it does not serve the board."""


class LoginError(CloudError):
    """Logging in failed."""


class NoCredentialsError(LoginError):
    """No user and password, nor a token."""


class WrongPasswordError(LoginError):
    """The password is not that of the user; it is not tried again, because few attempts are allowed."""


class AccountBlockedError(LoginError):
    """The account is blocked after too many attempts."""


class LoginPageError(LoginError):
    """The page for logging in has no form that is known."""


class UnexpectedPageError(LoginError):
    """A page instead of the login's end: a second factor, new terms, an expired password."""


def shown(text: str) -> str:
    """Return what a server says as one bounded line: without tags, control characters and secrets."""
    plain = " ".join(TAG.sub(" ", text[: 20 * MAX_SHOWN]).split())
    return visible_line(secrets.masked(plain))[:MAX_SHOWN]


def message_of(answer: Any, depth: int = 4) -> str:
    """Return the message in an answer of any shape, "" without one.

    Args:
        answer: Values of JSON: a text, an object with one of MESSAGE_KEYS, a list of them, nested.
        depth: How deep to look.
    """
    if isinstance(answer, str):
        return shown(answer)
    if not depth:
        return ""
    if isinstance(answer, list):
        return shown("; ".join(filter(None, (message_of(item, depth - 1) for item in answer[:10]))))
    if not isinstance(answer, dict):
        return ""
    found = (message_of(answer.get(key), depth - 1) for key in MESSAGE_KEYS)
    text = next(filter(None, found), "")
    place = answer.get("path")
    return shown(f"{place}: {text}") if text and isinstance(place, str) else text
