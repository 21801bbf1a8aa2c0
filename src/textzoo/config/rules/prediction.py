"""Rules for what a model is asked to continue."""

from textzoo.common.errors import UserError
from textzoo.config.chains import CHAINS
from textzoo.config.keys import Rule
from textzoo.config.schema import Config

MOST_TOKENS = 10**7


def check_amount(config: Config) -> list[UserError]:
    """All samples together come to an end."""
    count, length = config.prediction.num_samples, config.prediction.max_tokens
    if count * length <= MOST_TOKENS:
        return []
    return [
        UserError(
            "prediction.num_samples times prediction.max_tokens is out of range",
            expected=f"<= {MOST_TOKENS:,} tokens",
            received=f"{count:,} x {length:,}",
            remedy="Give fewer or shorter samples.",
        )
    ]


def check_prompt(config: Config) -> list[UserError]:
    """Where a model is to continue a text, there is one; evaluation and benchmarking let it, too."""
    asking = {"prediction", "evaluation", *(["benchmarking"] if config.benchmarking.sample else [])}
    if config.prediction.prompt or not asking & set(CHAINS.get(config.operation_mode, ())):
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
