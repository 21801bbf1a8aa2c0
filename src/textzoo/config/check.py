"""All mistakes of a composed configuration: those that the schema shows, and those that boards and devices show."""

from collections.abc import Set
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError, collecting
from textzoo.config import help as describe
from textzoo.config import pretrained
from textzoo.config import rules as validation
from textzoo.config.chains import CHAINS
from textzoo.config.schema import Config


def check(
    values: dict[str, Any], folder: Path, given_of_model: Set[str] = frozenset()
) -> tuple[Config, list[UserError]]:
    """Nested values as a typed Config, and everything that is wrong with them.

    Args:
        values: Section -> key -> value, as composed from YAML and overrides.
        folder: With the groups of the configuration; boards are named there.
        given_of_model: Keys of the model section that the user gives.
    """
    boards = describe.options_of(folder / "board")
    config, errors = validation.check(values, boards, given_of_model)
    if config.pretrained and config.model.float_model_path:
        sections = {"model": vars(config.model), "tokenizer": vars(config.tokenizer)}
        errors += pretrained.other_settings(sections, config.model.float_model_path) + other_recipe(config)
    if config.deployment.without_passes:
        errors += unknown_passes(config)
    services = CHAINS.get(config.operation_mode, ())
    if "benchmarking" in services and config.benchmarking.sample:
        errors += long_prompts(config)
    if {"benchmarking", "deployment"} & set(services) and config.deployment.hardware_setup.board in boards:
        errors += board_mistakes(config)
    return config, errors


def other_recipe(config: Config) -> list[UserError]:
    """A recipe by which the pretrained decode step at hand is not quantized."""
    asked, at_hand = config.quantization.recipe, pretrained.recipe_of(config.model.quantized_model_path)
    if at_hand in (None, asked) or "quantization" in CHAINS.get(config.operation_mode, ()):
        return []
    what = f"the pretrained model at hand is quantized by {at_hand}"
    return [UserError(what, received=f"quantization.recipe={asked}", remedy="Choose it with quantization=<recipe>.")]


# Imported below in functions: it takes time at every start, and few runs need it.


def unknown_passes(config: Config) -> list[UserError]:
    """Passes of the compiler that are none."""
    from textzoo.compiler.passes.registry import chosen_passes

    errors: list[UserError] = []
    with collecting(errors):
        chosen_passes(frozenset(config.deployment.without_passes))
    return errors


def long_prompts(config: Config) -> list[UserError]:
    """A prompt that the console of a device has no room for."""
    from textzoo.targets.console import check_prompt

    errors: list[UserError] = []
    with collecting(errors):
        check_prompt(config.prediction)
    return errors


def board_mistakes(config: Config) -> list[UserError]:
    """Wrong facts of the board, or a second core or an emulator that it has not."""
    from textzoo.targets.boards import board_of, check_second_core

    errors: list[UserError] = []
    deployment, measuring = config.deployment, "benchmarking" in CHAINS[config.operation_mode]
    with collecting(errors):
        is_board = deployment.target == "board" and config.benchmarking.measured_by != "host"
        board = board_of(deployment.hardware_setup) if is_board else None
        with collecting(errors):
            check_second_core(board, deployment.second_core)
        if board and measuring and config.benchmarking.measured_by == "emulator":
            board.emulator(config.benchmarking.emulator)
    return errors
