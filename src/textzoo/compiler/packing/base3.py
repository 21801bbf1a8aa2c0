"""Ternary weights, five in a byte: 1.6 bits; see deployment/runtime/internal/base3_sums.h."""

import numpy as np

from textzoo.compiler.packing.base import padded

DIGITS = 5  # weights in a byte
COLUMNS = 10  # whose sums the kernels look up at once
TILE = 512  # rows that they finish together
TABLE_BYTES = 4 * 3**DIGITS


def pack_b3(weights: np.ndarray) -> np.ndarray:
    """(rows, columns) int8 in [-1, 1] -> int8: tiles of rows, in each for every 10 columns two bytes of each row."""
    digits = padded(weights, 1, COLUMNS).reshape(len(weights), -1, DIGITS) + 1
    codes = (digits * 3 ** np.arange(DIGITS)).sum(axis=-1).astype(np.uint8)
    tiles = [codes[row : row + TILE] for row in range(0, len(codes), TILE)]
    return np.concatenate([tile.reshape(len(tile), -1, 2).swapaxes(0, 1).ravel() for tile in tiles]).view(np.int8)


def scratch_b3(rows: int, columns: int) -> int:
    return TABLE_BYTES + 4 * min(rows, TILE)
