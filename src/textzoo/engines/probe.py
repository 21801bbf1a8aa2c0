"""A first run of an unknown .tflite in a process of its own.

LiteRT ends the whole process where a well-formed file holds impossible scales or options; so a file is tried elsewhere
before this process opens it. Each content is tried once.
"""

import hashlib
import os
import subprocess
import sys

from textzoo.common import processes
from textzoo.compiler.tflite.file import not_run

PROBE_SECONDS = 120
_known_good: set[str] = set()


def probe(content: bytes, label: str) -> None:
    """Raise UserError where opening the decode step and running it would end the process or never end."""
    digest = hashlib.sha256(content).hexdigest()
    if digest in _known_good:
        return
    command = [sys.executable, "-P", "-m", "textzoo.engines.first_steps"]  # -P: no module of the current folder
    try:
        done = processes.run(command, timeout=PROBE_SECONDS, given=content, env=dict(os.environ))
    except subprocess.TimeoutExpired:
        raise not_run(label, f"a step that takes more than {PROBE_SECONDS} s") from None
    if done.returncode < 0:
        raise not_run(label, f"it ends the whole process (signal {-done.returncode})")
    _known_good.add(digest)
