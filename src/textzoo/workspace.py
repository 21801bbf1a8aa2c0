"""A run's folder: artifacts under names, and a ledger of finished steps by which a chain resumes."""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from textzoo.errors import UserError
from textzoo.files import file_digest, shown_path, value_digest, write_json
from textzoo.text.strict_json import read_json_object

# role -> where it lies in the run's folder; a pattern stands for one file per recipe.
ROLES = {
    "float_model": "models/float.keras",
    "tokenizer": "models/tokenizer.json",
    "quantized_model": "models/decode_*.tflite",
    "forward_model": "models/forward_*.tflite",
    "samples": "samples.txt",
    "statistics": "statistics.json",
    "c_project": "c_project/*/.textzoo_project.json",
    "benchmark": "benchmark/*.json",
    "comparison": "comparison.html",
}
LEDGER = "steps.json"
MAXIMAL_LEDGER_BYTES = 16 << 20
LOCK = ".lock"


# What a run writes below its folder. What lies below a folder of c_project/ is replaced as a whole, never written into.
WRITTEN = (
    ".hydra",
    ".lock",
    "benchmark",
    "c_project",
    "checkpoints",
    "dataset",
    "earlier",
    "logs",
    "made_from.json",
    "models",
    "plots",
    "quantization",
    "report.html",
    "report.json",
    "report.md",
    "samples.txt",
    "statistics.json",
    "statistics.md",
    "steps.json",
    "textzoo.log",
)
REPLACED_AS_A_WHOLE = "c_project"


def links_of(path: Path) -> list[Path]:
    """A path if it is a link, or else the links below it."""
    if path.is_symlink():
        return [path]
    if path.name == REPLACED_AS_A_WHOLE:
        return [entry for entry in path.iterdir() if entry.is_symlink()] if path.is_dir() else []
    entries = (Path(folder, name) for folder, folders, files in os.walk(path) for name in [*folders, *files])
    return [entry for entry in entries if entry.is_symlink()]


