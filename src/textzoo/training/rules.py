"""Rules for training."""

from collections.abc import Set
from pathlib import Path

from textzoo.common.errors import UserError
from textzoo.common.settings import Rule
from textzoo.models.settings import ModelConfig
from textzoo.quantizers.recipes import GRID_BITS, RECIPES, recipes_of_bits
from textzoo.quantizers.settings import QuantizationConfig
from textzoo.training.settings import CHECKPOINT_FILE, TrainingConfig

# Activations per token that a block keeps for gradients, as a multiple of d_model.
ACTIVATIONS_PER_BLOCK = 16
MAX_ACTIVATIONS = 2**37  # of 4 bytes


def check_length_of_training(training: TrainingConfig) -> list[UserError]:
    if (training.steps is None) == (training.epochs is None):
        return [
            UserError(
                "training.steps and training.epochs contradict each other",
                expected="one of them, the other null",
                received=f"steps={training.steps}, epochs={training.epochs}",
                remedy="For epochs set training.steps=null training.epochs=10.",
            )
        ]
    return []


def check_accumulation(training: TrainingConfig) -> list[UserError]:
    if training.batch_size % training.gradient_accumulation:
        return [
            UserError(
                "training.gradient_accumulation does not divide training.batch_size",
                received=f"{training.batch_size} windows in {training.gradient_accumulation} parts",
            )
        ]
    return []


def check_memory(model: ModelConfig, training: TrainingConfig, services: Set[str]) -> list[UserError]:
    """Check that the activations of a part of a batch fit into the memory of a machine."""
    if "training" not in services:
        return []
    windows = -(-training.batch_size // training.gradient_accumulation)
    per_token = model.n_layers * (ACTIVATIONS_PER_BLOCK * model.d_model + model.n_heads * model.context_length)
    numbers = windows * model.context_length * per_token
    if numbers <= MAX_ACTIVATIONS:
        return []
    return [
        UserError(
            "a training step needs too much memory",
            expected=f"at most {MAX_ACTIVATIONS >> 28} GiB",
            received=f"about {numbers >> 28:,} GiB for training.batch_size={training.batch_size}, "
            f"model.context_length={model.context_length}",
            remedy="Use more training.gradient_accumulation, a smaller batch, or a shorter context.",
        )
    ]


def check_starts(training: TrainingConfig) -> list[UserError]:
    if training.resume_from and training.init_from:
        return [
            UserError(
                "training.resume_from and training.init_from are both given",
                remedy="resume_from continues a run bit for bit; init_from starts a new one from its weights.",
            )
        ]
    return []


def check_checkpoints(training: TrainingConfig, services: Set[str]) -> list[UserError]:
    """Check that a folder to start from is a checkpoint; other folders may be of any size."""
    if "training" not in services:
        return []
    given = {key: getattr(training, key) for key in ("resume_from", "init_from")}
    return [
        UserError(
            f"training.{key}: '{path}' is not a checkpoint",
            expected=f"a folder with a {CHECKPOINT_FILE}, such as <run>/checkpoints/best",
        )
        for key, path in given.items()
        if path and Path(path).is_dir() and not Path(path, CHECKPOINT_FILE).exists()
    ]


def check_quantization_aware_training(
    training: TrainingConfig, quantization: QuantizationConfig, services: Set[str]
) -> list[UserError]:
    """Check that weights are trained for the recipe's grid, and not averaged, which would move them off the grid."""
    if training.qat == "none":
        return []
    errors = []
    bits, recipe = GRID_BITS[training.qat], RECIPES[quantization.recipe]
    if {"training", "quantization"} <= services and recipe.weight_bits != bits:
        errors.append(
            UserError(
                f"training.qat={training.qat} trains weights of {bits} bits, which quantization.recipe does not store",
                expected=f"a recipe that stores them: {' or '.join(recipes_of_bits(bits))}",
                received=recipe.name,
                remedy=f"Add quantization={recipes_of_bits(bits)[0]}.",
            )
        )
    if training.ema_decay:
        errors.append(
            UserError(
                "training.qat and training.ema_decay are both given",
                expected="training.ema_decay=0",
                received=str(training.ema_decay),
                remedy="An average of weights is not on a grid; a long warm-down has the same effect.",
            )
        )
    return errors


RULES: tuple[Rule, ...] = (
    check_length_of_training,
    check_accumulation,
    check_memory,
    check_starts,
    check_checkpoints,
    check_quantization_aware_training,
)
