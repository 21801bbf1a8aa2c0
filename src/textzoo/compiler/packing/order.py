"""The location of each weight in memory, described as data: weights are packed by it, and tests read them back by it.

The kernels read in the same order: the head of each .c file states it, and tests/kernels compares their outputs with
the contract for weights packed here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import prod

import numpy as np

# The size of an axis that takes all rows that are left of a tile.
REMAINING = 0

# (blocks, rows, columns) int8 -> (blocks, words) int: what a kernel finds in front of the weights of each block.
BlockHeads = Callable[[np.ndarray], np.ndarray]
# (rows, columns) int8 -> (words,) int: the same in front of a whole matrix.
MatrixHead = Callable[[np.ndarray], np.ndarray]
# Rows, columns, and the kind of blocks that these weights form.
Part = tuple[slice, slice, "Block"]


def round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def padded(weights: np.ndarray, rows: int, columns: int, padding: int = 0) -> np.ndarray:
    """Add rows below and columns to the right, all elements `padding`, up to the multiples given."""
    height, width = weights.shape
    # np.pad takes ten times longer.
    filled = np.full((round_up(height, rows), round_up(width, columns)), padding, weights.dtype)
    filled[:height, :width] = weights
    return filled


def words(numbers: np.ndarray) -> np.ndarray:
    """Return numbers (..., n) modulo 2**32 as little-endian bytes (..., 4 * n) int8."""
    return np.ascontiguousarray(numbers.astype("<u4")).view(np.int8)


@dataclass(frozen=True)
class Element:
    """A little-endian integer that holds one or more weights: the sum of (weight + offset) * factor, modulo 2**bits.

    Attributes:
        bits: 8, 16 or 32.
        shifts: Axis of a block -> digits by which the factor moves left with each step along it; digits that leave the
            element at the top enter it at the bottom. Weights share an element along these axes.
        base: Of the digits: 2 for bits.
        offsets: Of the weights along the first of these axes, or a single one for all.
        field_bits: To which each (weight + offset) is cut before it is added; 0 where a negative one borrows from the
            next field.
    """

    bits: int = 8
    shifts: dict[str, int] = field(default_factory=dict)
    base: int = 2
    offsets: tuple[int, ...] = (0,)
    field_bits: int = 0

    @property
    def bytes(self) -> int:
        return self.bits // 8

    def join(self, weights: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
        """Join the weights of each element.

        Args:
            weights: (..., n) int8.
            sizes: Of the axes of `shifts`; their product is n.

        Returns:
            (...) unsigned.
        """
        if not self.shifts and not any(self.offsets):
            return weights[..., 0].astype(f"<u{self.bytes}")  # large matrices need no 64 bits per weight then
        factors, offsets = self.factors(sizes), self.spread(prod(sizes))
        codes = weights + offsets
        if self.field_bits:
            codes %= 2**self.field_bits
        return (codes * factors).sum(axis=-1).astype(f"<u{self.bytes}")

    def separate(self, elements: np.ndarray, sizes: tuple[int, ...], lowest: int) -> np.ndarray:
        """Undo `join`: (...) unsigned -> (..., n) int64, each weight in the range of its field from `lowest` on."""
        factors, offsets = self.factors(sizes), self.spread(prod(sizes))
        order = np.argsort(factors)
        spans = np.append(factors[order][1:], 2**self.bits) // factors[order]
        remaining = elements.astype(np.int64)
        weights = np.empty((*elements.shape, len(factors)), np.int64)
        for index, span in zip(order, spans, strict=True):
            low = lowest + offsets[index]
            code = (remaining - low) % span + low
            weights[..., index] = code - offsets[index]
            borrowed = code if self.field_bits == 0 else code % span
            remaining = (remaining - borrowed) // span
        return weights

    def factors(self, sizes: tuple[int, ...]) -> np.ndarray:
        """Return the factors of the weights of an element, (n,) int64."""
        digits = np.zeros(1, np.int64)
        for size, shift in zip(sizes, self.shifts.values(), strict=True):
            digits = np.add.outer(digits, shift * np.arange(size)).ravel()
        return self.base ** (digits % self.bits)

    def spread(self, count: int) -> np.ndarray:
        """Return the offsets of the weights of an element, (count,) int64."""
        return np.repeat(np.array(self.offsets, np.int64), count // len(self.offsets))


@dataclass(frozen=True)
class Block:
    """Rows that lie together: in each group of columns, the elements along the axes of rows and columns.

    Attributes:
        rows: Axis -> size, outermost first, of the rows of a block; one row by default.
        columns: The same for the columns of a group; one column by default.
        element: What holds the weights.
        memory: The axes along which elements lie in memory, outermost first; by default those of rows, then of columns.
        fewest: Rows for which there is such a block; a full block by default.
        padding: The weight that fills up the last block and the last group of columns.
        heads: What is in front of the weights of each block, as int32.
    """

    rows: dict[str, int] = field(default_factory=dict)
    columns: dict[str, int] = field(default_factory=dict)
    element: Element = Element()
    memory: tuple[str, ...] = ()
    fewest: int = 0
    padding: int = 0
    heads: BlockHeads | None = None

    @property
    def width(self) -> int:
        """Return the columns of a group."""
        return prod(self.columns.values())

    def height(self, left: int = 1) -> int:
        """Return the rows of a block where `left` rows of the tile are left, which an axis of REMAINING rows takes."""
        return prod(size or left for size in self.rows.values())

    def rows_taken(self, left: int) -> int:
        """Return how many of the rows that are left form such blocks."""
        height = self.height(left)
        remaining = left % height
        return left if self.fewest and remaining >= self.fewest else left - remaining

    def split(self, weights: np.ndarray) -> np.ndarray:
        """Split (rows, columns) into (blocks, rows, columns), filled up."""
        height = self.height(len(weights))
        filled = padded(weights, height, self.width, self.padding)
        return filled.reshape(-1, height, filled.shape[1])

    @property
    def joined(self) -> int:
        """Return how many weights share an element."""
        return prod(self.joined_sizes())

    def joined_sizes(self) -> tuple[int, ...]:
        """Return the sizes of the axes along which weights share an element."""
        return tuple((self.rows | self.columns)[axis] for axis in self.element.shifts)

    def by_element(self, blocks: np.ndarray) -> np.ndarray:
        """Bring (blocks, rows, columns) into the order of memory: (blocks, elements, weights of an element)."""
        names = ("block", *self.rows, "group", *self.columns)
        sizes = [size or blocks.shape[1] for size in self.rows.values()]
        joined = tuple(self.element.shifts)
        memory = self.memory or [axis for axis in (*self.rows, *self.columns) if axis not in joined]
        axes = [names.index(axis) for axis in ("block", "group", *memory, *joined)]
        split = blocks.reshape(len(blocks), *sizes, -1, *self.columns.values())
        return split.transpose(axes).reshape(len(blocks), -1, self.joined)

    def pack(self, weights: np.ndarray) -> np.ndarray:
        """Pack (rows, columns) int8 that form such blocks: (bytes,) int8."""
        blocks = self.split(weights)
        content = self.element.join(self.by_element(blocks), self.joined_sizes()).view(np.int8)
        if self.heads is None:
            return content.ravel()
        return np.concatenate([words(self.heads(blocks)), content], axis=1).ravel()

    def unpack(self, content: np.ndarray, shape: tuple[int, int], lowest: int) -> np.ndarray:
        """Undo `pack`: (bytes,) int8 -> `shape` int8."""
        blocks = self.split(np.zeros(shape, np.int8))
        positions = self.by_element(np.arange(blocks.size).reshape(blocks.shape))
        size = positions.shape[1] * self.element.bytes
        elements = content.reshape(len(blocks), -1)[:, -size:].copy().view(f"<u{self.element.bytes}")
        weights = np.empty(blocks.size, np.int8)
        weights[positions] = self.element.separate(elements, self.joined_sizes(), lowest)
        return weights.reshape(-1, blocks.shape[2])[: shape[0], : shape[1]]


@dataclass(frozen=True)
class Order:
    """The order of a matrix: tiles of rows, in each the chunks of columns, in each the blocks of rows.

    Attributes:
        blocks: The kinds of blocks: each takes as many rows as it can of those that the ones before have left.
        tile: Rows of a tile; 0 for a single one.
        chunk: Columns of a chunk; 0 for a single one.
        rows: To a multiple of which zeros fill up the matrix.
        head: What is in front of everything, as int32.
        dtype: Of the array in C.
    """

    blocks: tuple[Block, ...]
    tile: int = 0
    chunk: int = 0
    rows: int = 1
    head: MatrixHead | None = None
    dtype: str = "int8"

    def parts(self, rows: int, columns: int) -> Iterator[Part]:
        """Yield the parts of a matrix of this shape in the order of memory."""
        tile, chunk = self.tile or rows, self.chunk or columns
        for row in range(0, rows, tile):
            for column in range(0, columns, chunk):
                for block_rows, block in self.cut(row, min(row + tile, rows)):
                    yield block_rows, slice(column, column + chunk), block

    def cut(self, row: int, end: int) -> Iterator[tuple[slice, Block]]:
        """Yield the rows of a tile, from `row` to before `end`, that form each kind of blocks."""
        for block in self.blocks:
            taken = block.rows_taken(end - row) if row < end else 0
            if taken > 0:
                yield slice(row, row + taken), block
            row += taken

    def pack(self, weights: np.ndarray) -> np.ndarray:
        """Pack (rows, columns) int8: (n,) of `dtype`."""
        filled = padded(weights, self.rows, 1)
        parts = [block.pack(filled[rows, columns]) for rows, columns, block in self.parts(*filled.shape)]
        head = [words(self.head(filled))] if self.head else []
        return np.concatenate([*head, *parts]).view(np.dtype(self.dtype).newbyteorder("<"))

    def unpack(self, values: np.ndarray, rows: int, columns: int, lowest: int) -> np.ndarray:
        """Undo `pack`.

        Args:
            values: (n,) of `dtype`, as `pack` wrote them.
            rows: Of the matrix.
            columns: The same.
            lowest: The smallest weight that an element can hold.

        Returns:
            (rows, columns) int8.
        """
        weights = np.zeros((round_up(rows, self.rows), columns), np.int8)
        content = values.view(np.int8)[len(words(self.head(weights))) if self.head else 0 :]
        for part_rows, part_columns, block in self.parts(*weights.shape):
            part = weights[part_rows, part_columns]
            size = len(block.pack(part))
            part[:] = block.unpack(content[:size], part.shape, lowest)
            content = content[size:]
        return weights[:rows]
