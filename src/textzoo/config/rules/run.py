"""Rules for what is run, and for the files and models that it needs."""

import dataclasses
from pathlib import Path
from typing import Any

from textzoo.common.errors import UserError
from textzoo.common.files import A_FILE, A_FOLDER, kind_of_place
from textzoo.common.registry import unknown_name
from textzoo.config.chains import CHAINS, DESCRIBE
from textzoo.config.keys import Rule
from textzoo.config.schema import Config

# What a path may lead to: files whose content is read, and folders of them; these keys take one of the two.
ANY_KIND = (A_FILE, A_FOLDER)
ONE_KIND = {
    "general.resume": (A_FOLDER,),
    "tokenizer.path": (A_FILE,),
    "model.float_model_path": (A_FILE,),
    "model.quantized_model_path": (A_FILE,),
}


def check_mode(config: Config) -> list[UserError]:
    mode = config.operation_mode
    if mode == DESCRIBE:
        return []
    if mode not in CHAINS:
        return [unknown_name("operation_mode", mode, [*CHAINS, DESCRIBE])]
    return []


def check_project_name(config: Config) -> list[UserError]:
    """The store takes no experiment without a name."""
    if config.general.project_name.strip():
        return []
    return [UserError("general.project_name is empty", expected="the name of an experiment in the tracking store")]


def check_pretrained(config: Config) -> list[UserError]:
    """A trained model is at hand, and is not trained anew."""
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
                "pretrained=true stands in a file without defaults", expected="pretrained=true on the command line"
            )
        ]
    return []


def check_files(config: Config) -> list[UserError]:
    """Every file that a key names exists."""
    errors = []
    for section in dataclasses.fields(config):
        values = getattr(config, section.name)
        if dataclasses.is_dataclass(values):
            errors += missing_files(values, section.name)
    return errors


def missing_files(section: Any, prefix: str) -> list[UserError]:
    """Mistakes for paths of a section where nothing lies, or what cannot be read to its end; nothing is opened."""
    errors = []
    for entry in dataclasses.fields(section):
        value = getattr(section, entry.name)
        if entry.metadata.get("path") and value is not None:
            name = f"{prefix}.{entry.name}"
            expected = ONE_KIND.get(name, ANY_KIND)
            paths = value if isinstance(value, list) else [value]
            errors += [error for path in paths if (error := place_mistake(name, path, expected))]
    return errors


def place_mistake(name: str, path: str, expected: tuple[str, ...]) -> UserError | None:
    """What is wrong with a path that a key names, if anything is."""
    kind = kind_of_place(Path(path))
    if kind in expected:
        return None
    if kind is None:
        return UserError(f"{name}: there is no file or folder '{path}'", remedy="Check the path.")
    return UserError(f"{name}: '{path}' is {kind}", expected=" or ".join(expected), remedy="Check the path.")


def check_model_files(config: Config) -> list[UserError]:
    """Model files have a known ending."""
    endings = {"float_model_path": (".keras", ".h5"), "quantized_model_path": (".tflite",)}
    return [
        UserError(f"model.{key}: unknown kind of file", expected=" or ".join(known), received=str(path))
        for key, known in endings.items()
        if (path := getattr(config.model, key)) and Path(path).suffix not in known
    ]


def check_models_at_hand(config: Config) -> list[UserError]:
    """A mode that starts without training is given a model."""
    services = CHAINS.get(config.operation_mode, ())
    if services[:1] in ((), ("training",), ("statistics",), ("compare",)) or config.general.resume:
        return []
    model = config.model
    if services[0] in ("evaluation", "prediction") and "quantization" not in services:
        if not model.float_model_path and not model.quantized_model_path:
            return [needs_model(config.operation_mode, "model.float_model_path or model.quantized_model_path")]
    elif services[0] in ("benchmarking", "deployment"):
        if not model.quantized_model_path:
            return [needs_model(config.operation_mode, "model.quantized_model_path")]
    elif not model.float_model_path:
        return [needs_model(config.operation_mode, "model.float_model_path")]
    return []


def needs_model(mode: str, keys: str) -> UserError:
    return UserError(
        f"operation_mode={mode} needs a trained model",
        expected=keys,
        remedy="operation_mode=chain_tqe trains one; its run folder then holds models/float.keras.",
    )


RULES: tuple[Rule, ...] = (
    check_mode,
    check_project_name,
    check_pretrained,
    check_files,
    check_model_files,
    check_models_at_hand,
)
