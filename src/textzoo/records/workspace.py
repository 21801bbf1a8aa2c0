"""A run's folder: artifacts under names, and a ledger of finished steps by which a chain resumes."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError, raise_all
from textzoo.common.files import A_FILE, A_FOLDER, file_digest, kind_of_place, shown_path
from textzoo.common.locks import hold
from textzoo.records.ledger import FinishedStep, Ledger, read_ledger, told

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
LOCK = ".lock"
A_LINK = "a link"


# What a run writes below its folder. What lies below a folder of c_project/ is replaced as a whole, never written into.
WRITTEN = (
    ".hydra",
    ".lock",
    "benchmark",
    "c_headers",
    "c_project",
    "checkpoints",
    "comparison.html",
    "dataset",
    "earlier",
    "evaluation",
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
    "tracking",
)
REPLACED_AS_A_WHOLE = "c_project"


def foreign_of(path: Path) -> dict[Path, str]:
    """What at a path, or below it, is neither a file nor a folder -> what it is: "a link", "a pipe", ..."""
    places = [path]
    if path.name == REPLACED_AS_A_WHOLE and path.is_dir() and not path.is_symlink():
        places += path.iterdir()
    elif not path.is_symlink():
        places += (Path(folder, name) for folder, folders, files in os.walk(path) for name in [*folders, *files])
    kinds = {place: A_LINK if place.is_symlink() else kind_of_place(place) for place in places}
    return {place: kind for place, kind in kinds.items() if kind not in (None, A_FILE, A_FOLDER)}


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
        return sorted(path for path in self.root.glob(ROLES[role]) if path.is_file())

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
        """UserError for links and pipes where a run reads and writes: nothing outside is changed, nothing waits."""
        found = {place: kind for name in WRITTEN for place, kind in foreign_of(self.path(name)).items()}
        names = {place.relative_to(self.root).as_posix(): kind for place, kind in found.items()}
        links = [name for name, kind in names.items() if kind == A_LINK]
        others = [f"{name} ({kind})" for name, kind in names.items() if kind != A_LINK]
        what = {"links": links, "what is no plain file of this folder alone": others}
        raise_all(
            [
                UserError(
                    f"the run's folder {shown_path(self.root)} holds {kind}: {', '.join(told[:5])}",
                    expected="plain files and folders, which a run may replace",
                    remedy="Put the files themselves there, or give another hydra.run.dir.",
                )
                for kind, told in what.items()
                if told
            ]
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

    def ledger(self) -> Ledger:
        """The finished steps, and what of them cannot be believed; UserError as of `read_ledger`."""
        return read_ledger(self.root)

    def missing(self, row: FinishedStep) -> str:
        """Which files of a finished step are not as it wrote them, in words; "" where all are."""
        changed = [name for name, digest in row.outputs.items() if not self.holds(name, digest)]
        return f"{told(changed)} is missing, or not as it was written" if changed else ""

    def holds(self, name: str, digest: str) -> bool:
        path = self.path(name)
        try:
            return path.resolve().is_relative_to(self.root) and path.is_file() and file_digest(path) == digest
        except (OSError, ValueError):  # a name that no file can have, or a file that may not be read
            return False

    def finish(self, step: str, row: FinishedStep, ledger: Ledger) -> Ledger:
        """Write a step into the ledger; return the ledger as it is then."""
        ledger = ledger.with_row(step, row)
        ledger.write(self.root)
        return ledger
