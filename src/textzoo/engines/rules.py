"""Rules for text generation."""

from collections.abc import Set
from pathlib import Path

from textzoo.common.errors import UserError, collecting
from textzoo.common.settings import Rule
from textzoo.engines.settings import PredictionConfig
from textzoo.targets.registry import LIBRARY
from textzoo.targets.settings import BenchmarkingConfig, DeploymentConfig

MAX_TOKENS = 10**7


def check_amount(prediction: PredictionConfig) -> list[UserError]:
    """Check that all samples together have at most MAX_TOKENS tokens."""
    count, length = prediction.num_samples, prediction.max_tokens
    if count * length <= MAX_TOKENS:
        return []
    return [
        UserError(
            "prediction.num_samples times prediction.max_tokens is out of range",
            expected=f"<= {MAX_TOKENS:,} tokens",
            received=f"{count:,} x {length:,}",
            remedy="Generate fewer or shorter samples.",
        )
    ]


def check_prompt(prediction: PredictionConfig, benchmarking: BenchmarkingConfig, services: Set[str]) -> list[UserError]:
    """Check that the prompt is not empty if a service continues it; evaluation and benchmarking do, too."""
    asking = {"prediction", "evaluation", *(["benchmarking"] if benchmarking.sample else [])}
    if prediction.prompt or not asking & services:
        return []
    return [
        UserError(
            "prediction.prompt is empty",
            expected="at least one character to continue",
            received="''",
            remedy='Set the beginning of a text, e.g. prediction.prompt="The ".',
        )
    ]


def check_grammar(prediction: PredictionConfig, deployment: DeploymentConfig, services: Set[str]) -> list[UserError]:
    """Check that prediction.grammar, if it is a file, can be read, and obeyed by an automaton and by the target."""
    if prediction.grammar is None or not Path(prediction.grammar).is_file():
        return []
    from textzoo.grammars.grammar import read_grammar  # needs NumPy, which other runs load later

    errors: list[UserError] = []
    if deployment.target == LIBRARY and "deployment" in services:
        errors.append(
            UserError("deployment.target=library has no grammar (prediction.grammar)", expected="board or host")
        )
    with collecting(errors):
        read_grammar(Path(prediction.grammar), prediction.grammar_depth)
    return errors


RULES: tuple[Rule, ...] = (check_amount, check_prompt, check_grammar)
