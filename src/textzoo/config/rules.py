"""Rules for what is run, and for the files and models that it needs."""

import dataclasses
from collections.abc import Set
from pathlib import Path

from textzoo.common.errors import UserError
from textzoo.common.registry import unknown_name
from textzoo.common.settings import Rule, missing_files
from textzoo.config.chains import CHAINS, DESCRIBE, SERVICES
from textzoo.config.hub_files import TAKEN, value_of
from textzoo.config.pretrained import other_settings, recipe_of
from textzoo.config.schema import Config, GeneralConfig
from textzoo.hub.references import is_reference
from textzoo.models.settings import ModelConfig
from textzoo.quantizers.settings import QuantizationConfig
from textzoo.text.settings import TokenizerConfig

# Roles of models in a run's folder, and the key that names a file to use instead.
KEY_OF_ROLE = {"float_model": "float_model_path", "quantized_model": "quantized_model_path"}


def check_mode(operation_mode: str) -> list[UserError]:
    """Refuse a mode that is no service and no chain."""
    known = [*CHAINS, DESCRIBE]
    return [] if operation_mode in known else [unknown_name("operation_mode", operation_mode, known)]


def check_graph_mode(operation_mode: str, model: ModelConfig) -> list[UserError]:
    """Refuse a mode with a step that a plain graph cannot take part in."""
    steps = [name for name in dict.fromkeys(CHAINS.get(operation_mode, ())) if not SERVICES[name].takes_graphs]
    if not model.is_graph or not steps:
        return []
    needed = f"{', '.join(steps)} {'needs' if len(steps) == 1 else 'need'}"
    return [
        UserError(
            f"operation_mode={operation_mode} does not take a plain graph (model.kind=graph): "
            f"{needed} a language model of TextZoo's",
            expected="operation_mode=benchmarking or deployment",
            remedy="Quantize the model with the tools that made it, and give the file: docs/how_to/any_model.md.",
        )
    ]


def check_project_name(general: GeneralConfig) -> list[UserError]:
    """Refuse an empty name: the store takes no experiment without one."""
    if general.project_name.strip():
        return []
    return [UserError("general.project_name is empty", expected="the name of an experiment in the tracking store")]


def check_pretrained(config: Config) -> list[UserError]:
    """Refuse to train a pretrained model anew, and to take one without its files."""
    if not config.pretrained:
        return []
    if "training" in CHAINS.get(config.operation_mode, ()):
        remedy = "Leave it out, or start from that model with training.init_from=<file>.keras."
        return [
            UserError(
                f"pretrained=true brings a trained model, operation_mode={config.operation_mode} trains one",
                remedy=remedy,
            )
        ]
    if not config.model.float_model_path:
        return [
            UserError(
                "pretrained=true is set in a file without defaults", expected="pretrained=true on the command line"
            )
        ]
    return []


def check_files(config: Config) -> list[UserError]:
    """Check that every file that a key names exists."""
    errors = []
    for section in dataclasses.fields(config):
        values = getattr(config, section.name)
        if dataclasses.is_dataclass(values):
            errors += missing_files(values, section.name)
    not_loaded = tuple(f"{key}: " for key in TAKEN if is_reference(value_of(config, key)))
    return [error for error in errors if not error.what.startswith(not_loaded)]


def check_model_files(model: ModelConfig) -> list[UserError]:
    """Check that model files have a known ending."""
    endings = {"float_model_path": (".keras", ".h5"), "quantized_model_path": (".tflite",)}
    return [
        UserError(f"model.{key}: unknown kind of file", expected=" or ".join(known), received=str(path))
        for key, known in endings.items()
        if (path := getattr(model, key)) and not is_reference(path) and Path(path).suffix not in known
    ]


def check_models(operation_mode: str, model: ModelConfig, general: GeneralConfig) -> list[UserError]:
    """Check that a mode whose first service takes a model that no earlier one writes is given one."""
    services = CHAINS.get(operation_mode, ())
    if not services or general.resume:
        return []
    roles = models_needed(services)
    if not roles or any(getattr(model, KEY_OF_ROLE[role]) for role in roles):
        return []
    if model.is_graph:
        return [needs_file(operation_mode)] if SERVICES[services[0]].takes_graphs else []
    return [needs_model(operation_mode, " or ".join(f"model.{KEY_OF_ROLE[role]}" for role in roles))]


def models_needed(services: tuple[str, ...]) -> tuple[str, ...]:
    """Return the roles of models that the first service takes, of which one is enough; to quantize takes floats."""
    roles = tuple(role for role in SERVICES[services[0]].inputs if role in KEY_OF_ROLE)
    return roles[:1] if "quantization" in services else roles


def needs_file(mode: str) -> UserError:
    """Return the mistake of a mode without the plain graph that it is to work with."""
    return UserError(
        f"operation_mode={mode} needs the file of the graph",
        expected="model.quantized_model_path=<file>.tflite",
    )


def needs_model(mode: str, keys: str) -> UserError:
    """Return the mistake of a mode without the model that it needs."""
    return UserError(
        f"operation_mode={mode} needs a trained model",
        expected=keys,
        remedy="pretrained=true takes one of pretrained_models/. operation_mode=chain_tqe trains one; its run folder "
        "then holds models/float.keras.",
    )


def check_pretrained_settings(
    pretrained: bool,
    model: ModelConfig,
    tokenizer: TokenizerConfig,
    quantization: QuantizationConfig,
    services: Set[str],
) -> list[UserError]:
    """Check that the settings are those of the pretrained model."""
    if not pretrained or not model.float_model_path:
        return []
    sections = {"model": vars(model), "tokenizer": vars(tokenizer)}
    errors = other_settings(sections, model.float_model_path)
    given = recipe_of(model.quantized_model_path)
    if given not in (None, quantization.recipe) and "quantization" not in services:
        what = f"the pretrained model given is quantized by {given}"
        remedy = "Choose it with quantization=<recipe>."
        errors.append(UserError(what, received=f"quantization.recipe={quantization.recipe}", remedy=remedy))
    return errors


RULES: tuple[Rule, ...] = (
    check_mode,
    check_graph_mode,
    check_project_name,
    check_pretrained,
    check_pretrained_settings,
    check_files,
    check_model_files,
    check_models,
)
