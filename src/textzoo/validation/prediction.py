"""Rules for what a model is asked to continue."""

from textzoo.chains import CHAINS
from textzoo.errors import UserError
from textzoo.schema import Config
from textzoo.validation.keys import Rule


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


RULES: tuple[Rule, ...] = (check_prompt,)
