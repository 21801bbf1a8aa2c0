"""Masking of passwords and keys: in addresses of tracking stores, and from environment variables."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from omegaconf import OmegaConf
from omegaconf.resolvers import oc

HIDDEN = "***"  # replaces a password
# user:password@ after a scheme; the host may be empty, for a server on this machine.
PASSWORD = re.compile(r"(?<=://)([^/\s:@'\"]*):([^\s'\"]+)@")
# A word that holds a whole address with its password.
WORD = re.compile(r"[^\s'\"]+")
QUERY_SECRET = re.compile(r"([?&][\w.\-]*(?:token|password|passwd|pwd|secret|key|sig|signature)=)[^&\s'\"#]+", re.I)
SHORTEST_SECRET = 4  # characters; hiding shorter ones would make texts unreadable
FROM_ENVIRONMENT: set[str] = set()  # values that ${oc.env:...} gave a configuration in this process, and tokens


def remember_environment() -> None:
    """Register an `oc.env` resolver that notes its values, so that `masked` hides them."""
    OmegaConf.register_new_resolver("oc.env", environment_value, replace=True)


def environment_value(*arguments: Any) -> Any:
    """Return what OmegaConf's own oc.env returns; note it as a secret unless it is an absolute path or a port."""
    value = oc.env(*arguments)
    text = str(value)
    is_port = text.isdigit() and len(text) < 6
    if len(text) >= SHORTEST_SECRET and not is_port and not Path(text).is_absolute():
        FROM_ENVIRONMENT.add(text)
    return value


def remember(secret: str) -> None:
    """Note a token, so that `masked` hides it."""
    if len(secret) >= SHORTEST_SECRET:
        FROM_ENVIRONMENT.add(secret)


def without_password(text: str) -> str:
    """Return the text with the passwords of addresses hidden, 'scheme://user:***@host'."""
    return WORD.sub(lambda found: without_password_in_word(found.group()), text)


def without_password_in_word(word: str) -> str:
    """Hide the password in one word.

    A password ends before the last @: a search beyond it would backtrack for minutes.
    """
    before, sign, rest = word.rpartition("@")
    return PASSWORD.sub(rf"\g<1>:{HIDDEN}@", before + sign) + rest


def masked(text: str) -> str:
    """Return the text with passwords and keys in addresses, and values of environment variables, hidden."""
    return hidden(QUERY_SECRET.sub(rf"\g<1>{HIDDEN}", without_password(text)), FROM_ENVIRONMENT)


def hidden(text: str, secrets: Iterable[str]) -> str:
    """Return the text with these secrets hidden, the longest first, because one may contain another."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def secrets_of(uri: str) -> list[str]:
    """Return the secrets in an address, as written and percent-decoded; a message may quote them without the rest."""
    found = [match[2] for match in PASSWORD.finditer(uri[: uri.rfind("@") + 1])]
    found += [match[0].partition("=")[2] for match in QUERY_SECRET.finditer(uri)]
    return [form for secret in found for form in (secret, unquote(secret)) if len(form) >= SHORTEST_SECRET]


def masked_for(text: str, uri: str | None) -> str:
    """Return `masked(text)` with the secrets of this address hidden wherever they occur."""
    return hidden(masked(text), secrets_of(uri or ""))
