"""All mistakes of a composed configuration: those that the schema shows, and those that the facts of boards show."""

from pathlib import Path
from typing import Any

from textzoo import describe, validation
from textzoo.chains import CHAINS
from textzoo.errors import UserError
from textzoo.schema import Config


def check(values: dict[str, Any], folder: Path) -> tuple[Config, list[UserError]]:
    """Nested values as a typed Config, and everything that is wrong with them.

    Args:
        values: Section -> key -> value, as composed from YAML and overrides.
        folder: With the groups of the configuration; boards are named there.
    """
    boards = describe.options_of(folder / "board")
    config, errors = validation.check(values, boards)
    if config.deployment.hardware_setup.board in boards:
        errors += missing_core(config)
    return config, errors


def missing_core(config: Config) -> list[UserError]:
    """Whether a chain ends on a board that has not the second core which is asked for."""
    ends_on_device = {"benchmarking", "deployment"} & set(CHAINS.get(config.operation_mode, ()))
    if not (config.deployment.second_core and ends_on_device):
        return []
    from textzoo.targets.boards import board_of, check_second_core  # time at every start, which few runs need

    is_board = config.deployment.target == "board"
    try:
        check_second_core(board_of(config.deployment.hardware_setup) if is_board else None, True)
    except UserError as error:
        return [error]
    return []
