"""A run's folder: artifacts under names, and a ledger of finished steps by which a chain resumes."""

import contextlib
import fcntl
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textzoo.errors import UserError
from textzoo.files import file_digest, write_json

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
LOCK = ".lock"


@dataclass
class FinishedStep:
    """One row of the ledger: what a step was made from, what it wrote, what it reported."""

    key: str
    outputs: dict[str, str] = field(default_factory=dict)  # path in the folder -> sha256
    report: dict[str, Any] = field(default_factory=dict)


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
        """Hold the folder for this process; UserError if another one holds it."""
        file = self.path(LOCK).open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise UserError(
                f"another run is working in {self.root}", remedy="Wait for it, or give another hydra.run.dir."
            ) from None
        return file

    def finished(self, step: str, key: str) -> FinishedStep | None:
        """The ledger's row of a step, if it was made from the same inputs and its outputs are still as written."""
        row = self.ledger().get(step)
        if row is None or row.key != key:
            return None
        intact = all(
            self.path(name).is_file() and file_digest(self.path(name)) == digest for name, digest in row.outputs.items()
        )
        return row if intact else None

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
        rows = {**self.ledger(), step: row}
        write_json(self.path(LEDGER), {name: vars(row) for name, row in rows.items()})

    def ledger(self) -> dict[str, FinishedStep]:
        """All finished steps; empty where there is no ledger or it cannot be read (the steps then run again)."""
        try:
            rows = json.loads(self.path(LEDGER).read_text(encoding="utf-8"))
            return {name: FinishedStep(**row) for name, row in rows.items() if name.partition("_")[0].isdecimal()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}
