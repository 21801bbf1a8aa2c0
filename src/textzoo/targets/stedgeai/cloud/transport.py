"""HTTP for the Developer Cloud: verified certificates, limits of time and bytes, no secret in any message.

Proxies are those of the environment (https_proxy, no_proxy); a company's own authority is given by SSL_CERT_FILE.
Redirects are never followed here: a token goes only to the address that it is meant for.
"""

import contextlib
import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from textzoo.common.errors import short_reason
from textzoo.common.signals import raise_if_interrupted
from textzoo.common.untrusted_json import parse_json
from textzoo.targets.stedgeai.cloud.addresses import LOCAL_HOSTS, OWN_AUTHORITY
from textzoo.targets.stedgeai.cloud.errors import (
    CertificateError,
    CloudError,
    NotUnderstoodError,
    UnreachableError,
    shown,
)

if TYPE_CHECKING:
    import httpx

MAX_JSON_BYTES = 32 << 20  # a report lists every layer and buffer
MAX_FILE_BYTES = 256 << 20
TRIES = 3
NO_NETWORK = "Is there a network, and is https_proxy right? BASE_URL_DEVCLOUD may name another server."
# The name under which ST's login pages give a program their form.
HEADERS = {"User-Agent": "Mozilla/5.0 (textzoo)", "Accept-Encoding": "identity"}


@dataclass(frozen=True)
class Limits:
    """Limits of time, in seconds.

    Attributes:
        silence: Between two bytes of an answer, and for a connection.
        answer: For a whole answer.
        between_tries: Before a request that got no answer is sent again.
    """

    silence: float = 30.0
    answer: float = 300.0
    between_tries: float = 2.0


@dataclass(frozen=True)
class Answer:
    """A server's answer; `headers` have names in lower case."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def values(self, what: str) -> Any:
        """Return the values of the answer's JSON; raise NotUnderstoodError, which begins with `what`."""
        try:
            return parse_json(self.content)
        except (ValueError, RecursionError) as error:
            reason = f"{self.text[:200]!r} ({error})" if self.content else "nothing"
            raise NotUnderstoodError(
                f"{what}: the answer is not JSON", received=shown(f"HTTP {self.status}, {reason}")
            ) from None


class Transport:
    """A connection to the services, with its own cookies.

    Args:
        limits: Of time.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.client = opened(self.limits)

    def close(self) -> None:
        self.client.close()

    def send(self, method: str, url: str, what: str, *, limit: int = MAX_JSON_BYTES, **content: Any) -> Answer:
        """Send a request and return the answer, whatever its status.

        A request that got no answer is sent again, TRIES times in all, if that cannot do its work twice.

        Args:
            method: GET, POST or DELETE.
            url: Where to.
            what: The beginning of an error, e.g. "listing the boards of the Developer Cloud".
            limit: Bytes of the answer.
            content: headers, data, files, json, params and tries, as for httpx.

        Raises:
            UnreachableError: No answer in time.
            CertificateError: The server's certificate is not accepted.
            NotUnderstoodError: The answer is too large.
        """
        check_encryption(url)
        tries = content.pop("tries", TRIES)
        for _ in range(tries - 1):
            try:
                return self.sent(method, url, what, limit, content)
            except UnreachableError as error:
                if isinstance(error, CertificateError) or not may_repeat(method, error):
                    raise
            raise_if_interrupted()
            time.sleep(self.limits.between_tries)
        return self.sent(method, url, what, limit, content)

    def sent(self, method: str, url: str, what: str, limit: int, content: dict[str, Any]) -> Answer:
        """Send a request once."""
        import httpx

        request = self.request(method, url, what, content)
        end = time.monotonic() + self.limits.answer
        try:
            with contextlib.closing(self.client.send(request, stream=True)) as response:
                body = self.body(response, what, limit, end)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, body, headers, url)
        except httpx.TransportError as error:
            raise no_answer(what, url, error) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as error:
            raise NotUnderstoodError(f"{what}: this is no answer of the service", received=reason_of(error)) from error

    def request(self, method: str, url: str, what: str, content: dict[str, Any]) -> "httpx.Request":
        """Return a request; raise NotUnderstoodError for an address that a server gave and that is none."""
        import httpx

        try:
            return self.client.build_request(method, url, **content)
        except (ValueError, httpx.InvalidURL) as error:
            raise NotUnderstoodError(f"{what}: this is no address", received=shown(ascii(url))) from error

    def body(self, response: "httpx.Response", what: str, limit: int, end: float) -> bytes:
        """Return the bytes of an answer; raise when there are more than `limit`, or they come too slowly."""
        declared = response.headers.get("content-length", "")
        if declared.isdigit() and int(declared[:20]) > limit:
            raise too_large(what, limit)
        if response.headers.get("content-encoding", "identity") != "identity":
            raise NotUnderstoodError(f"{what}: the answer is compressed, which was not asked for")
        parts, size = [], 0
        for part in response.iter_raw():
            size += len(part)
            if size > limit:
                raise too_large(what, limit)
            if time.monotonic() > end:
                raise UnreachableError(
                    f"{what}: the answer takes longer than {self.limits.answer:g} s", remedy=NO_NETWORK
                )
            parts.append(part)
        return b"".join(parts)


def opened(limits: Limits) -> "httpx.Client":
    """Return a client of httpx that verifies certificates and follows no redirects."""
    import httpx

    for name in ("httpx", "httpcore"):  # they tell whole addresses, some of which hold codes
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        return httpx.Client(verify=True, follow_redirects=False, timeout=limits.silence, headers=HEADERS)
    except (OSError, ValueError, ImportError, httpx.HTTPError, httpx.InvalidURL) as error:
        raise CloudError(
            "the connection to the Developer Cloud cannot be set up",
            received=reason_of(error),
            remedy="Look at SSL_CERT_FILE, SSL_CERT_DIR, http_proxy, https_proxy, all_proxy and no_proxy.",
        ) from None


def check_encryption(url: str) -> None:
    """Raise CloudError for an address without encryption, except on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise NotUnderstoodError("this is no address", received=shown(repr(url))) from None
    if host and (parts.scheme == "https" or (parts.scheme == "http" and host in LOCAL_HOSTS)):
        return
    raise CloudError(f"nothing is sent to {shown(host or url)} without encryption", expected="https://...")


def may_repeat(method: str, error: UnreachableError) -> bool:
    """Return whether a request may be sent again: it changes nothing, or never reached the server."""
    import httpx

    return method != "POST" or isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout)


def no_answer(what: str, url: str, error: "httpx.TransportError") -> UnreachableError:
    """Return the error of a request without an answer."""
    host = shown(urlsplit(url).netloc)
    if is_certificate(error):
        return CertificateError(
            f"{what}: the certificate of {host} is not accepted, so nothing was sent to it",
            received=reason_of(error),
            remedy=OWN_AUTHORITY,
        )
    return UnreachableError(f"{what}: no answer from {host}", received=reason_of(error), remedy=NO_NETWORK)


def is_certificate(error: BaseException | None) -> bool:
    """Return whether an error comes from the verification of a certificate."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def reason_of(error: Exception) -> str:
    """Return an exception's reason without secrets; the name of its type where it says nothing."""
    return shown(short_reason(error)) if str(error) else type(error).__name__


def too_large(what: str, limit: int) -> NotUnderstoodError:
    return NotUnderstoodError(f"{what}: the answer is too large", expected=f"at most {limit:,} bytes")
