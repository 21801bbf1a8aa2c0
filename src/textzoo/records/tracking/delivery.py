"""Send the events of a journal to the store in order, each at least once, with the effect of exactly once.

A run is looked up by its key before it is created again; MLflow's other operations are idempotent.
"""

import contextlib
import json
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textzoo.records.tracking import journal
from textzoo.records.tracking.names import NAME_LENGTH, safe_name, safe_part, safe_text
from textzoo.records.tracking.stores import Store

KEY_TAG = "textzoo.key"
PARAM_LENGTH = 6000
TAG_LENGTH = 5000
PARAMS_PER_BATCH = 100
DIGEST_LENGTH = 36
SOURCE_LENGTH = 65535
# An event that the store rejects this often, although it answers, is set aside.
TRIES = 3
# After so many later starts, events that the store still rejects are dropped.
MAX_STARTS = 5
logger = logging.getLogger("textzoo.records.tracking")


class Delivery:
    """The delivery of one journal to the store.

    Args:
        path: The journal.
        file: The journal, open for reading in binary mode.
    """

    def __init__(self, path: Path, file: Any) -> None:
        self.path = path
        self.file = file
        self.position = journal.Position.read(journal.position_path(path))
        self.tries = 0
        self.open_runs: set[str] = set(self.position.ids)

    def send_next(self, store: Store) -> bool:
        """Send the next event; return False if there is none. After an exception of the store the event is kept."""
        event, behind = journal.read_event(self.file, self.position.offset)
        if behind == self.position.offset:
            return False
        if event:
            try:
                self.send(store, event)
            except Exception as error:
                if not self.is_refused(store, event):
                    raise
                logger.warning("the store rejects %s: %s", event["kind"], error)
                self.position.kept.append(self.position.offset)
        self.tries = 0
        self.position.offset = behind
        return True

    def is_refused(self, store: Store, event: dict[str, Any]) -> bool:
        """Return whether the event fails, not the store: artifacts at once, other events after TRIES tries."""
        self.tries += 1
        made = event["kind"] == "run" or str(event["run"]) in self.position.ids
        if event["kind"] in SET_ASIDE_AT_ONCE or not made:
            return True
        with contextlib.suppress(Exception):
            store.client.get_experiment(store.experiment_id)
            return self.tries >= TRIES
        return False

    def send(self, store: Store, event: dict[str, Any]) -> None:
        number = str(event["run"])
        if event["kind"] == "run":
            self.position.ids[number] = self.run_of(store, event)
            self.open_runs.add(number)
            self.save()
            return
        SENDERS[event["kind"]](self, store, self.position.ids[number], event)
        if event["kind"] == "end":
            self.open_runs.discard(number)

    def run_of(self, store: Store, event: dict[str, Any]) -> str:
        """Return the id of the event's run: the run with its key, or a new one."""
        key = f"{self.path.stem}.{event['run']}"
        if self.tries or self.position.starts:
            found = store.client.search_runs([store.experiment_id], f"tags.`{KEY_TAG}` = '{key}'", max_results=1)
            if found:
                return found[0].info.run_id
        tags = {**event["tags"], KEY_TAG: key}
        if event["parent"] is not None:
            tags["mlflow.parentRunId"] = self.position.ids[str(event["parent"])]
        return store.client.create_run(
            store.experiment_id,
            start_time=event["time"],
            run_name=safe_text(event["name"], NAME_LENGTH),
            tags=storable_tags(tags),
        ).info.run_id

    def send_kept(self, store: Store) -> None:
        """Send the events that were set aside again; those that fail stay set aside."""
        offsets, self.position.kept = self.position.kept, []
        for offset in offsets:
            event, _ = journal.read_event(self.file, offset)
            try:
                if event:
                    self.send(store, event)
            except Exception as error:
                logger.warning("the store rejects %s again: %s", event["kind"], error)
                self.position.kept.append(offset)

    def left(self) -> int:
        """Return the number of unsent events."""
        count, offset = len(self.position.kept), self.position.offset
        with self.path.open("rb") as file:  # the thread may be reading self.file
            while True:
                _, behind = journal.read_event(file, offset)
                if behind == offset:
                    return count
                count, offset = count + 1, behind

    def begin_later(self) -> None:
        """Count one more start that sends this journal."""
        self.position.starts += 1

    def end_open_runs(self, store: Store) -> None:
        """Set the status of runs whose process has ended to KILLED."""
        for number in sorted(self.open_runs):
            run = store.client.get_run(self.position.ids[number])
            if run.info.status == "RUNNING":
                store.client.set_terminated(run.info.run_id, "KILLED")
        self.open_runs.clear()

    def is_done(self) -> bool:
        """Return whether there is nothing left to send, or only events that were dropped."""
        return not self.left() or (self.position.starts >= MAX_STARTS and self.left() == len(self.position.kept))

    def save(self) -> None:
        self.position.write(journal.position_path(self.path))

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.path.parent.parent


