"""User and password of the Developer Cloud: from the environment or typed in, never from a configuration."""

import getpass
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from textzoo.common import secrets
from textzoo.targets.stedgeai.cloud.errors import NoCredentialsError

# Those of ST's own client.
USER, PASSWORD = "stmai_username", "stmai_password"
MAX_CHARACTERS = 1024


@dataclass(frozen=True)
class Credentials:
    """A user's name, which is an address of mail at ST, and password."""

    user: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        for form in {self.password, quote(self.password), quote_plus(self.password)}:
            secrets.remember(form)


def from_environment(environment: Mapping[str, str] = os.environ) -> Credentials | None:
    """Return the environment's user and password, None if it has neither.

    Raises:
        NoCredentialsError: It has one of the two.
    """
    user, password = environment.get(USER, ""), environment.get(PASSWORD, "")
    if not user and not password:
        return None
    if not user or not password:
        missing, there = (USER, PASSWORD) if not user else (PASSWORD, USER)
        raise NoCredentialsError(f"the environment variable {there} is set, {missing} is not", remedy=f"Set {missing}.")
    return checked(user, password)


def typed_in() -> Credentials:
    """Ask for user and password on the terminal; the password is not shown.

    Raises:
        NoCredentialsError: There is no terminal, or nothing was typed.
    """
    if not (sys.stdin and sys.stdin.isatty()):
        raise no_terminal()
    print("ST Edge AI Developer Cloud, account of st.com (nothing typed here is kept)", file=sys.stderr)
    try:
        return checked(input("E-mail: ").strip(), getpass.getpass("Password: "))
    except EOFError:
        raise NoCredentialsError("no user or no password was typed") from None


def no_terminal() -> NoCredentialsError:
    """Return the error of a login without user, password, and a terminal to ask for them."""
    return NoCredentialsError(
        "the Developer Cloud needs an account of st.com, and there is no terminal to ask for it",
        expected=f"the environment variables {USER} and {PASSWORD}",
        remedy="Or run the command once in a terminal: what it gets for the password is kept and renewed.",
    )


def checked(user: str, password: str) -> Credentials:
    """Return credentials that can be sent."""
    is_text = not any("\ud800" <= character <= "\udfff" for character in user + password)
    if not user or not password or max(len(user), len(password)) > MAX_CHARACTERS or not is_text:
        raise NoCredentialsError("user and password are texts of 1 to 1,024 characters each")
    return Credentials(user, password)
