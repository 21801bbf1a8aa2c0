"""The version of the code of a run."""

import shutil
import subprocess
from pathlib import Path

from textzoo.common import processes

PATIENCE_SECONDS = 10


def git_commit(folder: Path) -> str:
    """Return the checked-out commit of a folder, regardless of GIT_DIR; or "unknown"."""
    if not shutil.which("git"):
        return "unknown"
    try:
        answer = processes.run_text(["git", "-C", str(folder), "rev-parse", "HEAD"], timeout=PATIENCE_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip() or "unknown"
