"""The learning rate over a run, as a fraction of its peak."""

import math

from textzoo.common.errors import UserError
from textzoo.training.registry import SCHEDULES
from textzoo.training.settings import MAX_STEPS, TrainingConfig


def total_steps(config: TrainingConfig, training_tokens: int, context_length: int) -> int:
    """Return the optimizer steps of the run, from `training.steps` or `training.epochs`; UserError if too many."""
    if config.epochs is not None:
        steps = max(1, math.ceil(config.epochs * training_tokens / (config.batch_size * context_length)))
        if steps > MAX_STEPS:
            raise UserError(
                f"training.epochs={config.epochs:g} is out of range",
                expected=f"at most {MAX_STEPS:,} steps",
                received=f"{steps:,} steps for {training_tokens:,} tokens",
                remedy="Use fewer epochs, or a larger batch.",
            )
        return steps
    if config.steps is None:
        raise UserError("neither training.steps nor training.epochs is given", remedy="Set one of them.")
    return config.steps


def warm_up(step: int, warmup_steps: int) -> float:
    """Return a factor that rises linearly from above 0 to 1; `step` counts from 0."""
    return min(1.0, (step + 1) / (warmup_steps + 1))


def warm_down(step: int, steps: int, config: TrainingConfig) -> float:
    """Return 1, then a fall to `final_learning_rate_fraction` over the last `warmdown_fraction` of the run."""
    shape = SCHEDULES[config.schedule]
    if shape is None:
        return 1.0
    length = max(1.0, config.warmdown_fraction * steps)
    progress = min(1.0, max(0.0, 1.0 - (steps - step) / length))
    return config.final_learning_rate_fraction + (1.0 - config.final_learning_rate_fraction) * shape(progress)


def short_run_warning(steps: int, config: TrainingConfig) -> str:
    """Return a warning if a run of so many steps ends within its warm-up, else ""."""
    if config.warmup_steps < steps:
        return ""
    reached = max(min(warm_up(step, config.warmup_steps), warm_down(step, steps, config)) for step in range(steps))
    return (
        f"training.warmup_steps={config.warmup_steps:,} is not shorter than the run of {steps:,} steps: the learning "
        f"rate reaches {reached:.1%} of its peak, and little is learnt. For such a short run set "
        f"training.warmup_steps={steps // 10}."
    )


def learning_rate_fraction(step: int, steps: int, config: TrainingConfig) -> float:
    """Return the factor on the peak learning rates at `step` (from 0), in [0, qat_learning_rate_factor]."""
    fraction = min(warm_up(step, config.warmup_steps), warm_down(step, steps, config))
    return fraction * config.qat_learning_rate_factor if is_past_switch(step, steps, config) else fraction


def is_past_switch(step: int, steps: int, config: TrainingConfig) -> bool:
    """Return whether `step` (from 0) of `steps` uses the rounded weights of quantization-aware training."""
    return config.qat != "none" and step >= round(config.qat_warmup_fraction * steps)
