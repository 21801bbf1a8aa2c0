"""Rules for training."""

from pathlib import Path

from textzoo.common.errors import UserError
from textzoo.config.chains import CHAINS
from textzoo.config.keys import Rule
from textzoo.config.schema import Config

# training.qat -> bits in the names of the recipes that store such weights.
QAT_WEIGHT_BITS = {"int8": 8, "int4": 4, "ternary": 2}

CHECKPOINT_FILE = "checkpoint.npz"
# Numbers that a block keeps of each token, in widths of the model.
ACTIVATIONS_PER_BLOCK = 16
MOST_ACTIVATIONS = 2**37  # of 4 bytes


def check_length_of_training(config: Config) -> list[UserError]:
    training = config.training
    if (training.steps is None) == (training.epochs is None):
        return [
            UserError(
                "training.steps and training.epochs contradict each other",
                expected="one of them, the other null",
                received=f"steps={training.steps}, epochs={training.epochs}",
                remedy="For epochs give training.steps=null training.epochs=10.",
            )
        ]
    return []


def check_accumulation(config: Config) -> list[UserError]:
    training = config.training
    if training.batch_size % training.gradient_accumulation:
        return [
            UserError(
                "training.gradient_accumulation does not divide training.batch_size",
                received=f"{training.batch_size} windows in {training.gradient_accumulation} parts",
            )
        ]
    return []


def check_memory(config: Config) -> list[UserError]:
    """What a part of a batch keeps for its gradients fits a machine."""
    model, training = config.model, config.training
    if "training" not in CHAINS.get(config.operation_mode, ()):
        return []
    windows = -(-training.batch_size // training.gradient_accumulation)
    per_token = model.n_layers * (ACTIVATIONS_PER_BLOCK * model.d_model + model.n_heads * model.context_length)
    numbers = windows * model.context_length * per_token
    if numbers <= MOST_ACTIVATIONS:
        return []
    return [
        UserError(
            "a step of training takes too much memory",
            expected=f"at most {MOST_ACTIVATIONS >> 28} GiB",
            received=f"about {numbers >> 28:,} GiB for training.batch_size={training.batch_size}, "
            f"model.context_length={model.context_length}",
            remedy="Give more training.gradient_accumulation, a smaller batch, or a shorter context.",
        )
    ]


def check_starts(config: Config) -> list[UserError]:
    if config.training.resume_from and config.training.init_from:
        return [
            UserError(
                "training.resume_from and training.init_from are both given",
                remedy="resume_from continues a run bit for bit; init_from starts a new one from its weights.",
            )
        ]
    return []


def check_checkpoints(config: Config) -> list[UserError]:
    """A folder to start from is that of a checkpoint: another one may hold anything, and any amount of it."""
    if "training" not in CHAINS.get(config.operation_mode, ()):
        return []
    given = {key: getattr(config.training, key) for key in ("resume_from", "init_from")}
    return [
        UserError(
            f"training.{key}: '{path}' is no checkpoint",
            expected=f"a folder with a {CHECKPOINT_FILE}, such as <run>/checkpoints/best",
        )
        for key, path in given.items()
        if path and Path(path).is_dir() and not Path(path, CHECKPOINT_FILE).exists()
    ]


def check_quantization_aware_training(config: Config) -> list[UserError]:
    """Weights are trained for the grid that they are stored on, and never averaged off it."""
    training, recipe = config.training, config.quantization.recipe
    if training.qat == "none":
        return []
    errors = []
    services, bits = CHAINS.get(config.operation_mode, ()), QAT_WEIGHT_BITS[training.qat]
    if {"training", "quantization"} <= set(services) and f"_wi{bits}_" not in recipe:
        errors.append(
            UserError(
                f"training.qat={training.qat} trains weights of {bits} bits, which quantization.recipe does not store",
                expected=f"a recipe with wi{bits} in its name",
                received=recipe,
                remedy=f"Add quantization=static_wi{bits}_ai8.",
            )
        )
    if training.ema_decay:
        errors.append(
            UserError(
                "training.qat and training.ema_decay are both given",
                expected="training.ema_decay=0",
                received=str(training.ema_decay),
                remedy="An average of weights lies on no grid; a long warm-down does its work.",
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
