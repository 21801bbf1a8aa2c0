"""Where services put what they measure and make: into the journal of the run."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol


class Recorder(Protocol):
    """Where a service puts what it measures and makes."""

    def metrics(self, step: int, values: dict[str, float]) -> None:
        """Numbers of one step; names such as "validation_loss"."""

    def artifact(self, path: Path, folder: str = "") -> None:
        """A file, or a folder with all its files, to be kept with the run."""


class RunRecorder:
    """One MLflow run.

    Args:
        number: Of the run in the journal.
        folder: The run's folder, where its artifacts lie.
        write: Takes an event for the journal.
        find_id: The run's id in the store by its number, "" where it is not there yet.
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
        """The run's id in the store; "" as long as the store has not made it."""
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
        """The text that the run reads, by name and content hash."""
        self.event("dataset", name=name, digest=digest, source_type=source_type, source=source, profile=profile)

    def model(self, path: Path, name: str, kind: str, **tags: str) -> None:
        """A file as a model that the run made; kind is e.g. "keras" or "tflite"."""
        self.event("model", path=os.path.relpath(path, self.folder), name=name, type=kind, tags=tags)

    def end(self, status: str) -> None:
        self.event("end", status=status)


def milliseconds() -> int:
    return int(time.time() * 1000)


class NullRecorder(RunRecorder):
    """Nothing is kept: for what only looks at the store."""

    def __init__(self) -> None:
        super().__init__(0, Path(), lambda event: None, lambda number: "")


class NullTracker:
    """A tracker that makes no run."""

    def __enter__(self) -> "NullTracker":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def wait_for_id(self, recorder: RunRecorder) -> None:
        pass

    @contextlib.contextmanager
    def run(self, *_: object, **__: object) -> Iterator[RunRecorder]:
        yield NullRecorder()
