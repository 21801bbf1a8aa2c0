"""The tables of optimizers and schedules."""

import math
from collections.abc import Callable

from textzoo.common.registry import Registry

OPTIMIZERS = Registry(
    "optimizer",
    {
        "adamw": "textzoo.training.optimizers:AdamW",
        "muon": "textzoo.training.optimizers:Muon",
    },
)


def cosine(progress: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def linear(progress: float) -> float:
    return 1.0 - progress


# Name -> the learning rate's part above its final value, at a progress through the warm-down in [0, 1]; a constant
# schedule has no warm-down.
SCHEDULES: dict[str, Callable[[float], float] | None] = {"cosine": cosine, "linear": linear, "constant": None}
