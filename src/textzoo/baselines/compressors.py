"""Compressors that know the training text: the bits that the held-out text still takes."""

import lzma
import shutil
import subprocess
import tempfile
from pathlib import Path

from textzoo.common import processes

ZSTD = "zstd"
XZ_PRESET = 9  # its dictionary is 64 MiB
ZSTD_SECONDS = 600.0
NO_ZSTD = "not measured: install zstd"
OLD_ZSTD = "not measured: this zstd does not know --patch-from (1.4.5 and later do)"


def xz_bits(training: bytes, held_out: bytes) -> int:
    """Return the bits of the held-out text behind the training text: xz -9 of both, less xz -9 of the first."""
    sizes = (len(lzma.compress(text, preset=XZ_PRESET)) for text in (training + held_out, training))
    return 8 * (next(sizes) - next(sizes))


def zstd_bits(training: bytes, held_out: bytes) -> int | str:
    """Return the bits of the held-out text with the training text as dictionary, or why they were not measured.

    The command is `zstd --ultra -22 --patch-from=training held_out`: its window reaches over the whole dictionary.
    """
    program = shutil.which(ZSTD)
    if program is None:
        return NO_ZSTD
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "training").write_bytes(training)
        (folder / "held_out").write_bytes(held_out)
        options = ["--ultra", "-22", "-q", "--patch-from=training", "held_out", "-o", "compressed"]
        try:
            done = processes.run([program, *options], folder, timeout=ZSTD_SECONDS)
        except subprocess.TimeoutExpired:
            return f"not measured: zstd took more than {ZSTD_SECONDS:g} s"
        return OLD_ZSTD if done.returncode else 8 * (folder / "compressed").stat().st_size
