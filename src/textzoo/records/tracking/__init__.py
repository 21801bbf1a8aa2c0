"""MLflow: one parent run per invocation, a child per service; a witness of the run, never its judge.

What a run logs goes to a journal in its folder first; a thread sends it to the store, with patience (delivery.py).
A store that fails after the start costs a warning, never the run. Names, texts and addresses from users are put into
forms that every store takes (names.py, secrets.py).
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
