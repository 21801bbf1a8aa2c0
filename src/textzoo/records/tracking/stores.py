"""Open a tracking store; create it only once, even if several runs start at the same time or one is killed."""

import contextlib
import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from textzoo.common.progress import console
from textzoo.records.tracking.addresses import (
    DATABASES,
    DEFAULT_STORE,
    SQLITE,
    StoreBusyError,
    cannot_open,
    check_address,
    check_sqlite,
    scheme,
    sqlite_path,
)
from textzoo.records.tracking.names import safe_text

# A server that does not answer fails within seconds, not minutes; the journal is sent again later.
SETTINGS_OF_MLFLOW = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # A connection per call: a persistent one would continue to use a file that was moved away.
    "MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool",
}
# Loggers of libraries whose messages are also raised as exceptions.
QUIET = ("alembic", "mlflow", "urllib3")
EXPERIMENT_LENGTH = 500
# The tag with which MLflow's UI opens an experiment in the view for model training.
EXPERIMENT_KIND = {"mlflow.experimentKind": "custom_model_development"}
# One process at a time creates or migrates a database; these locks end with their connection.
DATABASE_LOCKS = {
    "postgresql": "SELECT pg_advisory_lock(7310862)",
    "mysql": "SELECT GET_LOCK('textzoo', 300)",
    "mssql": "EXEC sp_getapplock @Resource='textzoo', @LockMode='Exclusive', @LockOwner='Session'",
}
# Tables with runs, which must not be lost; the second one exists during a migration.
RUN_TABLES = ("runs", "_alembic_tmp_runs")
LOCK_PATIENCE = 20.0  # seconds
NOT_FOUND = "Set the mlflow.uri of the runs; without one, start in the folder in which they were made."
COMPANIONS = ("-journal", "-wal", "-shm")


@dataclass
class Store:
    """An open store: MLflow's client, and the experiment of the runs."""

    client: Any
    experiment_id: str


def open_store(uri: str | None, project_name: str) -> Store:
    """Open the store, and create or restore the experiment; raise StoreBusyError if the store is locked.

    Raises:
        UserError: The store cannot be opened.
    """
    address = address_of(uri)
    path = sqlite_path(address)
    with told_as_mistakes(uri) as mlflow:
        if path:
            check_sqlite(address)
            make_sqlite(path, artifact_folder(uri, path))
        with database_lock(address):
            client = mlflow.MlflowClient(address)
            return Store(client, experiment(client, safe_text(project_name, EXPERIMENT_LENGTH), address, uri))


def open_to_read(uri: str | None, project_name: str) -> Store:
    """Open an existing store without changing it; the experiment's id is "" if there is none.

    Raises:
        UserError: The store does not exist, or cannot be opened.
    """
    address = address_of(uri)
    check_is_there(uri, address)
    with told_as_mistakes(uri) as mlflow:
        check_holds_runs(uri, address)
        client = mlflow.MlflowClient(address)
        found = client.get_experiment_by_name(safe_text(project_name, EXPERIMENT_LENGTH))
        return Store(client, found.experiment_id if found else "")


def address_of(uri: str | None) -> str:
    return uri or f"{SQLITE}{DEFAULT_STORE.resolve() / 'mlflow.db'}"


def check_is_there(uri: str | None, address: str) -> None:
    """Raise UserError if a local address does not lead to a store with runs."""
    path = sqlite_path(address) or folder_path(address)
    if path is None:
        check_address(uri)
    elif not path.exists():
        raise cannot_open(uri, f"there is no {path.name} in {path.parent}", NOT_FOUND)
    elif path.is_dir() and not any(path.glob("*/meta.yaml")):
        raise cannot_open(uri, "the folder holds no experiments of MLflow", NOT_FOUND)


def folder_path(address: str) -> Path | None:
    """Return the folder of a file store, given as a path or as file:...; None for other stores."""
    parts = urlsplit(address)
    if parts.scheme not in ("", "file") or address == "databricks":
        return None
    return Path(unquote(parts.path) if parts.scheme else address).absolute()


def check_holds_runs(uri: str | None, address: str) -> None:
    """Raise UserError for a database without MLflow's tables, which opening it would create."""
    import sqlalchemy

    if scheme(address) not in (*DATABASES, "sqlite"):
        return
    engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.pool.NullPool)
    if not sqlalchemy.inspect(engine).has_table(RUN_TABLES[0]):
        raise cannot_open(uri, "the database holds no runs of MLflow", NOT_FOUND)


