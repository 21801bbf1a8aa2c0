"""Passwords and keys in a store's address: shown nowhere, written nowhere."""

import re
from urllib.parse import unquote

HIDDEN = "***"  # what stands in place of a password
# user:password@ behind a scheme, whatever the address; a server on this machine needs no host.
PASSWORD = re.compile(r"(?<=://)([^/\s:@'\"]*):([^\s'\"]+)@")
# In which an address with a password lies as a whole.
WORD = re.compile(r"[^\s'\"]+")
QUERY_SECRET = re.compile(r"([?&][\w.\-]*(?:token|password|passwd|pwd|secret|key|sig|signature)=)[^&\s'\"#]+", re.I)


def without_password(text: str) -> str:
    """The text with the passwords of addresses hidden, 'scheme://user:***@host'."""
    return WORD.sub(lambda found: without_password_in_word(found.group()), text)


def without_password_in_word(word: str) -> str:
    """The same of one word. A password ends at its last @: searching beyond it, again and again, would take minutes."""
    before, sign, rest = word.rpartition("@")
    return PASSWORD.sub(rf"\g<1>:{HIDDEN}@", before + sign) + rest


def masked(text: str) -> str:
    """The text without the passwords and keys of the addresses in it."""
    return QUERY_SECRET.sub(rf"\g<1>{HIDDEN}", without_password(text))


def secrets_of(uri: str) -> list[str]:
    """What an address hides, as written and without percent signs; a message may quote it without the address."""
    found = [match[2] for match in PASSWORD.finditer(uri[: uri.rfind("@") + 1])]
    found += [match[0].partition("=")[2] for match in QUERY_SECRET.finditer(uri)]
    return sorted({form for secret in found for form in (secret, unquote(secret)) if len(form) > 3}, key=len)[::-1]


def masked_for(text: str, uri: str | None) -> str:
    """As `masked`, and without what this address hides wherever it stands."""
    text = masked(text)
    for secret in secrets_of(uri or ""):
        text = text.replace(secret, HIDDEN)
    return text
