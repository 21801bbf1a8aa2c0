"""Which code made a run."""

import subprocess
from pathlib import Path


def git_commit(folder: Path) -> str:
    """The commit that the code stands at, or "unknown"."""
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip() or "unknown"
