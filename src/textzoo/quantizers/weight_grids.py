"""The grids that weights of few bits lie on: one scale per output channel, times small integers.

The same functions round while training, inside the compiled step, and when a model is exported, so that a model that
was trained on a grid stays as it is: rounding twice is rounding once. Kernels are (inputs, outputs), as Keras has them;
a .tflite stores them transposed, so that an output channel is a row.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from keras import ops

from textzoo.quantizers.recipes import GRID_BITS

# A kernel is on its grid if rounding moves no weight by more than this part of its scale: float32 leaves 1e-6.
TOLERANCE = 1e-4


class Grid(Protocol):
    """A way to round a kernel.

    Attributes:
        bits: That an integer needs.
        highest: The largest integer; the smallest is its negative. The largest weight of a channel gets it.
    """

    bits: int
    highest: int

    def scales(self, kernel: Any) -> Any:
        """(inputs, outputs) float32 -> (1, outputs) float32 > 0, one per output channel."""
        raise NotImplementedError

    def integers(self, kernel: Any, scales: Any) -> Any:
        """Kernel and its scales -> (inputs, outputs) float32 whole numbers in [-highest, highest]."""
        raise NotImplementedError


@dataclass(frozen=True)
class UniformGrid:
    """As LiteRT has it: the largest weight of a channel gets the largest integer."""

    bits: int
    highest: int

    def scales(self, kernel: Any) -> Any:
        return positive(ops.max(ops.abs(kernel), axis=0, keepdims=True) / self.highest)

    def integers(self, kernel: Any, scales: Any) -> Any:
        return ops.clip(ops.round(kernel / scales), -self.highest, self.highest)


@dataclass(frozen=True)
class TernaryGrid:
    """-1, 0 and 1: 0 up to `threshold` times the mean magnitude of the channel.

    The scale is the mean magnitude of what is above: the best one in the sense of least squares (Li et al., "Ternary
    Weight Networks", 2016, who derive 0.7; BitNet b1.58 rounds at 0.5). Weights on the grid keep their scale.
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
        """Magnitudes, and 1 where a weight does not become 0."""
        magnitudes = ops.abs(kernel)
        limit = self.threshold * ops.mean(magnitudes, axis=0, keepdims=True)
        return magnitudes, ops.cast(magnitudes > limit, magnitudes.dtype)


def positive(scales: Any) -> Any:
    """A channel of zeros gets the scale 1: a .tflite knows no other scales than positive ones."""
    return ops.where(scales > 0.0, scales, 1.0)


# By the names of `training.qat`.
GRIDS: dict[str, Grid] = {
    "int8": UniformGrid(GRID_BITS["int8"], highest=127),
    "int4": UniformGrid(GRID_BITS["int4"], highest=7),
    "ternary": TernaryGrid(bits=GRID_BITS["ternary"]),
}


def grid_of_bits(bits: int) -> Grid:
    """The grid whose integers need so many bits."""
    return next(grid for grid in GRIDS.values() if grid.bits == bits)


def rounded(kernel: Any, grid: Grid) -> Any:
    """The kernel (inputs, outputs) on its grid, as floats."""
    scales = grid.scales(kernel)
    return grid.integers(kernel, scales) * scales


def is_on_grid(kernel: Any, grid: Grid) -> bool:
    """Whether the kernel (inputs, outputs) was rounded before."""
    scales = grid.scales(kernel)
    return bool(ops.all(ops.abs(kernel - grid.integers(kernel, scales) * scales) <= TOLERANCE * scales))
