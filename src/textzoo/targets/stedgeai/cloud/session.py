"""Requests of a user who is logged in: tokens are found, renewed and kept; what services refuse becomes an error."""

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textzoo.common.signals import raise_if_interrupted
from textzoo.targets.stedgeai.cloud import credentials as accounts
from textzoo.targets.stedgeai.cloud import login
from textzoo.targets.stedgeai.cloud.addresses import Addresses
from textzoo.targets.stedgeai.cloud.credentials import Credentials
from textzoo.targets.stedgeai.cloud.errors import (
    NoCredentialsError,
    NotAuthorizedError,
    NotUnderstoodError,
    ParametersError,
    ServerFailedError,
)
from textzoo.targets.stedgeai.cloud.tokens import Tokens, forget_tokens, load_tokens, save_tokens, token_path
from textzoo.targets.stedgeai.cloud.transport import TRIES, Answer, Limits, Transport

logger = logging.getLogger("textzoo")
UNAUTHORIZED = 401
FROM_GATEWAYS = (502, 503, 504)
STATUS_REMEDIES = {
    403: "The account may not do this: log in at https://stedgeai-dc.st.com with a browser once to accept its terms.",
    404: "The service is not where it was: look at BASE_URL_DEVCLOUD and at the versions of the cloud.",
    413: "The model is too large for the cloud.",
    429: "The cloud gets too many requests from this account: wait some minutes.",
}
SERVER_FAILED = "Try again later. Nothing was measured elsewhere instead."


class Session:
    """A user's connection to the services.

    Args:
        addresses: Of the services.
        limits: Of time.
        environment: Where user and password may be.
        path: File of the tokens; None for the user's own.
    """

    def __init__(
        self,
        addresses: Addresses,
        limits: Limits | None = None,
        environment: Mapping[str, str] = os.environ,
        path: Path | None = None,
    ) -> None:
        self.addresses, self.environment = addresses, environment
        self.path = path or token_path()
        self.limits = limits or Limits()
        self.transport = Transport(self.limits)
        self.tokens: Tokens | None = None

    def close(self) -> None:
        self.transport.close()

    def public(self, url: str, what: str) -> Any:
        """Return the values at an address that needs no login."""
        return checked(self.transport.send("GET", url, what, headers={"Accept": "application/json"}), what).values(what)

    def values(self, method: str, url: str, what: str, **content: Any) -> Any:
        """Send a request as the user and return the values of its answer; as for `send`."""
        return self.send(method, url, what, **content).values(what)

    def send(self, method: str, url: str, what: str, **content: Any) -> Answer:
        """Send a request as the user and return the answer; a token that is no longer taken is renewed once.

        Raises:
            LoginError: The user cannot log in.
            NotAuthorizedError, ParametersError, ServerFailedError: The service refuses or fails, with its words.
            UnreachableError, NotUnderstoodError: As for Transport.send.
        """
        used = self.current()
        answer = self.authorized(used, method, url, what, content)
        if answer.status == UNAUTHORIZED:
            self.tokens = self.kept(self.renewed_or_new(used))
            answer = self.authorized(self.tokens, method, url, what, content)
        return checked(answer, what)

    def at_hand(self, method: str, url: str, what: str, **content: Any) -> Answer:
        """Send a request with the tokens at hand, which are neither sought nor renewed; otherwise as `send`."""
        if self.tokens is None:
            raise NoCredentialsError(f"{what}: nobody is logged in")
        return checked(self.authorized(self.tokens, method, url, what, content), what)

    def authorized(self, tokens: Tokens, method: str, url: str, what: str, content: dict[str, Any]) -> Answer:
        """Send a request with tokens; a question that a gateway could not pass on is asked again."""
        headers = {"Accept": "application/json", "Authorization": f"Bearer {tokens.access}"}
        for _ in range(TRIES - 1):
            answer = self.transport.send(method, url, what, headers=headers, **content)
            if method != "GET" or answer.status not in FROM_GATEWAYS:
                return answer
            raise_if_interrupted()
            time.sleep(self.limits.between_tries)
        return self.transport.send(method, url, what, headers=headers, **content)

    def current(self) -> Tokens:
        """Return tokens that have not expired: those at hand, those of the file, renewed ones, or new ones."""
        given = accounts.from_environment(self.environment)
        found = self.tokens or load_tokens(self.path, self.addresses.base)
        if found is None or (given is not None and found.user != given.user):
            found = self.kept(self.new(given))
        elif not found.is_fresh(time.time()):
            found = self.kept(self.renewed_or_new(found))
        self.tokens = found
        return found

    def renewed_or_new(self, tokens: Tokens) -> Tokens:
        """Return renewed tokens, which another run may have got before; else those of a new login."""
        others = load_tokens(self.path, self.addresses.base)
        if others and others.user == tokens.user and others.access != tokens.access and others.is_fresh(time.time()):
            return others
        if tokens.refresh:
            try:
                return login.renewed(self.transport, self.addresses, tokens)
            except NotAuthorizedError:
                logger.info("the Developer Cloud does not renew the login of %s; logging in again", tokens.user)
        return self.new(accounts.from_environment(self.environment))

    def new(self, given: Credentials | None) -> Tokens:
        return login.logged_in(self.addresses, given or accounts.typed_in(), self.limits)

    def kept(self, tokens: Tokens) -> Tokens:
        """Keep tokens for later runs, if that is possible; this one does without."""
        try:
            save_tokens(self.path, tokens)
        except OSError as error:
            logger.warning("the login is not kept for the next run: %s", error)
        return tokens

    def log_out(self) -> None:
        """Forget the tokens, here and in the file."""
        self.tokens = None
        forget_tokens(self.path)


def checked(answer: Answer, what: str) -> Answer:
    """Return an answer that is none of an error.

    Raises:
        NotAuthorizedError: 401, also after the token was renewed.
        ParametersError: 400 or 422, which the parameters of a job get.
        ServerFailedError: Anything else but 200, 201, 202 and 204.
        NotUnderstoodError: A redirect.
    """
    status = answer.status
    if status in (200, 201, 202, 204):
        return answer
    received = login.said(answer)
    if status == UNAUTHORIZED:
        raise NotAuthorizedError(f"{what}: the cloud does not take the login", status, received=received, remedy=AGAIN)
    if status in (400, 422):
        raise ParametersError(f"{what}: the cloud does not take the parameters", status, received=received)
    if 300 <= status < 400:
        raise NotUnderstoodError(f"{what}: a redirect, which is not followed with a token", received=received)
    remedy = STATUS_REMEDIES.get(status, SERVER_FAILED)
    meaning = "the cloud failed" if status >= 500 else "the cloud refuses"
    raise ServerFailedError(f"{what}: {meaning}", status, received=received, remedy=remedy)


AGAIN = "Delete the file of the tokens and log in again: docs/how_to/st_cloud.md."
