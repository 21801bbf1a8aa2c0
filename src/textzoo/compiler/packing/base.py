"""What a layout of weights promises."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from textzoo.compiler.packing.order import Order


@dataclass(frozen=True)
class Layout:
    """How one variant of a kernel reads its weights: the head of its .c file says why its sums are exact.

    Attributes:
        order: The location of each weight.
        scratch_bytes: (rows, columns) -> bytes of scratch memory that the kernel needs.
        lowest: The smallest weight that it can take.
        highest: The largest one.
        instructions: That the kernel takes per multiplication, everything from call to return included: what
            benchmarks/gemv.py measures. 0 where there is nothing to choose from.
        code_bytes: Of the kernel; benchmarks/gemv.py as well.
        block_rows: Rows that lie together: where a matrix is cut at a multiple of it, both parts together are as long
            as the whole.
    """

    order: Order
    scratch_bytes: Callable[[int, int], int]
    lowest: int = -128
    highest: int = 127
    instructions: float = 0.0
    code_bytes: int = 0
    block_rows: int = 1

    def fits(self, weights: np.ndarray) -> bool:
        """Return whether it holds these weights."""
        return bool(weights.min(initial=0) >= self.lowest and weights.max(initial=0) <= self.highest)

    def pack(self, weights: np.ndarray) -> np.ndarray:
        """Pack (rows, columns) int8 that fit: (n,) int8 or int32."""
        return self.order.pack(weights)
