"""The journal: everything that a run logs, in a file of its folder, so that it survives a SIGKILL and is sent later.

One JSON object per line; "kind" is its type (see the table in delivery.py). An incomplete last line is not read.
"""

import contextlib
import dataclasses
import fcntl
import json
import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textzoo.common.files import write_json

FOLDER = "tracking"
# Above this size, only the beginning and end of runs are written; an hour of training writes about 1 MB.
MAX_BYTES = 64 << 20
ALWAYS_KEPT = ("run", "end")
# Keys of events besides "kind", "run" and "time"; a line without any of them is damaged.
KINDS = {
    "run": ("name", "parent", "tags"),
    "metrics": ("step", "values"),
    "params": ("values",),
    "tags": ("values",),
    "artifact": ("path", "folder"),
    "dataset": ("name", "digest", "source_type", "source", "profile"),
    "model": ("path", "name", "type", "tags"),
    "end": ("status",),
}
logger = logging.getLogger("textzoo.records.tracking")


class Journal:
    """The journal of this process, locked while it is open.

    Args:
        path: Its file; a missing folder is created.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = path.open("ab", buffering=0)
        fcntl.flock(self.file, fcntl.LOCK_EX)
        self.lock = threading.Lock()
        self.is_incomplete = False
        self.lost = 0

    def append(self, event: dict[str, Any]) -> None:
        """Write one event; if that fails (a full disk), count it as lost, because logging must not stop a run."""
        line = json.dumps(event).encode() + b"\n"
        with self.lock:
            if self.file.tell() + len(line) > MAX_BYTES and event["kind"] not in ALWAYS_KEPT:
                self.lost += 1
                return
            try:
                written = self.file.write(b"\n" + line if self.is_incomplete else line)
                self.is_incomplete = written < len(line)
            except OSError:
                self.is_incomplete = True
            self.lost += self.is_incomplete

    def close(self) -> None:
        """Release the journal, so that other processes may send the rest of it."""
        self.file.close()


def claimed(path: Path) -> Any:
    """Open and lock the journal of a process that has ended; return None while another process writes or sends it."""
    file = path.open("rb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


@dataclass
class Position:
    """The progress of a journal's delivery, written next to it as JSON.

    Attributes:
        offset: Bytes of the journal that are processed.
        ids: Number of a run in the journal -> its id in the store.
        kept: Offsets of events that the store rejected; they are sent again at the end and at later starts.
        starts: Number of later starts that have tried.
    """

    offset: int = 0
    ids: dict[str, str] = field(default_factory=dict)
    kept: list[int] = field(default_factory=list)
    starts: int = 0

    @classmethod
    def read(cls, path: Path) -> "Position":
        """Read the position; return the beginning if it is missing or damaged, because sending is idempotent."""
        try:
            position = cls(**json.loads(path.read_text(encoding="utf-8")))
            if type(position.offset) is int and type(position.ids) is dict and type(position.kept) is list:
                return position
        except (OSError, ValueError, TypeError):
            pass
        return cls()

    def write(self, path: Path) -> None:
        try:
            write_json(path, dataclasses.asdict(self))
        except OSError as error:
            logger.warning("%s cannot be written: %s", path.name, error)


def position_path(journal: Path) -> Path:
    return journal.with_suffix(".position")


def read_event(file: Any, offset: int) -> tuple[dict[str, Any] | None, int]:
    """Return the event at an offset and the next offset; the same offset if there is no complete line yet.

    A damaged line is skipped: its event is None.
    """
    file.seek(offset)
    line = file.readline(MAX_BYTES)
    if not line.endswith(b"\n"):
        return None, offset
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    return (event if is_complete(event) else None), offset + len(line)


def is_complete(event: Any) -> bool:
    """Return whether an event has all keys of its kind."""
    if not isinstance(event, dict) or str(event.get("kind")) not in KINDS:
        return False
    return {"run", "time", *KINDS[event["kind"]]} <= event.keys()


def remove(path: Path) -> None:
    """Delete a journal that was sent, its position, and the folder if it is empty then."""
    for file in (path, position_path(path)):
        file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()
