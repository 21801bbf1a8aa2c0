"""Recorders, by which services log metrics and artifacts to the journal of the run."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol


class Recorder(Protocol):
    """The interface by which a service logs metrics and artifacts."""

    def metrics(self, step: int, values: dict[str, float]) -> None:
        """Log the numbers of one step, with names such as "validation_loss"."""

    def artifact(self, path: Path, folder: str = "") -> None:
        """Log a file, or a folder with all its files."""


class RunRecorder:
    """One MLflow run.

    Args:
        number: Number of the run in the journal.
        folder: The run's folder, which contains its artifacts.
        write: Writes an event to the journal.
        find_id: Returns the id in the store of a run's number, "" if the store does not have it yet.
    """

    def __init__(
        self, number: int, folder: Path, write: Callable[[dict[str, Any]], None], find_id: Callable[[int], str]
    ) -> None:
        self.number = number
        self.folder = folder
        self.write = write
        self.find_id = find_id

    @property
    def run_id(self) -> str:
        """The run's id in the store; "" until the store has created it."""
        return self.find_id(self.number)

    def event(self, kind: str, **values: Any) -> None:
        self.write({"kind": kind, "run": self.number, "time": milliseconds(), **values})

    def metrics(self, step: int, values: dict[str, float]) -> None:
        self.event("metrics", step=int(step), values={name: float(value) for name, value in values.items()})

    def artifact(self, path: Path, folder: str = "") -> None:
        if path.exists():
            folder = folder or (path.name if path.is_dir() else "")
            self.event("artifact", path=os.path.relpath(path, self.folder), folder=folder)

    def params(self, values: dict[str, Any]) -> None:
        self.event("params", values={name: str(value) for name, value in values.items()})

    def tags(self, values: dict[str, Any]) -> None:
        self.event("tags", values={name: str(value) for name, value in values.items()})

    def dataset(self, name: str, digest: str, source_type: str, source: dict[str, Any], **profile: Any) -> None:
        """Log the text that the run reads, by name and content hash."""
        self.event("dataset", name=name, digest=digest, source_type=source_type, source=source, profile=profile)

    def model(self, path: Path, name: str, kind: str, **tags: str) -> None:
        """Log a file as an output model of the run; kind is e.g. "keras" or "tflite"."""
        self.event("model", path=os.path.relpath(path, self.folder), name=name, type=kind, tags=tags)

    def end(self, status: str) -> None:
        self.event("end", status=status)


def milliseconds() -> int:
    return int(time.time() * 1000)


class NullRecorder(RunRecorder):
    """A recorder that logs nothing, for services that only read the store."""

    def __init__(self) -> None:
        super().__init__(0, Path(), lambda event: None, lambda number: "")


class NullTracker:
    """A tracker that creates no runs."""

    def __enter__(self) -> "NullTracker":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def wait_for_id(self, recorder: RunRecorder) -> None:
        pass

    @contextlib.contextmanager
    def run(self, *_: object, **__: object) -> Iterator[RunRecorder]:
        yield NullRecorder()
