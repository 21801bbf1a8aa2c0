"""What a layout of weights promises, and what the layouts have in common."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from textzoo.compiler.packing.order import Order


@dataclass(frozen=True)
class Layout:
    """How one variant of a kernel wants its weights: described, and proved to be exact, at the head of its .c file.

    Attributes:
        pack: (rows, columns) int8 -> (n,) int8 or int32, in the order of the kernel.
        scratch_bytes: (rows, columns) -> bytes of scratch memory that the kernel needs.
        lowest: The smallest weight that it can take.
        highest: The largest one.
        instructions: That the kernel takes per multiplication, everything from call to return included: what
            benchmarks/gemv.py measures. 0 where there is nothing to choose from.
        code_bytes: Of the kernel; benchmarks/gemv.py as well.
        block_rows: Rows that lie together: where a matrix is cut at a multiple of it, both parts together are as long
            as the whole.
        order: Where each weight lies, for plain bytes; None where the .c file alone describes it.
    """

    pack: Callable[[np.ndarray], np.ndarray]
    scratch_bytes: Callable[[int, int], int]
    lowest: int = -128
    highest: int = 127
    instructions: float = 0.0
    code_bytes: int = 0
    block_rows: int = 1
    order: Order | None = None

    def fits(self, weights: np.ndarray) -> bool:
        """Whether it holds these weights."""
        return bool(weights.min(initial=0) >= self.lowest and weights.max(initial=0) <= self.highest)


def round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def padded(weights: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Rows and columns of zeros added below and to the right, up to the multiples given."""
    height, width = weights.shape
    # np.pad takes ten times longer.
    filled = np.zeros((round_up(height, rows), round_up(width, columns)), weights.dtype)
    filled[:height, :width] = weights
    return filled


def joined_fields(values: np.ndarray, bits: int) -> np.ndarray:
    """(..., fields) of unsigned numbers below 2**bits -> (...) uint8: the first field in the lowest bits."""
    shifts = bits * np.arange(values.shape[-1])
    return (values.astype(np.uint32) << shifts).sum(axis=-1).astype(np.uint8)
