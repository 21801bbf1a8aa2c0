"""What the layers for the kernels of FULLY_CONNECTED have in common: one call of a kernel as a case."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from textzoo.compiler.packing.registry import GENERIC, pack
from textzoo.testing.bare_metal.cases import Buffer, Case


@dataclass(frozen=True, kw_only=True)
class AnyLayer(ABC):
    """One call of a kernel.

    Attributes:
        weights: (rows, columns) int8.
        bias: (rows,) int32.
        multipliers: (rows,) int32.
        shifts: (rows,) int8.
        input: (columns,) of the kernel's type.
        clamp: Smallest and largest output.
        kernel: One whose layout holds the weights.
    """

    weights: np.ndarray
    bias: np.ndarray
    multipliers: np.ndarray
    shifts: np.ndarray
    input: np.ndarray
    clamp: tuple[int, int]
    kernel: str

    @abstractmethod
    def expected(self) -> np.ndarray:
        """Return what the contract in the kernel's header gives: (rows,) of the input's type."""

    def row_constants(self) -> list[np.ndarray]:
        """Return the arrays with a number for each row that the kernel takes before the shifts."""
        return [self.bias, self.multipliers]

    def numbers(self) -> list[int]:
        """Return the kernel's integers behind the shape."""
        return [*self.clamp]

    def case(self, variant: str, *, generic: bool = False, offset: int = 0, fenced: bool = False) -> Case:
        """Return the call, for the kernel of a variant or the generic one.

        Args:
            variant: A key of VARIANTS.
            generic: Whether to call the generic kernel.
            offset: Of weights, shifts, input and output behind a multiple of 16 bytes, rounded down to whole elements.
            fenced: Whether reading behind the input is a fault.
        """
        packed = pack(self.weights, self.kernel, GENERIC if generic else variant)
        output = np.zeros(len(self.weights), self.input.dtype)
        buffers = [
            Buffer(packed.values, offset=whole_elements(offset, packed.values)),
            *map(Buffer, self.row_constants()),
            Buffer(self.shifts, offset=offset),
            Buffer(self.input, offset=whole_elements(offset, self.input), fenced=fenced),
            Buffer(output, offset=whole_elements(offset, output), returned=True),
            Buffer(np.full(packed.scratch_bytes, 0x5A, np.int8)),
        ]
        return Case(self.kernel, [*self.weights.shape, *self.numbers()], buffers, generic)


def whole_elements(offset: int, values: np.ndarray) -> int:
    return offset // values.itemsize * values.itemsize
