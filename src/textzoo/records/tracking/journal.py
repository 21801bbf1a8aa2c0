"""What a run logs, line by line in a file of its folder: written first, sent later, there after a SIGKILL.

One JSON object a line; "kind" names what it is (delivery.py has the table). A torn last line is not read.
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
# Beyond, only how runs end is still written down; an hour of training writes about 1 MB.
MAX_BYTES = 64 << 20
ALWAYS_KEPT = ("run", "end")
# What events have besides "kind", "run" and "time"; a line that lacks any of it is damaged.
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
    """The journal that this process writes, locked while it does.

    Args:
        path: Its file; the folder is made if missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = path.open("ab", buffering=0)
        fcntl.flock(self.file, fcntl.LOCK_EX)
        self.lock = threading.Lock()
        self.torn = False
        self.lost = 0

    def append(self, event: dict[str, Any]) -> None:
        """Write one event. Where that fails (a full disk) it is counted as lost: logging never stops a run."""
        line = json.dumps(event).encode() + b"\n"
        with self.lock:
            if self.file.tell() + len(line) > MAX_BYTES and event["kind"] not in ALWAYS_KEPT:
                self.lost += 1
                return
            try:
                written = self.file.write(b"\n" + line if self.torn else line)
                self.torn = written < len(line)
            except OSError:
                self.torn = True
            self.lost += self.torn

    def close(self) -> None:
        """Give the journal up: other processes may send what is left of it."""
        self.file.close()


def claimed(path: Path) -> Any:
    """The file of a journal whose process is gone, locked for this one; None while another one writes or sends it."""
    file = path.open("rb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


@dataclass
class Position:
    """How far a journal is sent; written beside it as JSON.

    Attributes:
        offset: Bytes of the journal that are dealt with.
        ids: Number of a run in the journal -> its id in the store.
        kept: Offsets of events that the store refused while it answered; tried again at the end and at later starts.
        starts: How many later starts have tried.
    """

    offset: int = 0
    ids: dict[str, str] = field(default_factory=dict)
    kept: list[int] = field(default_factory=list)
    starts: int = 0

    @classmethod
    def read(cls, path: Path) -> "Position":
        """As written; the beginning where there is none or it is damaged: what is sent twice is there once."""
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
    """The event at an offset and the offset behind it; the same offset where no whole line is there yet.

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
    return (event if is_whole(event) else None), offset + len(line)


def is_whole(event: Any) -> bool:
    """Whether an event has all that its kind needs."""
    if not isinstance(event, dict) or str(event.get("kind")) not in KINDS:
        return False
    return {"run", "time", *KINDS[event["kind"]]} <= event.keys()


def remove(path: Path) -> None:
    """Delete a journal that is sent, its position, and the folder if it is empty then."""
    for file in (path, position_path(path)):
        file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()
