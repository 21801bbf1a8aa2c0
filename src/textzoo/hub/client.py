"""The connection to the hub, through the library huggingface_hub: waits with an end, and errors in the user's words."""

import contextlib
import functools
import os
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from textzoo.common import secrets
from textzoo.common.errors import UserError, short_reason
from textzoo.common.escaping import visible_line
from textzoo.common.signals import raise_if_interrupted

if TYPE_CHECKING:
    from huggingface_hub import HfApi

PUBLIC_HUB = "https://huggingface.co"
INSTALL = "Install it: pip install 'textzoo[hub]'."
# The library's own ways of doing more than one request at a time, and of telling about its users, are not used.
SWITCHED_OFF = ("HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_PROGRESS_BARS")
TIMEOUT_SECONDS = 30.0
# Answers that the library asks for again, how often, and how long a server may make us wait.
TRY_AGAIN = (408, 429, 500, 502, 503, 504)
CONFLICT = 409
TRIES = 3
MAX_WAIT_SECONDS = 20
MAX_SHOWN = 200
# What the library raises for an answer that it takes for one of a hub.
NONSENSE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError, RecursionError)
# How the library begins what the hub says about the metadata of a card.
BAD_CARD = "Invalid metadata in README.md."
LICENSES = "https://huggingface.co/docs/hub/repositories-licenses"

# Status -> what it means, and what to do.
MEANINGS: dict[int, tuple[str, str]] = {
    400: ("the hub does not understand the request", "Is the installed huggingface_hub too old for it?"),
    401: (
        "the hub does not know the token, or wants one",
        "Log in with 'hf auth login', or set HF_TOKEN to a token of https://huggingface.co/settings/tokens.",
    ),
    402: ("the hub wants to be paid for it", "See the plan of the account on its page."),
    403: (
        "the hub does not allow it",
        "The token needs the right to do it (to upload: write); a gated repository's terms are accepted on its page.",
    ),
    404: (
        "the hub has nothing of this name",
        "Check owner, name, revision and path; a private repository is found with a token only.",
    ),
    409: ("somebody else changes this repository at the same time", "Run the same command again."),
    412: (
        "the repository has got another commit since the upload began",
        "Look at that commit, then run the same command again.",
    ),
    413: ("a file is too large for the hub", "See its limits at https://huggingface.co/docs/hub/storage-limits."),
    429: ("the hub gets too many requests from here", "Wait some minutes, then run the same command again."),
}
SERVER_FAILED = ("the hub itself has failed", "Try again later; https://status.huggingface.co says more.")


class NotThereError(UserError):
    """The hub has no such file, revision or repository, or does not show it."""


class RefusedError(Exception):
    """An answer of the hub after which asking again is of no use.

    Args:
        status: Of the answer.
        message: What the hub says about it.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


@functools.cache
def library() -> Any:
    """Import and return huggingface_hub, set up for quiet use; raise UserError where it is not installed."""
    for name in SWITCHED_OFF:
        os.environ[name] = "1"
    try:
        import huggingface_hub
        import huggingface_hub.errors
        import huggingface_hub.utils
        from huggingface_hub import constants
    except ImportError:
        raise UserError("the package huggingface_hub is not installed", remedy=INSTALL) from None
    for name in SWITCHED_OFF:  # it may have been imported before
        setattr(constants, name, True)
    with warnings.catch_warnings(action="ignore"):
        huggingface_hub.utils.disable_progress_bars()
    huggingface_hub.utils.logging.set_verbosity(huggingface_hub.utils.logging.CRITICAL)
    huggingface_hub.set_client_factory(patient_client)
    return huggingface_hub


def endpoint() -> str:
    """Return the hub's address."""
    return (os.environ.get("HF_ENDPOINT") or PUBLIC_HUB).rstrip("/")


def open_hub() -> "HfApi":
    """Return the hub's API at this moment's HF_ENDPOINT, with the user's token if there is one."""
    return library().HfApi(endpoint=endpoint(), token=token() or False)


def token() -> str:
    """Return the token of HF_TOKEN or of `hf auth login`, "" without one; from now on it is masked in all messages."""
    found = library().get_token() or ""
    secrets.remember(found)
    return found


