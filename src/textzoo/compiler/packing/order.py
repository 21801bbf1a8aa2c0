"""Where each weight lies in memory, described as data: the packers write by it, and tests decode by it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Order:
    """Bytes of weights: blocks of rows, in each the groups of columns, in each the rows, in each the columns.

    Rows that fill no block follow one by one. A byte holds sum(weight[k] * factor**k) + offset, modulo 256.

    Attributes:
        block: Rows of bytes in a block; 1 for row by row.
        group: Columns of bytes in a group, to a multiple of which rows are filled up; 0 for whole rows.
        joined: Weights in a byte.
        factor: Of each of them, beside the one before.
        offset: Added to every byte.
        joins_rows: Whether neighbouring rows share a byte, instead of neighbouring columns.
    """

    block: int = 1
    group: int = 0
    joined: int = 1
    factor: int = 1
    offset: int = 0
    joins_rows: bool = False

    def unpack(self, values: np.ndarray, rows: int, columns: int, lowest: int = -128) -> np.ndarray:
        """(rows, columns) int8: the weights that lie in packed bytes.

        Args:
            values: (n,) int8 as a packer wrote them.
            rows: Of the matrix.
            columns: The same.
            lowest: The smallest weight that a byte can hold.
        """
        content = values.view(np.uint8).astype(np.int64)
        byte_rows = -(-rows // self.joined) if self.joins_rows else rows
        width = len(content) // byte_rows
        whole = rows // (self.block * (self.joined if self.joins_rows else 1)) * self.block
        group = self.group or width
        blocks = content[: whole * width].reshape(-1, width // group, self.block, group).swapaxes(1, 2)
        matrix = np.concatenate([blocks.reshape(whole, width), content[whole * width :].reshape(-1, width)])
        digits = self.digits(matrix, lowest)
        joined = digits.transpose(0, 2, 1) if self.joins_rows else digits
        height = byte_rows * (self.joined if self.joins_rows else 1)
        return joined.reshape(height, -1)[:rows, :columns].astype(np.int8)

    def digits(self, codes: np.ndarray, lowest: int) -> np.ndarray:
        """(..., joined): the weights of each byte."""
        rest = (codes - self.offset + 128) % 256 - 128 if self.joined == 1 else codes - self.offset
        if self.joined == 1:
            return rest[..., np.newaxis]
        span, digits = self.factor, []
        for _ in range(self.joined):
            digit = (rest - lowest) % span + lowest
            digits.append(digit)
            rest = (rest - digit) // span
        return np.stack(digits, axis=-1)