def open_own(path: Path) -> TextIO:
    """A text file to append to; UserError where the path is a link, a pipe, or a second name of a file elsewhere."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        handle = os.open(path, flags, 0o644)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise
        raise not_a_file(path) from None
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.close(handle)
        raise not_a_file(path)
    return os.fdopen(handle, "a", encoding="utf-8")


def hold(lock: Path) -> TextIO:
    """The lock of a folder, held until it is closed; UserError if another process holds it."""
    file = open_own(lock)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise UserError(
            f"another run is working in {lock.parent}", remedy="Wait for it, or give another hydra.run.dir."
        ) from None
    return file


def not_a_file(path: Path) -> UserError:
    return UserError(
        f"'{path}' is no plain file of this folder alone",
        expected="a file, no link and no pipe",
        remedy="Remove it, or give another hydra.run.dir.",
    )


@dataclass
class FinishedStep:
    """One row of the ledger: what a step was made from, what it wrote, what it reported."""

    key: str
    outputs: dict[str, str] = field(default_factory=dict)  # path in the folder -> sha256
    report: dict[str, Any] = field(default_factory=dict)

    def digest(self, step: str) -> str:
        """Content hash of the row of a step: shows that somebody edited it. Whoever means to can make it anew."""
        return value_digest([step, self.key, self.outputs, self.report])


def row_of(values: Any) -> FinishedStep | None:
    """A row of the ledger; None where it has another form than this version writes."""
    if not isinstance(values, dict) or set(values) != {*FinishedStep.__dataclass_fields__, "digest"}:
        return None
    row = FinishedStep(values["key"], values["outputs"], values["report"])
    texts = isinstance(row.outputs, dict) and all(isinstance(digest, str) for digest in row.outputs.values())
    return row if texts and isinstance(row.key, str) and isinstance(row.report, dict) else None


class Workspace:
    """The folder of one run.

    Args:
        root: The run's folder; made if missing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.root.mkdir(parents=True, exist_ok=True)

    def path(self, *parts: str) -> Path:
        return self.root.joinpath(*parts)

    def files(self, role: str) -> list[Path]:
        """The files of a role, sorted by name; empty if there are none yet."""
        return sorted(self.root.glob(ROLES[role]))

    def find(self, role: str) -> Path | None:
        """The newest file of a role, or None."""
        return max(self.files(role), key=lambda path: path.stat().st_mtime_ns, default=None)

    def digests(self, roles: Iterable[str]) -> dict[str, str]:
        """Path in the folder -> sha256, for all files of the roles."""
        paths = [path for role in roles if role in ROLES for path in self.files(role)]
        return {path.relative_to(self.root).as_posix(): file_digest(path) for path in paths}

    def lock(self) -> contextlib.AbstractContextManager[Any]:
        """Hold the folder for this process; UserError if another one holds it, or if it leads elsewhere."""
        self.check_links()
        return hold(self.path(LOCK))

    def check_links(self) -> None:
        """UserError for links among what a run writes: nothing outside of its folder is ever changed by it."""
        found = [path for name in WRITTEN for path in links_of(self.path(name))]
        if found:
            names = ", ".join(path.relative_to(self.root).as_posix() for path in found[:5])
            raise UserError(
                f"the run's folder {shown_path(self.root)} holds links: {names}",
                expected="plain files and folders, which a run may replace",
                remedy="Put the files themselves there, or give another hydra.run.dir.",
            )

    def set_aside(self, roles: Iterable[str]) -> None:
        """Move the files of roles to earlier/<number>/, where nothing takes them for results of what is made now."""
        files = [path for role in roles for path in self.files(role)]
        if not files:
            return
        number = next(n for n in range(1, 1_000_000) if not self.path("earlier", str(n)).exists())
        self.path("earlier", str(number)).mkdir(parents=True)
        for path in files:
            path.rename(self.path("earlier", str(number), path.name))

    def finished(self, step: str, key: str) -> FinishedStep | None:
        """The ledger's row of a step, if it was made from the same inputs and all of it is still as written."""
        row = self.ledger().get(step)
        return None if row is None or row.key != key or self.damage_of(step) else row

    def damage_of(self, step: str) -> str:
        """Why a step's row cannot be believed, though it is there; "" where it can, or where there is none."""
        values = self.rows().get(step)
        if values is None:
            return ""
        row = row_of(values)
        if row is None:
            return f"its row in {LEDGER} has another form"
        if values["digest"] != row.digest(step):
            return f"its row in {LEDGER} was changed after it was written"
        changed = [name for name, digest in row.outputs.items() if not self.holds(name, digest)]
        return f"{', '.join(changed)} is missing, or not as it was written" if changed else ""

    def holds(self, name: str, digest: str) -> bool:
        path = self.path(name)
        return path.resolve().is_relative_to(self.root) and path.is_file() and file_digest(path) == digest

    def outputs_not_before(self, step: str) -> set[str]:
        """What only this step and later ones of an earlier try wrote: not there when this step read its inputs.

        Steps are named "1_training", "2_quantization", ... in their order.
        """
        number = int(step.partition("_")[0])
        before: set[str] = set()
        after: set[str] = set()
        for name, row in self.ledger().items():
            (before if int(name.partition("_")[0]) < number else after).update(row.outputs)
        return after - before

    def finish(self, step: str, row: FinishedStep) -> None:
        """Write a step into the ledger."""
        rows = {**self.rows(), step: {**vars(row), "digest": row.digest(step)}}
        write_json(self.path(LEDGER), rows)

    def ledger(self) -> dict[str, FinishedStep]:
        """All finished steps whose rows have the right form."""
        made = {name: row_of(values) for name, values in self.rows().items()}
        return {name: row for name, row in made.items() if row is not None}

    def rows(self) -> dict[str, Any]:
        """The ledger as it stands; empty where there is none or it cannot be read (the steps then run again)."""
        try:
            rows = read_json_object(self.path(LEDGER), MAXIMAL_LEDGER_BYTES)
        except UserError:
            return {}
        return {name: values for name, values in rows.items() if name.partition("_")[0].isdecimal()}
