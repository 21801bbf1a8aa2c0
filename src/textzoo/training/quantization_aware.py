"""Quantization-aware training: the loss is that of rounded weights, the steps go to the weights behind them.

The straight-through estimator takes the derivative of rounding to be 1 (Bengio et al., 2013). Then the derivative by
the weights is the derivative at the rounded ones, and rounding is no part of the differentiated function at all: every
update, in its one compiled function, also gives the rounded vector that the next gradients are taken at. So the parts
of a batch cost what they cost in float, and the exported graph knows nothing of it.

The first steps are in float, then all matrices go to their grid at once; the optimizer's state goes on. Scales are not
learnt, they follow from the weights. What is evaluated and kept is rounded: the file of the float model holds weights
that a recipe stores without loss. Embeddings stay in float: the 8 bits that every recipe gives them cost nothing.
"""

from typing import Any

from textzoo.quantizers.weight_grids import GRIDS, Grid, rounded
from textzoo.training.layout import WeightLayout
from textzoo.training.settings import TrainingConfig


class WeightGrid:
    """Which weights of the vector are rounded, and how.

    Args:
        layout: Of the vector.
        grid: Of its matrices.
        weight_decay: Whether weights still decay once they are rounded.
    """

    def __init__(self, layout: WeightLayout, grid: Grid, weight_decay: bool) -> None:
        self.layout = layout
        self.grid = grid
        self.weight_decay = weight_decay

    def rounded(self, vector: Any) -> Any:
        """(layout.size,) float32 -> the same with all matrices on the grid."""
        tensors = self.layout.tensors(vector)
        pairs = zip(self.layout.entries, tensors, strict=True)
        return self.layout.vector(
            [rounded(tensor, self.grid) if entry.is_matrix else tensor for entry, tensor in pairs]
        )

    def constants(self, constants: dict[str, Any], on_grid: Any) -> dict[str, Any]:
        """The optimizer's constants for a step; `on_grid` is a scalar, 0 or 1."""
        if self.weight_decay:
            return constants
        # Decay would pull weights towards the threshold, where they flip to and fro.
        return {**constants, "decay": constants["decay"] * (1.0 - on_grid)}


def weight_grid(layout: WeightLayout, config: TrainingConfig) -> WeightGrid | None:
    """What `training.qat` asks for."""
    if config.qat == "none":
        return None
    return WeightGrid(layout, GRIDS[config.qat], weight_decay=config.qat != "ternary")