def patient_client() -> Any:
    """Return an HTTP client that waits for nothing without an end."""
    from huggingface_hub.utils._http import default_client_factory

    client = default_client_factory()
    client.timeout = TIMEOUT_SECONDS
    hooks = client.event_hooks
    client.event_hooks = {**hooks, "request": [*hooks["request"], check_request], "response": [Patience()]}
    return client


def check_request(request: Any) -> None:
    """Raise a KeyboardInterrupt that was dropped; send no token over a line that others can read."""
    raise_if_interrupted()
    is_own = request.url.host in ("127.0.0.1", "localhost", "::1")
    if request.url.scheme != "https" and not is_own and "authorization" in request.headers:
        raise UserError(
            f"a token is not sent to {request.url.host} without encryption", remedy="HF_ENDPOINT=https://... instead."
        )


class Patience:
    """Counts failures in a row, and ends the library's tries after TRIES, or where they would take too long."""

    def __init__(self) -> None:
        self.failures = 0

    def __call__(self, response: Any) -> None:
        status = response.status_code
        if status not in (*TRY_AGAIN, CONFLICT):
            self.failures = 0
            return
        self.failures += 1
        wait = response.headers.get("Retry-After", "0").strip()
        is_long = not wait.isdigit() or int(wait[:9]) > MAX_WAIT_SECONDS
        is_limited = status == 429 and "ratelimit" in response.headers  # for minutes
        if self.failures >= TRIES or is_long or is_limited:
            self.failures = 0
            said = response.headers.get("X-Error-Message", "")
            asked = f"it asks to wait {wait} s" if wait != "0" else ""
            raise RefusedError(status, "; ".join(text for text in (said, asked) if text))


@contextlib.contextmanager
def hub_errors(what: str, remedy: str = "") -> Iterator[None]:
    """Turn whatever the library raises into one UserError.

    Args:
        what: What did not work, e.g. "publishing to owner/name failed".
        remedy: What to do besides.
    """
    hub = library()
    import httpx2

    try:
        yield
    except RefusedError as error:
        raise refusal(what, error.status, str(error), remedy) from error
    except hub.errors.HfHubHTTPError as error:
        said = error.server_message or ""
        raise refusal(what, error.response.status_code, said, remedy) from error
    except (httpx2.HTTPError, hub.errors.OfflineModeIsEnabled) as error:
        hint = f"Is {endpoint()} the hub (HF_ENDPOINT), and is there a network? {remedy}".strip()
        raise UserError(
            f"{what}: the hub cannot be reached", received=shown(short_reason(error)), remedy=hint
        ) from error
    except NONSENSE as error:
        if str(error).startswith(BAD_CARD):
            hint = f"publish.license takes the names of {LICENSES}. {remedy}".strip()
            said = shown(str(error).removeprefix(BAD_CARD))
            raise UserError(f"{what}: the hub does not take the card", received=said, remedy=hint) from error
        hint = f"Is {endpoint()} a Hugging Face hub (HF_ENDPOINT)? {remedy}".strip()
        raise UserError(
            f"{what}: this is no answer of a hub", received=shown(short_reason(error)), remedy=hint
        ) from error
    except RuntimeError as error:  # of one file of an upload; its cause is one of the above
        if error.__cause__ is None:
            raise
        with hub_errors(f"{what} ({shown(str(error)).rstrip('.')})", remedy):
            raise error.__cause__ from None


def refusal(what: str, status: int, said: str, remedy: str = "") -> UserError:
    """Return the error of an answer with an error's status."""
    meaning, hint = MEANINGS.get(status, SERVER_FAILED if status >= 500 else MEANINGS[400])
    received = f"HTTP {status}{': ' if said else ''}{shown(said)}"
    kind = NotThereError if status == 404 else UserError
    return kind(f"{what}: {meaning}", received=received, remedy=f"{hint} {remedy}".strip())


def shown(text: str) -> str:
    """Return what a server says as one short line, without secrets."""
    return visible_line(secrets.masked(" ".join(text.split())))[:MAX_SHOWN]
