"""Checks of tracking stores' addresses before any work, without importing MLflow, which takes seconds."""

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
# Module of a database's driver -> its package, if the names differ.
DRIVER_PACKAGES = {
    "psycopg": "psycopg[binary]",
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
    "mysql": "mysql-connector-python",
    "pymysql": "PyMySQL",
}


class StoreBusyError(Exception):
    """The store is locked by another process; try again later."""


def scheme(uri: str) -> str:
    """Return the scheme of an address without its driver: "sqlite", "postgresql", "http", ..."""
    return uri.partition(":")[0].partition("+")[0].lower()


def sqlite_path(uri: str) -> Path | None:
    """Return the absolute path of a SQLite database file; None for other stores, and for SQLite's file: URIs."""
    head, slashes, rest = uri.partition(":///")
    name = rest.partition("?")[0]
    if not slashes or head.partition("+")[0] != "sqlite" or name in ("", ":memory:") or name.startswith("file:"):
        return None
    return Path(name).absolute()


def cannot_open(uri: str | None, reason: object, remedy: str = "") -> UserError:
    """Return the error for a store that cannot be used, without its passwords."""
    where = uri or f"null ({DEFAULT_STORE.resolve() / 'mlflow.db'})"
    lines = masked_for(str(reason), uri).strip().splitlines() or [type(reason).__name__]
    return UserError(
        f"the tracking store cannot be opened: {lines[0]}",
        received=f"mlflow.uri={safe_text(masked(where), 1000)}",
        remedy=remedy or "Set another mlflow.uri, e.g. sqlite:////tmp/mlflow.db.",
    )


def check_address(uri: str | None) -> bool:
    """Raise UserError for a store that cannot be opened, within seconds; return whether the check is complete.

    For stores of plug-ins it is not: only opening them shows whether they work.
    """
    if uri is None:
        uri = f"{SQLITE}{DEFAULT_STORE.resolve() / 'mlflow.db'}"
    if f":{HIDDEN}@" in uri or f"={HIDDEN}" in uri:
        raise cannot_open(uri, "its password is not kept in a run's folder", "Set the whole mlflow.uri again.")
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
    """Check that the folder and the database file can be written; raise StoreBusyError if the file is locked."""
    if "+" in uri.partition(":")[0]:
        database_address(uri)
    if IN_MEMORY.match(uri):
        raise ValueError("a database in memory is lost when the run ends")
    path = sqlite_path(uri)
    if path is None:
        return
    if NOT_STORABLE.search(str(path)):
        raise ValueError("its path is not UTF-8, and MLflow stores paths of artifacts as UTF-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise PermissionError(f"{path.parent} cannot be written: {error.strerror}") from None
    if not path.exists():
        return
    if not path.is_file() or not os.access(path, os.R_OK | os.W_OK):
        raise PermissionError(f"{path} is not a file that can be read and written")
    with contextlib.closing(sqlite3.connect(path, timeout=LOCKED_SECONDS)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise StoreBusyError(str(error)) from None
            raise


def check_database(uri: str) -> None:
    """Check that the driver is installed, and that a server listens at the address."""
    url = database_address(uri)
    if url.host and url.port:
        socket.create_connection((url.host, url.port), timeout=ANSWER_SECONDS).close()


def database_address(uri: str) -> Any:
    """Return SQLAlchemy's URL of a database; raise UserError if its driver is not installed."""
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
    """Check that the server answers without a server error; permissions are left to MLflow."""
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
        if "CERTIFICATE" not in str(error.reason):  # MLflow handles it, by MLFLOW_TRACKING_INSECURE_TLS
            raise ConnectionError(f"the server does not answer: {error.reason}") from None


def without_user(uri: str) -> str:
    """Return an address without user and password, percent-encoded for a request."""
    parts = urlsplit(uri)
    if parts.hostname is None:
        raise ValueError("the address names no host")
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, quote(parts.path, safe="/%"), parts.query, ""))


CHECKS = {
    "sqlite": check_sqlite,
    **dict.fromkeys(DATABASES, check_database),
    "http": check_server,
    "https": check_server,
}
