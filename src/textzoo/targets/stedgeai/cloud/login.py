"""Logging in: the steps of OAuth that a browser would take, and the renewal of tokens."""

import re
from urllib.parse import parse_qs, urljoin, urlsplit

from textzoo.common import secrets
from textzoo.targets.stedgeai.cloud.addresses import Addresses
from textzoo.targets.stedgeai.cloud.credentials import Credentials
from textzoo.targets.stedgeai.cloud.errors import (
    AccountBlockedError,
    LoginError,
    LoginPageError,
    NotAuthorizedError,
    NotUnderstoodError,
    ServerFailedError,
    UnexpectedPageError,
    WrongPasswordError,
    message_of,
    shown,
)
from textzoo.targets.stedgeai.cloud.login_form import Form, login_form, page_text
from textzoo.targets.stedgeai.cloud.tokens import Tokens, tokens_of
from textzoo.targets.stedgeai.cloud.transport import Answer, Limits, Transport

WHAT = "logging in to the Developer Cloud"
REDIRECTS = (301, 302, 303, 307, 308)
MAX_REDIRECTS = 20
MAX_PAGE_BYTES = 4 << 20
MAX_CODE = 16384  # characters
# What the page says, and the error that it means; nothing of it is worth another attempt.
REFUSALS: tuple[tuple[re.Pattern[str], type[LoginError], str, str], ...] = (
    (
        re.compile(r"You have exceeded \d+ login attempts\.[^.]*\.?"),
        AccountBlockedError,
        "the account is blocked after too many wrong passwords",
        "Set a new password at https://my.st.com.",
    ),
    (
        re.compile(r"You have provided the wrong password\.[^.]*\.?"),
        WrongPasswordError,
        "the password is wrong",
        "Check stmai_username and stmai_password. It was not tried again, because few attempts are allowed.",
    ),
)


def logged_in(addresses: Addresses, credentials: Credentials, limits: Limits | None = None) -> Tokens:
    """Log in with a password and return the tokens.

    Raises:
        WrongPasswordError, AccountBlockedError, LoginPageError, UnexpectedPageError: As their names say, with the words
            of the page.
        CloudError: A service cannot be reached or fails.
    """
    transport = Transport(limits)  # with cookies of its own, which end with the login
    try:
        code = code_of_login(transport, addresses, credentials)
        fields = {"redirect_url": addresses.callback, "code": code}
        answer = transport.send("POST", f"{addresses.users}/login/callback", WHAT, data=fields)
        tokens = tokens_in(answer, addresses, credentials.user)
        confirm(transport, addresses, tokens)
        return tokens
    finally:
        transport.close()


def code_of_login(transport: Transport, addresses: Addresses, credentials: Credentials) -> str:
    """Fill in the login page and return the code that the cloud changes for tokens."""
    page = first_page(transport, addresses)
    form = login_form(page.text)
    if form is None:
        raise LoginPageError(
            f"{WHAT}: ST's login page has no form that is known",
            received=shown(page_text(page.text)) or "an empty page",
            remedy="Is SSO_URL right? ST may have changed the page: log in with a browser to see whether it works.",
        )
    answer = submitted(transport, page.url, form, credentials)
    refuse_page(answer)
    return code_behind(transport, addresses, answer)


def first_page(transport: Transport, addresses: Addresses) -> Answer:
    """Return the login page, behind the redirects that lead to it."""
    query = {
        "response_type": "code",
        "client_id": addresses.client_id,
        "scope": "openid",
        "redirect_uri": addresses.callback,
        "response_mode": "query",
    }
    url = f"{addresses.sso}/as/authorization.oauth2"
    answer = transport.send("GET", url, WHAT, limit=MAX_PAGE_BYTES, params=query)
    for _ in range(MAX_REDIRECTS):
        if answer.status not in REDIRECTS:
            return checked_page(answer)
        answer = transport.send("GET", target_of(answer), WHAT, limit=MAX_PAGE_BYTES)
    raise NotUnderstoodError(f"{WHAT}: more than {MAX_REDIRECTS} redirects")


def submitted(transport: Transport, page_url: str, form: Form, credentials: Credentials) -> Answer:
    """Send the form, once."""
    fields = {
        "username": credentials.user,
        "password": credentials.password,
        "_eventId": "Login",
        "lt": form.fields["lt"],
    }
    url = address_at(page_url, form.action)
    return transport.send("POST", url, WHAT, limit=MAX_PAGE_BYTES, data=fields)


