"""The list of a store's unsent journals, so that the next start with that store finds them.

One small file per journal holds its path: next to a SQLite store, for others in the user's state folder.
"""

import hashlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from textzoo.records.tracking.addresses import DEFAULT_STORE, sqlite_path

STATE_FOLDER = "XDG_STATE_HOME"
logger = logging.getLogger("textzoo.records.tracking")


def outbox(uri: str | None) -> Path:
    """Return the folder with the notes of a store's unsent journals."""
    database = DEFAULT_STORE.resolve() / "mlflow.db" if uri is None else sqlite_path(uri)
    if database:
        return database.with_name(f"{database.name}.unsent")
    state = Path(os.environ.get(STATE_FOLDER) or Path.home() / ".local/state")
    return state / "textzoo/unsent" / hashlib.sha256(str(uri).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def register(uri: str | None, journal: Path) -> None:
    """Note a journal; if the note cannot be written, only this run can send the journal."""
    try:
        folder = outbox(uri)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / journal.stem).write_bytes(os.fsencode(journal))
    except (OSError, RuntimeError) as error:
        logger.warning("a later start will not find this run's journal: %s", error)


def forget(uri: str | None, name: str) -> None:
    """Delete the note of a journal, and the folder after the last one."""
    try:
        (outbox(uri) / name).unlink(missing_ok=True)
        outbox(uri).rmdir()
    except (OSError, RuntimeError):
        pass


def unsent(uri: str | None) -> Iterator[Path]:
    """Yield the journals that this user noted, oldest first; delete notes of journals that no longer exist."""
    try:
        notes = sorted(outbox(uri).iterdir(), key=lambda note: note.stat().st_mtime)
        mine = [note for note in notes if note.is_file() and note.stat().st_uid == os.getuid()]
        journals = [Path(os.fsdecode(note.read_bytes())) for note in mine]
    except (OSError, RuntimeError):
        return
    for note, journal in zip(mine, journals, strict=True):
        if journal.is_file() and journal.stem == note.name:
            yield journal
        else:
            forget(uri, note.name)
