"""Which code made a run."""

import shutil
import subprocess
from pathlib import Path

from textzoo.common import processes

PATIENCE_SECONDS = 10


def git_commit(folder: Path) -> str:
    """The commit that the code of a folder stands at, whatever GIT_DIR says; or "unknown"."""
    if not shutil.which("git"):
        return "unknown"
    try:
        answer = processes.run_text(["git", "-C", str(folder), "rev-parse", "HEAD"], timeout=PATIENCE_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip() or "unknown"
