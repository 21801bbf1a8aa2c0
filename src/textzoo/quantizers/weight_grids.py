"""The grids of low-bit weights: small integers times one scale per output channel.

The same functions round during training, inside the compiled step, and when a model is exported. Rounding is
idempotent, so that the export does not change a model that was trained on a grid. Kernels are (inputs, outputs), as in
Keras; a .tflite stores them transposed, so that an output channel is a row.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from keras import ops

from textzoo.quantizers.recipes import GRID_BITS

# A kernel is on its grid if rounding changes no weight by more than this part of its scale; float32 errors are 1e-6.
TOLERANCE = 1e-4


class Grid(Protocol):
    """A rule for rounding a kernel.

    Attributes:
        bits: Bits per integer.
        highest: The largest integer, of a channel's largest weight; the smallest is its negative.
    """

    bits: int
    highest: int

    def scales(self, kernel: Any) -> Any:
        """Return the scales of a kernel (inputs, outputs) float32: (1, outputs) float32 > 0."""
        raise NotImplementedError

    def integers(self, kernel: Any, scales: Any) -> Any:
        """Return the integers of a kernel with these scales, (inputs, outputs) float32 in [-highest, highest]."""
        raise NotImplementedError


@dataclass(frozen=True)
class UniformGrid:
    """LiteRT's symmetric rounding: the largest weight of a channel gets the largest integer."""

    bits: int
    highest: int

    def scales(self, kernel: Any) -> Any:
        return positive(ops.max(ops.abs(kernel), axis=0, keepdims=True) / self.highest)

    def integers(self, kernel: Any, scales: Any) -> Any:
        return ops.clip(ops.round(kernel / scales), -self.highest, self.highest)


@dataclass(frozen=True)
class TernaryGrid:
    """The integers -1, 0 and 1; 0 up to `threshold` times the mean magnitude of the channel.

    The scale is the mean magnitude of the other weights, the least-squares optimum (Li et al., "Ternary Weight
    Networks", 2016, who derive 0.7; BitNet b1.58 rounds at 0.5). Weights on the grid keep their scale.
    """

    threshold: float = 0.7
    bits: int = 2
    highest: int = 1

    def scales(self, kernel: Any) -> Any:
        magnitudes, kept = self._kept(kernel)
        count = ops.sum(kept, axis=0, keepdims=True)
        return positive(ops.sum(magnitudes * kept, axis=0, keepdims=True) / ops.maximum(count, 1.0))

    def integers(self, kernel: Any, scales: Any) -> Any:
        return ops.sign(kernel) * self._kept(kernel)[1]

    def _kept(self, kernel: Any) -> tuple[Any, Any]:
        """Return magnitudes, and 1 for every weight that does not become 0."""
        magnitudes = ops.abs(kernel)
        limit = self.threshold * ops.mean(magnitudes, axis=0, keepdims=True)
        return magnitudes, ops.cast(magnitudes > limit, magnitudes.dtype)


def positive(scales: Any) -> Any:
    """Replace the scale of an all-zero channel by 1: scales in a .tflite must be positive."""
    return ops.where(scales > 0.0, scales, 1.0)


# Name in `training.qat` -> grid.
GRIDS: dict[str, Grid] = {
    "int8": UniformGrid(GRID_BITS["int8"], highest=127),
    "int4": UniformGrid(GRID_BITS["int4"], highest=7),
    "ternary": TernaryGrid(bits=GRID_BITS["ternary"]),
}


def grid_of_bits(bits: int) -> Grid:
    """Return the grid with so many bits per integer."""
    return next(grid for grid in GRIDS.values() if grid.bits == bits)


def rounded(kernel: Any, grid: Grid) -> Any:
    """Return the kernel (inputs, outputs) rounded to the grid, as floats."""
    scales = grid.scales(kernel)
    return grid.integers(kernel, scales) * scales


def is_on_grid(kernel: Any, grid: Grid) -> bool:
    """Return whether the kernel (inputs, outputs) is on the grid."""
    scales = grid.scales(kernel)
    return bool(ops.all(ops.abs(kernel - grid.integers(kernel, scales) * scales) <= TOLERANCE * scales))