@contextlib.contextmanager
def told_as_mistakes(uri: str | None) -> Iterator[Any]:
    """Yield MLflow; convert its failures to open a store to UserError, or StoreBusyError if it is locked."""
    mlflow = import_mlflow()
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield mlflow
    except (mlflow.exceptions.MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        if "database is locked" in str(error):
            raise StoreBusyError("the database is locked") from None
        raise cannot_open(uri, error, remedy_of(error)) from error


def import_mlflow() -> Any:
    """Import MLflow, quietly, with all modules that its thread needs: concurrent imports can fail."""
    for name, value in SETTINGS_OF_MLFLOW.items():
        os.environ.setdefault(name, value)
    import mlflow
    import mlflow.exceptions
    import mlflow.store.artifact.local_artifact_repo
    import mlflow.store.artifact.mlflow_artifacts_repo
    import mlflow.store.tracking.rest_store
    import mlflow.store.tracking.sqlalchemy_store
    import mlflow.system_metrics.system_metrics_monitor

    for name in QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return mlflow


def remedy_of(error: Exception) -> str:
    if "mlflow db upgrade" in str(error):
        return "It was made by another MLflow: back it up, then run .venv/bin/mlflow db upgrade <mlflow.uri>."
    return ""


def artifact_folder(uri: str | None, database: Path) -> Path:
    """Return the folder of artifacts next to the database: mlruns/artifacts by default, x_artifacts for x.db."""
    return database.parent / ("artifacts" if not uri else f"{database.stem}_artifacts")


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[None]:
    with path.open("a") as file:  # nothing is written: the path may be a link to another file
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def database_lock(uri: str) -> Iterator[None]:
    """Hold a database server's own lock; do nothing for other stores."""
    if scheme(uri) not in DATABASES:
        yield
        return
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.pool.NullPool)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(DATABASE_LOCKS[scheme(uri)]))
        yield


def make_sqlite(path: Path, artifacts: Path) -> None:
    """Create a database atomically: under another name, then renamed, so that a kill leaves none or a complete one.

    A file without runs that MLflow cannot use is the rest of an interrupted creation by another program; it is set
    aside.
    """
    with file_lock(path.with_name(f"{path.name}.lock")):
        if is_empty(path):
            put_new(path, artifacts)
        elif not has_runs(path) and not is_usable(path):
            set_aside(path)
            put_new(path, artifacts)


def is_empty(path: Path) -> bool:
    return not path.exists() or not table_names(path)


def table_names(path: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(path, timeout=LOCK_PATIENCE)) as database:
        return {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def has_runs(path: Path) -> bool:
    """Return whether a database holds any run."""
    tables = [name for name in RUN_TABLES if name in table_names(path)]
    with contextlib.closing(sqlite3.connect(path, timeout=LOCK_PATIENCE)) as database:
        return any(database.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone() for name in tables)


def is_usable(path: Path) -> bool:
    """Return whether a database has all tables, in the version of this MLflow."""
    import sqlalchemy
    from mlflow.exceptions import MlflowException
    from mlflow.store.db import utils

    engine = sqlalchemy.create_engine(f"{SQLITE}{path}", poolclass=sqlalchemy.pool.NullPool)
    try:
        utils._verify_schema(engine)  # MLflow has no public function for this
        return utils._all_tables_exist(engine)
    except MlflowException:
        return False


def set_aside(path: Path) -> None:
    """Rename an incomplete database; delete its companion files, which SQLite would apply to a new one."""
    path.replace(path.with_name(f"{path.name}.half-made"))
    for ending in COMPANIONS:
        path.with_name(path.name + ending).unlink(missing_ok=True)


def put_new(path: Path, artifacts: Path) -> None:
    """Create a database under another name, then rename it; the caller holds the lock."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    aside = path.with_name(f".{path.name}.new")
    for ending in ("", *COMPANIONS):
        aside.with_name(aside.name + ending).unlink(missing_ok=True)
        path.with_name(path.name + ending).unlink(missing_ok=True)
    store = SqlAlchemyStore(f"{SQLITE}{aside}", artifacts.as_uri())
    store.engine.dispose()
    aside.replace(path)


def experiment(client: Any, name: str, address: str, uri: str | None) -> str:
    """Return the id of the experiment of a name: found, created, or restored if it was deleted."""
    found = client.get_experiment_by_name(name) or created(client, name, artifact_location(address, uri))
    if found.lifecycle_stage == "deleted":
        restore(client, found)
    if not set(EXPERIMENT_KIND) & set(found.tags):
        with contextlib.suppress(Exception):  # the tag is optional
            for tag, value in EXPERIMENT_KIND.items():
                client.set_experiment_tag(found.experiment_id, tag, value)
    return found.experiment_id


def artifact_location(address: str, uri: str | None) -> str | None:
    """Return the address of artifacts; None if the server decides."""
    path = sqlite_path(address)
    if path:
        return artifact_folder(uri, path).as_uri()
    return (DEFAULT_STORE.resolve() / "artifacts").as_uri() if scheme(address) in DATABASES else None


def created(client: Any, name: str, location: str | None) -> Any:
    """Create an experiment, or return the one that another run created at the same time."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_experiment(client.create_experiment(name, artifact_location=location))
    except MlflowException:
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return found


def restore(client: Any, found: Any) -> None:
    """Restore a deleted experiment with its runs; the caller converts a failure to UserError."""
    from mlflow.exceptions import MlflowException

    try:
        client.restore_experiment(found.experiment_id)
    except MlflowException:
        if client.get_experiment(found.experiment_id).lifecycle_stage == "deleted":
            raise
    console.print(
        f"The MLflow experiment {found.name} had been deleted and is restored; general.project_name names another."
    )
