"""A run's folder: its artifacts by role, and a ledger of finished steps for resuming a chain."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError, raise_all
from textzoo.common.files import A_FILE, A_FOLDER, file_digest, kind_of_path, shown_path
from textzoo.common.locks import hold
from textzoo.records.ledger import FinishedStep, Ledger, read_ledger, told

# role -> path in the run's folder; a pattern matches one file per recipe.
ROLES = {
    "float_model": "models/float.keras",
    "tokenizer": "models/tokenizer.json",
    "chat_template": "models/chat_template.json",
    "command_grammar": "models/grammar.json",
    "quantized_model": "models/decode_*.tflite",
    "forward_model": "models/forward_*.tflite",
    "samples": "samples.txt",
    "conversation": "conversation.json",
    "statistics": "statistics.json",
    "c_project": "c_project/*/.textzoo_project.json",
    "benchmark": "benchmark/*.json",
    "comparison": "comparison.html",
    "report": "report.json",
    "publication": "publish/README.md",
}
LOCK = ".lock"
A_LINK = "a link"


# Names that a run writes in its folder. Folders in c_project/ are replaced completely, never written into.
WRITTEN = (
    ".hydra",
    ".lock",
    "benchmark",
    "c_headers",
    "c_project",
    "checkpoints",
    "comparison.html",
    "conversation.json",
    "conversation.md",
    "dataset",
    "earlier",
    "evaluation",
    "logs",
    "made_from.json",
    "models",
    "plots",
    "publish",
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
REPLACED = "c_project"


def foreign_of(path: Path) -> dict[Path, str]:
    """Return each path at or below `path` that is neither a file nor a folder -> its type: "a link", "a pipe", ..."""
    paths = [path]
    if path.name == REPLACED and path.is_dir() and not path.is_symlink():
        paths += path.iterdir()
    elif not path.is_symlink():
        paths += (Path(folder, name) for folder, folders, files in os.walk(path) for name in [*folders, *files])
    kinds = {found: A_LINK if found.is_symlink() else kind_of_path(found) for found in paths}
    return {found: kind for found, kind in kinds.items() if kind not in (None, A_FILE, A_FOLDER)}


class Workspace:
    """The folder of one run.

    Args:
        root: The run's folder; created if it is missing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.root.mkdir(parents=True, exist_ok=True)

    def path(self, *parts: str) -> Path:
        return self.root.joinpath(*parts)

    def files(self, role: str) -> list[Path]:
        """Return the files of a role, sorted by name; empty if there are none yet."""
        return sorted(path for path in self.root.glob(ROLES[role]) if path.is_file())

    def find(self, role: str) -> Path | None:
        """Return the newest file of a role, or None."""
        return max(self.files(role), key=lambda path: path.stat().st_mtime_ns, default=None)

    def digests(self, roles: Iterable[str]) -> dict[str, str]:
        """Return path in the folder -> sha256, for all files of the roles."""
        paths = [path for role in roles if role in ROLES for path in self.files(role)]
        return {path.relative_to(self.root).as_posix(): file_digest(path) for path in paths}

    def lock(self) -> contextlib.AbstractContextManager[Any]:
        """Lock the folder; raise UserError if another process holds the lock, or if there are links in the folder."""
        self.check_links()
        return hold(self.path(LOCK))

    def check_links(self) -> None:
        """Raise UserError for links, which lead outside of the folder, and for pipes, which block."""
        found = {path: kind for name in WRITTEN for path, kind in foreign_of(self.path(name)).items()}
        names = {path.relative_to(self.root).as_posix(): kind for path, kind in found.items()}
        links = [name for name, kind in names.items() if kind == A_LINK]
        others = [f"{name} ({kind})" for name, kind in names.items() if kind != A_LINK]
        what = {"links": links, "other things than plain files": others}
        raise_all(
            [
                UserError(
                    f"the run's folder {shown_path(self.root)} holds {kind}: {', '.join(told[:5])}",
                    expected="plain files and folders, which a run may replace",
                    remedy="Replace them by the files themselves, or set another hydra.run.dir.",
                )
                for kind, told in what.items()
                if told
            ]
        )

    def set_aside(self, roles: Iterable[str]) -> None:
        """Move the files of roles to earlier/<number>/, so that they are not mistaken for results of this run."""
        files = [path for role in roles for path in self.files(role)]
        if not files:
            return
        number = next(n for n in range(1, 1_000_000) if not self.path("earlier", str(n)).exists())
        self.path("earlier", str(number)).mkdir(parents=True)
        for path in files:
            path.rename(self.path("earlier", str(number), path.name))

    def ledger(self) -> Ledger:
        """Return the finished steps and the damaged ones; raise UserError as `read_ledger` does."""
        return read_ledger(self.root)

    def missing(self, row: FinishedStep) -> str:
        """Return which files of a finished step are missing or changed, in words; "" if none."""
        changed = [name for name, digest in row.outputs.items() if not self.holds(name, digest)]
        return f"{told(changed)} is missing or was changed" if changed else ""

    def holds(self, name: str, digest: str) -> bool:
        path = self.path(name)
        try:
            return path.resolve().is_relative_to(self.root) and path.is_file() and file_digest(path) == digest
        except (OSError, ValueError):  # an invalid name, or a file that cannot be read
            return False

    def finish(self, step: str, row: FinishedStep, ledger: Ledger) -> Ledger:
        """Write a step into the ledger; return the ledger as it is then."""
        ledger = ledger.with_row(step, row)
        ledger.write(self.root)
        return ledger
