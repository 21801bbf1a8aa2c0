"""Checkpoints: everything that a run needs to continue, in one file that is written atomically.

`<folder>/checkpoint.npz` holds the weight vectors and one JSON document (step, position in the data, history,
configuration). It replaces its predecessor in one rename, so that killing the process never leaves an incomplete file.
"""

import json
import os
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from textzoo.common.archives import open_archive
from textzoo.common.errors import UserError
from textzoo.common.files import atomic_path
from textzoo.common.untrusted_json import parse_json
from textzoo.training.settings import CHECKPOINT_FILE

FORMAT = 1
MAX_PROGRESS_BYTES = 64 << 20
VECTOR_NAMES = frozenset({"weights", "momentum", "second_moment", "ema", "rounded", "best_weights"})


@dataclass
class Progress:
    """The progress of a run, without its vectors.

    Random crops and dropout are functions of the seed and the step, so `step` is also the state of the data and of all
    random generators.
    """

    step: int = 0
    seconds: float = 0.0
    best_step: int = 0
    best_validation_loss: float | None = None
    evaluations_without_improvement: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    # Inputs of the run; a checkpoint is continued automatically only if all of them are the same.
    inputs: dict[str, Any] = field(default_factory=dict)
    weights: list[list[Any]] = field(default_factory=list)  # path and shape of every weight, in the vectors' order


@dataclass
class Checkpoint:
    """A checkpoint in memory: vectors (weights, float32) by name, and the progress."""

    vectors: dict[str, np.ndarray]
    progress: Progress

    def evaluated_weights(self) -> np.ndarray:
        """Return the weights whose loss was measured: the rounded or averaged vector if there is one."""
        return next(self.vectors[name] for name in ("rounded", "ema", "weights") if name in self.vectors)


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write `folder/checkpoint.npz` atomically.

    Raises:
        UserError: if the folder cannot be written (full, read-only).
    """
    document = json.dumps({"format": FORMAT, **asdict(checkpoint.progress)}, allow_nan=False).encode()
    try:
        with atomic_path(folder / CHECKPOINT_FILE) as temporary, temporary.open("wb") as file:
            np.savez(file, progress=np.frombuffer(document, np.uint8), **checkpoint.vectors)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UserError(
            f"the checkpoint {folder / CHECKPOINT_FILE} cannot be written",
            received=str(error),
            remedy="Free some space, or set another hydra.run.dir. An earlier checkpoint is unchanged.",
        ) from error


def exists(folder: Path) -> bool:
    return (folder / CHECKPOINT_FILE).is_file()


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint folder, or the file in it.

    Nothing in it is executed, and no more memory is allocated than the file has bytes.

    Raises:
        UserError: if it is missing, damaged or not a checkpoint.
    """
    file = path / CHECKPOINT_FILE if path.is_dir() else path
    try:
        return _read(file)
    except FileNotFoundError as error:
        raise UserError(f"{path} is not a checkpoint", expected=f"a folder with a {CHECKPOINT_FILE}") from error
    except Exception as error:  # damaged archives raise many types: BadZipFile, KeyError, RuntimeError, zlib.error...
        raise UserError(
            f"the checkpoint {file} cannot be read",
            received=str(error) or type(error).__name__,
            remedy="It is damaged or of another version; use the other of `best` and `latest`, or train again.",
        ) from error


def _read(file: Path) -> Checkpoint:
    with open_archive(file, expansion=1) as archive:
        progress = _progress(archive)
        size = sum(int(np.prod(shape)) for _, shape in progress.weights)
        names = {member.filename.removesuffix(".npy") for member in archive.infolist()} & VECTOR_NAMES
        vectors = {name: _array(archive, name, np.float32, 4 * size) for name in sorted(names)}
    if "weights" not in vectors or any(len(vector) != size for vector in vectors.values()):
        raise ValueError("its vectors do not match its table of weights")
    return Checkpoint(vectors, progress)


def read_step(folder: Path) -> int:
    """Return the number of steps of a folder's checkpoint; 0 if there is none that can be read."""
    try:
        with open_archive(folder / CHECKPOINT_FILE, expansion=1) as archive:
            return _progress(archive).step
    except Exception:  # as in read_checkpoint
        return 0


def _array(archive: zipfile.ZipFile, name: str, dtype: type, max_bytes: int) -> np.ndarray:
    """Return a 1-D member of the archive; check its header against its size before allocating memory."""
    member = archive.getinfo(f"{name}.npy")
    with archive.open(member) as file:
        if npy.read_magic(file) != (1, 0):
            raise ValueError(f"{name} has an unknown format")
        shape, _, found = npy.read_array_header_1_0(file)
        expected = int(np.prod(shape)) * found.itemsize
        if found != np.dtype(dtype) or len(shape) != 1 or expected > min(max_bytes, member.file_size):
            raise ValueError(f"{name} has an unexpected type or size")
        data = file.read(expected)
    return np.frombuffer(data, dtype).copy()


def _progress(archive: zipfile.ZipFile) -> Progress:
    document = parse_json(bytes(_array(archive, "progress", np.uint8, MAX_PROGRESS_BYTES)))
    if document.pop("format", None) != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    progress = Progress(**document)
    if not isinstance(progress.step, int) or progress.step < 0:
        raise ValueError("its step is not a number of steps")
    for path, shape in progress.weights:
        if not isinstance(path, str) or any(not isinstance(size, int) or size < 1 for size in shape):
            raise ValueError("its table of weights is damaged")
    return progress


def set_aside(folder: Path) -> Path | None:
    """Rename an existing checkpoint folder to `<name>.<number>`, so that another run cannot overwrite it."""
    if not folder.exists():
        return None
    number = next(n for n in range(1, 1_000_000) if not folder.with_name(f"{folder.name}.{n}").exists())
    return folder.rename(folder.with_name(f"{folder.name}.{number}"))
