"""weights.tzw: the matrices of a model in one file that a device reads in place.

Its format is in deployment/weight_file/weight_file.h, whose reader in C refuses the same files for the same reasons.
"""

import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from textzoo.common.errors import UserError
from textzoo.compiler.packing.generic import PLAIN, W2, W4
from textzoo.compiler.packing.order import Order

MAGIC = b"TZWF"
VERSION = 1
ALIGNMENT = 16
HEADER = struct.Struct("<4sIIII12s")
# name, rows, columns, bits, zero point, offset of the weights, their bytes, offset of the scales, 0
ENTRY = struct.Struct("<64sIIIiIIII")
NAME = re.compile(rb"[A-Za-z0-9_]{1,63}\0+")
MAX_NAME_LENGTH = 63
CHECKSUM_PLACE, CHECKSUM_END = 16, 20


class Status(IntEnum):
    """Why a file is refused: tz_weight_file_status_t, as far as it concerns the file's content."""

    OK = 0
    MAGIC = 2
    OTHER_VERSION = 3
    LENGTH = 4
    CRC = 5
    INDEX = 6


TEXTS = {
    Status.MAGIC: "it does not begin as a weights.tzw",
    Status.OTHER_VERSION: "it has another version than this reader",
    Status.LENGTH: "it is not as long as it says",
    Status.CRC: "it is damaged",
    Status.INDEX: "its index says what cannot be",
}


class WeightFileError(UserError):
    """A file that is refused; `status` says why."""

    def __init__(self, status: Status) -> None:
        self.status = status
        super().__init__(f"weights.tzw cannot be read: {TEXTS[status]}", remedy="Deploy the model again.")


@dataclass(frozen=True)
class Form:
    """How weights of some bits are stored.

    Attributes:
        lowest: Smallest weight.
        highest: Largest one.
        order: Row by row, each row beginning with a byte of its own.
    """

    lowest: int
    highest: int
    order: Order


# Bits -> form, fewest bits first.
FORMS = {2: Form(-1, 1, W2), 4: Form(-8, 7, W4), 8: Form(-128, 127, PLAIN)}


@dataclass(frozen=True)
class Matrix:
    """A matrix of integers, and what they mean: real weight = scale * (value - zero point).

    Attributes:
        name: At most 63 letters, digits and _.
        values: (rows, columns) int8.
        scales: (rows,) float32.
        zero_point: In the int32 range.
    """

    name: str
    values: np.ndarray
    scales: np.ndarray
    zero_point: int = 0

    @property
    def bits(self) -> int:
        """The fewest of 2, 4 and 8 that hold all values."""
        lowest, highest = self.values.min(), self.values.max()
        return next(bits for bits, form in FORMS.items() if form.lowest <= lowest and highest <= form.highest)

    def packed(self) -> bytes:
        """Return the weights as they are stored: row by row, each row beginning with a byte of its own."""
        return FORMS[self.bits].order.pack(self.values).tobytes()


def unpacked(content: bytes, rows: int, columns: int, bits: int) -> np.ndarray:
    """Undo `Matrix.packed`: (rows, columns) int8. The code 3 of 2 bits, which is never written, gives 2."""
    form = FORMS[bits]
    return form.order.unpack(np.frombuffer(content, np.int8), rows, columns, form.lowest)


def write_weight_file(matrices: Sequence[Matrix]) -> bytes:
    """Return the content of a weights.tzw; ValueError for what it cannot hold."""
    offset = HEADER.size + ENTRY.size * len(matrices)
    index, payload = b"", b""
    for matrix in matrices:
        check_matrix(matrix)
        weights, scales = filled_up(matrix.packed()), filled_up(matrix.scales.astype("<f4").tobytes())
        numbers = (*matrix.values.shape, matrix.bits, matrix.zero_point)
        start = offset + len(payload)
        sizes = (start, len(matrix.packed()), start + len(weights), 0)
        index += ENTRY.pack(matrix.name.encode("ascii"), *numbers, *sizes)
        payload += weights + scales
    length = offset + len(payload)
    header = HEADER.pack(MAGIC, VERSION, len(matrices), length, 0, bytes(12))
    return with_checksum(header + index + payload)


def check_matrix(matrix: Matrix) -> None:
    rows, columns = matrix.values.shape
    if not NAME.fullmatch(matrix.name.encode("ascii", "replace") + b"\0") or not rows or not columns:
        raise ValueError(f"a matrix {matrix.name!r} of {rows} rows and {columns} columns")
    if matrix.values.dtype != np.int8 or matrix.scales.shape != (rows,):
        raise ValueError(f"{matrix.name}: {matrix.values.dtype} with {matrix.scales.shape} scales for {rows} rows")


def filled_up(content: bytes) -> bytes:
    return content + bytes(-len(content) % ALIGNMENT)


def checksum(content: bytes) -> int:
    """Return the CRC-32 of everything but the checksum itself."""
    return zlib.crc32(content[CHECKSUM_END:], zlib.crc32(content[:CHECKSUM_PLACE]))


def with_checksum(content: bytes) -> bytes:
    return content[:CHECKSUM_PLACE] + struct.pack("<I", checksum(content)) + content[CHECKSUM_END:]


def read_weight_file(content: bytes) -> list[Matrix]:
    """Read the matrices of a file, in their order; it may be followed by other bytes.

    Raises:
        WeightFileError: The file is damaged, of another version or none; its content is treated as hostile.
    """
    refuse_unless(len(content) >= HEADER.size and content.startswith(MAGIC), Status.MAGIC)
    _, version, count, length, expected, reserved = HEADER.unpack_from(content)
    refuse_unless(version == VERSION, Status.OTHER_VERSION)
    index_end = HEADER.size + ENTRY.size * count
    refuse_unless(index_end <= length <= len(content), Status.LENGTH)
    content = content[:length]
    refuse_unless(checksum(content) == expected, Status.CRC)
    refuse_unless(not any(reserved), Status.INDEX)
    entries = [ENTRY.unpack_from(content, HEADER.size + ENTRY.size * number) for number in range(count)]
    asked = sum(checked_extent(entry, index_end, length) for entry in entries)
    # Together they are not longer than the file: so its length bounds what is unpacked.
    refuse_unless(asked <= length - index_end, Status.INDEX)
    return [read_matrix(content, entry) for entry in entries]


def checked_extent(entry: tuple, index_end: int, length: int) -> int:
    """Return where weights and scales of a matrix begin and end: between the index and the end of the file."""
    name, rows, columns, bits, _, start, size, scales, reserved = entry
    refuse_unless(bool(NAME.fullmatch(name)) and rows > 0 and columns > 0 and bits in FORMS, Status.INDEX)
    refuse_unless(size == rows * ((columns * bits + 7) // 8) and reserved == 0, Status.INDEX)
    for first, extent in ((start, size), (scales, 4 * rows)):
        refuse_unless(index_end <= first <= length - extent and first % ALIGNMENT == 0, Status.INDEX)
    return size + 4 * rows


def read_matrix(content: bytes, entry: tuple) -> Matrix:
    name, rows, columns, bits, zero_point, start, size, scales, _ = entry
    values = unpacked(content[start : start + size], rows, columns, bits)
    return Matrix(name.rstrip(b"\0").decode(), values, np.frombuffer(content, "<f4", rows, scales), zero_point)


def refuse_unless(right: bool, status: Status) -> None:
    if not right:
        raise WeightFileError(status)
