"""Tokens of the Developer Cloud, and the file that keeps them between runs.

The file lies in the user's configuration folder, ~/.config/textzoo/st_developer_cloud.json, and only its owner can read
it. It says for which server and user its tokens are: they are sent to no other. The file of ST's own client,
~/.stmai_token, is neither read nor written, because it says neither. To log out is to delete the file.
"""

import contextlib
import json
import math
import os
import re
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textzoo.common import secrets
from textzoo.common.errors import UserError
from textzoo.common.files import kind_of_path
from textzoo.common.untrusted_json import read_json_object
from textzoo.targets.stedgeai.cloud.errors import CloudError, NotUnderstoodError

CONFIGURATION_FOLDER = "XDG_CONFIG_HOME"
FILE = Path("textzoo", "st_developer_cloud.json")
MAX_BYTES = 1 << 17
# What may stand in a header; the dots and dashes of a JSON Web Token among it.
TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
OTHERS = stat.S_IRWXG | stat.S_IRWXO
# A token that expires within this many seconds is not used any more.
MARGIN_SECONDS = 60.0
LATEST = 2.0**40  # seconds since 1970


@dataclass(frozen=True)
class Tokens:
    """What the services know a user by.

    Attributes:
        access: Sent with every request.
        refresh: Buys new tokens; "" without one.
        expires_at: End of `access`, in seconds since 1970.
        server: The cloud that they are of.
        user: The name that logged in.
    """

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: float
    server: str
    user: str

    def is_fresh(self, now: float) -> bool:
        return now + MARGIN_SECONDS < self.expires_at


def token_path() -> Path:
    """Return where the tokens are kept."""
    folder = Path(os.environ.get(CONFIGURATION_FOLDER, ""))
    if folder.is_absolute():
        return folder / FILE
    try:
        return Path.home() / ".config" / FILE
    except RuntimeError:
        raise CloudError("there is no home folder for tokens", remedy=f"Set {CONFIGURATION_FOLDER} to one.") from None


def tokens_of(values: Any, server: str, user: str, what: str) -> Tokens:
    """Return the tokens in an answer or a file, masked in all messages from now on.

    Raises:
        NotUnderstoodError: They are not what tokens are.
    """
    found = values if isinstance(values, dict) else {}
    access, refresh, end = found.get("access_token"), found.get("refresh_token") or "", found.get("expires_at")
    for secret in (access, refresh):
        if isinstance(secret, str):
            secrets.remember(secret)
    if not is_token(access) or not (refresh == "" or is_token(refresh)) or not is_time(end):
        expected = "access_token, refresh_token and expires_at"
        raise NotUnderstoodError(f"{what}: these are no tokens", expected=expected, received=", ".join(map(str, found)))
    return Tokens(access, refresh, float(end), server, user)


def is_token(value: Any) -> bool:
    return isinstance(value, str) and TOKEN.fullmatch(value) is not None


def is_time(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= LATEST and math.isfinite(value)


def load_tokens(path: Path, server: str) -> Tokens | None:
    """Return the tokens kept for a server, None if there are none.

    Raises:
        UserError: The file is damaged, or others can read it.
    """
    if kind_of_path(path) is None:
        return None
    if path.stat().st_mode & OTHERS:
        raise CloudError(
            f"'{path}' can be read or changed by others", expected="mode 0600", remedy=f"Run: chmod 600 '{path}'"
        )
    values = read_json_object(path, MAX_BYTES)
    if values.get("server") != server:
        return None
    user = values.get("user")
    try:
        return tokens_of(values, server, user if isinstance(user, str) else "", f"'{path}'")
    except NotUnderstoodError as error:
        raise UserError(str(error).rstrip("."), remedy="Delete the file and log in again.") from None


def save_tokens(path: Path, tokens: Tokens) -> None:
    """Write the tokens atomically to a file that only its owner can read, at no moment anybody else."""
    values = {
        "access_token": tokens.access,
        "refresh_token": tokens.refresh,
        "expires_at": tokens.expires_at,
        "server": tokens.server,
        "user": tokens.user,
    }
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".st_developer_cloud-")  # of mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            json.dump(values, file)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def forget_tokens(path: Path) -> None:
    """Log out: delete the file."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
