"""The learning rate over a run, as a fraction of its peak."""

import math

from textzoo.common.errors import UserError
from textzoo.training.registry import SCHEDULES
from textzoo.training.settings import MAX_STEPS, TrainingConfig


def total_steps(config: TrainingConfig, training_tokens: int, context_length: int) -> int:
    """Optimizer steps of the whole run, from `training.steps` or `training.epochs`; UserError for too many epochs."""
    if config.epochs is not None:
        steps = max(1, math.ceil(config.epochs * training_tokens / (config.batch_size * context_length)))
        if steps > MAX_STEPS:
            raise UserError(
                f"training.epochs={config.epochs:g} is out of range",
                expected=f"at most {MAX_STEPS:,} steps",
                received=f"{steps:,} steps for {training_tokens:,} tokens",
                remedy="Give fewer epochs, or a larger batch.",
            )
        return steps
    if config.steps is None:
        raise UserError("neither training.steps nor training.epochs is given", remedy="Give one of them.")
    return config.steps


def warm_up(step: int, warmup_steps: int) -> float:
    """Linear from above 0 to 1; `step` counts from 0."""
    return min(1.0, (step + 1) / (warmup_steps + 1))


def warm_down(step: int, steps: int, config: TrainingConfig) -> float:
    """1, then falling to `final_learning_rate_fraction` over the last `warmdown_fraction` of the run."""
    shape = SCHEDULES[config.schedule]
    if shape is None:
        return 1.0
    length = max(1.0, config.warmdown_fraction * steps)
    progress = min(1.0, max(0.0, 1.0 - (steps - step) / length))
    return config.final_learning_rate_fraction + (1.0 - config.final_learning_rate_fraction) * shape(progress)


def short_run_warning(steps: int, config: TrainingConfig) -> str:
    """What to tell where a run of so many steps ends within its warm-up; "" where it does not."""
    if config.warmup_steps < steps:
        return ""
    reached = max(min(warm_up(step, config.warmup_steps), warm_down(step, steps, config)) for step in range(steps))
    return (
        f"training.warmup_steps={config.warmup_steps:,} is no shorter than the run of {steps:,} steps: the learning "
        f"rate reaches {reached:.1%} of its peak, and little is learnt. For so short a run give "
        f"training.warmup_steps={steps // 10}."
    )


def learning_rate_fraction(step: int, steps: int, config: TrainingConfig) -> float:
    """The factor on every peak learning rate at `step` (from 0) of `steps`, in [0, qat_learning_rate_factor]."""
    fraction = min(warm_up(step, config.warmup_steps), warm_down(step, steps, config))
    return fraction * config.qat_learning_rate_factor if is_past_switch(step, steps, config) else fraction


def is_past_switch(step: int, steps: int, config: TrainingConfig) -> bool:
    """Whether `step` (from 0) of `steps` sees the rounded weights of quantization-aware training."""
    return config.qat != "none" and step >= round(config.qat_warmup_fraction * steps)
