"""The folder of a run or of a sweep, before Hydra creates it."""

import tempfile
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.files import make_folder


def check_writable(folder: Path, key: str = "hydra.run.dir") -> list[UserError]:
    """Return why the folder of the run, or of the sweep, cannot be created or written to, before Hydra tries."""
    try:
        make_folder(folder)
        with tempfile.TemporaryFile(dir=folder):
            return []
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = f"Give another {key}, or mend its permissions or free space."
        return [UserError(f"the run's folder '{folder}' cannot be written: {reason}", remedy=remedy)]


def check_named(folder: str, *, sweeping: bool) -> list[UserError]:
    """Refuse a folder without a name."""
    if folder:
        return []
    key = "hydra.sweep.dir" if sweeping else "hydra.run.dir"
    return [UserError(f"{key} is empty", remedy="Leave it out for a new folder; '.' is the current one.")]


def check_resumed_folder(values: dict[str, Any], run_directory: str, *, sweeping: bool) -> list[UserError]:
    """Refuse another folder for a run that is resumed: there it would silently start from the beginning."""
    general = values.get("general")
    resume = general.get("resume") if isinstance(general, dict) else None
    if not isinstance(resume, str) or not resume:
        return []
    if sweeping:
        remedy = "Leave -m out and give one value of each key; or leave general.resume out."
        return [UserError("general.resume continues one run, and a sweep (-m) starts new ones", remedy=remedy)]
    if Path(run_directory).resolve() != Path(resume).resolve():
        what = f"general.resume={resume} goes on in that folder, and hydra.run.dir={run_directory} is another"
        return [UserError(what, remedy="Leave one of the two out.")]
    return []
