"""Passwords and keys in a store's address, and what the environment gave for it: shown nowhere, written nowhere."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from omegaconf import OmegaConf
from omegaconf.resolvers import oc

HIDDEN = "***"  # what stands in place of a password
# user:password@ behind a scheme, whatever the address; a server on this machine needs no host.
PASSWORD = re.compile(r"(?<=://)([^/\s:@'\"]*):([^\s'\"]+)@")
# In which an address with a password lies as a whole.
WORD = re.compile(r"[^\s'\"]+")
QUERY_SECRET = re.compile(r"([?&][\w.\-]*(?:token|password|passwd|pwd|secret|key|sig|signature)=)[^&\s'\"#]+", re.I)
SHORTEST_SECRET = 4  # characters; shorter ones would hide half of a text
FROM_ENVIRONMENT: set[str] = set()  # what ${oc.env:...} gave a configuration of this process


def remember_environment() -> None:
    """From now on, hide what `${oc.env:NAME}` gives a configuration."""
    OmegaConf.register_new_resolver("oc.env", environment_value, replace=True)


def environment_value(*arguments: Any) -> Any:
    """What OmegaConf's own oc.env gives; remembered unless it is a folder, or a number as short as a port's."""
    value = oc.env(*arguments)
    text = str(value)
    is_port = text.isdigit() and len(text) < 6
    if len(text) >= SHORTEST_SECRET and not is_port and not Path(text).is_absolute():
        FROM_ENVIRONMENT.add(text)
    return value


def without_password(text: str) -> str:
    """The text with the passwords of addresses hidden, 'scheme://user:***@host'."""
    return WORD.sub(lambda found: without_password_in_word(found.group()), text)


def without_password_in_word(word: str) -> str:
    """The same of one word. A password ends at its last @: searching beyond it, again and again, would take minutes."""
    before, sign, rest = word.rpartition("@")
    return PASSWORD.sub(rf"\g<1>:{HIDDEN}@", before + sign) + rest


def masked(text: str) -> str:
    """The text without the passwords and keys of the addresses in it, and without what the environment gave."""
    return hidden(QUERY_SECRET.sub(rf"\g<1>{HIDDEN}", without_password(text)), FROM_ENVIRONMENT)


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text without these, the longest first: one may hold another."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def secrets_of(uri: str) -> list[str]:
    """What an address hides, as written and without percent signs; a message may quote it without the address."""
    found = [match[2] for match in PASSWORD.finditer(uri[: uri.rfind("@") + 1])]
    found += [match[0].partition("=")[2] for match in QUERY_SECRET.finditer(uri)]
    return [form for secret in found for form in (secret, unquote(secret)) if len(form) >= SHORTEST_SECRET]


def masked_for(text: str, uri: str | None) -> str:
    """As `masked`, and without what this address hides wherever it stands."""
    return hidden(masked(text), secrets_of(uri or ""))
