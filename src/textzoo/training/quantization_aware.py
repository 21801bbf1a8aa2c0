"""Quantization-aware training: the loss is that of rounded weights, the updates apply to the unrounded weights.

The straight-through estimator assumes a derivative of 1 for rounding (Bengio et al., 2013). The gradient by the weights
is then the gradient at the rounded weights, so rounding is not part of the differentiated function: every compiled
update also returns the rounded vector, at which the next gradients are computed. So the gradients cost the same as in
float, and the exported graph is unchanged.

The first steps are in float, then all matrices are rounded from the same step on; the optimizer's state is kept. Scales
are not learnt but computed from the weights. Rounded weights are evaluated and saved: the file of the float model holds
weights that a recipe stores without error. Embeddings stay in float: the 8 bits that every recipe gives them suffice.
"""

from typing import Any

from textzoo.quantizers.weight_grids import GRIDS, Grid, rounded
from textzoo.training.layout import WeightLayout
from textzoo.training.settings import TrainingConfig


class WeightGrid:
    """The rounding of the matrices in the weight vector.

    Args:
        layout: Layout of the vector.
        grid: Grid of its matrices.
        weight_decay: Whether weights still decay once they are rounded.
    """

    def __init__(self, layout: WeightLayout, grid: Grid, weight_decay: bool) -> None:
        self.layout = layout
        self.grid = grid
        self.weight_decay = weight_decay

    def rounded(self, vector: Any) -> Any:
        """Return the vector (layout.size,) float32 with all matrices rounded to the grid."""
        tensors = self.layout.tensors(vector)
        pairs = zip(self.layout.entries, tensors, strict=True)
        return self.layout.vector(
            [rounded(tensor, self.grid) if entry.is_matrix else tensor for entry, tensor in pairs]
        )

    def constants(self, constants: dict[str, Any], on_grid: Any) -> dict[str, Any]:
        """Return the optimizer's constants for a step; `on_grid` is a scalar, 0 or 1."""
        if self.weight_decay:
            return constants
        # Decay would pull weights towards the threshold, where they oscillate.
        return {**constants, "decay": constants["decay"] * (1.0 - on_grid)}


def weight_grid(layout: WeightLayout, config: TrainingConfig) -> WeightGrid | None:
    """Return the grid that `training.qat` selects, or None."""
    if config.qat == "none":
        return None
    return WeightGrid(layout, GRIDS[config.qat], weight_decay=config.qat != "ternary")
