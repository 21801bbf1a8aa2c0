"""Rules for what a model is asked to continue."""

from collections.abc import Set

from textzoo.common.errors import UserError
from textzoo.common.settings import Rule
from textzoo.engines.settings import PredictionConfig
from textzoo.targets.settings import BenchmarkingConfig

MAX_TOKENS = 10**7


def check_amount(prediction: PredictionConfig) -> list[UserError]:
    """All samples together come to an end."""
    count, length = prediction.num_samples, prediction.max_tokens
    if count * length <= MAX_TOKENS:
        return []
    return [
        UserError(
            "prediction.num_samples times prediction.max_tokens is out of range",
            expected=f"<= {MAX_TOKENS:,} tokens",
            received=f"{count:,} x {length:,}",
            remedy="Give fewer or shorter samples.",
        )
    ]


def check_prompt(prediction: PredictionConfig, benchmarking: BenchmarkingConfig, services: Set[str]) -> list[UserError]:
    """Where a model is to continue a text, there is one; evaluation and benchmarking let it, too."""
    asking = {"prediction", "evaluation", *(["benchmarking"] if benchmarking.sample else [])}
    if prediction.prompt or not asking & services:
        return []
    return [
        UserError(
            "prediction.prompt is empty",
            expected="at least one character to continue",
            received="''",
            remedy='Give the beginning of a text, e.g. prediction.prompt="The ".',
        )
    ]


RULES: tuple[Rule, ...] = (check_amount, check_prompt)
