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


# Name -> function from the progress of the warm-down, in [0, 1], to the part of the learning rate above its final
# value; None for a constant schedule, which has no warm-down.
SCHEDULES: dict[str, Callable[[float], float] | None] = {"cosine": cosine, "linear": linear, "constant": None}
