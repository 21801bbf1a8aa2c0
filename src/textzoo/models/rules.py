"""Rules for the architecture."""

import dataclasses
import functools
from collections.abc import Set

from textzoo.common.errors import UserError, raise_all
from textzoo.common.settings import Rule
from textzoo.models.configs import ArchitectureConfig
from textzoo.models.registry import CONFIGS
from textzoo.models.settings import ModelConfig

# Of d_model x d_model, in a transformer's block; recurrent ones have fewer.
MATRICES_PER_BLOCK = 12
MAX_WEIGHTS = 2**29


def check_keys(model: ModelConfig, given: Set[str]) -> list[UserError]:
    """Name the keys that the architecture does not have: those that the user gives, and those changed by anything else.

    Args:
        model: The section as it is composed.
        given: Keys of the section that the user gives, be it with their defaults.
    """
    entries = {entry.name: entry for entry in dataclasses.fields(model)}
    changed = {name for name, entry in entries.items() if getattr(model, name) != entry.default}
    if model.is_graph:
        return keys_of_no_graph(given | changed)
    return keys_not_taken(model.name, given | changed)


def keys_of_no_graph(given: Set[str]) -> list[UserError]:
    """Return one mistake that names all of the keys given that a plain graph does not have: those of architectures."""
    idle = [entry.name for entry in dataclasses.fields(ModelConfig) if entry.name in given & keys_of_text_models()]
    if not idle:
        return []
    return [
        UserError(
            f"model.kind=graph has no {', '.join(idle)}: the file is all there is to know about it",
            expected="model.quantized_model_path",
            remedy="Leave it out.",
        )
    ]


def keys_not_taken(architecture: str, given: Set[str]) -> list[UserError]:
    """Return one mistake that names all of the keys given that an architecture does not have, and those that it has."""
    lacking = keys_lacking(architecture)
    idle = [entry.name for entry in dataclasses.fields(ModelConfig) if entry.name in given & lacking]
    if not idle:
        return []
    return [
        UserError(
            f"the architecture {architecture} has no {', '.join(idle)}",
            expected=f"of the model section: {', '.join(sorted(keys_of(architecture)))}",
            remedy="Leave it out, or choose another model.",
        )
    ]


def keys_of(architecture: str) -> frozenset[str]:
    """Return the keys of the model section that an architecture has."""
    return CONFIGS.get(architecture).keys()


@functools.cache
def keys_lacking(architecture: str) -> frozenset[str]:
    """Return the keys of the model section that other architectures have and this one lacks; none if it is unknown."""
    if architecture not in CONFIGS.attributes:
        return frozenset()
    return keys_of_architectures() - keys_of(architecture)


def keys_of_text_models() -> frozenset[str]:
    """Return the keys of the model section that mean nothing to a plain graph."""
    return keys_of_architectures() | {"name", "float_model_path", "constraints"}


def keys_of_architectures() -> frozenset[str]:
    """Return the keys of the model section that some architecture has."""
    return frozenset().union(*map(keys_of, CONFIGS.names()))


def architecture_config(section: ModelConfig, vocabulary_size: int) -> ArchitectureConfig:
    """Return the configuration of the architecture that the section names, from the keys that are fields of it.

    Raises:
        UserError: a key was changed that this architecture does not have.
    """
    raise_all(check_keys(section, frozenset()))
    values = {key: getattr(section, key) for key in keys_of(section.name)}
    return CONFIGS.get(section.name)(vocabulary_size=vocabulary_size, **values)


def has(model: ModelConfig, key: str) -> bool:
    """Tell whether a key means something to the architecture."""
    return key in keys_of(model.name)


def check_heads(model: ModelConfig) -> list[UserError]:
    if has(model, "n_heads") and model.d_model % model.n_heads:
        return [
            UserError(
                f"model.d_model={model.d_model} is not divisible by model.n_heads={model.n_heads}",
                remedy="Every head has d_model / n_heads channels.",
            )
        ]
    return []


def check_size(model: ModelConfig) -> list[UserError]:
    """Check that the weights of the blocks fit a .tflite, and training's several copies of them a machine."""
    if not has(model, "d_model") or not has(model, "n_layers"):
        return []
    weights = MATRICES_PER_BLOCK * model.n_layers * model.d_model**2
    if weights <= MAX_WEIGHTS:
        return []
    return [
        UserError(
            f"model.n_layers={model.n_layers} and model.d_model={model.d_model} make a model that is too large",
            expected=f"at most {MAX_WEIGHTS:,} weights",
            received=f"about {weights:,}",
            remedy="Give fewer layers, or a smaller width.",
        )
    ]


def check_rotary(model: ModelConfig) -> list[UserError]:
    if has(model, "positions") and model.positions == "rotary" and model.d_model % (2 * model.n_heads):
        return [
            UserError(
                "model.positions=rotary rotates pairs of channels",
                expected="an even number of channels per head, d_model / n_heads",
                received=f"{model.d_model} / {model.n_heads}",
            )
        ]
    return []


RULES: tuple[Rule, ...] = (
    check_heads,
    check_size,
    check_rotary,
)
