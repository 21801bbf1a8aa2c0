"""MLflow tracking: one parent run per invocation, a child run per service; its failures never fail the run.

What a run logs is first written to a journal in its folder; a thread sends it to the store and retries (delivery.py).
A store that fails after the start causes a warning only. Names, texts and addresses from users are converted so that
every store accepts them (names.py, secrets.py).
"""

from textzoo.records.tracking.git import git_commit
from textzoo.records.tracking.names import flatten
from textzoo.records.tracking.processes import PROCESS_TAG, is_alive, this_process
from textzoo.records.tracking.recorders import NullTracker, Recorder, RunRecorder
from textzoo.records.tracking.stores import open_store, open_to_read
from textzoo.records.tracking.tracker import Tracker

__all__ = [
    "PROCESS_TAG",
    "NullTracker",
    "Recorder",
    "RunRecorder",
    "Tracker",
    "flatten",
    "git_commit",
    "is_alive",
    "open_store",
    "open_to_read",
    "this_process",
]
