"""Check whether a model fits the board before training, by its configuration; deployment checks the compiled model."""

from math import prod

from textzoo.config.chains import CHAINS
from textzoo.config.schema import Config
from textzoo.models.configs import ArchitectureConfig, is_matrix
from textzoo.quantizers.recipes import get_recipe
from textzoo.targets.boards import Budget
from textzoo.targets.platforms import platform_of
from textzoo.targets.project import APPLICATION_RAM_BYTES, SECOND_STACK_BYTES, STACK_BYTES

CODE_BYTES_EXPECTED = 24 * 1024
# Bits of the recipe's activations, and therefore of states -> bytes.
STATE_BYTES_PER_NUMBER = {8: 1, 16: 2, 0: 4}
# Multipliers, biases, tables and the second copy of tied embeddings, measured on pico_gpt: 9 % of the weights.
PARAMETERS_SHARE = 0.1
ARENA_BYTES_EXPECTED = 2048


def check_before_training(config: Config, architecture: ArchitectureConfig) -> None:
    """Raise UserError with the byte table if the chain ends on a board that the model cannot fit.

    Args:
        config: The configuration, with the chain and the board.
        architecture: The model's architecture; nothing is built.
    """
    services = CHAINS[config.operation_mode]
    if not {"benchmarking", "deployment"} & set(services) or config.deployment.target != "board":
        return
    budget = expected(config, architecture)
    platform_of(budget.board).check(budget.board)
    budget.check()


def expected(config: Config, architecture: ArchitectureConfig) -> Budget:
    """Return the expected budget of the model on the board; parameters and arena are estimates."""
    recipe = get_recipe(config.quantization.recipe)
    number = STATE_BYTES_PER_NUMBER[recipe.activation_bits]
    numbers = sum(prod(spec.shape) for spec in architecture.state_specs())
    second_stack = {"stack of the second core": SECOND_STACK_BYTES} if config.deployment.second_core else {}
    return Budget(
        config.deployment.hardware_setup,
        {
            "weights": stored_bytes(architecture, recipe.weight_bits if recipe.has_low_bit_weights else 8),
            "parameters (estimated)": int(PARAMETERS_SHARE * architecture.parameters),
            "code (estimated)": CODE_BYTES_EXPECTED,
        },
        {
            "state": numbers * number,
            "arena (estimated)": ARENA_BYTES_EXPECTED * number,
            "stack": STACK_BYTES,
            **second_stack,
            "application": APPLICATION_RAM_BYTES,
        },
    )


def stored_bytes(architecture: ArchitectureConfig, matrix_bits: int) -> int:
    """Return the bytes of stored weights: matrices with `matrix_bits` per weight, all others with 8."""
    shapes = architecture.weight_shapes().items()
    bits = sum(prod(shape) * (matrix_bits if is_matrix(path, shape) else 8) for path, shape in shapes)
    return bits // 8
