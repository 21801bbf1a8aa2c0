"""All constants as one file, for boards that keep them in a partition of their own: weights.bin.

Its format is described in deployment/application/weights_image.h.
"""

import struct
import zlib

import numpy as np

from textzoo.compiler.ir.program import Constant

MAGIC = b"TZW1"
HASH_CHARACTERS = 32
HEADER_BYTES = 48
ALIGNMENT = 16


def image_offsets(constants: list[Constant]) -> dict[str, int]:
    """Map each symbol to its offset behind the header."""
    offsets, offset = {}, 0
    for constant in constants:
        offsets[constant.symbol] = offset
        offset += -(-constant.values.nbytes // ALIGNMENT) * ALIGNMENT
    return offsets


def image_bytes(constants: list[Constant]) -> int:
    """Return the size of the whole file in bytes."""
    return HEADER_BYTES + sum(-(-constant.values.nbytes // ALIGNMENT) * ALIGNMENT for constant in constants)


def weights_image(constants: list[Constant], model_hash: str) -> bytes:
    """Return the file: header, then every constant, little endian, filled up with zeros to 16 bytes.

    Args:
        constants: In the order of weights.c.
        model_hash: sha256 of the model, in hexadecimal.
    """
    payload = b"".join(padded_bytes(constant.values) for constant in constants)
    numbers = struct.pack("<4sIII", MAGIC, len(payload), zlib.crc32(payload), 0)
    return numbers + model_hash[:HASH_CHARACTERS].encode("ascii") + payload


def padded_bytes(values: np.ndarray) -> bytes:
    content = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()
    return content + bytes(-len(content) % ALIGNMENT)
