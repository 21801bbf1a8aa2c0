"""A first run of an untrusted .tflite in a separate process.

LiteRT aborts the whole process if a well-formed file has impossible scales or options, so a file is first run in
another process. Each content is tried once.
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
    """Raise UserError if opening and running the decode step crashes the process or does not end."""
    digest = hashlib.sha256(content).hexdigest()
    if digest in _known_good:
        return
    command = [sys.executable, "-P", "-m", "textzoo.engines.first_steps"]  # -P: no module of the current folder
    try:
        done = processes.run(command, timeout=PROBE_SECONDS, given=content, env=dict(os.environ))
    except subprocess.TimeoutExpired:
        raise not_run(label, f"a step that takes more than {PROBE_SECONDS} s") from None
    if done.returncode < 0:
        raise not_run(label, f"it crashes the process (signal {-done.returncode})")
    _known_good.add(digest)
