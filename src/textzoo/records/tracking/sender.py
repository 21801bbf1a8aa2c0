"""The thread that sends journals: it waits for the store and never blocks the run."""

import logging
import threading
import time
from collections.abc import Callable

from textzoo.common.errors import UserError
from textzoo.common.secrets import masked_for
from textzoo.records.tracking import journal, outbox
from textzoo.records.tracking.addresses import StoreBusyError
from textzoo.records.tracking.delivery import TRIES, Delivery
from textzoo.records.tracking.processes import PROCESS_TAG, is_alive
from textzoo.records.tracking.stores import Store, open_store

# Seconds between tries while the store does not answer.
FIRST_PAUSE, MAX_PAUSE = 0.5, 5.0
# At the end of a run: seconds to wait for a store that does not answer, and for one that accepts events.
PATIENCE, PATIENCE_WITH_PROGRESS = 20.0, 300.0
PATIENCE_AFTER_INTERRUPTION = 3.0
IDLE = 1.0  # seconds; a new event wakes the thread at once
logger = logging.getLogger("textzoo.records.tracking")


class Sender:
    """Sends one run's journal as it grows, and the unsent journals of earlier runs for the same store.

    Args:
        uri: Address of the store; None for the default one.
        project_name: The MLflow experiment.
        own: The delivery of this run's journal.
        warn: Shows one line to the user.
    """

    def __init__(self, uri: str | None, project_name: str, own: Delivery, warn: Callable[[str], None]) -> None:
        self.uri = uri
        self.project_name = project_name
        self.own = own
        self.warn = warn
        self.store: Store | None = None
        self.news = threading.Event()
        self.closing = threading.Event()
        self.stopped = threading.Event()
        self.done = threading.Event()
        self.last_success = time.monotonic()
        self.failing = False
        self.warned = False
        self.thread = threading.Thread(target=self.work, name="tracking", daemon=True)

    def open(self) -> None:
        """Open the store in the calling thread; raise UserError if it cannot be opened."""
        self.store = open_store(self.uri, self.project_name)

    def start(self) -> None:
        self.thread.start()

    def work(self) -> None:
        """Run the thread: send this run's events first, earlier journals when there are none."""
        pause = FIRST_PAUSE
        leftovers_sent = False
        while not self.stopped.is_set():
            closing = self.closing.is_set()  # before the look-up: nothing is logged after it
            try:
                if self.send_own():
                    pause = FIRST_PAUSE
                    continue
                if not leftovers_sent:
                    leftovers_sent = True  # one try per start; a later start continues
                    self.send_leftovers()
                    continue
                if closing:
                    break
                self.news.wait(IDLE)
                self.news.clear()
            except Exception as error:
                self.failed(error)
                self.stopped.wait(pause)
                pause = min(2 * pause, MAX_PAUSE)
        self.finish()

    def send_own(self) -> bool:
        """Send the next event of this run; return False if there is none."""
        if self.store is None:
            self.open()
        if not self.own.send_next(self.store):
            self.own.save()
            return False
        self.succeeded()
        return True

    def finish(self) -> None:
        """Send rejected events once more; then the main thread may end."""
        try:
            if not self.stopped.is_set() and self.store:
                self.own.send_kept(self.store)
        except Exception as error:
            self.failed(error)
        self.own.save()
        self.own.file.close()
        self.done.set()

    def succeeded(self) -> None:
        self.last_success = time.monotonic()
        self.failing = False

    def failed(self, error: Exception) -> None:
        """Warn the user once; log every failure."""
        self.failing = True
        reason = masked_for(str(error), self.uri).strip().splitlines() or [type(error).__name__]
        logger.warning("the tracking store fails: %s: %s", type(error).__name__, reason[0])
        if not self.warned:
            self.warned = True
            self.warn(
                f"Warning: the tracking store fails ({short(reason[0])}). The run continues; what it logs is kept in "
                "its folder and sent when the store answers."
            )

    def close(self, interrupted: bool) -> int:
        """Wait until everything is sent, or the store does not answer; return the number of unsent events."""
        self.closing.set()
        self.news.set()
        self.last_success = time.monotonic()
        try:
            while not self.done.wait(0.1):
                if time.monotonic() - self.last_success > self.patience(interrupted):
                    break
        finally:
            self.stopped.set()
        return self.own.left()

    def patience(self, interrupted: bool) -> float:
        if interrupted:
            return PATIENCE_AFTER_INTERRUPTION
        return PATIENCE if self.failing else PATIENCE_WITH_PROGRESS

    def send_leftovers(self) -> None:
        """Send unsent journals of earlier runs, then end the runs whose processes have ended."""
        for path in outbox.unsent(self.uri):
            if self.stopped.is_set():
                return
            if path != self.own.path and (file := journal.claimed(path)):
                with file:
                    self.send_leftover(Delivery(path, file))
        close_killed_runs(self.store)

    def send_leftover(self, delivery: Delivery) -> None:
        """Send an earlier journal; delete it and its note once everything is sent."""
        delivery.begin_later()
        try:
            self.drain(delivery)
            delivery.send_kept(self.store)
            if not self.stopped.is_set():
                delivery.end_open_runs(self.store)
        finally:
            delivery.save()
        if delivery.is_done():
            journal.remove(delivery.path)
            outbox.forget(self.uri, delivery.path.stem)

    def drain(self, delivery: Delivery) -> None:
        """Send an earlier journal, but new events of this run first; raise if the store does not answer."""
        while not self.stopped.is_set():
            try:
                if not delivery.send_next(self.store):
                    return
                self.succeeded()
            except Exception:
                if delivery.tries >= TRIES:
                    raise
            while not self.stopped.is_set() and self.send_own():
                pass


def short(reason: str, length: int = 160) -> str:
    return reason if len(reason) <= length else f"{reason[: length - 3]}..."


def close_killed_runs(store: Store) -> None:
    """Set every run of the experiment that is RUNNING although its process has ended to KILLED."""
    running = store.client.search_runs([store.experiment_id], "attributes.status = 'RUNNING'")
    for run in running:
        process = run.data.tags.get(PROCESS_TAG)
        if process and not is_alive(process):
            store.client.set_terminated(run.info.run_id, "KILLED")


def open_early(sender: Sender) -> None:
    """Open the store before any work; raise UserError if that fails, but wait if it is only locked."""
    try:
        sender.open()
    except StoreBusyError as error:
        sender.failed(error)


def open_late(sender: Sender) -> None:
    """Open the store after the work; a failure is only reported."""
    try:
        sender.open()
    except (StoreBusyError, UserError) as error:
        sender.failed(error)
