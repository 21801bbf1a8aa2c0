"""Weights column by column, to leave out columns; see deployment/runtime/internal/sparse_columns.h."""

import numpy as np

from textzoo.compiler.packing.base import Layout, padded

ROWS = 8  # of a block


def pack_sparse(weights: np.ndarray) -> np.ndarray:
    """(rows, columns) int8 -> int32: blocks of 8 rows, in each for every column two words of 4 rows; bytes + 128."""
    codes = padded(weights, ROWS, 1).astype(np.int16) + 128
    columns = codes.reshape(-1, ROWS, codes.shape[1]).swapaxes(1, 2)
    return np.ascontiguousarray(columns).astype(np.uint8).ravel().view("<i4")


def scratch_sparse(rows: int, columns: int) -> int:
    return 4 * columns


SPARSE_LAYOUT = Layout(pack_sparse, scratch_sparse, -127, block_rows=ROWS)