def refuse_page(answer: Answer) -> None:
    """Raise the error that a page means which comes instead of a redirect; do nothing for a redirect."""
    if answer.status in REDIRECTS:
        return
    text = page_text(checked_page(answer).text)
    for pattern, kind, what, remedy in REFUSALS:
        if found := pattern.search(text):
            raise kind(f"{WHAT}: {what}", received=shown(found.group()), remedy=remedy)
    raise UnexpectedPageError(
        f"{WHAT}: ST shows another page before it lets anybody in, which a program cannot answer",
        received=shown(text) or "an empty page",
        remedy="Log in at https://stedgeai-dc.st.com with a browser and do what it asks for (new terms, an expired "
        "password). An account with a second factor cannot be used from here.",
    )


def code_behind(transport: Transport, addresses: Addresses, answer: Answer) -> str:
    """Follow the redirects to the cloud's callback address, which is not fetched, and return the code in it."""
    for _ in range(MAX_REDIRECTS):
        target = target_of(answer)
        if is_callback(target, addresses.callback):
            return code_in(target)
        answer = transport.send("GET", target, WHAT, limit=MAX_PAGE_BYTES)
        refuse_page(answer)
    raise NotUnderstoodError(f"{WHAT}: more than {MAX_REDIRECTS} redirects")


def is_callback(target: str, callback: str) -> bool:
    """Return whether an address is the callback's, but for its query."""
    return target.partition("?")[0].rstrip("/") == callback.rstrip("/")


def code_in(target: str) -> str:
    """Return the code in the address that a login ends with."""
    query = parse_qs(urlsplit(target).query, max_num_fields=50)
    code = query.get("code", [""])[0]
    if not 0 < len(code) <= MAX_CODE:
        said = " ".join(query.get("error_description", []) + query.get("error", []))
        raise LoginError(f"{WHAT}: ST did not let the user in", received=shown(said) or "no code")
    secrets.remember(code)
    return code


def target_of(answer: Answer) -> str:
    """Return where a redirect leads."""
    location = answer.headers.get("location", "")
    if not location:
        raise NotUnderstoodError(f"{WHAT}: a redirect to nowhere", received=f"HTTP {answer.status} without Location")
    return address_at(answer.url, location)


def address_at(page_url: str, target: str) -> str:
    """Return the address that a page means by a target."""
    try:
        return urljoin(page_url, target)
    except ValueError:
        raise NotUnderstoodError(f"{WHAT}: a page leads nowhere", received=shown(repr(target))) from None


def checked_page(answer: Answer) -> Answer:
    """Return a page; raise ServerFailedError for an error's."""
    if answer.status != 200:
        text = shown(page_text(answer.text))
        raise ServerFailedError(
            f"{WHAT}: ST's login pages failed", answer.status, received=f"HTTP {answer.status}: {text}"
        )
    return answer


def renewed(transport: Transport, addresses: Addresses, tokens: Tokens) -> Tokens:
    """Change the refresh token for new tokens.

    Raises:
        NotAuthorizedError: It is no longer taken: the user has to log in again.
    """
    fields = {"refresh_token": tokens.refresh}
    answer = transport.send("POST", f"{addresses.users}/login/refresh", WHAT, data=fields)
    return tokens_in(answer, addresses, tokens.user)


def confirm(transport: Transport, addresses: Addresses, tokens: Tokens) -> None:
    """Ask the cloud whether it knows the tokens' user."""
    url = f"{addresses.users}/login/authenticate"
    answer = transport.send("POST", url, WHAT, data={"access_token": tokens.access})
    values = answer.values(WHAT)
    if answer.status != 200 or not isinstance(values, dict) or not values.get("sub"):
        raise LoginError(f"{WHAT}: the cloud does not know the user", received=said(answer))


def tokens_in(answer: Answer, addresses: Addresses, user: str) -> Tokens:
    """Return the tokens in an answer of the user's service."""
    if answer.status in (400, 401, 403):
        raise NotAuthorizedError(f"{WHAT}: the cloud gives no tokens", answer.status, received=said(answer))
    if answer.status != 200:
        raise ServerFailedError(f"{WHAT}: the cloud failed", answer.status, received=said(answer))
    return tokens_of(answer.values(WHAT), addresses.base, user, WHAT)


def said(answer: Answer) -> str:
    """Return the status of an answer and what it says: the message of a service, or the words of a page."""
    try:
        text = message_of(answer.values(WHAT))
    except NotUnderstoodError:
        text = shown(page_text(answer.text))
    return f"HTTP {answer.status}{': ' if text else ''}{text}"
