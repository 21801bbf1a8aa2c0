"""HDF5 files that nobody vouches for: what they declare is bounded before anything of it is read."""

import math
from typing import Any

import h5py

MAXIMAL_OBJECTS = 10_000
MAXIMAL_DEPTH = 32
# The weights once, and of an optimizer up to three more values for each of them.
VALUES_PER_WEIGHT = 4
BYTES_PER_VALUE = 4
# Counters and the like.
SPARE_BYTES = 1 << 16


def check_declared(file: h5py.File, parameters: int) -> None:
    """ValueError unless a file holds no more than the weights of a model, and all of it itself.

    A data set may declare gigabytes in a few bytes of file, name other files for its content, or be compressed.

    Args:
        file: Open for reading.
        parameters: Number of weights of the model that it is for.
    """
    allowed = VALUES_PER_WEIGHT * BYTES_PER_VALUE * parameters + SPARE_BYTES
    waiting = [(file["/"], 0)]
    count = 0
    while waiting:
        group, depth = waiting.pop()
        for name in group:
            count += 1
            if count > MAXIMAL_OBJECTS or depth > MAXIMAL_DEPTH:
                raise ValueError("it holds more groups than a model has")
            entry = checked_entry(group, name)
            if isinstance(entry, h5py.Group):
                waiting.append((entry, depth + 1))
            else:
                allowed -= declared_bytes(entry)
            if allowed < 0:
                raise ValueError(f"it declares more than the {parameters:,} weights of its model")


def checked_entry(group: h5py.Group, name: str) -> Any:
    """What a group holds under a name, which must be a part of the file itself."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{name!r} leads elsewhere")
    return group[name]


def declared_bytes(entry: Any) -> int:
    """Bytes that a data set takes when it is read."""
    if not isinstance(entry, h5py.Dataset) or entry.dtype.kind not in "fiub":
        raise ValueError(f"{entry.name!r} is no array of numbers")
    if entry.external or entry.is_virtual:
        raise ValueError(f"{entry.name!r} names other files")
    return math.prod(entry.shape or ()) * entry.dtype.itemsize
