"""Weights in the order in which each variant of a kernel reads them.

The layouts are described, and proved to be exact, at the head of deployment/runtime/<variant>/<kernel>.c.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from textzoo.registry import unknown_name

DSP_TILE = 128  # rows that the dsp kernel finishes together
DSP_GROUP = 8  # columns in four words of its inputs
DSP_CHUNK = 512  # columns after which it separates its sums
DSP_LANES = [0, 2, 1, 3, 4, 6, 5, 7]  # the order of a group's columns in memory
MVE_BLOCK = 7  # rows of the mve kernel's inner loop
MVE_TILE = 132  # rows whose sums the mve kernel keeps at most
MVE_GROUP = 16  # columns in one of its vectors
HOST_BLOCK = 64  # rows of the host kernel's inner loop
HOST_LANES = 8  # rows in one of its vectors
HOST_GROUP = 4  # columns in one of its lanes
HOST_PADDING = 32  # columns to which it fills up the inputs, and single rows of weights


@dataclass(frozen=True)
class Variant:
    """How one variant of FULLY_CONNECTED int8 wants its weights.

    Attributes:
        pack: (rows, columns) int8 -> (n,) int8 or int32, in the order of the kernel.
        scratch_bytes: (rows, columns) -> bytes of scratch memory.
        lowest: The smallest weight that it can take.
    """

    pack: Callable[[np.ndarray], np.ndarray]
    scratch_bytes: Callable[[int, int], int]
    lowest: int


def _round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _padded(weights: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Rows and columns of zeros added below and to the right, up to the multiples given."""
    height, width = weights.shape
    return np.pad(weights, ((0, _round_up(height, rows) - height), (0, _round_up(width, columns) - width)))


def _pack_dsp(weights: np.ndarray) -> np.ndarray:
    """(rows, columns) int8 -> int32: tiles of rows, in each the chunks of columns, in each the blocks of rows."""
    wide = _padded(weights, 1, DSP_GROUP).astype(np.int32)
    tiles = [wide[row : row + DSP_TILE] for row in range(0, len(wide), DSP_TILE)]
    columns = range(0, wide.shape[1], DSP_CHUNK)
    chunks = [tile[:, column : column + DSP_CHUNK] for tile in tiles for column in columns]
    return np.concatenate([_dsp_block(block) for chunk in chunks for block in _dsp_blocks(chunk)])


def _dsp_blocks(chunk: np.ndarray) -> list[np.ndarray]:
    """Fours of rows, then twos; the last two may be one."""
    fours = len(chunk) // 4 * 4
    starts = [*range(0, fours, 4), *range(fours, len(chunk), 2)]
    return [chunk[start:stop] for start, stop in zip(starts, [*starts[1:], len(chunk)], strict=True)]


def _dsp_block(block: np.ndarray) -> np.ndarray:
    """(1, 2 or 4, columns) int32 -> int32: the known sums of the pairs of rows, then their lanes, two in a word."""
    pairs = _padded(block, 2, 1)
    low, high = pairs[0::2], pairs[1::2]
    known = -(low[:, 0::2] * low[:, 1::2]).sum(axis=1, dtype=np.int32)
    lanes = (256 * high + low).reshape(len(low), -1, DSP_GROUP)[:, :, DSP_LANES]
    return np.concatenate([known, lanes.swapaxes(0, 1).ravel().astype("<i2").view("<i4")])


def _dsp_scratch(rows: int, columns: int) -> int:
    chunks = -(-columns // DSP_CHUNK)
    sums = min(_round_up(rows, 2), DSP_TILE)
    return 4 * chunks + 2 * _round_up(columns, DSP_GROUP) + 4 * sums * (1 + (chunks > 1))


def _pack_mve(weights: np.ndarray) -> np.ndarray:
    """(rows, columns) int8 -> int8: blocks of rows, 16 columns of each row in turn, then the remaining rows."""
    wide = _padded(weights, 1, MVE_GROUP)
    whole = len(wide) // MVE_BLOCK * MVE_BLOCK
    blocks = wide[:whole].reshape(-1, MVE_BLOCK, wide.shape[1] // MVE_GROUP, MVE_GROUP).swapaxes(1, 2)
    return np.concatenate([blocks.ravel(), wide[whole:].ravel()])


def _mve_scratch(rows: int, columns: int) -> int:
    inputs = 0 if columns % MVE_GROUP == 0 else _round_up(columns, MVE_GROUP)
    return 4 * min(rows, MVE_TILE) + inputs


def _pack_host(weights: np.ndarray) -> np.ndarray:
    """(rows, columns) int8 -> int8: blocks of 64 rows, blocks of 8 rows, then single rows."""
    rows = len(weights)
    starts = [*range(0, rows - HOST_BLOCK + 1, HOST_BLOCK), *range(rows // HOST_BLOCK * HOST_BLOCK, rows, HOST_LANES)]
    blocks = [weights[start:stop] for start, stop in zip(starts, [*starts[1:], rows], strict=True)]
    packed = [_host_block(block) if len(block) >= HOST_LANES else _host_rows(block) for block in blocks]
    return np.concatenate(packed)


def _host_rows(rows: np.ndarray) -> np.ndarray:
    """(1 to 7, columns) int8 -> int8."""
    return _padded(rows, 1, HOST_PADDING).ravel()


def _host_block(block: np.ndarray) -> np.ndarray:
    """(8 or 64, columns) int8 -> int8."""
    sums = 128 * block.sum(axis=1, dtype=np.int32)
    columns = _padded(block, 1, HOST_GROUP).reshape(len(block), -1, HOST_GROUP).swapaxes(0, 1)
    return np.concatenate([sums.astype("<i4").view(np.int8), columns.ravel()])


def _host_scratch(rows: int, columns: int) -> int:
    return 2 * _round_up(columns, HOST_PADDING)


VARIANTS: dict[str, Variant] = {
    "generic": Variant(np.ravel, lambda rows, columns: 0, -128),
    "dsp": Variant(_pack_dsp, _dsp_scratch, -127),
    "host": Variant(_pack_host, _host_scratch, -127),
    "mve": Variant(_pack_mve, _mve_scratch, -128),
}


def _variant(name: str) -> Variant:
    if name not in VARIANTS:
        raise unknown_name("kernel variant", name, VARIANTS)
    return VARIANTS[name]


def fits(weights: np.ndarray, variant: str) -> bool:
    """Whether a variant can take these weights; the generic one takes all."""
    return bool(weights.min(initial=0) >= _variant(variant).lowest)


def pack_fully_connected_s8(weights: np.ndarray, variant: str) -> np.ndarray:
    """Bring weights into the order of a variant of `tz_fully_connected_s8`.

    Args:
        weights: (rows, columns) int8.
        variant: A key of VARIANTS.

    Returns:
        (n,) int8 or int32, to be stored little-endian as an array of that type.

    Raises:
        ValueError: The weights do not fit the variant.
        UserError: Unknown variant.
    """
    if not fits(weights, variant):
        raise ValueError(f"weights down to {weights.min()} do not fit the {variant} kernel: use the generic one")
    return np.ascontiguousarray(_variant(variant).pack(weights))


def fully_connected_s8_scratch_bytes(variant: str, rows: int, columns: int) -> int:
    """Bytes of scratch memory that a variant of `tz_fully_connected_s8` needs for weights of this shape."""
    return _variant(variant).scratch_bytes(rows, columns)