def send_metrics(delivery: Delivery, store: Store, run_id: str, event: dict[str, Any]) -> None:
    from mlflow.entities import Metric

    rows = [Metric(safe_name(name), value, event["time"], event["step"]) for name, value in event["values"].items()]
    store.client.log_batch(run_id, rows)


def send_params(delivery: Delivery, store: Store, run_id: str, event: dict[str, Any]) -> None:
    from mlflow.entities import Param

    rows = [Param(safe_name(name), safe_text(value, PARAM_LENGTH)) for name, value in event["values"].items()]
    for start in range(0, len(rows), PARAMS_PER_BATCH):
        store.client.log_batch(run_id, params=rows[start : start + PARAMS_PER_BATCH])


def send_tags(delivery: Delivery, store: Store, run_id: str, event: dict[str, Any]) -> None:
    for name, value in storable_tags(event["values"]).items():
        store.client.set_tag(run_id, name, value)


def storable_tags(tags: dict[str, Any]) -> dict[str, str]:
    return {safe_name(name)[:NAME_LENGTH]: safe_text(value, TAG_LENGTH) for name, value in tags.items()}


def send_end(delivery: Delivery, store: Store, run_id: str, event: dict[str, Any]) -> None:
    store.client.set_terminated(run_id, event["status"], event["time"])


def send_artifact(delivery: Delivery, store: Store, run_id: str, event: dict[str, Any]) -> None:
    """Send a file or folder of the run's folder; ignore what no longer exists, or is outside of it."""
    path = delivery.folder / event["path"]
    if not path.resolve().is_relative_to(delivery.folder.resolve()):
        return
    upload(path, event["folder"], lambda file, folder: store.client.log_artifact(run_id, file, folder or None))


def upload(path: Path, folder: str, put: Callable[[str, str], None]) -> None:
    """Send a file, or a folder with all its files, with names that every store accepts."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    for file in filter(Path.is_file, files):
        parts = [folder, *file.relative_to(path).parent.parts] if path.is_dir() else [folder]
        where = safe_name("/".join(part for part in parts if part)) if any(parts) else ""
        with under_safe_name(file) as local:
            put(str(local), where)


@contextlib.contextmanager
def under_safe_name(file: Path) -> Any:
    """Yield the file, or a link to it with a name that every store accepts, as MLflow uses the file's name."""
    name = safe_part(file.name)
    if name == file.name:
        yield file
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, name)
        link.symlink_to(file.absolute())
        yield link


def send_dataset(delivery: Delivery, store: Store, run_id: str, event: dict[str, Any]) -> None:
    """Log the corpus as an input of the run: name, digest and source."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    dataset = Dataset(
        name=safe_text(event["name"], NAME_LENGTH),
        digest=event["digest"][:DIGEST_LENGTH],
        source_type=event["source_type"],
        source=safe_text(json.dumps(event["source"]), SOURCE_LENGTH),
        profile=json.dumps(event["profile"]),
    )
    store.client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])


def send_model(delivery: Delivery, store: Store, run_id: str, event: dict[str, Any]) -> None:
    """Log a file as an output model of the run, by the client: MLflow's detection of requirements takes seconds.

    A model of an earlier try is found by its key, and completed.
    """
    from mlflow.entities import LoggedModelOutput

    path = delivery.folder / event["path"]
    if not path.is_file() or not path.resolve().is_relative_to(delivery.folder.resolve()):
        return
    key = f"{delivery.path.stem}.{event['path']}"
    found = store.client.search_logged_models([store.experiment_id], f"tags.`{KEY_TAG}` = '{safe_text(key, 200)}'")
    model = (
        found[0]
        if found
        else store.client.create_logged_model(
            store.experiment_id,
            name=model_name(event["name"]),
            source_run_id=run_id,
            tags={KEY_TAG: safe_text(key, 200), **storable_tags(event["tags"])},
            model_type=event["type"],
        )
    )
    upload(path, "", lambda file, folder: store.client.log_model_artifact(model.model_id, file, folder or None))
    store.client.finalize_logged_model(model.model_id, "READY")
    store.client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])


def model_name(name: str) -> str:
    """Return a valid name of a logged model: MLflow rejects / : . % " ' in it."""
    return "".join("_" if letter in "/:.%\"'" else letter for letter in safe_name(name)) or "model"


SENDERS: dict[str, Callable[[Delivery, Store, str, dict[str, Any]], None]] = {
    "metrics": send_metrics,
    "params": send_params,
    "tags": send_tags,
    "artifact": send_artifact,
    "dataset": send_dataset,
    "model": send_model,
    "end": send_end,
}
SET_ASIDE_AT_ONCE = ("artifact", "model")
