"""Untrusted HDF5 files: what they declare is bounded before anything of it is read."""

import math
import re
from collections.abc import Iterator
from typing import Any

import h5py

MAX_OBJECTS = 10_000
MAX_DEPTH = 32
# The weights once, and of an optimizer up to three more values for each of them.
VALUES_PER_WEIGHT = 4
BYTES_PER_VALUE = 4
# Counters and the like.
SPARE_BYTES = 1 << 16
# Configuration, names of layers and weights: of each group or data set, and their bytes in the whole file.
MAX_ATTRIBUTES = 64
MAX_ATTRIBUTE_BYTES = 1 << 26
# Texts of any length are in collections that begin so, with their length in 8 bytes.
COLLECTION = re.compile(rb"GCOL.{4}(.{8})", re.DOTALL)


def check_declared(file: h5py.File, parameters: int, content: bytes) -> None:
    """Raise ValueError unless a file holds no more than the weights of a model, and all of it itself.

    A data set may declare gigabytes in a few bytes of file, name other files for its content, or be compressed.

    Args:
        file: Open for reading.
        parameters: Number of weights of the model that it is for.
        content: The bytes of the file.
    """
    allowed = VALUES_PER_WEIGHT * BYTES_PER_VALUE * parameters + SPARE_BYTES
    attributes = MAX_ATTRIBUTE_BYTES
    longest_text = max((int.from_bytes(found[1], "little") for found in COLLECTION.finditer(content)), default=0)
    for entry in checked_entries(file):
        attributes -= attribute_bytes(entry, longest_text)
        if attributes < 0:
            raise ValueError(f"the attributes of {entry.name!r} are too large")
        if not isinstance(entry, h5py.Group):
            allowed -= declared_bytes(entry)
            if allowed < 0:
                raise ValueError(f"it declares more than the {parameters:,} weights of its model")
            check_plain(entry)


def checked_entries(file: h5py.File) -> Iterator[Any]:
    """Yield the groups and data sets of a file; ValueError where they are too many or lead elsewhere."""
    waiting = [(file["/"], 0)]
    count = 0
    yield file["/"]
    while waiting:
        group, depth = waiting.pop()
        for name in group:
            count += 1
            if count > MAX_OBJECTS or depth > MAX_DEPTH:
                raise ValueError("it holds more groups than a model has")
            entry = checked_entry(group, name)
            yield entry
            if isinstance(entry, h5py.Group):
                waiting.append((entry, depth + 1))


def checked_entry(group: h5py.Group, name: str) -> Any:
    """Return what a group holds under a name, which must be a part of the file itself."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{name!r} leads elsewhere")
    return group[name]


def declared_bytes(entry: Any) -> int:
    """Return the bytes that a data set takes when it is read: all of its chunks, also what is beyond its edges."""
    if not isinstance(entry, h5py.Dataset) or entry.dtype.kind not in "fiub":
        raise ValueError(f"{entry.name!r} is no array of numbers")
    if entry.external or entry.is_virtual:
        raise ValueError(f"{entry.name!r} names other files")
    shape = entry.shape or ()
    chunks = entry.chunks or (1,) * len(shape)
    whole = (-(-size // chunk) * chunk for size, chunk in zip(shape, chunks, strict=True))
    return math.prod(whole) * entry.dtype.itemsize


def check_plain(entry: h5py.Dataset) -> None:
    """Raise ValueError for compressed data: whatever is declared, a few bytes may become gigabytes."""
    if entry.id.get_create_plist().get_nfilters():
        raise ValueError(f"{entry.name!r} is packed, which Keras does not do")


def attribute_bytes(entry: Any, longest_text: int) -> int:
    """Return the most bytes that the attributes of an entry take when they are read.

    Args:
        entry: A group or a data set.
        longest_text: The most bytes that a text of any length has; many may be the same one in the file.
    """
    if len(entry.attrs) > MAX_ATTRIBUTES:
        raise ValueError(f"{entry.name!r} has {len(entry.attrs):,} attributes")
    total = 0
    for name in entry.attrs:
        attribute = entry.attrs.get_id(name)
        kind = attribute.dtype
        if kind.kind not in "fiubS" and h5py.check_string_dtype(kind) is None:
            raise ValueError(f"the attribute {name!r} is neither text nor numbers")
        total += math.prod(attribute.shape) * (longest_text if kind.kind == "O" else kind.itemsize)
    return total


def scalar_text(entry: Any, name: str, limit: int) -> str | bytes:
    """Return an attribute that is one text of at most `limit` bytes; ValueError, KeyError if it is none."""
    attribute = entry.attrs.get_id(name)
    if attribute.shape != () or h5py.check_string_dtype(attribute.dtype) is None:
        raise ValueError(f"{name} is no text")
    text = entry.attrs[name] if attribute.dtype.itemsize <= limit else ""
    if not text or len(text) > limit:
        raise ValueError(f"{name} is too large")
    return text
