"""The store, the journal and the runs of one invocation."""

import contextlib
import logging
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from textzoo.common.files import shown_path
from textzoo.common.progress import console
from textzoo.records.tracking import journal, outbox
from textzoo.records.tracking.addresses import check_address
from textzoo.records.tracking.delivery import Delivery
from textzoo.records.tracking.processes import PROCESS_TAG, this_process
from textzoo.records.tracking.recorders import RunRecorder
from textzoo.records.tracking.sender import Sender, open_early, open_late
from textzoo.records.tracking.system_metrics import SystemMonitor

ID_SECONDS = 5.0
logger = logging.getLogger("textzoo.records.tracking")


def show_warning(line: str) -> None:
    console.print(line)


class Tracker:
    """Writes what the runs of an invocation log to the journal, which a thread sends.

    Args:
        uri: Address of the tracking store; None for mlruns/mlflow.db in the current folder, with artifacts next to it.
        project_name: The MLflow experiment.
        folder: The run's folder, with the journal and all artifacts.
        text_first: Open the store only at `start` or at the end, so that text appears before MLflow is imported.
        warn: Shows one line to the user.

    Raises:
        UserError: The store cannot be opened.
    """

    def __init__(
        self,
        uri: str | None,
        project_name: str,
        folder: Path,
        *,
        text_first: bool = False,
        warn: Callable[[str], None] = show_warning,
    ) -> None:
        enough = check_address(uri)
        self.uri = uri
        self.folder = folder
        self.warn = warn
        path = folder / journal.FOLDER / f"{uuid.uuid4().hex}.jsonl"
        self.journal = journal.Journal(path)
        self.own = Delivery(path, path.open("rb"))
        self.sender = Sender(uri, project_name, self.own, warn)
        self.started = False
        self.runs = 0
        outbox.register(uri, path)
        if not (text_first and enough):
            self.start_early()

    def start_early(self) -> None:
        """Open the store before any work; remove the journal if that fails."""
        try:
            open_early(self.sender)
        except BaseException:
            self.forget()
            raise
        self.begin()

    def start(self) -> None:
        """Open the store and begin to send, unless that has happened."""
        if not self.started:
            open_late(self.sender)
            self.begin()

    def wait_for_id(self, recorder: RunRecorder) -> None:
        """Wait up to ID_SECONDS for the store to create a run, so that a report can name it."""
        self.start()
        deadline = time.monotonic() + ID_SECONDS
        while not recorder.run_id and not self.sender.failing and time.monotonic() < deadline:
            time.sleep(0.05)

    def begin(self) -> None:
        self.started = True
        self.sender.start()

    def forget(self) -> None:
        """Remove the journal and its note."""
        self.journal.close()
        if not self.started:  # otherwise the thread closes it
            self.own.file.close()
        journal.remove(self.journal.path)
        outbox.forget(self.uri, self.journal.path.stem)

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self.close(interrupted=kind is not None and issubclass(kind, KeyboardInterrupt))
        except Exception as error:  # e.g. the run's folder was removed; tracking must not change how the run ends
            logger.warning("the tracker cannot be closed: %s", error)
            self.warn("Warning: what the run logged could not be sent to the tracking store.")

    def close(self, *, interrupted: bool = False) -> None:
        """Send the rest within time limits; unsent events are kept for the next start with this store."""
        if not interrupted:
            self.start()
        left = self.sender.close(interrupted) if self.started else self.own.left()
        if self.journal.lost:
            self.warn(f"Warning: {self.journal.lost} entries for the tracking store could not be written.")
        if not left and (self.sender.done.is_set() or not self.started):
            self.forget()
            return
        self.journal.close()
        if not self.started:
            self.own.file.close()
        self.warn(
            f"Warning: {left} entries are not in the tracking store yet. The next run with this store sends them "
            f"from {shown_path(self.journal.path.parent)}."
        )

    @contextlib.contextmanager
    def run(
        self, name: str, parent: RunRecorder | None = None, tags: dict[str, str] | None = None, *, system: bool = False
    ) -> Iterator[RunRecorder]:
        """Yield a run that ends FINISHED, FAILED after an exception, or KILLED after Ctrl-C."""
        recorder = self.new_run(name, parent, tags or {})
        monitor = SystemMonitor(recorder) if system and self.started else None
        status = "FAILED"
        try:
            yield recorder
            status = "FINISHED"
        except KeyboardInterrupt:
            status = "KILLED"
            raise
        finally:
            if monitor:
                monitor.finish()
            recorder.end(status)

    def new_run(self, name: str, parent: RunRecorder | None, tags: dict[str, str]) -> RunRecorder:
        recorder = RunRecorder(self.runs, self.folder, self.write, self.find_id)
        self.runs += 1
        recorder.event(
            "run",
            name=name,
            parent=parent.number if parent else None,
            tags={PROCESS_TAG: this_process(), "mlflow.source.name": "stm32ai_main.py", **tags},
        )
        return recorder

    def write(self, event: dict[str, Any]) -> None:
        self.journal.append(event)
        self.sender.news.set()

    def find_id(self, number: int) -> str:
        return self.own.position.ids.get(str(number), "")
