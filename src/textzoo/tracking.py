"""MLflow: one parent run per invocation, a child per service, FAILED where it failed, KILLED where it vanished."""

import contextlib
import dataclasses
import fcntl
import logging
import os
import platform
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import psutil

from textzoo.errors import UserError

DEFAULT_STORE = Path("mlruns")
# MLflow cuts params at 6000 characters; the whole configuration is stored as an artifact besides.
PARAM_LENGTH = 6000
PARAMS_PER_BATCH = 100
PROCESS_TAG = "textzoo.process"
SYSTEM_METRICS_INTERVAL = 5  # seconds
# A server that does not answer is told within seconds, not minutes.
SETTINGS_OF_MLFLOW = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
SQLITE = "sqlite:///"


class Sink(Protocol):
    """Where a service puts what it measures and makes."""

    def metrics(self, step: int, values: dict[str, float]) -> None:
        """Numbers of one step; names such as "validation_loss"."""

    def artifact(self, path: Path, folder: str = "") -> None:
        """A file, or a folder with all its files, to be kept with the run."""


@dataclasses.dataclass
class RunSink:
    """One MLflow run."""

    client: Any
    run_id: str

    def metrics(self, step: int, values: dict[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self.client.log_batch(self.run_id, [Metric(name, float(value), now, step) for name, value in values.items()])

    def artifact(self, path: Path, folder: str = "") -> None:
        if path.is_dir():
            self.client.log_artifacts(self.run_id, str(path), folder or path.name)
        elif path.is_file():
            self.client.log_artifact(self.run_id, str(path), folder or None)

    def params(self, values: dict[str, Any]) -> None:
        from mlflow.entities import Param

        params = [Param(name, str(value)[:PARAM_LENGTH]) for name, value in values.items()]
        for start in range(0, len(params), PARAMS_PER_BATCH):
            self.client.log_batch(self.run_id, params=params[start : start + PARAMS_PER_BATCH])

    def end(self, status: str) -> None:
        self.client.set_terminated(self.run_id, status)


class Tracker:
    """The store, and the parent run of this invocation.

    Args:
        uri: Tracking store; None is mlruns/mlflow.db in the current folder, with artifacts beside it.
        project_name: The MLflow experiment.
    """

    def __init__(self, uri: str | None, project_name: str) -> None:
        self.client, self.experiment_id = open_store(uri, project_name)
        self.close_killed_runs()

    def close_killed_runs(self) -> None:
        """End as KILLED every run that is still RUNNING though its process is gone."""
        running = self.client.search_runs([self.experiment_id], "attributes.status = 'RUNNING'")
        for run in running:
            process = run.data.tags.get(PROCESS_TAG)
            if process and not is_alive(process):
                self.client.set_terminated(run.info.run_id, "KILLED")

    @contextlib.contextmanager
    def run(
        self, name: str, parent: RunSink | None = None, tags: dict[str, str] | None = None, *, system: bool = False
    ) -> Iterator[RunSink]:
        """A run that ends FINISHED, FAILED after an exception, KILLED after Ctrl-C."""
        tags = {PROCESS_TAG: this_process(), "mlflow.source.name": "stm32ai_main.py", **(tags or {})}
        if parent:
            tags["mlflow.parentRunId"] = parent.run_id
        run = self.client.create_run(self.experiment_id, run_name=name, tags=tags)
        sink = RunSink(self.client, run.info.run_id)
        monitor = start_system_monitor(run.info.run_id) if system else None
        status = "FAILED"
        try:
            yield sink
            status = "FINISHED"
        except KeyboardInterrupt:
            status = "KILLED"
            raise
        finally:
            if monitor:
                monitor.finish()
            sink.end(status)


def open_store(uri: str | None, project_name: str) -> tuple[Any, str]:
    """The client and the experiment's id. The default store is made once, also when several runs start together."""
    for name, value in SETTINGS_OF_MLFLOW.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    import mlflow
    from sqlalchemy.exc import SQLAlchemyError

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    store = DEFAULT_STORE.resolve()
    try:
        with store_lock(store) if uri is None else contextlib.nullcontext():
            tracking_uri = uri or f"{SQLITE}{store / 'mlflow.db'}"
            check_database(tracking_uri)
            mlflow.set_tracking_uri(tracking_uri)
            client = mlflow.MlflowClient(tracking_uri)
            artifacts = (store / "artifacts").as_uri() if uri is None else None
            return client, experiment_id(client, project_name, artifacts)
    except (mlflow.exceptions.MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise UserError(
            f"the tracking store cannot be opened: {str(error).splitlines()[0]}",
            received=f"mlflow.uri={uri or tracking_location(store)}",
            remedy="Give another mlflow.uri, e.g. sqlite:////tmp/mlflow.db.",
        ) from error


def check_database(uri: str) -> None:
    """sqlite3.Error where a file is no database or cannot be written: MLflow would try for minutes."""
    if uri.startswith(SQLITE) and "?" not in uri:
        with contextlib.closing(sqlite3.connect(uri.removeprefix(SQLITE))) as database:
            database.execute("BEGIN IMMEDIATE")


def tracking_location(store: Path) -> str:
    return f"null ({store / 'mlflow.db'})"


@contextlib.contextmanager
def store_lock(store: Path) -> Iterator[None]:
    """One process at a time makes or migrates the database."""
    store.mkdir(parents=True, exist_ok=True)
    with (store / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def experiment_id(client: Any, name: str, artifacts: str | None) -> str:
    experiment = client.get_experiment_by_name(name)
    return experiment.experiment_id if experiment else client.create_experiment(name, artifact_location=artifacts)


def start_system_monitor(run_id: str) -> Any:
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    logging.getLogger("mlflow.system_metrics").setLevel(logging.ERROR)
    monitor = SystemMetricsMonitor(run_id, sampling_interval=SYSTEM_METRICS_INTERVAL)
    monitor.start()
    return monitor


def this_process() -> str:
    """Host, process number and start time: enough to tell later whether the process still lives."""
    process = psutil.Process()
    return f"{platform.node()} {process.pid} {process.create_time():.2f}"


def is_alive(process: str) -> bool:
    """Whether the process of a tag still lives; processes of other hosts count as alive."""
    try:
        host, number, started = process.rsplit(" ", 2)
        return host != platform.node() or abs(psutil.Process(int(number)).create_time() - float(started)) < 1.0
    except (ValueError, psutil.Error):
        return False


def git_commit(folder: Path) -> str:
    """The commit that the code stands at, or "unknown"."""
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip() or "unknown"


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dicts as dotted names."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat.update(flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value})
    return flat
