"""Addresses of tracking stores, checked before any work and without MLflow, whose import takes seconds."""

import base64
import contextlib
import os
import re
import socket
import sqlite3
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from textzoo.common.errors import UserError
from textzoo.common.secrets import HIDDEN, masked, masked_for
from textzoo.records.tracking.names import NOT_STORABLE, safe_text

DEFAULT_STORE = Path("mlruns")
SQLITE = "sqlite:///"
IN_MEMORY = re.compile(r"sqlite(\+\w+)?:(//|///|///:memory:|///file::memory:|///file:.*[?&]mode=memory)(\?.*|&.*)?$")
DATABASES = ("postgresql", "mysql", "mssql")
ANSWER_SECONDS = 5.0
LOCKED_SECONDS = 2.0
# Module of a database's driver -> package that brings it, where the names differ.
DRIVER_PACKAGES = {
    "psycopg": "psycopg[binary]",
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
    "mysql": "mysql-connector-python",
    "pymysql": "PyMySQL",
}


class StoreBusyError(Exception):
    """The store is there, but somebody holds it: try again later."""


def scheme(uri: str) -> str:
    """ "sqlite", "postgresql", "http", ...: the address's kind, without its driver."""
    return uri.partition(":")[0].partition("+")[0].lower()


def sqlite_path(uri: str) -> Path | None:
    """The absolute path of a sqlite database file; None for other stores, and for what SQLite itself calls a URI."""
    head, slashes, rest = uri.partition(":///")
    name = rest.partition("?")[0]
    if not slashes or head.partition("+")[0] != "sqlite" or name in ("", ":memory:") or name.startswith("file:"):
        return None
    return Path(name).absolute()


def cannot_open(uri: str | None, reason: object, remedy: str = "") -> UserError:
    """One message for a store that cannot be used, without its passwords."""
    where = uri or f"null ({DEFAULT_STORE.resolve() / 'mlflow.db'})"
    lines = masked_for(str(reason), uri).strip().splitlines() or [type(reason).__name__]
    return UserError(
        f"the tracking store cannot be opened: {lines[0]}",
        received=f"mlflow.uri={safe_text(masked(where), 1000)}",
        remedy=remedy or "Give another mlflow.uri, e.g. sqlite:////tmp/mlflow.db.",
    )


def check_address(uri: str | None) -> bool:
    """Raise UserError for a store that cannot be opened, within seconds; whether this check says enough.

    Where it does not (kinds of stores that plug-ins bring), only opening the store tells.
    """
    if uri is None:
        uri = f"{SQLITE}{DEFAULT_STORE.resolve() / 'mlflow.db'}"
    if f":{HIDDEN}@" in uri or f"={HIDDEN}" in uri:
        raise cannot_open(uri, "its password is not kept in a run's folder", "Give the whole mlflow.uri again.")
    check = CHECKS.get(scheme(uri))
    if check is None:
        return False
    try:
        check(uri)
    except StoreBusyError:
        pass
    except (OSError, sqlite3.Error, ValueError) as error:
        raise cannot_open(uri, error) from None
    return True


def check_sqlite(uri: str) -> None:
    """The folder can be written, the file is a database and can be written. StoreBusyError while somebody holds it."""
    if "+" in uri.partition(":")[0]:
        database_address(uri)
    if IN_MEMORY.match(uri):
        raise ValueError("a database in memory is gone when the run ends")
    path = sqlite_path(uri)
    if path is None:
        return
    if NOT_STORABLE.search(str(path)):
        raise ValueError("its path is not UTF-8, and MLflow writes down where artifacts lie as UTF-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise PermissionError(f"{path.parent} cannot be written: {error.strerror}") from None
    if not path.exists():
        return
    if not path.is_file() or not os.access(path, os.R_OK | os.W_OK):
        raise PermissionError(f"{path} is no file that can be read and written")
    with contextlib.closing(sqlite3.connect(path, timeout=LOCKED_SECONDS)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise StoreBusyError(str(error)) from None
            raise


def check_database(uri: str) -> None:
    """The driver is installed, and something listens at the address."""
    url = database_address(uri)
    if url.host and url.port:
        socket.create_connection((url.host, url.port), timeout=ANSWER_SECONDS).close()


def database_address(uri: str) -> Any:
    """SQLAlchemy's URL of a database; UserError where its driver is not installed."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        url = make_url(uri)
        url.get_dialect().import_dbapi()
        return url
    except ImportError as error:
        module = (error.name or str(error)).partition(".")[0]
        package = DRIVER_PACKAGES.get(module, module)
        reason = f"its driver {module} is not installed"
        raise cannot_open(uri, reason, f"Install it: .venv/bin/python -m pip install '{package}'.") from None
    except (ArgumentError, NoSuchModuleError) as error:
        raise ValueError(str(error)) from None


def check_server(uri: str) -> None:
    """The server answers, and not with an error of its own. What it thinks of the user is left to MLflow."""
    request = urllib.request.Request(without_user(uri).rstrip("/") + "/api/2.0/mlflow/experiments/get?experiment_id=0")
    parts = urlsplit(uri)
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_header("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
    try:
        urllib.request.urlopen(request, timeout=ANSWER_SECONDS).close()
    except urllib.error.HTTPError as error:
        error.close()
        if error.code >= 500:
            raise ConnectionError(f"the server answers with error {error.code}") from None
    except urllib.error.URLError as error:
        if "CERTIFICATE" not in str(error.reason):  # MLFLOW_TRACKING_INSECURE_TLS is MLflow's own matter
            raise ConnectionError(f"the server does not answer: {error.reason}") from None


def without_user(uri: str) -> str:
    """An address without user and password, with every character as it may stand in a request."""
    parts = urlsplit(uri)
    if parts.hostname is None:
        raise ValueError("the address names no host")
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, place, quote(parts.path, safe="/%"), parts.query, ""))


CHECKS = {
    "sqlite": check_sqlite,
    **dict.fromkeys(DATABASES, check_database),
    "http": check_server,
    "https": check_server,
}
