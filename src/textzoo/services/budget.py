"""Does a model fit the board? Asked before training, from sizes alone; deployment asks again with what it compiled."""

from math import prod
from typing import Any

from textzoo.chains import CHAINS
from textzoo.models.base import LanguageModel
from textzoo.schema import Config
from textzoo.targets.boards import Budget, board_of
from textzoo.targets.platforms import platform_of
from textzoo.targets.project import APPLICATION_RAM_BYTES, STACK_BYTES

CODE_BYTES_EXPECTED = 24 * 1024
# Of the recipe's activations and states; weights have 8 bits in every recipe.
STATE_BYTES_PER_NUMBER = {"static_wi8_ai8": 1, "static_wi8_ai16": 2, "dynamic_wi8_afp32": 4}
# Multipliers, biases, tables and the second copy of tied embeddings, measured on pico_gpt: 9 % of the weights.
PARAMETERS_SHARE = 0.1
ARENA_BYTES_EXPECTED = 2048


def check_before_training(config: Config, model_class: type[LanguageModel], architecture: dict[str, Any]) -> None:
    """Raise UserError with the byte table if the chain ends on a board that the model cannot fit.

    Args:
        config: Where the chain ends.
        model_class: The architecture; nothing is built.
        architecture: Its constructor's arguments.
    """
    services = CHAINS[config.operation_mode]
    if not {"benchmarking", "deployment"} & set(services) or config.deployment.target != "board":
        return
    budget = expected(config, model_class, architecture)
    platform_of(budget.board).check(budget.board)
    budget.check()


def expected(config: Config, model_class: type[LanguageModel], architecture: dict[str, Any]) -> Budget:
    """What the model will ask of the board; weights, parameters and arena are estimates."""
    number = STATE_BYTES_PER_NUMBER[config.quantization.recipe]
    numbers = sum(prod(spec.shape) for spec in model_class.state_specs_of(architecture))
    weights = model_class.parameters_of(architecture)
    return Budget(
        board_of(config.deployment.hardware_setup),
        {
            "weights": weights,
            "parameters (estimated)": int(PARAMETERS_SHARE * weights),
            "code (estimated)": CODE_BYTES_EXPECTED,
        },
        {
            "state": numbers * number,
            "arena (estimated)": ARENA_BYTES_EXPECTED * number,
            "stack": STACK_BYTES,
            "application": APPLICATION_RAM_BYTES,
        },
    )
